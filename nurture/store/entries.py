"""Who may enter a campaign, and entering: set-oriented, a thousand leads at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, select

from nurture.store import tallies
from nurture.store.database import Tx
from nurture.store.enrollments import Claimed, Moved, change_leads
from nurture.store.schema import leads

__all__ = [
    "Candidate",
    "Past",
    "candidates",
    "changed_since",
    "count",
    "entered_since",
    "insert",
    "insert_past",
    "lead_ids_matching",
    "matching",
    "next_eligible",
    "past_of",
]


class Candidate(NamedTuple):
    """What decides whether a lead may enter."""

    id: int
    key: str
    email_key: str | None
    phone: str | None
    wechat: str | None
    external_id: str | None
    basis: str | None
    consent: str | None
    fields: str
    """JSON object."""


def candidates(tx: Tx, lead_ids: list[int]) -> list[Candidate]:
    rows = tx.rows(
        "SELECT id, key, email_key, phone, wechat, external_id, basis, consent, fields FROM leads WHERE id IN {many} ORDER BY id",
        lead_ids,
    )
    return [Candidate._make(row) for row in rows]


@dataclass(frozen=True, slots=True)
class Past:
    """A lead's earlier enrollments in one campaign."""

    entries: int
    active: bool
    eligible_at: int | None
    imports: frozenset[int]


def past_of(tx: Tx, campaign: str, lead_ids: list[int]) -> dict[int, Past]:
    """By lead; leads that were never in this campaign are left out."""
    found: dict[int, list[Any]] = {}
    for row in tx.rows(
        "SELECT lead_id, entry, status, eligible_at, import_id FROM enrollments"
        " WHERE campaign = ? AND lead_id IN {many} ORDER BY lead_id, entry",
        campaign,
        lead_ids,
    ):
        found.setdefault(row[0], []).append(row)
    return {
        lead_id: Past(
            rows[-1][1],
            any(row[2] != "ended" for row in rows),
            rows[-1][3],
            frozenset(row[4] for row in rows if row[4] is not None),
        )
        for lead_id, rows in found.items()
    }


def entered_since(tx: Tx, campaign: str, import_ids: list[int], since: int) -> int:
    """How many enrollments from these imports entered the node they stand at after this moment, or will."""
    return int(
        tx.value(
            "SELECT COUNT(*) FROM enrollments WHERE campaign = ? AND entered_at > ? AND import_id IN {many}",
            campaign,
            since,
            import_ids,
        )
    )


def matching(tx: Tx, condition: ColumnElement[bool], lead_ids: list[int]) -> set[int]:
    """Which of these leads the condition holds for."""
    statement = select(leads.c.id).where(leads.c.id.in_(lead_ids), condition)
    return set(tx.connection.execute(statement).scalars())


def lead_ids_matching(tx: Tx, condition: ColumnElement[bool] | None, *, after: int, limit: int) -> list[int]:
    """Leads that the condition holds for, in order, from the one after `after` on."""
    statement = (
        select(leads.c.id).where(leads.c.id > after, leads.c.erased_at.is_(None)).order_by(leads.c.id).limit(limit)
    )
    if condition is not None:
        statement = statement.where(condition)
    return list(tx.connection.execute(statement).scalars())


OVERLAP = 86_400_000_000
"""So much of the past is looked at again (microseconds): clocks step back, and looking twice enrolls nobody twice."""


def next_eligible(tx: Tx, campaign: str, *, after: int) -> int | None:
    """When the next lead may enter this campaign again."""
    value = tx.value(
        "SELECT MIN(eligible_at) FROM enrollments WHERE campaign = ? AND status = 'ended' AND eligible_at > ?",
        campaign,
        after,
    )
    return None if value is None else int(value)


