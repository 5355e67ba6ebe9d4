"""What a person has agreed to: each word a record of its own, with when, by which way, and on which legal basis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from nurture.store.changes import next_change
from nurture.store.database import Tx

__all__ = ["Word", "as_imported", "of_lead", "record", "withdrawn"]

Word = Literal["given", "withdrawn", "basis"]
"""`basis`: nobody was asked, and there is another legal basis."""


def as_imported(tx: Tx, lead_ids: Sequence[int], source: str, *, now: int) -> None:
    """What a file says about these leads is what they have said, as far as it is known."""
    if lead_ids:
        tx.run(
            "INSERT INTO consents (lead_id, at, what, source, basis) SELECT id, ?,"
            " CASE consent WHEN 'yes' THEN 'given' WHEN 'no' THEN 'withdrawn' ELSE 'basis' END, ?, basis FROM leads"
            " WHERE id IN {many} AND (consent IS NOT NULL OR basis IS NOT NULL) ON CONFLICT DO NOTHING",
            now,
            source,
            list(lead_ids),
        )


def withdrawn(tx: Tx, rows: Sequence[tuple[int, int, str]]) -> None:
    """(lead id, when, by which way)."""
    tx.many(
        "INSERT INTO consents (lead_id, at, what, source) VALUES (?, ?, 'withdrawn', ?) ON CONFLICT DO NOTHING",
        list(rows),
    )


def record(tx: Tx, lead_id: int, word: Word, *, at: int, source: str, basis: str | None) -> None:
    """A person has given or withdrawn consent; from now on this is what counts."""
    tx.run(
        "INSERT INTO consents (lead_id, at, what, source, basis) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        lead_id,
        at,
        word,
        source,
        basis,
    )
    tx.run(
        "UPDATE leads SET consent = ?, basis = COALESCE(?, basis), change = ? WHERE id = ?",
        "yes" if word == "given" else "no",
        basis,
        next_change(tx),
        lead_id,
    )


def of_lead(tx: Tx, lead_id: int) -> list[Any]:
    """(at, what, source, basis), oldest first."""
    return tx.rows("SELECT at, what, source, basis FROM consents WHERE lead_id = ? ORDER BY at, what", lead_id)
