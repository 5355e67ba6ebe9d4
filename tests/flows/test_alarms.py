"""An alarm is told when it begins, once an hour while it goes on, and when it is over."""

from __future__ import annotations

from typing import Any

from flows.alarms import ALARM, OVER, Bell
from nurture.engine.alarms import Alarm

LATE = Alarm("overdue", "welcome", "2026-03-02T09:00Z", "welcome: 3 leads are overdue", "is anything ticking?")


def test_an_alarm_rings_once_then_every_hour_then_it_is_over() -> None:
    told: list[tuple[str, dict[str, str], dict[str, Any]]] = []
    time = [0.0]
    bell = Bell(lambda: time[0], lambda event, resource, payload: told.append((event, resource, payload)))

    for at, alarms in ((0, [LATE]), (60, [LATE]), (3600, [LATE]), (3660, []), (3720, []), (3780, [LATE])):
        time[0] = at
        bell.ring(alarms)

    assert [event for event, _, _ in told] == [ALARM, ALARM, OVER, ALARM]
    assert told[0][1]["prefect.resource.id"] == "nurture.overdue.welcome"
    assert told[0][2] == LATE.as_json()
