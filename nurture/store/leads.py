"""Leads in the store: found by any identity, inserted and changed a batch at a time; and the book of imports.

Whoever inserts leads holds `alone`: two imports of overlapping files take turns, and no identity is taken twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from nurture.store.changes import next_change
from nurture.store.database import Tx

__all__ = [
    "ImportBook",
    "Person",
    "add_tags",
    "alone",
    "begin_import",
    "checkpoint",
    "find",
    "insert",
    "insert_if_all_new",
    "new_ids",
    "release",
    "same_file",
    "tags_of",
    "unfinished",
    "update",
]

IMPORT_LOCK = 7_316_202
"""An arbitrary number, the same everywhere: PostgreSQL's advisory lock for inserting leads."""
IDENTITIES = ("email_key", "external_id", "phone", "wechat")


@dataclass(slots=True)
class Person:
    """A lead as its row is, or will be."""

    id: int
    key: str
    email: str | None
    email_key: str | None
    external_id: str | None
    phone: str | None
    wechat: str | None
    owner: str | None
    language: str | None
    time_zone: str | None
    basis: str | None
    consent: str | None
    fields: str
    """JSON object, as stored."""

    def row(self) -> tuple[Any, ...]:
        return (
            self.id,
            self.key,
            self.email,
            self.email_key,
            self.external_id,
            self.phone,
            self.wechat,
            self.owner,
            self.language,
            self.time_zone,
            self.basis,
            self.consent,
            self.fields,
        )


_COLUMNS = "id, key, email, email_key, external_id, phone, wechat, owner, language, time_zone, basis, consent, fields"
_WIDTH = 13
_ARRAYS = ", ".join(["?::bigint[]", *["?::text[]"] * (_WIDTH - 1)])

# insert: one row each. PostgreSQL takes a batch as one statement over arrays, which saves a round trip a row.
INSERT = (
    f"INSERT INTO leads ({_COLUMNS}, created_at, change) VALUES ({', '.join('?' * (_WIDTH + 2))})"
    " ON CONFLICT DO NOTHING"
)
INSERT_ARRAYS = (
    f"INSERT INTO leads ({_COLUMNS}, created_at, change) SELECT new.*, ?, ? FROM unnest({_ARRAYS}) AS new"
    " ON CONFLICT DO NOTHING"
)

# update: everything but id and key, unless a campaign has set a field since we looked.
UPDATE = (
    "UPDATE leads SET email = ?, email_key = ?, external_id = ?, phone = ?, wechat = ?, owner = ?, language = ?,"
    " time_zone = ?, basis = ?, consent = ?, fields = ?, change = ? WHERE id = ? AND fields = ?"
)
UPDATE_ARRAYS = (
    "UPDATE leads SET email = new.email, email_key = new.email_key, external_id = new.external_id, phone = new.phone,"
    " wechat = new.wechat, owner = new.owner, language = new.language, time_zone = new.time_zone, basis = new.basis,"
    " consent = new.consent, fields = new.fields, change = ?"
    f" FROM unnest({_ARRAYS}, ?::text[]) AS new ({_COLUMNS}, was) WHERE leads.id = new.id AND leads.fields = new.was"
)


def alone(tx: Tx) -> None:
    """From here to the end of the transaction nobody else inserts leads."""
    # A writing transaction of SQLite is alone anyway.
    if tx.postgresql:
        tx.rows("SELECT pg_advisory_xact_lock(?)", IMPORT_LOCK)


def new_ids(tx: Tx, count: int) -> Sequence[int]:
    """Ids for so many new leads, ascending."""
    if tx.postgresql:
        found = tx.rows("SELECT nextval(pg_get_serial_sequence('leads', 'id')) FROM generate_series(1, ?)", count)
        return [row[0] for row in found]
    first = int(tx.value("SELECT COALESCE(MAX(id), 0) + 1 FROM leads"))
    return range(first, first + count)


def insert_if_all_new(tx: Tx, rows: Sequence[tuple[Any, ...]], *, now: int) -> bool:
    """Insert these leads (`Person.row`) if none of their identities is known; else nothing is written."""
    savepoint = tx.connection.begin_nested()
    if _insert(tx, rows, now=now) == len(rows):
        savepoint.commit()
        return True
    savepoint.rollback()
    return False


def insert(tx: Tx, people: Sequence[Person], *, now: int) -> None:
    """Insert new leads. Raises `RuntimeError` if one of them is known: `alone` was not held, or `find` not asked."""
    if people and _insert(tx, [person.row() for person in people], now=now) != len(people):
        raise RuntimeError("a new lead has an identity that is already known")


def _insert(tx: Tx, rows: Sequence[tuple[Any, ...]], *, now: int) -> int:
    if tx.postgresql:
        return tx.run(INSERT_ARRAYS, now, next_change(tx), *map(list, zip(*rows, strict=True)))
    change = next_change(tx)
    return tx.many(INSERT, [(*row, now, change) for row in rows])


