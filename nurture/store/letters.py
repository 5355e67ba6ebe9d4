"""What a lead holds in its hands: a message, found again by the key that its links carry."""

from __future__ import annotations

from typing import NamedTuple

from nurture.store.database import Tx
from nurture.store.touches import Outbound, Recipient, recipients

__all__ = ["Letter", "enrollment_known", "letter", "tags_of"]


class Letter(NamedTuple):
    """A message that has left, or may have."""

    campaign: str
    enrollment: str
    """The enrollment's key."""
    touch: Outbound
    lead: Recipient


def enrollment_known(tx: Tx, key: str) -> bool:
    return tx.value("SELECT 1 FROM enrollments WHERE key = ? LIMIT 1", key) is not None


def letter(tx: Tx, enrollment: str, node: str, n: int) -> Letter | None:
    """The message of this key; None for one that never left, and for a lead that is no longer known."""
    row = tx.row(
        f"SELECT e.campaign, {', '.join(f't.{column}' for column in Outbound._fields)}"
        " FROM enrollments e JOIN touches t ON t.enrollment_id = e.id"
        " WHERE e.key = ? AND t.node = ? AND t.n = ? AND t.started_at IS NOT NULL AND t.past < 2",
        enrollment,
        node,
        n,
    )
    if row is None:
        return None
    touch = Outbound._make(row[1:])
    lead = recipients(tx, [touch.lead_id]).get(touch.lead_id)
    return None if lead is None else Letter(row[0], enrollment, touch, lead)


def tags_of(tx: Tx, lead_id: int) -> set[str]:
    """The tags of this lead."""
    return {row[0] for row in tx.rows("SELECT tag FROM tags WHERE lead_id = ?", lead_id)}
