"""Alarms as Prefect events, so that an automation can tell a person: `nurture.alarm` when one begins, `.over` when it ends.

Events hold names of campaigns and nodes, numbers and times, never anything about a person.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from prefect.events import emit_event

from nurture.engine.alarms import Alarm

__all__ = ["ALARM", "OVER", "Bell"]

ALARM = "nurture.alarm"
OVER = "nurture.alarm.over"
AGAIN = 3600.0
"""Seconds after which an alarm that goes on is told again."""


class Bell:
    """Rings once for each alarm, and again every hour for as long as it goes on."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, tell: Callable[..., object] = emit_event) -> None:
        """`tell` takes an event's name, its resource and its payload."""
        self._clock = clock
        self._tell = tell
        self._rung: dict[tuple[str, str], float] = {}

    def ring(self, alarms: Sequence[Alarm]) -> list[Alarm]:
        """Tell what is new, and what is over; says what was told as new."""
        standing = {(alarm.what, alarm.where): alarm for alarm in alarms}
        for key in self._rung.keys() - standing.keys():
            del self._rung[key]
            self._tell(OVER, _resource(*key), payload={"what": key[0], "where": key[1]})
        now = self._clock()
        told = [alarm for key, alarm in standing.items() if now - self._rung.get(key, float("-inf")) >= AGAIN]
        for alarm in told:
            self._rung[alarm.what, alarm.where] = now
            self._tell(ALARM, _resource(alarm.what, alarm.where), payload=alarm.as_json())
        return told


def _resource(what: str, where: str) -> dict[str, str]:
    return {"prefect.resource.id": f"nurture.{what}.{where.replace(' ', '-')}", "prefect.resource.name": where}
