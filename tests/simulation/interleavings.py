"""Every order in which two workers can take turns over one lead.

Each worker is a greenlet that runs a verb of the real engine and stops before each transaction and at each step of the
channel. At every stop the search chooses: one worker goes on, one is killed (and another process takes its place), the
time of a lease passes, or something happens outside. Two searches: all choices to a depth (`Full`), and few surprises
in a long run (`Few`).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from greenlet import getcurrent, greenlet

from nurture.identity import LeadRef
from tests.simulation.scenes import EVENTS, SCENES, Scene, pass_lease
from tests.simulation.world import Killed, World, running

__all__ = ["Few", "Found", "Full", "Search", "explore", "first_broken"]


@dataclass(slots=True)
class Worker:
    """One process, stopped at a gate."""

    name: str
    number: int
    run: greenlet
    wrote: bool = True
    """Whether a read would see something new: a second read of the same moment is no place to stop."""
    dead: bool = False


@dataclass(frozen=True)
class Full:
    """All choices, to this depth."""

    depth: int

    def offers(self, enabled: list[str], last: str, place: int, surprises: int) -> list[str]:
        return enabled if place < self.depth else []


@dataclass(frozen=True)
class Few:
    """A worker goes on until it is done, except at so many places, wherever they are."""

    surprises: int

    def offers(self, enabled: list[str], last: str, place: int, surprises: int) -> list[str]:
        steps = [name for name in enabled if name in "ab"]
        if not steps:
            return []
        usual = last if last in steps else steps[0]
        if surprises >= self.surprises:
            return [usual]
        return [usual, *(name for name in enabled if name != usual)]


@dataclass
class Found:
    """What a search has found."""

    scene: str
    event: str
    schedules: int = 0
    ends: int = 0
    """Different states in which all had come to rest."""
    seconds: float = 0.0
    broken: list[tuple[str, str]] = field(default_factory=list)
    """(schedule, what broke)"""

    def as_json(self) -> dict[str, Any]:
        return {
            "scene": self.scene, "event": self.event, "schedules": self.schedules, "ends": self.ends,
            "seconds": round(self.seconds, 2), "broken": self.broken[:5],
        }  # fmt: skip


class Search:
    """One scene and one event, explored. Use within `running(search.world)`."""

    def __init__(self, scene: Scene, event: str) -> None:
        self.scene = scene
        self.event = event
        self.world, self.lead = self._build()
        self.ended: set[Any] = set()
        self.turn = "b" if scene.first.endswith(("t", "e")) else "a"
        """Whose turn it is first: not that of the one who has just stalled."""
        self.main = getcurrent()
        self.workers: dict[str, Worker] = {}
        self._next_number = 0

    def _build(self) -> tuple[World, LeadRef]:
        world = World(cap=self.scene.cap)
        with running(world):
            return world, self.scene.furnish(world)

    # One schedule

    def run(self, choose: Any) -> str:
        """One schedule to its end: `choose` is offered what may happen next and says what does. Answers with its text.

        Raises `Broken`, or whatever the engine raised.
        """
        world = self.world
        world.rewind()
        world.weather.extend(self.scene.weather)
        world.on_gate = self._gate
        self.main = getcurrent()
        self.workers.clear()
        self._next_number = 0
        taken: list[str] = []
        happened = False
        kills = leases = 0
        try:
            for name in "ab":
                self._hire(name)
            for action in self.scene.first:
                if action == "t":
                    pass_lease(world, self.lead)
                elif action == "e":
                    happened = True
                    EVENTS[self.event](world, self.lead)
                else:
                    self._step(action)
            while True:
                able = [name for name, worker in self.workers.items() if not worker.run.dead]
                enabled = list(able)
                if able:
                    enabled += [] if happened else ["e"]
                    enabled += [] if leases else ["t"]
                    enabled += [] if kills else [name.upper() for name in able]
                action = choose(enabled)
                if action is None:
                    break
                taken.append(action)
                if action in "ab":
                    self._step(action)
                elif action == "e":
                    happened = True
                    EVENTS[self.event](world, self.lead)
                elif action == "t":
                    leases += 1
                    pass_lease(world, self.lead)
                else:
                    kills += 1
                    self._kill(action.lower())
            # Whoever is still at work finishes, in turns.
            while able := [name for name, worker in self.workers.items() if not worker.run.dead]:
                for name in able:
                    self._step(name)
            self._come_to_rest()
        except BaseException as error:
            error.add_note(f"schedule {''.join(taken)} of '{self.scene.name}' with '{self.event}'")
            raise
        finally:
            for worker in self.workers.values():
                if not worker.run.dead:
                    self._end(worker)
            world.on_gate = lambda what: None
        return "".join(taken)

    def _come_to_rest(self) -> None:
        """Everything to its end, unless another schedule came to the same state before."""
        world = self.world
        world.on_gate = lambda what: None
        world.watch.actor = None
        world.watch.raise_broken()
        state = self._state()
        if state in self.ended:
            return
        world.settle()
        self.ended.add(state)

    def _state(self) -> Any:
        db = self.world.store.db
        return (
            self.world.now,
            tuple(self.world.weather),
            tuple(sorted(message.key for message in self.world.watch.accepted)),
            *db.execute(
                "SELECT id, version_id, node, entered_at, begun, status, reason, due_at, steps, ended_at FROM enrollments"
            ).fetchall(),
            *db.execute(
                "SELECT enrollment_id, node, state, asked_at, due_at, attempts, started_at, settled_at, because FROM touches"
            ).fetchall(),
            *db.execute("SELECT lead_id, kind, at FROM signals").fetchall(),
            *db.execute("SELECT campaign, current, paused_at FROM campaigns").fetchall(),
            *db.execute("SELECT seq, node, at, outcome FROM steps").fetchall(),
            *db.execute("SELECT what, node FROM touch_notes").fetchall(),
            *db.execute("SELECT score FROM leads").fetchall(),
        )

    # Workers

    def _hire(self, name: str) -> None:
        self._next_number += 1
        number = self._next_number
        work = self.scene.work["ab".index(name)]

        def live() -> None:
            try:
                work(self.world.engine(number), self.world)
            except Killed:
                return

        self.workers[name] = Worker(name, number, greenlet(live))

    def _step(self, name: str) -> None:
        worker = self.workers[name]
        self.world.watch.actor = worker.number
        worker.run.switch()
        self.world.watch.actor = 0

    def _gate(self, what: str) -> None:
        me = getcurrent()
        if me is self.main:
            return
        worker = next(worker for worker in self.workers.values() if worker.run is me)
        if worker.dead:
            raise Killed
        if what == "read" and not worker.wrote:
            return
        worker.wrote = what != "read"
        loop = asyncio._get_running_loop()
        asyncio._set_running_loop(None)
        self.main.switch()
        asyncio._set_running_loop(loop)
        if worker.dead:
            raise Killed

    def _kill(self, name: str) -> None:
        """The process dies where it stands; another takes its place, and knows of it."""
        worker = self.workers[name]
        self._end(worker)
        self.world.die(worker.number)
        self._hire(name)

    def _end(self, worker: Worker) -> None:
        worker.dead = True
        while not worker.run.dead:
            worker.run.switch()

    # All schedules

    def explore(
        self,
        search: Full | Few,
        *,
        part: tuple[int, int] = (1, 1),
        seconds: float | None = None,
        stop_at_first: bool = False,
    ) -> Found:
        """All schedules of a search; of `part` (i, n), every nth beginning from the ith on."""
        found = Found(self.scene.name, self.event)
        began = time.monotonic()
        beginnings = list(self._beginnings(search, 3)) if part[1] > 1 else [[]]
        for beginning in beginnings[part[0] - 1 :: part[1]]:
            path: list[tuple[list[str], int]] = []
            while True:
                try:
                    self.run(_Chooser(search, beginning, path, self.turn))
                except (Exception, Killed) as error:
                    notes = " ".join(getattr(error, "__notes__", []))
                    found.broken.append((notes, f"{type(error).__name__}: {error}"[:500]))
                found.schedules += 1
                over = seconds is not None and time.monotonic() - began > seconds
                while path and path[-1][1] == len(path[-1][0]) - 1:
                    path.pop()
                if not path or over or (found.broken and stop_at_first):
                    break
                path[-1] = (path[-1][0], path[-1][1] + 1)
            if seconds is not None and time.monotonic() - began > seconds:
                break
        found.ends = len(self.ended)
        found.seconds = time.monotonic() - began
        return found

    def _beginnings(self, search: Full | Few, length: int) -> Iterator[list[str]]:
        """All that the first choices can be; each stands for the schedules that begin with it."""
        path: list[tuple[list[str], int]] = []
        seen = set()
        while True:
            chooser = _Chooser(search, [], path, self.turn, at_most=length)
            # What breaks here breaks again in the part that it belongs to.
            with suppress(Exception, Killed):
                self.run(chooser)
            if tuple(chooser.taken) not in seen:
                seen.add(tuple(chooser.taken))
                yield list(chooser.taken)
            while path and path[-1][1] == len(path[-1][0]) - 1:
                path.pop()
            if not path:
                return
            path[-1] = (path[-1][0], path[-1][1] + 1)

    def close(self) -> None:
        self.world.close()


class _Chooser:
    """Walks a tree of choices, depth first: `path` holds what was offered at each place, and which of it was taken."""

    def __init__(
        self,
        search: Full | Few,
        beginning: list[str],
        path: list[tuple[list[str], int]],
        turn: str,
        at_most: int | None = None,
    ) -> None:
        self.turn = turn
        self.search = search
        self.beginning = beginning
        self.path = path
        self.at_most = at_most
        self.taken: list[str] = []
        self.surprises = 0

    def __call__(self, enabled: list[str]) -> str | None:
        place = len(self.taken)
        if self.at_most is not None and place >= self.at_most:
            return None
        last = next((name for name in reversed(self.taken) if name in "ab"), self.turn)
        offers = self.search.offers(enabled, last, place, self.surprises)
        if not offers:
            return None
        if place < len(self.beginning):
            choice = self.beginning[place]
        else:
            at = place - len(self.beginning)
            if at == len(self.path):
                self.path.append((offers, 0))
            choice = self.path[at][0][self.path[at][1]]
        if isinstance(self.search, Few) and choice != offers[0]:
            self.surprises += 1
        self.taken.append(choice)
        return choice


def explore(search: Full | Few, *, part: tuple[int, int] = (1, 1), **options: Any) -> Iterator[Found]:
    """Every scene with every event."""
    for scene in SCENES:
        for event in scene.events:
            one = Search(scene, event)
            with running(one.world):
                yield one.explore(search, part=part, **options)
            one.close()


def first_broken(found: Found) -> str:
    """For a failed test: the schedule, and what broke."""
    return "" if not found.broken else json.dumps(found.broken[0], ensure_ascii=False)
