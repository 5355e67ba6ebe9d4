"""Moving leads to another version: the plans that were made, and the rows of the leads that they concern.

A lead that moves ends one enrollment and begins another, at the same instant and under the same key: its dice, its
messages and its hand-offs go on. All of it is one transaction, so that a lead is here or there, never between.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from nurture.store import tallies
from nurture.store.database import Tx
from nurture.store.meeting import meet

__all__ = [
    "CARRIED",
    "Carried",
    "Leaving",
    "Move",
    "Runner",
    "begin",
    "count",
    "hand_offs",
    "leave",
    "messages",
    "of_campaign",
    "runner_of",
    "runners",
    "standing",
    "supersede",
    "unfinished",
]

CARRIED = 2
"""`past` of a message that a lead has brought along from the version it ran before. The original stays where it was, and
is the one that counts: for the frequency cap, for its links, in reports."""


class Move(NamedTuple):
    """What was decided about the leads that run older versions of a campaign."""

    id: int
    campaign: str
    version_id: int
    choice: str
    map: str
    """JSON object: node to node."""
    asked_at: int
    finished_at: int | None
    counts: str
    """JSON object: `moved`, `removed`, `kept` by reason."""


class Runner(NamedTuple):
    """An enrollment that runs an older version."""

    id: int
    key: str
    lead_id: int
    entry: int
    version_id: int
    import_id: int | None
    enrolled_at: int
    node: str
    entered_at: int
    begun: int
    steps: int
    lease_until: int
    names: str | None


COLUMNS = "id, campaign, version_id, choice, map, asked_at, finished_at, counts"


def begin(tx: Tx, campaign: str, version_id: int, choice: str, map: Mapping[str, str], *, now: int) -> int:
    """Write the plan down; from here on it is carried out, by whoever ticks."""
    return int(
        tx.value(
            "INSERT INTO moves (campaign, version_id, choice, map, asked_at) VALUES (?, ?, ?, ?, ?) RETURNING id",
            campaign,
            version_id,
            choice,
            json.dumps(dict(map), sort_keys=True),
            now,
        )
    )


def supersede(tx: Tx, campaign: str, *, now: int) -> None:
    """Plans that were not carried out to the end are over: something newer was decided."""
    tx.run("UPDATE moves SET finished_at = ? WHERE campaign = ? AND finished_at IS NULL", now, campaign)


def unfinished(tx: Tx) -> list[Move]:
    return [Move._make(row) for row in tx.rows(f"SELECT {COLUMNS} FROM moves WHERE finished_at IS NULL ORDER BY id")]


def of_campaign(tx: Tx, campaign: str) -> list[Move]:
    """The log, newest first."""
    return [
        Move._make(row) for row in tx.rows(f"SELECT {COLUMNS} FROM moves WHERE campaign = ? ORDER BY id DESC", campaign)
    ]


def count(tx: Tx, move: int, counts: Mapping[str, Any], *, finished_at: int | None) -> None:
    """Add to what a move has done; `kept` is how it stands, not added up."""
    row = tx.row("SELECT counts, finished_at FROM moves WHERE id = ? {for_update}", move)
    if row is None:
        return
    before = json.loads(row[0])
    now = {name: before.get(name, 0) + counts.get(name, 0) for name in ("moved", "removed")}
    kept = counts.get("kept", before.get("kept", {}))
    tx.run(
        "UPDATE moves SET counts = ?, finished_at = COALESCE(finished_at, ?) WHERE id = ?",
        json.dumps({**now, "kept": kept}, ensure_ascii=False),
        finished_at,
        move,
    )


def standing(tx: Tx, campaign: str, version_id: int | None) -> list[Any]:
    """(version_id, node, number) of the leads inside that run another version than this one."""
    return tx.rows(
        "SELECT version_id, node, COUNT(*) FROM enrollments WHERE campaign = ? AND status <> 'ended'"
        " AND version_id <> ? GROUP BY 1, 2",
        campaign,
        version_id or 0,
    )


def runners(tx: Tx, campaign: str, version_id: int, *, after: int, limit: int) -> list[Runner]:
    """The next leads inside that run another version, held until the end of the transaction."""
    found = tx.rows(
        "SELECT id, lead_id FROM enrollments WHERE campaign = ? AND status <> 'ended' AND version_id <> ? AND id > ?"
        " ORDER BY id LIMIT ?",
        campaign,
        version_id,
        after,
        limit,
    )
    meet(tx, [lead_id for _, lead_id in found])
    return _held(tx, [id for id, _ in found])


def runner_of(tx: Tx, campaign: str, lead_id: int) -> Runner | None:
    """The active enrollment of this lead, whatever version it runs, held until the end of the transaction."""
    meet(tx, [lead_id])
    found = tx.value(
        "SELECT id FROM enrollments WHERE campaign = ? AND lead_id = ? AND status <> 'ended'", campaign, lead_id
    )
    return next(iter(_held(tx, [] if found is None else [int(found)])), None)


def _held(tx: Tx, ids: list[int]) -> list[Runner]:
    return [
        Runner._make(row)
        for row in tx.rows(
            "SELECT id, key, lead_id, entry, version_id, import_id, enrolled_at, node, entered_at, begun, steps,"
            " lease_until, names FROM enrollments WHERE id IN {many} AND status <> 'ended' ORDER BY id {for_update}",
            ids,
        )
    ]


def messages(tx: Tx, enrollment_ids: list[int]) -> list[Any]:
    """(enrollment_id, node, n, state, started_at, lease_until), held until the end of the transaction."""
    return tx.rows(
        "SELECT enrollment_id, node, n, state, started_at, lease_until FROM touches WHERE enrollment_id IN {many}"
        " ORDER BY enrollment_id, node, n {for_update}",
        enrollment_ids,
    )


def hand_offs(tx: Tx, enrollment_ids: list[int]) -> dict[tuple[int, str], str]:
    """(enrollment_id, node) to open or accepted."""
    rows = tx.rows(
        "SELECT enrollment_id, node, state FROM handoffs WHERE state IN ('open', 'accepted')"
        " AND enrollment_id IN {many} ORDER BY enrollment_id, node {for_update}",
        enrollment_ids,
    )
    return {(enrollment, node): state for enrollment, node, state in rows}


@dataclass(frozen=True, slots=True)
class Carried:
    """A message that a lead takes along."""

    node: str
    n: int
    name: str
    """What the new version calls the node."""
    pending: bool
    """Whether it is still to go out: from the new enrollment, then, under the same key."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """One lead that leaves its version: for the new one, or for good."""

    runner: Runner
    because: str
    effects: str
    """The journal's JSON."""
    node: str | None
    """Where it goes on; None: nowhere, it is taken out."""
    entered_at: int = 0
    begun: bool = False
    names: str | None = None
    messages: Sequence[Carried] = ()
    hand_off: bool = False
    """Whether an open hand-off goes on, at the new node."""
    eligible_at: int | None = None


