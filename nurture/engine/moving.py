"""Moving running leads to a new version, as a plan that was written down says: a batch at a time, each lead whole.

Who can be moved is moved now. Somebody whom a worker holds at this moment, or whose message is on its way, is moved by
the next tick; the plan stays open until then. A lead that cannot be moved keeps its version, and the log says why.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from nurture.crashpoints import crash_point
from nurture.definition import Definition
from nurture.definition import load as load_definition
from nurture.engine.plans import NotRunnable, Plans, Ready
from nurture.moving import Kept, Mover, Running
from nurture.problems import Rejected
from nurture.store import Store, Tx
from nurture.store import moves as stored
from nurture.store.database import insist, micros
from nurture.store.moves import Carried, Leaving, Move, Runner
from nurture.store.versions import listed, version_by_id

__all__ = ["MoveReport", "begin", "carry_out", "standing"]

BATCH = 500


@dataclass(slots=True)
class MoveReport:
    """What was done about the leads that ran older versions."""

    moved: int = 0
    removed: int = 0
    kept: Counter[str] = field(default_factory=Counter)
    """Those that stay with their version for good, by reason."""
    later: int = 0
    """Those that somebody is at work with: the next tick moves them."""

    @property
    def left(self) -> int:
        """How many have left their version."""
        return self.moved + self.removed

    def as_json(self) -> dict[str, Any]:
        return {
            "moved": self.moved,
            "removed": self.removed,
            "kept": dict(sorted(self.kept.items())),
            "later": self.later,
        }


def standing(tx: Tx, campaign: str, version_id: int | None) -> dict[str, int]:
    """Node to number of the leads inside that run another version than this one."""
    found: Counter[str] = Counter()
    for _, node, number in stored.standing(tx, campaign, version_id):
        found[node] += number
    return dict(sorted(found.items()))


def begin(tx: Tx, ready: Ready, running: Running, *, now: datetime) -> dict[str, int]:
    """Write down what becomes of the leads that run older versions; how many stand where. In the transaction that
    publishes: there is no version without its plan. Raises `Rejected` for a map that makes no sense."""
    campaign, version = ready.version.campaign, ready.version.id
    before = standing(tx, campaign, version)
    # All there ever were: who types the command again, after the last lead has moved, is not wrong.
    every = [row[0] for row in listed(tx, campaign)] if running.map else []
    known = {node for other in every for node in _definition(tx, other).nodes}
    wrong = list(running.problems(ready.plan, before, sorted(known)))
    if wrong:
        raise Rejected(wrong)
    stored.supersede(tx, campaign, now=micros(now))
    if before and running.choice != "keep":
        stored.begin(tx, campaign, version, running.choice, running.map, now=micros(now))
    return before


def carry_out(
    store: Store, plans: Plans, *, now: datetime, wall: Callable[[], int], campaign: str | None = None
) -> MoveReport:
    """Go on with every plan that is not finished, or with this campaign's alone."""
    report = MoveReport()
    with store.read() as tx:
        moves = [move for move in stored.unfinished(tx) if campaign in (None, move.campaign)]
    for move in moves:
        try:
            ready = plans.get(move.version_id)
        except NotRunnable:
            continue  # its leads stay where they are until it can run again
        _Carrying(store, ready, move, now, wall).run(report)
    return report


