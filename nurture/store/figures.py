"""What a campaign's report counts: people once, messages once, responses by who gave them."""

from __future__ import annotations

from typing import Any

from nurture.store.database import Tx

__all__ = ["by_content", "by_quarter_hour", "funnel", "responses"]

# A lead that was moved to another version is one person on one way: its enrollments share their key.
PEOPLE = "COUNT(DISTINCT e.key)"
RESPONSE = (
    " JOIN signals s ON s.lead_id = t.lead_id AND s.node = t.node AND s.campaign = e.campaign"
    " AND s.at >= COALESCE(t.started_at, t.settled_at) AND s.confidence <> 'machine'"
    " AND s.kind NOT IN ('unsubscribed', 'bounced', 'complained', 'objected')"
)
LEFT = "t.past = 0 AND t.state IN ('sent', 'ambiguous')"


def funnel(tx: Tx, campaign: str) -> dict[str, int]:
    """How many leads entered, got a message, responded, were handed off, accepted, and converted."""

    def people(rest: str) -> int:
        return int(tx.value(f"SELECT {PEOPLE} FROM enrollments e {rest}", campaign))

    messages = f"JOIN touches t ON t.enrollment_id = e.id AND {LEFT}"
    hand_offs = "JOIN handoffs h ON h.enrollment_id = e.id"
    return {
        "entered": people("WHERE e.campaign = ?"),
        "reached": people(f"{messages} WHERE e.campaign = ?"),
        "responded": people(f"{messages}{RESPONSE} WHERE e.campaign = ?"),
        "handed_off": people(f"{hand_offs} WHERE e.campaign = ?"),
        "accepted": people(
            f"{hand_offs} JOIN signals s ON s.lead_id = e.lead_id AND s.kind = 'accepted' AND s.node = h.node"
            " AND s.at >= h.opened_at WHERE e.campaign = ?"
        ),
        "converted": people(
            "JOIN signals s ON s.lead_id = e.lead_id AND s.kind = 'converted' AND s.at >= e.enrolled_at"
            " WHERE e.campaign = ?"
        ),
    }


def by_content(tx: Tx, campaign: str) -> list[Any]:
    """(content, channel, state, number) of the messages that we asked for."""
    return tx.rows(
        "SELECT t.content, t.channel, t.state, COUNT(*) FROM touches t JOIN enrollments e ON e.id = t.enrollment_id"
        " WHERE e.campaign = ? AND t.past = 0 GROUP BY 1, 2, 3",
        campaign,
    )


def responses(tx: Tx, campaign: str) -> list[Any]:
    """(content, channel, kind, number) of the messages that were answered so, by people as far as is known; each once."""
    return tx.rows(
        "SELECT content, channel, kind, COUNT(*) FROM (SELECT DISTINCT t.content, t.channel, s.kind, t.enrollment_id,"
        f" t.node, t.n FROM touches t JOIN enrollments e ON e.id = t.enrollment_id{RESPONSE}"
        f" WHERE e.campaign = ? AND {LEFT}) AS answered GROUP BY 1, 2, 3",
        campaign,
    )


def by_quarter_hour(tx: Tx, campaign: str) -> list[Any]:
    """(what, quarter of an hour since 1970, number): entered, sent, ended. Zones differ by quarters of an hour, so a
    day of any of them is made of these."""
    quarter = "CAST({} / 900000000 AS BIGINT)"
    return tx.rows(
        f"SELECT 'entered', {quarter.format('enrolled_at')}, COUNT(*) FROM enrollments"
        " WHERE campaign = ? AND moved_from IS NULL GROUP BY 2"
        f" UNION ALL SELECT 'sent', {quarter.format('t.settled_at')}, COUNT(*) FROM touches t"
        f" JOIN enrollments e ON e.id = t.enrollment_id WHERE e.campaign = ? AND {LEFT} AND t.settled_at IS NOT NULL"
        " GROUP BY 2"
        f" UNION ALL SELECT 'ended', {quarter.format('ended_at')}, COUNT(*) FROM enrollments"
        " WHERE campaign = ? AND status = 'ended' AND reason <> 'moved' GROUP BY 2",
        campaign,
        campaign,
        campaign,
    )