def leave(tx: Tx, campaign: str, version_id: int, leaving: Sequence[Leaving], *, now: int) -> None:
    """Write a batch: the old enrollments end, the new ones begin, messages and hand-offs go along."""
    ids = [each.runner.id for each in leaving]
    tx.many(
        # A new epoch: whoever decided this lead a moment ago would write over it.
        "UPDATE enrollments SET status = 'ended', reason = ?, because = ?, due_at = NULL, steps = steps + 1,"
        " epoch = epoch + 1, worker_id = NULL, lease_until = 0, ended_at = ?, eligible_at = ? WHERE id = ?",
        [("removed" if e.node is None else "moved", e.because, now, e.eligible_at, e.runner.id) for e in leaving],
    )
    tx.many(
        "INSERT INTO steps (enrollment_id, seq, node, entered_at, at, decided_at, outcome, because, effects)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                e.runner.id, e.runner.steps + 1, e.runner.node, e.runner.entered_at, now, now,
                "removed" if e.node is None else "moved", e.because, e.effects,
            )
            for e in leaving
        ],
    )  # fmt: skip
    pending = {(e.runner.id, m.node, m.n) for e in leaving for m in e.messages if m.pending}
    tx.run(
        # One that may have left, and was to be repeated, stays what it is: ambiguous. One that has not left gives its
        # name back: the new enrollment may send it under the same.
        "UPDATE touches SET message_id = CASE WHEN started_at IS NULL THEN NULL ELSE message_id END,"
        " state = CASE WHEN started_at IS NULL THEN 'cancelled' ELSE 'ambiguous' END,"
        " settled_at = COALESCE(started_at, ?), because = 'the lead left this version', epoch = epoch + 1"
        " WHERE state = 'pending' AND enrollment_id IN {many}",
        now,
        ids,
    )
    moving = [e for e in leaving if e.node is not None]
    tx.many(
        "INSERT INTO enrollments (key, campaign, lead_id, entry, version_id, import_id, enrolled_at, node, entered_at,"
        " begun, status, because, due_at, placed, moved_from, moved_at, names)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'waiting', 'moved here, and not yet looked at', ?, ?, ?, ?, ?)",
        [
            (
                e.runner.key, campaign, e.runner.lead_id, e.runner.entry + 1, version_id, e.runner.import_id,
                e.runner.enrolled_at, e.node, e.entered_at, int(e.begun), now, e.node, e.runner.id, now, e.names,
            )
            for e in moving
        ],
    )  # fmt: skip
    new = dict(
        tx.rows(
            "SELECT moved_from, id FROM enrollments WHERE campaign = ? AND moved_from IN {many}",
            campaign,
            [e.runner.id for e in moving],
        )
    )
    _carry_messages(tx, moving, new, pending)
    _carry_hand_offs(tx, moving, new)
    tx.run(
        "UPDATE handoffs SET state = 'lapsed', answered_at = ?, reason = 'the lead left this version'"
        " WHERE state = 'open' AND enrollment_id IN {many}",
        now,
        ids,
    )
    tallies.taken_over(
        tx,
        [(e.runner.version_id, e.runner.node, "removed" if e.node is None else "moved") for e in leaving],
        [(version_id, e.node or "") for e in moving],
    )