def release(tx: Tx, identities: dict[int, list[tuple[str, str]]]) -> None:
    """Free identities (lead id to (column, value)) that `update` will replace: another lead of the batch may get them."""
    for column in IDENTITIES:
        ids = sorted(lead_id for lead_id, named in identities.items() if any(name == column for name, _ in named))
        if ids:
            tx.run(f"UPDATE leads SET {column} = NULL WHERE id IN {{many}}", ids)


def update(tx: Tx, changes: Sequence[tuple[Person, str]]) -> bool:
    """Write changed leads; each comes with its `fields` as they were read. False: a campaign has changed one since,
    the batch must be taken back and decided again."""
    if not changes:
        return True
    ordered = sorted(changes, key=lambda change: change[0].id)
    if tx.postgresql:
        rows = [(*person.row(), was) for person, was in ordered]
        return tx.run(UPDATE_ARRAYS, next_change(tx), *map(list, zip(*rows, strict=True))) == len(rows)
    change = next_change(tx)
    return tx.many(UPDATE, [(*person.row()[2:], change, person.id, was) for person, was in ordered]) == len(ordered)


def find(tx: Tx, identities: Mapping[str, Sequence[str] | Sequence[int]]) -> list[Person]:
    """All leads with one of these identities: column (`id`, `key`, `email_key`, ...) to values. Each lead once."""
    found: dict[int, Person] = {}
    for column, values in identities.items():
        if column not in ("id", "key", *IDENTITIES):
            raise ValueError(f"a lead is not found by its {column}")
        for row in tx.rows(f"SELECT {_COLUMNS} FROM leads WHERE {column} IN {{many}}", list(values)) if values else ():
            if row[0] not in found:
                found[row[0]] = Person(*row)
    return list(found.values())


def tags_of(tx: Tx, lead_ids: list[int]) -> dict[int, set[str]]:
    """The tags of these leads; leads without any are left out."""
    tags: dict[int, set[str]] = {}
    for lead_id, tag in tx.rows("SELECT lead_id, tag FROM tags WHERE lead_id IN {many}", lead_ids) if lead_ids else ():
        tags.setdefault(lead_id, set()).add(tag)
    return tags


def add_tags(tx: Tx, rows: Sequence[tuple[int, str]], *, now: int) -> None:
    """(lead id, tag)."""
    if tx.postgresql and rows:
        tx.run(
            "INSERT INTO tags (lead_id, tag, at) SELECT new.*, ? FROM unnest(?::bigint[], ?::text[]) AS new"
            " ON CONFLICT DO NOTHING",
            now,
            *map(list, zip(*rows, strict=True)),
        )
    else:
        tx.many(
            "INSERT INTO tags (lead_id, tag, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            [(lead_id, tag, now) for lead_id, tag in rows],
        )


def touch(tx: Tx, lead_ids: Iterable[int]) -> None:
    """These leads have changed, though their own rows have not: their tags have."""
    ids = sorted(lead_ids)
    if ids:
        tx.run("UPDATE leads SET change = ? WHERE id IN {many}", next_change(tx), ids)


# -- the book of imports --------------------------------------------------------------------------------------------


class ImportBook(NamedTuple):
    """How far an import has come."""

    id: int
    checksum: str
    line: int
    counts: str
    """JSON object."""


def unfinished(tx: Tx, kind: str, name: str, campaign: str | None, options: str) -> list[ImportBook]:
    """Imports of files of this name, with the same options, that were begun and not ended; the latest first."""
    rows = tx.rows(
        "SELECT id, checksum, line, counts FROM imports WHERE kind = ? AND name = ? AND COALESCE(campaign, '') = ?"
        " AND options = ? AND finished_at IS NULL ORDER BY id DESC",
        kind,
        name,
        campaign or "",
        options,
    )
    return [ImportBook._make(row) for row in rows]


def begin_import(
    tx: Tx, kind: str, name: str, checksum: str, campaign: str | None, options: str, counts: str, *, now: int
) -> ImportBook:
    new = tx.value(
        "INSERT INTO imports (kind, campaign, name, checksum, options, started_at, counts)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
        kind,
        campaign,
        name,
        checksum,
        options,
        now,
        counts,
    )
    return ImportBook(int(new), checksum, 0, counts)


def checkpoint(tx: Tx, book: ImportBook, *, line: int, counts: str, finished_at: int | None) -> ImportBook | None:
    """Write down how far it has come, in the transaction of the rows. None: another process goes on with this import."""
    moved = tx.run(
        "UPDATE imports SET line = ?, counts = ?, finished_at = ?"
        " WHERE id = ? AND line = ? AND counts = ? AND finished_at IS NULL",
        line,
        counts,
        finished_at,
        book.id,
        book.line,
        book.counts,
    )
    return book._replace(line=line, counts=counts) if moved else None


def abandon(tx: Tx, book: ImportBook, *, now: int) -> None:
    """This import will not be resumed."""
    tx.run("UPDATE imports SET finished_at = ? WHERE id = ? AND finished_at IS NULL", now, book.id)


def same_file(tx: Tx, checksum: str) -> frozenset[int]:
    """All imports of a file with these bytes, whatever its name."""
    return frozenset(row[0] for row in tx.rows("SELECT id FROM imports WHERE checksum = ?", checksum))
