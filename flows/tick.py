"""Deployment `tick`: the heartbeat. One long run that looks for work again and again, until the next hour's run follows.

It holds no truth: leases in the store decide who does what, so a second heartbeat does no harm. A run that is killed
stays `Running` in Prefect's eyes; that blocks nobody, because no run here waits for another.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
from prefect import flow, get_run_logger, runtime, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectException

from flows.alarms import Bell
from flows.artifacts import Progress, show_counts
from flows.asking import anything_due
from flows.brake import brake
from flows.briefly import briefly
from flows.common import clock, live_at, open_engine, show_campaigns
from flows.fan_out import call_helpers
from flows.forms import Moment
from flows.pulse import Pulse
from flows.virtual_time import VirtualTime
from nurture.engine import Engine, TickReport
from nurture.engine.alarms import Alarm, alarms, recounted
from nurture.engine.recognising import ClockJumped, put_back
from nurture.settings import Settings
from nurture.store.database import unavailable

__all__ = ["HOURLY", "Heart", "end_of_turn", "tick", "work"]

HOURLY = "0 * * * *"
"""The schedule that renews the heartbeat."""
TURN = timedelta(hours=1)
OVERLAP = timedelta(seconds=30)
"""How long a heartbeat goes on when its successor should have begun: starting a run takes some seconds."""
LIVE = timedelta(minutes=1)
"""A moment so near to the clock's is the clock's."""
LOOK = 1.0
"""Seconds between two looks at the indexes of what is due."""
PAUSE = 5.0
"""Seconds between two ticks at least: a burst of signals is one tick."""
QUIET = 30.0
"""Seconds after which we tick although nothing is due: leads may have come to match an entry rule."""
SHOW = 60.0
"""Seconds between two pictures of the campaigns at least."""
WATCH = 60.0
"""Seconds between two looks for alarms."""


@flow(name="tick", persist_result=False)
def tick(now: Moment = "", until: Moment = "", once: bool = False) -> dict[str, Any]:
    """The heartbeat: decides and delivers all that is due, again and again.

    It runs by itself and is renewed every hour; nobody has to start it. Pausing this deployment stops all sending
    within half a minute; resuming it goes on where it stopped. Messages wait meanwhile, they are not lost.

    Args:
        now: For tests: look once, as if it were this moment, such as 2026-03-02T18:00:00+08:00.
        until: For tests: go on in virtual time until this moment.
        once: Look once and end.
    """
    with open_engine() as engine:
        if not (once or now or until):
            home = Settings().home
            end_of_mine = end_of_turn(clock(), runtime.flow_run.scheduled_start_time)
            return Heart(engine, Pulse(home), VirtualTime(home), paused=_paused).beat(end_of_mine)
        moment, end = live_at(now, until, writing=True)
        counts: dict[str, Any] = work(engine, moment, end, Progress("tick", "**tick**: how far"))
        show_counts("tick", "**tick**: what was done", counts)
        show_campaigns(engine, None, end or moment)
        return counts


@task(name="tick", cache_policy=NO_CACHE, persist_result=False)
def work(engine: Engine, now: datetime, until: datetime | None, bar: Progress | None = None) -> dict[str, Any]:
    """Decide and deliver all that is due at `now`; with `until`, in virtual time up to it."""
    with brake(engine.stop) as held:

        def between(report: TickReport) -> None:
            held.check()
            if bar and until and until > now:
                bar.at((report.now - now) / (until - now))

        # A moment that is the clock's own goes on while we work; any other stands still.
        live = until is None and abs(clock() - now) < LIVE
        report = engine.tick(now, until=until, live=live, progress=between)
    for each in report.news:
        get_run_logger().warning("%s", each)
    if bar:
        bar.at(1.0)
    return report.as_json()


class Heart:
    """Looks every second, and ticks when something is due."""

    def __init__(
        self, engine: Engine, pulse: Pulse, elsewhen: VirtualTime, *, paused: Callable[[], bool | None]
    ) -> None:
        """`paused` is asked now and then, and says whether a person wants us to stop; None: nobody can tell."""
        self._engine = engine
        self._pulse = pulse
        self._elsewhen = elsewhen
        self._paused = paused
        self._told_to_stop = False
        self._done: Counter[str] = Counter()
        self._asked = self._ticked = self._quiet = self._shown = self._watched = float("-inf")
        self._bell = Bell()
        self._counted: list[Alarm] | None = None
        self._rest = PAUSE
        self._away_until = 0.0
        self._stale = False

    def beat(self, end: datetime) -> dict[str, Any]:
        """Go on until `end` or a pause. Says what was done in all, and why it ended."""
        with briefly():
            return self._beat(end)

    def _beat(self, end: datetime) -> dict[str, Any]:
        while (now := clock()) < end:
            self._pulse.beat()
            if time.monotonic() - self._asked >= QUIET:
                self._asked = time.monotonic()
                answer = self._paused()
                if answer is not None:
                    self._told_to_stop = answer
                if self._told_to_stop:
                    get_run_logger().warning("the tick deployment is paused: no step is taken, nothing is sent")
                    return {**self._done, "ended": "paused"}
            if not self._elsewhen.on:
                self._once(now)
            time.sleep(LOOK)
        return {**self._done, "ended": "the next run takes over"}

    def _once(self, now: datetime) -> None:
        """One look. A database that is away, locked or full is waited for: ending would help nobody."""
        if time.monotonic() < self._away_until:
            return
        try:
            # A database that was put back waits for a person; the alarm says so.
            if put_back(self._engine.store) is None:
                try:
                    self._look(now)
                except ClockJumped as jumped:
                    self._rest_until_told(jumped)
            self._watch(now)
            self._show(now)
        except Exception as error:
            if not unavailable(error):
                raise
            if not self._away_until:
                get_run_logger().error("the database does not answer; asked again until it does: %s", error)
            self._away_until = time.monotonic() + PAUSE
        else:
            if self._away_until:
                get_run_logger().warning("the database answers again")
            self._away_until = 0.0

    def _rest_until_told(self, jumped: ClockJumped) -> None:
        """Say it, and ask again in a while: a person puts the clock right, or says that it is."""
        get_run_logger().error("%s (if it is right: nurture tick --trust-clock)", jumped)
        self._ticked = self._quiet = time.monotonic()
        self._rest = QUIET

    def _look(self, now: datetime) -> None:
        if time.monotonic() - self._quiet >= QUIET:
            self._quiet = time.monotonic()
            self._count(self._engine.tick(now, live=True).as_json())
        elif time.monotonic() - self._ticked >= self._rest and anything_due(self._engine, now):
            call_helpers(self._engine, now)
            found = self._count(work(self._engine, now, None))
            self._ticked = time.monotonic()
            # What seems due but cannot be had (another worker holds it) is not asked for every five seconds.
            self._rest = PAUSE if found else min(2 * self._rest, QUIET)

    def _count(self, counts: dict[str, Any]) -> bool:
        """Add what one tick did; says whether it did anything."""
        did = {name: int(counts[name]) for name in ("enrolled", "steps", "sent", "refused", "ambiguous")}
        self._done.update(did)
        self._stale |= any(did.values())
        return any(did.values())

    def _watch(self, now: datetime) -> None:
        """Ring for what must not go unseen. Once a turn every enrollment and every step is counted, too."""
        if time.monotonic() - self._watched < WATCH:
            return
        self._watched = time.monotonic()
        if self._counted is None:
            self._counted = recounted(self._engine.store, self._engine.plans)
        standing = alarms(self._engine.store, self._engine.plans, now=now)
        for alarm in self._bell.ring([*standing, *self._counted]):
            get_run_logger().error("%s (%s)", alarm.sentence, alarm.hint)

    def _show(self, now: datetime) -> None:
        """New pictures, when something changed. A Prefect that does not answer does not stop the work."""
        if not self._stale or time.monotonic() - self._shown < SHOW:
            return
        self._stale, self._shown = False, time.monotonic()
        try:
            show_campaigns(self._engine, None, now)
        except httpx.HTTPError as problem:
            self._stale = True
            get_run_logger().warning("no picture, Prefect does not answer: %s", type(problem).__name__)


def end_of_turn(now: datetime, scheduled: datetime | None) -> datetime:
    """When a heartbeat that begins at `now` gives way. At once, if its hour was over before it could begin."""
    if scheduled and now - scheduled >= TURN:
        return now
    # A run may begin some seconds before the hour it is meant for.
    begun = (now + OVERLAP).replace(minute=0, second=0, microsecond=0)
    return begun + TURN + OVERLAP


def _paused() -> bool | None:
    """Whether a person paused this run's deployment; None when Prefect does not answer: what it said last stands."""
    if not runtime.deployment.id:
        return False
    try:
        with get_client(sync_client=True) as client:
            return client.read_deployment(runtime.deployment.id).paused
    except (httpx.HTTPError, PrefectException):
        return None
