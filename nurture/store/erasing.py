"""Everything that is kept of a person: told whole, or wiped. What stays is numbers, and keyed hashes on the suppression list.

`PERSONAL` says for every table what becomes of it; a test fails for a table that nobody has thought of.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy.exc import OperationalError

from nurture.store import tallies
from nurture.store.changes import next_change
from nurture.store.database import Store, Tx
from nurture.store.leads import alone
from nurture.store.meeting import meet
from nurture.store.recovery import recover
from nurture.store.schema import metadata

__all__ = ["PERSONAL", "OnItsWay", "compact", "erase", "everything", "message_ids_of", "unseen_since"]

BY_LEAD, BY_ENROLLMENT = "lead_id IN {many}", "enrollment_id IN {many}"
PERSONAL: dict[str, str | None] = {
    "leads": "UPDATE leads SET key = 'erased:' || id, email = NULL, email_key = NULL, external_id = NULL, phone = NULL,"
    " wechat = NULL, owner = NULL, score = 0, language = NULL, time_zone = NULL, basis = NULL, consent = 'no',"
    " fields = '{}', created_at = 0 WHERE id IN {many}",
    "tags": f"DELETE FROM tags WHERE {BY_LEAD}",
    "signals": f"DELETE FROM signals WHERE {BY_LEAD}",
    "hits": f"DELETE FROM hits WHERE {BY_LEAD}",
    "consents": f"DELETE FROM consents WHERE {BY_LEAD}",
    "field_writes": f"DELETE FROM field_writes WHERE {BY_LEAD}",
    "remarks": f"DELETE FROM remarks WHERE {BY_LEAD}",
    "mails": f"DELETE FROM mails WHERE {BY_LEAD}",
    "handoffs": "UPDATE handoffs SET reason = NULL, state = CASE WHEN state = 'open' THEN 'lapsed' ELSE state END"
    f" WHERE {BY_LEAD}",
    # An enrollment's key derives from the person's address: whoever guesses the address could find it.
    "enrollments": f"UPDATE enrollments SET key = 'erased:' || id, because = 'erased' WHERE {BY_LEAD}",
    "steps": f"UPDATE steps SET because = 'erased', effects = NULL, saw = NULL WHERE {BY_ENROLLMENT}",
    "touches": f"UPDATE touches SET because = 'erased', message_id = NULL, address_hash = NULL WHERE {BY_ENROLLMENT}",
    "touch_notes": f"DELETE FROM touch_notes WHERE {BY_ENROLLMENT}",
    # By hash, in `erase`: the hash stays, what a mail system or a person said about the address does not.
    "suppressions": None,
    "lifted": None,
    # Nothing of a person in these.
    "installation": None,
    "changes": None,
    "workers": None,
    "tallies": None,
    "paces": None,
    "moves": None,
    "beats": None,
    "left_before": None,
    "campaigns": None,
    "campaign_notes": None,
    "versions": None,
    "imports": None,
    "mailboxes": None,
}
"""Table to the statement that wipes it; None where there is nothing to wipe by lead or enrollment."""


class OnItsWay(Exception):
    """A message to this person is on its way at this moment. Try again in a minute."""


def everything(tx: Tx, lead_id: int, hashes: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """All rows that are about this person, as they are stored: table to rows."""
    enrollments = _enrollments(tx, [lead_id])
    found: dict[str, list[dict[str, Any]]] = {}
    for table in metadata.sorted_tables:
        names = [column.name for column in table.columns]
        values: list[Any]
        if table.name == "leads":
            where, values = "id IN {many}", [lead_id]
        elif "lead_id" in names:
            where, values = BY_LEAD, [lead_id]
        elif "enrollment_id" in names:
            where, values = BY_ENROLLMENT, enrollments
        elif "address_hash" in names:
            where, values = "address_hash IN {many}", list(hashes)
        else:
            continue
        columns = ", ".join(f'"{name}"' for name in names)
        order = ", ".join(f'"{column.name}"' for column in table.primary_key.columns)
        rows = tx.rows(f"SELECT {columns} FROM {table.name} WHERE {where} ORDER BY {order}", values)
        found[table.name] = [dict(zip(names, row, strict=True)) for row in rows]
    return found


def message_ids_of(tx: Tx, lead_ids: list[int]) -> list[str]:
    """The Message-IDs of all that was sent to these leads."""
    rows = tx.rows("SELECT message_id FROM touches WHERE lead_id IN {many} AND message_id IS NOT NULL", lead_ids)
    return [row[0] for row in rows]


def unseen_since(tx: Tx, moment: int, *, limit: int) -> list[int]:
    """Leads that are in no campaign, and of whom nothing was heard and to whom nothing was sent since that moment."""
    rows = tx.rows(
        "SELECT l.id FROM leads l WHERE l.erased_at IS NULL AND l.created_at < ?"
        " AND NOT EXISTS (SELECT 1 FROM enrollments e WHERE e.lead_id = l.id AND (e.status <> 'ended' OR e.ended_at >= ?))"
        " AND NOT EXISTS (SELECT 1 FROM signals s WHERE s.lead_id = l.id AND s.at >= ?)"
        " AND NOT EXISTS (SELECT 1 FROM consents c WHERE c.lead_id = l.id AND c.at >= ?)"
        " AND NOT EXISTS (SELECT 1 FROM handoffs h WHERE h.lead_id = l.id AND h.state IN ('open', 'accepted'))"
        " ORDER BY l.id LIMIT ?",
        moment,
        moment,
        moment,
        moment,
        limit,
    )
    return [row[0] for row in rows]


def erase(tx: Tx, lead_ids: list[int], hashes: Sequence[str], *, remember: bool, now: int, wall: int) -> None:
    """Wipe these leads. Their enrollments end as `removed`, their rows stay as numbers without a person.

    `hashes` are all that the suppression list may call them; with `remember` they are kept there as `erased`, so that
    nothing brings these people back. Raises `OnItsWay`, and nothing is written.
    """
    alone(tx)
    meet(tx, lead_ids)
    enrollments = _enrollments(tx, lead_ids)
    stood = _stop(tx, enrollments, now=now, wall=wall)
    for statement in PERSONAL.values():
        if statement is not None:
            tx.run(statement, enrollments if BY_ENROLLMENT in statement else lead_ids)
    tx.run("UPDATE leads SET erased_at = ?, change = ? WHERE id IN {many}", now, next_change(tx), lead_ids)
    tx.run("UPDATE suppressions SET reason = NULL WHERE address_hash IN {many}", list(hashes))
    tx.run("UPDATE lifted SET reason = NULL, why = 'erased' WHERE address_hash IN {many}", list(hashes))
    if remember:
        tx.many(
            "INSERT INTO suppressions (address_hash, kind, at) VALUES (?, 'erased', ?) ON CONFLICT DO NOTHING",
            [(hashed, now) for hashed in hashes],
        )
    tallies.taken_over(tx, [(*place, "removed") for place in stood], [])


def _enrollments(tx: Tx, lead_ids: list[int]) -> list[int]:
    return [row[0] for row in tx.rows("SELECT id FROM enrollments WHERE lead_id IN {many} ORDER BY id", lead_ids)]


def _stop(tx: Tx, enrollments: list[int], *, now: int, wall: int) -> list[tuple[int, str]]:
    """Nothing more is decided or sent; whoever holds something of it is fenced off. Where those stood that had not ended:
    (version, node)."""
    recover(tx, now=now, wall=wall, limit=1_000)
    held = "SELECT 1 FROM touches WHERE state = 'sending' AND enrollment_id IN {many} LIMIT 1"
    if tx.value(held, enrollments) is not None:
        raise OnItsWay(OnItsWay.__doc__)
    tx.run(
        "UPDATE touches SET state = CASE WHEN started_at IS NULL THEN 'cancelled' ELSE 'ambiguous' END,"
        " settled_at = COALESCE(started_at, ?), epoch = epoch + 1, worker_id = NULL, lease_until = 0"
        " WHERE state IN ('pending', 'awaiting_confirmation') AND enrollment_id IN {many}",
        now,
        enrollments,
    )
    active = (
        "SELECT version_id, node FROM enrollments WHERE status <> 'ended' AND id IN {many} ORDER BY id {for_update}"
    )
    stood = [(version, node) for version, node in tx.rows(active, enrollments)]
    tx.run(
        "INSERT INTO steps (enrollment_id, seq, node, entered_at, at, decided_at, outcome, because)"
        " SELECT id, steps + 1, node, entered_at, CASE WHEN entered_at > ? THEN entered_at ELSE ? END, ?,"
        " 'removed', 'erased' FROM enrollments WHERE status <> 'ended' AND id IN {many}",
        now,
        now,
        now,
        enrollments,
    )
    tx.run(
        "UPDATE enrollments SET status = 'ended', reason = 'removed', ended_at = ?, due_at = NULL, eligible_at = NULL,"
        " steps = steps + 1, epoch = epoch + 1, worker_id = NULL, lease_until = 0"
        " WHERE status <> 'ended' AND id IN {many}",
        now,
        enrollments,
    )
    return stood


def compact(store: Store) -> bool:
    """Write the database anew, so that no page, free or written ahead, holds what was wiped. False: somebody was in
    the way, and it has to be done again."""
    if store.in_memory:
        return True
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if store.postgresql:
            for name, statement in PERSONAL.items():
                if statement is not None or name in ("suppressions", "lifted"):
                    connection.exec_driver_sql(f"VACUUM (FULL) {name}")
            return True
        raw = connection.connection.cursor()
        with suppress(OperationalError):
            raw.execute("VACUUM")
        busy = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        raw.close()
        return not busy
