"""Leads in people's hands: the hand-offs that somebody works through, and what they note about a lead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from nurture.store.database import Tx
from nurture.store.enrollments import Claimed, Moved, change_leads
from nurture.store.meeting import meet

__all__ = ["HandOff", "change", "heard", "in_hands", "one", "remark", "remarks_of", "teams"]


class HandOff(NamedTuple):
    """A hand-off, and whom it is about."""

    enrollment_id: int
    node: str
    campaign: str
    to: str
    team: str | None
    opened_at: int
    answer_by: int
    state: str
    answered_at: int | None
    reason: str | None
    lead_id: int
    email: str | None
    external_id: str | None
    phone: str | None
    wechat: str | None
    owner: str | None
    score: int
    fields: str
    """JSON object."""


SELECT = (
    'SELECT h.enrollment_id, h.node, h.campaign, h."to", h.team, h.opened_at, h.answer_by, h.state, h.answered_at,'
    " h.reason, l.id, l.email, l.external_id, l.phone, l.wechat, l.owner, l.score, l.fields"
    " FROM handoffs h JOIN leads l ON l.id = h.lead_id"
)


def in_hands(tx: Tx, to: str, team: str | None, who: str, *, limit: int) -> list[HandOff]:
    """What waits for this team's answer, the most urgent first; then what this person has accepted."""
    rows = tx.rows(
        f"{SELECT} WHERE h.\"to\" = ? AND (h.team = ? OR (h.team IS NULL AND ? = ''))"
        " AND (h.state = 'open' OR (h.state = 'accepted' AND l.owner = ?))"
        " ORDER BY CASE WHEN h.state = 'open' THEN 0 ELSE 1 END, h.answer_by, h.enrollment_id LIMIT ?",
        to,
        team or "",
        team or "",
        who,
        limit,
    )
    return [HandOff._make(row) for row in rows]


def one(tx: Tx, enrollment_id: int, node: str) -> HandOff | None:
    row = tx.row(f"{SELECT} WHERE h.enrollment_id = ? AND h.node = ?", enrollment_id, node)
    return None if row is None else HandOff._make(row)


def teams(tx: Tx) -> list[Any]:
    """(to, team, open hand-offs) of everybody who was ever given a lead."""
    return tx.rows(
        "SELECT \"to\", team, COUNT(CASE WHEN state = 'open' THEN 1 END) FROM handoffs GROUP BY 1, 2 ORDER BY 1, 2"
    )


def heard(tx: Tx, signal: str) -> bool:
    """Whether a signal of this id is known."""
    return tx.value("SELECT 1 FROM signals WHERE external_id = ?", signal) is not None


def remark(tx: Tx, lead_id: int, who: str, what: str, text: str, *, id: str, now: int) -> bool:
    """Write it down. False: this click was heard before."""
    return (
        tx.run(
            "INSERT INTO remarks (lead_id, at, who, what, text, external_id) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (external_id) DO NOTHING",
            lead_id, now, who, what, text, id,
        )
        > 0
    )  # fmt: skip


def change(
    tx: Tx,
    hand_off: HandOff,
    *,
    tags: Sequence[tuple[str, bool]] = (),
    points: int = 0,
    fields: Sequence[tuple[str, Any]] = (),
    now: int,
) -> None:
    """What somebody changes about a lead by hand stands in one line with what campaigns change: the later one wins."""
    claimed = Claimed(hand_off.enrollment_id, "", hand_off.campaign, hand_off.lead_id, 0, 0, "", 0, 0, 0, 0, 0)
    meet(tx, [hand_off.lead_id])
    change_leads(
        tx,
        [
            Moved(
                claimed, "", 0, True, "waiting", None, "", None, None, [], [],
                [(tag, on, now) for tag, on in tags], points, [(name, value, now) for name, value in fields], [],
            )
        ],
    )  # fmt: skip


def remarks_of(tx: Tx, lead_id: int) -> list[Any]:
    """(at, who, what, text), oldest first."""
    return tx.rows("SELECT at, who, what, text FROM remarks WHERE lead_id = ? ORDER BY at, id", lead_id)
