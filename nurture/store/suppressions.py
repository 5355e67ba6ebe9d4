"""Who must not be written to: one list for all campaigns and channels, of keyed hashes. It outlives the leads."""

from __future__ import annotations

from collections.abc import Sequence

from nurture.snapshot import WANTS_NO_MESSAGES
from nurture.store.database import Tx

__all__ = ["anything_suppressed", "lift", "opted_out", "suppress", "suppressed", "suppressing"]


def suppress(tx: Tx, rows: Sequence[tuple[str, str, int, str | None]]) -> None:
    """Never write to these addresses again: (address hash, kind, at, reason). The first time stands."""
    tx.many(
        "INSERT INTO suppressions (address_hash, kind, at, reason) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        list(rows),
    )


def lift(tx: Tx, hashes: list[str], *, why: str, actor: str, now: int) -> set[str]:
    """These addresses may be written to again; what stood there goes on record. Answers with the kinds."""
    kinds = {row[0] for row in tx.rows("SELECT kind FROM suppressions WHERE address_hash IN {many}", hashes)}
    tx.run(
        "INSERT INTO lifted (address_hash, kind, at, reason, lifted_at, why, actor) SELECT address_hash, kind, at,"
        " reason, ?, ?, ? FROM suppressions WHERE address_hash IN {many}",
        now,
        why,
        actor,
        hashes,
    )
    tx.run("DELETE FROM suppressions WHERE address_hash IN {many}", hashes)
    return kinds


def suppressed(tx: Tx, hashes: list[str]) -> dict[str, str]:
    """Which of these addresses may not be written to, and why."""
    return dict(
        tx.rows("SELECT address_hash, MIN(kind) FROM suppressions WHERE address_hash IN {many} GROUP BY 1", hashes)
    )


def opted_out(tx: Tx, hashes: list[str]) -> dict[str, str]:
    """Which of these addresses belong to somebody who wants no messages at all, and what they said."""
    rows = tx.rows(
        "SELECT address_hash, MIN(kind) FROM suppressions WHERE address_hash IN {many} AND kind IN {many} GROUP BY 1",
        hashes,
        sorted(WANTS_NO_MESSAGES),
    )
    return dict(rows)


def anything_suppressed(tx: Tx) -> bool:
    return tx.value("SELECT 1 FROM suppressions LIMIT 1") is not None


def suppressing(tx: Tx, hashes: list[str]) -> dict[str, frozenset[str]]:
    """Which of these address hashes are suppressed, and by which kinds."""
    kinds: dict[str, set[str]] = {}
    for value, kind in (
        tx.rows("SELECT address_hash, kind FROM suppressions WHERE address_hash IN {many}", hashes) if hashes else ()
    ):
        kinds.setdefault(value, set()).add(kind)
    return {value: frozenset(found) for value, found in kinds.items()}
