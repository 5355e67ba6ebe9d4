"""What belongs to this database as a whole."""

from __future__ import annotations

from nurture.store.database import Tx

__all__ = ["secret"]


def secret(tx: Tx) -> bytes:
    """The key made with the database, for installations that bring none of their own."""
    return bytes.fromhex(tx.value("SELECT value FROM installation WHERE key = 'secret'"))
