"""Running counts of where leads are, kept in the commit of what they count, so that looking at them costs next to nothing.

Three things are counted, each where it is written: who entered a version, where each enrollment stands or how it ended,
and each step of the journal. Nothing is derived from anything else: that they add up has to be true, not arranged.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from nurture.store.database import Tx

if TYPE_CHECKING:
    from nurture.store.enrollments import Moved

__all__ = ["Tally", "counted", "entered", "kept", "moved", "taken_over"]

SLOTS = 16
"""Two processes that move leads of one campaign write different rows, most of the time."""


class Tally(NamedTuple):
    """What is counted: who `entered` a version, and who of them `arrived` at a node because they were moved there from
    another version; who is `here`, at a node; who `left` it by an outcome (the way); who `ended`, for a reason (the
    way)."""

    version_id: int
    node: str
    what: str
    way: str


def entered(tx: Tx, starts: Iterable[tuple[int, str]], steps: Iterable[tuple[int, str, str | None]] = ()) -> None:
    """Enrollments that were just inserted: (version, node where each stands); and the steps they bring along."""
    changes: Counter[Tally] = Counter()
    for version, node in starts:
        changes[Tally(version, "", "entered", "")] += 1
        changes[Tally(version, node, "here", "")] += 1
    for version, node, outcome in steps:
        changes[Tally(version, node, "left", outcome or "")] += 1
    _write(tx, changes)


def moved(tx: Tx, batch: Sequence[Moved]) -> None:
    """Enrollments that were just written: from where they stood to where they stand, with their steps."""
    changes: Counter[tuple[int, str, str, str]] = Counter()
    for m in batch:
        version, was = m.claimed.version_id, m.claimed.node
        for step in m.steps:
            changes[version, step[0], "left", step[3] or ""] += 1
        if m.status == "ended":
            changes[version, was, "here", ""] -= 1
            changes[version, "", "ended", m.reason or ""] += 1
        elif m.node != was:
            changes[version, was, "here", ""] -= 1
            changes[version, m.node, "here", ""] += 1
    _write(tx, changes)


def taken_over(tx: Tx, leaving: Iterable[tuple[int, str, str]], arriving: Iterable[tuple[int, str]]) -> None:
    """Enrollments that somebody ended from outside: (version, node, how); and those that go on with one of them in
    another version: (version, node)."""
    changes: Counter[Tally] = Counter()
    for version, node, how in leaving:
        changes[Tally(version, node, "left", how)] += 1
        changes[Tally(version, node, "here", "")] -= 1
        changes[Tally(version, "", "ended", how)] += 1
    for version, node in arriving:
        changes[Tally(version, "", "entered", "")] += 1
        changes[Tally(version, node, "arrived", "")] += 1
        changes[Tally(version, node, "here", "")] += 1
    _write(tx, changes)


# write: last in its transaction and in one order, so that nobody waits in a circle.
WRITE = (
    "INSERT INTO tallies (version_id, node, what, way, slot, number) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (version_id, node, what, way, slot) DO UPDATE SET number = tallies.number + excluded.number"
)


def _write(tx: Tx, changes: Counter[tuple[int, str, str, str]] | Counter[Tally]) -> None:
    slot = os.getpid() % SLOTS
    tx.many(WRITE, [(*tally, slot, number) for tally, number in sorted(changes.items()) if number])


MINE = "version_id IN (SELECT id FROM versions WHERE campaign = ?)"


def kept(tx: Tx, campaign: str | None = None) -> dict[Tally, int]:
    """The running counts; a row for every node and way, however many leads there are."""
    where, words = (f"WHERE {MINE}", (campaign,)) if campaign else ("", ())
    rows = tx.rows(
        f"SELECT version_id, node, what, way, CAST(SUM(number) AS BIGINT) FROM tallies {where} GROUP BY 1, 2, 3, 4",
        *words,
    )
    return {Tally(*row[:4]): row[4] for row in rows if row[4]}


def counted(tx: Tx, campaign: str | None = None) -> dict[Tally, int]:
    """The same, counted from the tables themselves: looks at every enrollment and every step."""
    where, words = ("WHERE e.campaign = ?", (campaign,)) if campaign else ("", ())
    found: dict[Tally, int] = {}
    for version, ended, node, reason, number in tx.rows(
        "SELECT e.version_id, e.status = 'ended', CASE WHEN e.status = 'ended' THEN '' ELSE e.node END,"
        " CASE WHEN e.status = 'ended' THEN COALESCE(e.reason, '') ELSE '' END, COUNT(*)"
        f" FROM enrollments e {where} GROUP BY 1, 2, 3, 4",
        *words,
    ):
        found[Tally(version, node, "ended" if ended else "here", reason)] = number
        whole = Tally(version, "", "entered", "")
        found[whole] = found.get(whole, 0) + number
    for version, node, outcome, number in tx.rows(
        "SELECT e.version_id, s.node, COALESCE(s.outcome, ''), COUNT(*) FROM steps s"
        f" JOIN enrollments e ON e.id = s.enrollment_id {where} GROUP BY 1, 2, 3",
        *words,
    ):
        found[Tally(version, node, "left", outcome)] = number
    for version, node, number in tx.rows(
        f"SELECT e.version_id, e.placed, COUNT(*) FROM enrollments e {where}{' AND' if where else 'WHERE'}"
        " e.moved_from IS NOT NULL GROUP BY 1, 2",
        *words,
    ):
        found[Tally(version, node, "arrived", "")] = number
    return found
