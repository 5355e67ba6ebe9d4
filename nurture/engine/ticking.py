"""The heartbeat: decide and deliver until nothing is due; in virtual time, jump to the next due moment and go on."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from nurture.engine.deciding import Decider
from nurture.engine.delivering import Delivered
from nurture.store import Store, enrollments, touches
from nurture.store.database import from_micros
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

    def as_json(self) -> dict[str, Any]:
        return {
            "looked": self.looked,
            "steps": self.steps,
            "sent": self.sent,
            "refused": self.refused,
            "ambiguous": self.ambiguous,
            "enrolled": self.enrolled,
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
        elapsed: Callable[[], timedelta],
        next_entry: Callable[[datetime], int | None],
        pause: Callable[[], None],
    ) -> None:
        """`enter` enrolls the leads that have come to match; `elapsed` is what a running clock has gone on since;
        `next_entry` says when the next lead may enter again; `pause` waits a moment of real time for others' leases."""
        self.store = store
        self.decider = decider
        self.deliver = deliver
        self.enter = enter
        self.elapsed = elapsed
        self.next_entry = next_entry
        self.pause = pause

    def tick(
        self,
        now: datetime,
        *,
        until: datetime | None = None,
        only: Sequence[str] | None = None,
        progress: Callable[[TickReport], None] | None = None,
    ) -> TickReport:
        """Do all that is due at `now`; with `until`, virtual time jumps from due moment to due moment up to there."""
        report = TickReport(now)
        with rarely_collected():
            return self._run(report, now, until, only, progress)

    def _run(
        self,
        report: TickReport,
        now: datetime,
        until: datetime | None,
        only: Sequence[str] | None,
        progress: Callable[[TickReport], None] | None,
    ) -> TickReport:
        while True:
            self._settle(report, only)
            if progress is not None:
                progress(report)
            if until is None:
                return report
            following = self._next_due(report.now, only)
            if following is None or following > until:
                report.now = max(now, until)
                return report
            if following <= report.now:
                # Due, but another worker holds it: its lease runs in real time.
                self.pause()
            else:
                report.now = following

    def _settle(self, report: TickReport, only: Sequence[str] | None) -> None:
        """Decide and deliver in turn until neither finds anything."""
        began = report.now
        while True:
            # What delivery has settled a second ago is decided now, not at the next tick.
            report.now = began + self.elapsed()
            report.enrolled += self.enter(report.now)
            ticked = self.decider.run(self._running(only), report.now)
            delivered = self.deliver(report.now)
            report.looked += ticked.looked
            report.steps += ticked.steps
            report.sent += delivered.sent
            report.refused += delivered.refused
            report.ambiguous += delivered.ambiguous
            if not (ticked.looked or delivered.sent or delivered.refused or delivered.ambiguous):
                return

    def _running(self, only: Sequence[str] | None) -> list[str]:
        with self.store.read() as tx:
            return [name for name, _, paused in campaigns(tx) if paused is None and (only is None or name in only)]

    def _next_due(self, now: datetime, only: Sequence[str] | None) -> datetime | None:
        """The next moment at which something is to be done."""
        running = self._running(only)
        with self.store.read() as tx:
            times = [enrollments.next_due(tx, running), touches.next_pending(tx), touches.next_recovery(tx)]
        times.append(self.next_entry(now))
        found = [time for time in times if time is not None]
        return from_micros(min(found)) if found else None
