"""Who stands where: what somebody who watches a campaign asks for."""

from __future__ import annotations

from typing import Any

from nurture.store.database import Tx

__all__ = ["answers", "due_before", "handed_off", "inside", "last_move", "settled", "standing_at"]


def due_before(tx: Tx, campaign: str, before: int) -> int:
    """How many leads of a campaign are to be looked at before this moment."""
    return int(
        tx.value(
            "SELECT COUNT(*) FROM enrollments WHERE campaign = ? AND status = 'waiting' AND due_at < ?",
            campaign,
            before,
        )
    )


def standing_at(tx: Tx, campaign: str, node: str, *, after: int, limit: int) -> list[Any]:
    """(enrollment id, status, reason, because, entered_at, due_at, email, external_id, phone, wechat, fields) of leads
    that stand at a node, by enrollment."""
    return tx.rows(
        "SELECT e.id, e.status, e.reason, e.because, e.entered_at, e.due_at, l.email, l.external_id, l.phone, l.wechat,"
        " l.fields FROM enrollments e JOIN leads l ON l.id = e.lead_id"
        " WHERE e.campaign = ? AND e.node = ? AND e.status <> 'ended' AND e.id > ? ORDER BY e.id LIMIT ?",
        campaign,
        node,
        after,
        limit,
    )


def inside(tx: Tx, campaign: str) -> int:
    """How many leads are in a campaign now."""
    return int(tx.value("SELECT COUNT(*) FROM enrollments WHERE campaign = ? AND status <> 'ended'", campaign))


def last_move(tx: Tx, campaign: str) -> int | None:
    """When a lead last came to a node of this campaign, or left it for good."""
    latest = "SELECT MAX(CASE WHEN ended_at > entered_at THEN ended_at ELSE entered_at END)"
    found = tx.value(f"{latest} FROM enrollments WHERE campaign = ?", campaign)
    return None if found is None else int(found)


def settled(tx: Tx, campaign: str) -> dict[str, int]:
    """State to number of this campaign's touches, those of the past included."""
    return dict(
        tx.rows(
            "SELECT t.state, COUNT(*) FROM touches t JOIN enrollments e ON e.id = t.enrollment_id"
            " WHERE e.campaign = ? AND t.past < 2 GROUP BY t.state",
            campaign,
        )
    )


def answers(tx: Tx, campaign: str) -> dict[str, int]:
    """Signal kind to the number of messages of this campaign that were answered so, each message once."""
    return dict(
        tx.rows(
            "SELECT kind, COUNT(*) FROM (SELECT DISTINCT s.kind, s.lead_id, s.node FROM signals s"
            " JOIN touches t ON t.lead_id = s.lead_id AND t.node = s.node AND t.state IN ('sent', 'ambiguous')"
            " JOIN enrollments e ON e.id = t.enrollment_id AND e.campaign = s.campaign"
            " WHERE s.campaign = ?) AS answered GROUP BY kind",
            campaign,
        )
    )


def handed_off(tx: Tx, campaign: str) -> dict[str, int]:
    """State to number of this campaign's hand-offs."""
    return dict(tx.rows("SELECT state, COUNT(*) FROM handoffs WHERE campaign = ? GROUP BY state", campaign))
