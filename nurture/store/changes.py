"""A counter of changes to leads, in the order in which they were committed.

Times would not do: a long import writes the moment it began, and whoever has looked further by then would never see its
rows. Who writes a change holds the counter until it is committed, so what is counted lower is visible first.
"""

from __future__ import annotations

from nurture.store.database import Tx

__all__ = ["latest_change", "next_change"]


def next_change(tx: Tx) -> int:
    """The number for what this transaction changes. Comes late in it: until the commit, nobody else gets one."""
    return int(tx.value("UPDATE changes SET number = number + 1 RETURNING number"))


def latest_change(tx: Tx) -> int:
    """Everything up to this number can be seen here."""
    return int(tx.value("SELECT number FROM changes"))
