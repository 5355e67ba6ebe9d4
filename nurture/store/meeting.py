"""Where transactions about one person meet, so that none of them misses what another has just done."""

from __future__ import annotations

from collections.abc import Sequence

from nurture.store.database import Tx

__all__ = ["meet"]


def meet(tx: Tx, lead_ids: Sequence[int]) -> None:
    """Until the end of the transaction nobody else is here for these leads.

    It comes first: leads, then enrollments, then touches, then hand-offs, each in the order of their ids. Whoever keeps
    to this never waits in a circle; should one arise all the same, `insist` runs the transaction again.
    """
    # A writing transaction of SQLite is alone anyway.
    if tx.postgresql and lead_ids:
        tx.rows("SELECT id FROM leads WHERE id IN {many} ORDER BY id FOR UPDATE", sorted(set(lead_ids)))