def changed_since(
    tx: Tx, condition: ColumnElement[bool] | None, *, since: int | None, looked_at: int | None, campaign: str, now: int
) -> list[int]:
    """Leads that match and have changed since that change, and those whose time to enter again has come since the last
    look."""
    statement = select(leads.c.id).where(leads.c.erased_at.is_(None)).order_by(leads.c.id)
    if condition is not None:
        statement = statement.where(condition)
    if since is None:
        return list(tx.connection.execute(statement).scalars())
    again = [
        row[0]
        for row in tx.rows(
            "SELECT DISTINCT lead_id FROM enrollments WHERE campaign = ? AND status = 'ended'"
            " AND eligible_at > ? AND eligible_at <= ?",
            campaign,
            (looked_at or 0) - OVERLAP,
            now,
        )
    ]
    changed = statement.where(leads.c.change > since)
    found = set(tx.connection.execute(changed).scalars())
    if again:
        found |= set(tx.connection.execute(statement.where(leads.c.id.in_(again))).scalars())
    return sorted(found)


INSERT = (
    "INSERT INTO enrollments (key, campaign, lead_id, entry, version_id, import_id, enrolled_at, node, entered_at,"
    " begun, status, because, due_at, steps)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'waiting', ?, ?, ?) ON CONFLICT DO NOTHING"
)


def insert(tx: Tx, rows: Sequence[tuple[Any, ...]]) -> None:
    """(key, campaign, lead_id, entry, version_id, import_id, enrolled_at, node, entered_at, begun, because, due_at,
    steps). Followed by `insert_past` for those who bring one, and by `count`."""
    tx.at_once(INSERT, rows)


def ids_by_entry(tx: Tx, campaign: str, lead_ids: list[int]) -> dict[int, int]:
    """The active enrollment of each lead in this campaign."""
    return dict(
        tx.rows(
            "SELECT lead_id, id FROM enrollments WHERE campaign = ? AND status <> 'ended' AND lead_id IN {many}",
            campaign,
            lead_ids,
        )
    )


@dataclass(frozen=True, slots=True)
class PastOf:
    """What a lead that starts in the middle brings along."""

    lead_id: int
    campaign: str
    version_id: int
    steps: Sequence[tuple[Any, ...]]
    touches: Sequence[tuple[Any, ...]]
    changes: Mapping[str, Any]
    """`tags`, `points` and `fields`, as in `Moved`."""


def insert_past(tx: Tx, campaign: str, pasts: Sequence[PastOf], *, now: int) -> None:
    """The journal, the messages and the lead's changes that a history implies, for enrollments just inserted."""
    ids = ids_by_entry(tx, campaign, [past.lead_id for past in pasts])
    tx.many(
        "INSERT INTO steps (enrollment_id, seq, node, entered_at, at, decided_at, outcome, because, effects, saw)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (ids[past.lead_id], seq, node, entered_at, at, now, outcome, because, effects, saw)
            for past in pasts
            for seq, (node, entered_at, at, outcome, because, effects, saw) in enumerate(past.steps, 1)
        ],
    )
    tx.many(
        "INSERT INTO touches (enrollment_id, node, n, lead_id, version_id, channel, content, purpose, on_unknown,"
        " state, asked_at, due_at, expires_at, started_at, settled_at, because, past)"
        " VALUES (?, ?, 0, ?, ?, ?, ?, 'marketing', 'hold', 'sent', ?, ?, ?, ?, ?, 'from its history', 1)",
        [
            (ids[past.lead_id], node, past.lead_id, past.version_id, channel, content, asked_at, at, at, at, at)
            for past in pasts
            for node, channel, content, asked_at, at in past.touches
        ],
    )
    change_leads(
        tx,
        [
            Moved(
                Claimed(ids[past.lead_id], "", campaign, past.lead_id, past.version_id, 0, "", 0, 0, 0, 0, 0),
                "", 0, True, "waiting", None, "", None, None, [], [], hand_offs=[], **past.changes,
            )
            for past in pasts
        ],
    )  # fmt: skip


def count(tx: Tx, rows: Sequence[tuple[Any, ...]], pasts: Sequence[PastOf]) -> None:
    """Into the running counts: the rows that were inserted, and the steps they brought along. Comes last."""
    tallies.entered(
        tx,
        [(row[4], row[7]) for row in rows],
        [(past.version_id, step[0], step[3]) for past in pasts for step in past.steps],
    )
