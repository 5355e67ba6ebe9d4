"""What belongs to this database as a whole."""

from __future__ import annotations

from nurture.store.database import Tx

__all__ = ["keep", "known", "secret"]


def secret(tx: Tx) -> bytes:
    """The key made with the database, for installations that bring none of their own."""
    return bytes.fromhex(tx.value("SELECT value FROM installation WHERE key = 'secret'"))


def known(tx: Tx, key: str) -> str | None:
    """What is kept under this name; None for nothing."""
    value = tx.value("SELECT value FROM installation WHERE key = ?", key)
    return None if value is None else str(value)


def keep(tx: Tx, key: str, value: str) -> None:
    """Keep this under this name, instead of what was there."""
    tx.run(
        "INSERT INTO installation (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        key,
        value,
    )
