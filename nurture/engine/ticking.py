"""The heartbeat: decide and deliver until nothing is due; in virtual time, jump to the next due moment and go on."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from nurture.engine import conserving
from nurture.engine.conserving import Broken
from nurture.engine.deciding import Decider
from nurture.engine.delivering import Delivered
from nurture.engine.weighing import next_weighing
from nurture.store import Store, enrollments, touches
from nurture.store.database import from_micros, insist, micros
from nurture.store.versions import campaigns

__all__ = ["TickReport", "Ticker"]


@dataclass(slots=True)
class TickReport:
    """What a tick did: enrollments looked at, steps written, messages sent, refused and left ambiguous."""

    now: datetime
    looked: int = 0
    steps: int = 0
    sent: int = 0
    refused: int = 0
    ambiguous: int = 0
    enrolled: int = 0
    broken: list[Broken] = field(default_factory=list)
    """What does not add up when it is done; looked at when anybody moved."""
    news: list[str] = field(default_factory=list)
    """What a person should hear of once: channels and domains that rest from now on."""

    def as_json(self) -> dict[str, Any]:
        return {
            "looked": self.looked,
            "steps": self.steps,
            "sent": self.sent,
            "refused": self.refused,
            "ambiguous": self.ambiguous,
            "enrolled": self.enrolled,
            "conserved": not self.broken,
            "now": self.now.isoformat().replace("+00:00", "Z"),
        }


@contextmanager
def rarely_collected() -> Iterator[None]:
    """A batch makes hundreds of thousands of small objects and no cycles: looking for some after each 700 is wasted."""
    before = gc.get_threshold()
    gc.set_threshold(200_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


class Ticker:
    """Runs ticks over the campaigns that are not paused."""

    def __init__(
        self,
        store: Store,
        decider: Decider,
        deliver: Callable[[datetime], Delivered],
        enter: Callable[[datetime], int],
        weigh: Callable[[datetime], int],
        move: Callable[[datetime], int],
        elapsed: Callable[[], timedelta],
        next_entry: Callable[[datetime], int | None],
        pause: Callable[[], None],
    ) -> None:
        """`enter` enrolls the leads that have come to match; `weigh` hears the responses of which it can be said by now
        who gave them; `move` goes on with plans to move leads to other versions, and says how many it moved or took out;
        `elapsed` is what a running clock has gone on since; `next_entry` says when the next lead may enter again; `pause`
        waits a moment of real time for others' leases."""
        self.store = store
        self.decider = decider
        self.deliver = deliver
        self.enter = enter
        self.weigh = weigh
        self.move = move
        self.elapsed = elapsed
        self.next_entry = next_entry
        self.pause = pause

    def tick(
        self,
        now: datetime,
        *,
        until: datetime | None = None,
        progress: Callable[[TickReport], None] | None = None,
    ) -> TickReport:
        """Do all that is due at `now`; with `until`, virtual time jumps from due moment to due moment up to there."""
        report = TickReport(now)
        with rarely_collected():
            self._run(report, now, until, progress)
        if report.steps or report.enrolled:
            with self.store.write() as tx:
                report.broken = conserving.look(tx, self.decider.plans, now=report.now)
        return report

    def _run(
        self,
        report: TickReport,
        now: datetime,
        until: datetime | None,
        progress: Callable[[TickReport], None] | None,
    ) -> TickReport:
        while True:
            # Whatever the database's going away has interrupted, nothing of it is in hand: look again.
            insist(lambda: self._settle(report))
            if progress is not None:
                progress(report)
            if until is None or self.decider.stop.asked:
                return report
            following = insist(lambda: self._next_due(report.now))
            if following is None or following > until:
                report.now = max(now, until)
                return report
            if following <= report.now:
                # Due, but another worker holds it: its lease runs in real time.
                self.pause()
            else:
                report.now = following

    def _settle(self, report: TickReport) -> None:
        """Decide and deliver in turn until neither finds anything."""
        began = report.now
        while True:
            # What delivery has settled a second ago is decided now, not at the next tick.
            report.now = began + self.elapsed()
            self.weigh(report.now)
            moved = self.move(report.now)
            report.enrolled += self.enter(report.now)
            ticked = self.decider.run(self._running(), report.now)
            delivered = self.deliver(report.now)
            report.looked += ticked.looked
            report.steps += ticked.steps
            report.sent += delivered.sent
            report.refused += delivered.refused
            report.ambiguous += delivered.ambiguous
            report.news += delivered.news
            if self.decider.stop.asked or not (
                moved or ticked.looked or delivered.sent or delivered.refused or delivered.ambiguous
            ):
                return

    def _running(self) -> list[str]:
        with self.store.read() as tx:
            return [name for name, _, paused in campaigns(tx) if paused is None]

    def _next_due(self, now: datetime) -> datetime | None:
        """The next moment at which something is to be done."""
        running = self._running()
        with self.store.read() as tx:
            times = [
                enrollments.next_due(tx, running),
                touches.next_pending(tx, now=micros(now)),
                touches.next_recovery(tx),
                next_weighing(tx),
            ]
        times.append(self.next_entry(now))
        found = [time for time in times if time is not None]
        return from_micros(min(found)) if found else None