class _Carrying:
    """One plan, carried out as far as it goes now."""

    def __init__(self, store: Store, ready: Ready, move: Move, now: datetime, wall: Callable[[], int]) -> None:
        self.store = store
        self.ready = ready
        self.move = move
        self.now = now
        self.wall = wall
        running = Running(move.choice, json.loads(move.map))  # type: ignore[arg-type]  # as it was written down
        self.mover = Mover(ready.plan, running)
        self._definitions: dict[int, Definition] = {}

    def run(self, report: MoveReport) -> None:
        after, later, kept = 0, 0, Counter[str]()
        while True:
            batch = insist(lambda after=after: self._batch(after))  # type: ignore[misc]  # a default binds it now
            crash_point("move.committed")
            report.moved += batch.moved
            report.removed += batch.removed
            later += batch.later
            kept += batch.kept
            if not batch.last:
                break
            after = batch.last
        with self.store.write() as tx:
            stored.count(tx, self.move.id, {"kept": dict(kept)}, finished_at=None if later else micros(self.now))
        report.later += later
        report.kept += kept

    def _batch(self, after: int) -> _Batch:
        done = _Batch()
        with self.store.write() as tx:
            runners = stored.runners(tx, self.move.campaign, self.move.version_id, after=after, limit=BATCH)
            ids = [runner.id for runner in runners]
            messages: dict[int, list[_Message]] = defaultdict(list)
            for row in stored.messages(tx, ids):
                messages[row[0]].append(_Message(*row[1:]))
            hand_offs = stored.hand_offs(tx, ids)
            leaving = []
            for runner in runners:
                done.last = runner.id
                if self._at_work(runner, messages[runner.id]):
                    done.later += 1
                    continue
                try:
                    leaving.append(self._leaving(tx, runner, messages[runner.id], hand_offs))
                except Kept as kept:
                    done.kept[str(kept)] += 1
            stored.leave(tx, self.move.campaign, self.move.version_id, leaving, now=micros(self.now))
            done.removed = sum(each.node is None for each in leaving)
            done.moved = len(leaving) - done.removed
            stored.count(tx, self.move.id, {"moved": done.moved, "removed": done.removed}, finished_at=None)
            crash_point("move.committing")
        return done

    def _at_work(self, runner: Runner, messages: Sequence[_Message]) -> bool:
        """Whether a worker holds this lead, or a message to it is on its way: its verdict belongs to the old version."""
        wall = self.wall()
        return runner.lease_until > wall or any(
            message.state == "sending" or (message.state == "pending" and message.lease_until > wall)
            for message in messages
        )

    def _leaving(
        self,
        tx: Tx,
        runner: Runner,
        messages: Sequence[_Message],
        hand_offs: Mapping[tuple[int, str], str],
    ) -> Leaving:
        """Raises `Kept`."""
        names = self.mover.names(json.loads(runner.names) if runner.names else {})
        carried: dict[tuple[str, int], Carried] = {}
        for m in messages:
            name, unsent = names.get(m.node, m.node), m.state == "pending" and m.started_at is None
            # What this node has asked for and nobody has sent yet, the new one asks for anew: with its own content.
            if name in self.ready.plan.nodes and not (unsent and m.node == runner.node):
                carried.setdefault((name, m.n), Carried(m.node, m.n, name, unsent))
        old = self._definition(tx, runner.version_id).nodes[runner.node]
        target = self.mover.target(runner.node, frozenset(name for name, _ in carried))
        if target is None:
            return self._out(runner)
        same_type = old.type == self.ready.plan.definition.nodes[target].type
        asks_anew = any(m.node == runner.node and (target, m.n) not in carried for m in messages)
        hands_off = hand_offs.get((runner.id, runner.node)) == "open"
        number = self.ready.version.version
        return Leaving(
            runner,
            f"moved to '{target}' of version {number}",
            json.dumps([["move", {"to": target, "version": number, "hash": self.ready.version.hash}]]),
            target,
            # The same kind of node: its clock goes on, and the deadline is what the new settings make of it.
            entered_at=runner.entered_at if same_type else micros(self.now),
            begun=bool(runner.begun) and same_type and not (asks_anew or hands_off),
            names=json.dumps(names, sort_keys=True) if names else None,
            messages=tuple(carried.values()),
            hand_off=hands_off
            and same_type
            and (runner.id, target) not in hand_offs.keys() - {(runner.id, runner.node)},
        )

    def _out(self, runner: Runner) -> Leaving:
        plan, now = self.ready.plan, self.now
        again = plan.definition.entry.again_after
        return Leaving(
            runner,
            f"taken out when version {self.ready.version.version} was published",
            json.dumps([["remove", {"version": self.ready.version.version, "hash": self.ready.version.hash}]]),
            None,
            eligible_at=None if again is None else micros(plan.calendar.after(again, now)),
        )

    def _definition(self, tx: Tx, version_id: int) -> Definition:
        found = self._definitions.get(version_id)
        if found is None:
            found = self._definitions[version_id] = _definition(tx, version_id)
        return found


@dataclass(frozen=True, slots=True)
class _Message:
    node: str
    n: int
    state: str
    started_at: int | None
    lease_until: int


@dataclass(slots=True)
class _Batch:
    moved: int = 0
    removed: int = 0
    later: int = 0
    kept: Counter[str] = field(default_factory=Counter)
    last: int = 0
    """The last enrollment that was looked at; 0: there was none."""


def _definition(tx: Tx, version_id: int) -> Definition:
    return load_definition(version_by_id(tx, version_id).definition)
