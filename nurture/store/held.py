"""What a database that was put back would do by itself, and what a person decides about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from nurture.store.database import Tx
from nurture.store.touches import note
from nurture.store.waking import wake

__all__ = ["Held", "count_as_sent", "due_by_node", "held", "holders", "put_back_in_queue", "remember_left"]


class Held(NamedTuple):
    """A message that may have left since the backup."""

    enrollment_id: int
    node: str
    n: int
    key: str
    """The enrollment's."""
    campaign: str
    channel: str
    state: str
    asked_at: int
    email: str | None

    @property
    def effect(self) -> str:
        return f"{self.key}/{self.node}/{self.n}"


def held(tx: Tx, *, now: int) -> list[Held]:
    """Messages that were on their way, or would go out now, the longest asked for first."""
    rows = tx.rows(
        "SELECT t.enrollment_id, t.node, t.n, e.key, e.campaign, t.channel, t.state, t.asked_at, l.email FROM touches t"
        " JOIN enrollments e ON e.id = t.enrollment_id JOIN leads l ON l.id = t.lead_id"
        " WHERE (t.state = 'pending' AND t.due_at <= ?) OR t.state = 'sending'"
        " ORDER BY t.asked_at, t.enrollment_id, t.node, t.n",
        now,
    )
    return [Held._make(row) for row in rows]


def due_by_node(tx: Tx, *, now: int) -> list[Any]:
    """(campaign, node, number, the longest due) of the leads that would be decided now."""
    return tx.rows(
        "SELECT campaign, node, COUNT(*), MIN(due_at) FROM enrollments WHERE status = 'waiting' AND due_at <= ?"
        " GROUP BY 1, 2 ORDER BY 4, 1, 2",
        now,
    )


def count_as_sent(tx: Tx, found: Sequence[tuple[Held, str]], *, state: str, because: str, now: int) -> None:
    """(message, its Message-ID): it has left (`sent`) or may have (`ambiguous`), dated when it was asked for."""
    tx.many(
        # A new epoch: whoever held it before is not heard any more.
        "UPDATE touches SET state = ?, started_at = COALESCE(started_at, asked_at),"
        " settled_at = COALESCE(started_at, asked_at), because = ?, message_id = ?, epoch = epoch + 1,"
        " worker_id = NULL, lease_until = 0 WHERE enrollment_id = ? AND node = ? AND n = ?"
        " AND state IN ('pending', 'sending')",
        [(state, because, message_id, *one[:3]) for one, message_id in found],
    )
    for one, _ in found:
        note(tx, one[:3], now, "held", because)
    wake(tx, sorted({one.enrollment_id for one, _ in found}), now=now)


def put_back_in_queue(tx: Tx, found: Sequence[Held]) -> None:
    """These certainly had not left: they go out as if the backup had never been needed."""
    tx.many(
        "UPDATE touches SET state = 'pending', started_at = NULL, epoch = epoch + 1, worker_id = NULL, lease_until = 0"
        " WHERE enrollment_id = ? AND node = ? AND n = ? AND state = 'sending'",
        [one[:3] for one in found],
    )


def remember_left(tx: Tx, message_ids: Sequence[str]) -> None:
    """These have left, whatever this database knows of them: should it come to one of them again, it is not sent."""
    tx.many("INSERT INTO left_before (message_id) VALUES (?) ON CONFLICT DO NOTHING", [(id,) for id in message_ids])


def holders(tx: Tx, keys: list[str]) -> dict[str, tuple[int, str]]:
    """Enrollment key to (lead id, campaign): whose links carry it."""
    rows = tx.rows("SELECT key, lead_id, campaign FROM enrollments WHERE key IN {many}", keys)
    return {key: (lead, campaign) for key, lead, campaign in rows}