def _carry_messages(
    tx: Tx, moving: Sequence[Leaving], new: Mapping[int, int], pending: set[tuple[int, str, int]]
) -> None:
    """What was settled is known in the new enrollment; what is still to go out goes out from there."""
    going = [(new[e.runner.id], m.name, e.runner.id, m.node, m.n) for e in moving for m in e.messages]
    tx.many(
        "INSERT INTO touches (enrollment_id, node, n, lead_id, version_id, channel, content, purpose, on_unknown, state,"
        " asked_at, due_at, expires_at, started_at, settled_at, because, past)"
        " SELECT ?, ?, n, lead_id, version_id, channel, content, purpose, on_unknown, state, asked_at, due_at,"
        f" expires_at, started_at, settled_at, because, {CARRIED} FROM touches"
        " WHERE enrollment_id = ? AND node = ? AND n = ?",
        [row for row in going if row[2:] not in pending],
    )
    tx.many(
        "INSERT INTO touches (enrollment_id, node, n, lead_id, version_id, channel, content, purpose, on_unknown, state,"
        " asked_at, due_at, expires_at, attempts)"
        " SELECT ?, ?, n, lead_id, version_id, channel, content, purpose, on_unknown, 'pending', asked_at, due_at,"
        " expires_at, attempts FROM touches WHERE enrollment_id = ? AND node = ? AND n = ?",
        [row for row in going if row[2:] in pending],
    )


def _carry_hand_offs(tx: Tx, moving: Sequence[Leaving], new: Mapping[int, int]) -> None:
    """Whoever works with the lead goes on doing so: no message slips through between the two versions."""
    tx.many(
        "UPDATE handoffs SET enrollment_id = ? WHERE enrollment_id = ? AND state = 'accepted'",
        [(new[e.runner.id], e.runner.id) for e in moving],
    )
    tx.many(
        "UPDATE handoffs SET enrollment_id = ?, node = ? WHERE enrollment_id = ? AND node = ? AND state = 'open'",
        [(new[e.runner.id], e.node, e.runner.id, e.runner.node) for e in moving if e.hand_off],
    )
