"""What came back by mail: up to where each mailbox was read, each mail once, and the messages that mails are about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from nurture.store.database import Tx

__all__ = ["Cited", "Note", "cited", "keep", "known", "messages_of", "position", "remember", "soft_bounces", "told"]


def position(tx: Tx, box: str) -> tuple[str, int]:
    """(validity, number) up to which this box was read; ('', 0) for a new one."""
    row = tx.row("SELECT validity, number FROM mailboxes WHERE box = ?", box)
    return ("", 0) if row is None else (row[0], row[1])


def remember(tx: Tx, box: str, validity: str, number: int, *, now: int) -> None:
    tx.run(
        "INSERT INTO mailboxes (box, validity, number, looked_at) VALUES (?, ?, ?, ?) ON CONFLICT (box) DO UPDATE"
        " SET validity = excluded.validity, number = excluded.number, looked_at = excluded.looked_at",
        box,
        validity,
        number,
        now,
    )


class Note(NamedTuple):
    """One mail, and what became of it."""

    key: str
    box: str
    arrived_at: int
    heard_at: int
    what: str
    because: str
    lead_id: int | None = None
    enrollment_id: int | None = None
    node: str | None = None
    n: int | None = None


def known(tx: Tx, keys: list[str]) -> set[str]:
    """Which of these mails were read before."""
    return {row[0] for row in tx.rows("SELECT key FROM mails WHERE key IN {many}", keys)} if keys else set()


def keep(tx: Tx, notes: Sequence[Note]) -> None:
    tx.many(
        "INSERT INTO mails (key, box, arrived_at, heard_at, what, because, lead_id, enrollment_id, node, n)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING",
        list(notes),
    )


class Cited(NamedTuple):
    """A message of ours that a mail may be about."""

    enrollment_id: int
    node: str
    n: int
    lead_id: int
    state: str
    address_hash: str | None
    message_id: str | None
    enrollment: str
    """The enrollment's key."""
    campaign: str
    channel: str
    domain: str | None
    """Of the lead's e-mail address."""

    @property
    def key(self) -> tuple[int, str, int]:
        return self.enrollment_id, self.node, self.n

    @property
    def effect(self) -> str:
        return f"{self.enrollment}/{self.node}/{self.n}"


_CITED = (
    "SELECT t.enrollment_id, t.node, t.n, t.lead_id, t.state, t.address_hash, t.message_id, e.key, e.campaign,"
    " t.channel, l.email_key FROM touches t JOIN enrollments e ON e.id = t.enrollment_id JOIN leads l ON l.id = t.lead_id"
    " WHERE t.started_at IS NOT NULL AND t.past = 0"
)


def cited(tx: Tx, message_ids: list[str]) -> dict[str, Cited]:
    """The messages with these Message-IDs; what is not ours is left out."""
    if not message_ids:
        return {}
    rows = tx.rows(f"{_CITED} AND t.message_id IN {{many}}", message_ids)
    return {row[6]: _cited(row) for row in rows}


def messages_of(tx: Tx, enrollment_ids: list[int]) -> dict[int, list[Cited]]:
    """All messages of these enrollments that have left, or may have."""
    found: dict[int, list[Cited]] = {}
    for row in tx.rows(f"{_CITED} AND t.enrollment_id IN {{many}}", enrollment_ids) if enrollment_ids else ():
        found.setdefault(row[0], []).append(_cited(row))
    return found


def _cited(row: Sequence[Any]) -> Cited:
    *known, email = row
    return Cited._make([*known, email.rpartition("@")[2] if email else None])


def told(tx: Tx, key: tuple[int, str, int], what: str) -> bool:
    """Whether the message's timeline says this already."""
    found = tx.value(
        "SELECT 1 FROM touch_notes WHERE enrollment_id = ? AND node = ? AND n = ? AND what = ? LIMIT 1", *key, what
    )
    return found is not None


def soft_bounces(tx: Tx, lead_id: int, address_hash: str, *, since: int) -> int:
    """How many messages to this address came back since then, though the address may exist."""
    return int(
        tx.value(
            "SELECT COUNT(*) FROM touches t WHERE t.lead_id = ? AND t.address_hash = ? AND EXISTS (SELECT 1 FROM"
            " touch_notes o WHERE o.enrollment_id = t.enrollment_id AND o.node = t.node AND o.n = t.n"
            " AND o.what = 'soft_bounce' AND o.at >= ?)",
            lead_id,
            address_hash,
            since,
        )
    )
