"""Messages of which nobody can know whether they left: what a crash, or a silent peer, leaves behind."""

from __future__ import annotations

from nurture.store.database import Tx
from nurture.store.touches import COLUMNS, Outbound, Settled, settle

__all__ = ["in_doubt", "recover"]

RESENDS = {"hold": 0, "retry_once": 1, "retry": 3}
"""How often a message is repeated at most, by the node's policy."""

RECOVER = f"""
SELECT {COLUMNS} FROM touches WHERE state = 'sending' AND lease_until <= ? ORDER BY started_at LIMIT ? {{skip_locked}}
"""


def in_doubt(touch: Outbound, times: int, because: str, *, at: int, again_at: int) -> Settled:
    """The verdict on a message that may have left, so many times by now. Tries that certainly did not leave count for
    nothing here: greylisting uses up no copy.

    Under `hold` (the default) it counts as sent, from the moment of its intent. Only a node whose policy says so has it
    repeated at `again_at`, with the same Message-ID, a bounded number of times.
    """
    if times <= RESENDS.get(touch.on_unknown, 0):
        said = f"sent again with the same Message-ID: {because}"
        return Settled(touch, "pending", at, said, again_at, resent=True)
    return Settled(touch, "ambiguous", at, because)


def recover(tx: Tx, *, now: int, wall: int, limit: int) -> int:
    """Messages whose sender fell silent between intent and verdict. Says how many were left ambiguous."""
    ambiguous = 0
    for row in tx.rows(RECOVER, wall, limit):
        touch = Outbound._make(row)
        # A new epoch: should the silent one speak again, it is not heard.
        tx.run("UPDATE touches SET epoch = epoch + 1 WHERE enrollment_id = ? AND node = ? AND n = ?", *touch.key)
        fenced = touch._replace(epoch=touch.epoch + 1)
        because = "its sender fell silent between the intent and the verdict"
        verdict = in_doubt(fenced, touch.copies + 1, because, at=now, again_at=now)
        ambiguous += verdict.state == "ambiguous"
        settle(tx, [verdict], now=now)
    return ambiguous
