"""What a lead holds in its hands: a message, found again by the key that its links carry."""

from __future__ import annotations

from typing import NamedTuple

from nurture.store.database import Tx
from nurture.store.touches import Outbound, Recipient, recipients

__all__ = ["Letter", "letter"]


class Letter(NamedTuple):
    """A message that has left, or may have."""

    campaign: str
    enrollment: str
    """The enrollment's key."""
    touch: Outbound
    lead: Recipient


def letter(tx: Tx, enrollment: str, node: str, n: int) -> Letter | None:
    """The message of this key; None for one that never left, and for a lead that is no longer known."""
    row = tx.row(
        "SELECT e.campaign, t.enrollment_id, t.node, t.n, t.lead_id, t.version_id, t.channel, t.content, t.purpose,"
        " t.on_unknown, t.asked_at, t.expires_at, t.attempts, t.epoch, t.started_at, t.copies"
        " FROM enrollments e JOIN touches t ON t.enrollment_id = e.id"
        " WHERE e.key = ? AND t.node = ? AND t.n = ? AND t.started_at IS NOT NULL",
        enrollment,
        node,
        n,
    )
    if row is None:
        return None
    touch = Outbound._make(row[1:])
    lead = recipients(tx, [touch.lead_id]).get(touch.lead_id)
    return None if lead is None else Letter(row[0], enrollment, touch, lead)
