"""Three rules that several writers share: who is due now, what may go out again, and what ends with an enrollment."""

from __future__ import annotations

from nurture.store.database import Tx

__all__ = ["cancel_pending", "release_held", "wake", "wake_leads"]

# wake: a look that is under way did not know of what has happened now, and sees by `heard` that it has to look again.
WAKE = """
UPDATE enrollments SET heard = heard + 1, due_at = CASE WHEN due_at > ? THEN ? ELSE due_at END WHERE status = 'waiting'
"""


def wake(tx: Tx, enrollment_ids: list[int], *, now: int) -> None:
    """These enrollments are due now: something they may wait for has happened."""
    if enrollment_ids:
        tx.run(f"{WAKE} AND id IN {{many}}", now, now, enrollment_ids)


def wake_leads(tx: Tx, lead_ids: list[int], *, now: int) -> None:
    """All enrollments of these leads are due now."""
    tx.run(f"{WAKE} AND lead_id IN {{many}}", now, now, lead_ids)


def release_held(tx: Tx, lead_ids: list[int], *, now: int) -> None:
    """Nobody works with these leads any more: what was held for them may go out now."""
    tx.run(
        "UPDATE touches SET due_at = ? WHERE state = 'pending' AND due_at > ? AND lead_id IN {many}", now, now, lead_ids
    )


def cancel_pending(tx: Tx, enrollment_ids: list[int], *, now: int) -> None:
    """These enrollments have ended: what is pending of them is cancelled. One that may have left already, and was to be
    repeated, is what it was, ambiguous."""
    tx.run(
        "UPDATE touches SET state = CASE WHEN started_at IS NULL THEN 'cancelled' ELSE 'ambiguous' END,"
        " settled_at = COALESCE(started_at, ?), because = 'the enrollment ended'"
        " WHERE state = 'pending' AND enrollment_id IN {many}",
        now,
        enrollment_ids,
    )
