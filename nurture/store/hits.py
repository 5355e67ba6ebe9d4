"""Requests for what mails point to: taken in by the hundred, held until they can be judged, forgotten after that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from nurture.store.database import Tx
from nurture.store.meeting import meet
from nurture.store.schema import OPT_OUTS

__all__ = [
    "NewHit",
    "StoredHit",
    "around",
    "before_opt_outs",
    "forget",
    "judged",
    "next_judgement",
    "opt_outs",
    "ripe",
    "take",
    "unjudged",
    "unproven",
]


class NewHit(NamedTuple):
    """A request as it comes in: its token told us the message, and we have not asked the database anything yet."""

    enrollment: str
    """The enrollment's key."""
    node: str
    n: int
    kind: str
    link: str
    at: int
    source: str
    agent: str


class StoredHit(NamedTuple):
    id: int
    lead_id: int
    enrollment_id: int
    node: str
    n: int
    kind: str
    link: str
    at: int
    source: str
    agent: str


_COLUMNS = "id, lead_id, enrollment_id, node, n, kind, link, at, source, agent"


def take(tx: Tx, hits: Sequence[NewHit]) -> int:
    """Store these; says how many. What belongs to an enrollment that is gone is left out."""
    keys = sorted({hit.enrollment for hit in hits})
    known = {row[0]: row[1:] for row in tx.rows("SELECT key, id, lead_id FROM enrollments WHERE key IN {many}", keys)}
    rows = [(known[hit.enrollment][1], known[hit.enrollment][0], *hit[1:]) for hit in hits if hit.enrollment in known]
    if not rows:
        return 0
    leads = sorted({row[0] for row in rows})
    meet(tx, leads)
    tx.many(
        "INSERT INTO hits (lead_id, enrollment_id, node, n, kind, link, at, source, agent)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )
    # Whoever is deciding about these leads right now has not seen this, and decides again.
    tx.run("UPDATE enrollments SET heard = heard + 1 WHERE status = 'waiting' AND lead_id IN {many}", leads)
    return len(rows)


def ripe(tx: Tx, *, until: int, limit: int) -> list[StoredHit]:
    """Requests of up to this moment that nobody has judged yet, oldest first; nobody else gets them meanwhile."""
    return [
        StoredHit._make(row)
        for row in tx.rows(
            f"SELECT {_COLUMNS} FROM hits WHERE judged = 0 AND at <= ? ORDER BY at, id LIMIT ? {{skip_locked}}",
            until,
            limit,
        )
    ]


# Those that count; written so that the index of opt-outs is used.
OPT_OUT = f"s.{OPT_OUTS} AND s.confidence = 'human'"


def before_opt_outs(tx: Tx, *, since: int, until: int, limit: int) -> list[StoredHit]:
    """Requests after the one moment that nobody has judged yet, of leads that have opted out since, by the other."""
    return [
        StoredHit._make(row)
        for row in tx.rows(
            f"SELECT {_COLUMNS} FROM hits WHERE judged = 0 AND id IN (SELECT h.id FROM signals s JOIN hits h"
            f" ON h.lead_id = s.lead_id AND h.at <= s.at WHERE {OPT_OUT} AND s.at > ? AND s.at <= ? AND h.judged = 0"
            " AND h.at > ?) ORDER BY at, id LIMIT ? {skip_locked}",
            since,
            until,
            since,
            limit,
        )
    ]


def opt_outs(tx: Tx, hits: Sequence[StoredHit], *, reach: int) -> dict[int, list[int]]:
    """When the leads of these requests have opted out, at or soon after one of them; oldest first."""
    found: dict[int, list[int]] = {}
    rows = tx.rows(
        f"SELECT s.lead_id, s.at FROM signals s WHERE {OPT_OUT} AND s.at BETWEEN ? AND ? AND s.lead_id IN {{many}}"
        " ORDER BY s.at",
        min(hit.at for hit in hits),
        max(hit.at for hit in hits) + reach,
        sorted({hit.lead_id for hit in hits}),
    )
    for lead_id, at in rows:
        found.setdefault(lead_id, []).append(at)
    return found


def around(tx: Tx, hits: Iterable[StoredHit], *, near: int, reach: int) -> list[StoredHit]:
    """All requests for the same messages, or from the same places, that lie so near to one of these; traps that lie
    within reach."""
    found = list(hits)
    first, last = min(hit.at for hit in found), max(hit.at for hit in found)
    messages, sources = sorted({hit.enrollment_id for hit in found}), sorted({hit.source for hit in found})
    span = "at BETWEEN ? AND ? AND (kind = 'trap' OR at BETWEEN ? AND ?)"
    limits = (first - reach, last + reach, first - near, last + near)
    rows = [
        *tx.rows(f"SELECT {_COLUMNS} FROM hits WHERE enrollment_id IN {{many}} AND {span}", messages, *limits),
        *tx.rows(
            f"SELECT {_COLUMNS} FROM hits WHERE source IN {{many}} AND NOT (enrollment_id IN {{many}}) AND {span}",
            sources,
            messages,
            *limits,
        ),
    ]
    return [StoredHit._make(row) for row in rows]


def judged(tx: Tx, ids: Sequence[int]) -> None:
    tx.run("UPDATE hits SET judged = 1 WHERE id IN {many}", list(ids))


def unjudged(tx: Tx, lead_ids: list[int], *, until: int) -> dict[int, int]:
    """Leads of which something is still to be judged that happened by then, and since when."""
    if tx.value("SELECT 1 FROM hits WHERE judged = 0 LIMIT 1") is None:
        return {}
    return dict(
        tx.rows(
            "SELECT lead_id, MIN(at) FROM hits WHERE judged = 0 AND at <= ? AND lead_id IN {many} GROUP BY lead_id",
            until,
            lead_ids,
        )
    )


def unproven(tx: Tx, enrollment_ids: list[int]) -> set[tuple[int, str, int]]:
    """Messages of which nobody knew whether they left, and of which nothing has shown yet that they did."""
    rows = tx.rows(
        "SELECT t.enrollment_id, t.node, t.n FROM touches t WHERE t.enrollment_id IN {many} AND t.state = 'ambiguous'"
        " AND NOT EXISTS (SELECT 1 FROM touch_notes x WHERE x.enrollment_id = t.enrollment_id AND x.node = t.node"
        " AND x.n = t.n AND x.what = 'arrived')",
        enrollment_ids,
    )
    return {(row[0], row[1], row[2]) for row in rows}


def next_judgement(tx: Tx) -> int | None:
    """When the oldest request that nobody has judged was made."""
    value = tx.value("SELECT MIN(at) FROM hits WHERE judged = 0")
    return None if value is None else int(value)


def forget(tx: Tx, *, before: int) -> None:
    """What was judged and lies so far back that it bears on nothing any more."""
    tx.run("DELETE FROM hits WHERE judged = 1 AND at < ?", before)
