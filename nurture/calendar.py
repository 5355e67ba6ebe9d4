"""When things happen on a lead's clock: durations, workdays, times of day, send windows.

Every moment that comes in or goes out is an aware datetime; what comes out is UTC. Three rules for local clocks:
a time that a clock change skips becomes the first instant after the gap; a time that happens twice means the first;
a day of a calendar is a day on the wall, not 24 hours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Annotated, Any, Literal, Self, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

__all__ = [
    "WEEKDAYS",
    "Calendar",
    "Duration",
    "SendWindow",
    "TimeOfDay",
    "WaitDuration",
    "Weekday",
    "clock",
    "day",
    "span",
    "time_zone",
    "weekend",
]

Unit = Literal["minute", "hour", "day", "workday", "week"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

WEEKDAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

DURATION = re.compile(r"([1-9][0-9]{0,5}|0) (minute|hour|day|workday|week)s?", re.ASCII)
TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
ZONE = re.compile(r"[A-Za-z]+(/[A-Za-z0-9_+-]+){1,2}", re.ASCII)

SHORTEST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(days=366)
LONGEST_CLOSED = 400
"""Days without an open hour after which a send window counts as never open."""


@dataclass(frozen=True, slots=True)
class Duration:
    """A span as people say it: `"3 days"`, `"3 workdays"`, `"90 minutes"`, `"12 hours"`, `"2 weeks"`.

    As a field of a node type it is read from that text and written back as it.
    """

    amount: int
    unit: Unit

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError, saying how to write it."""
        found = DURATION.fullmatch(text)
        if found is None:
            raise ValueError(
                f"{text[:40]!r} is not a duration; write a whole number, a space and one of minutes, hours, days, "
                "workdays or weeks, such as '3 days'"
            )
        return cls(int(found[1]), cast("Unit", found[2]))

    def __str__(self) -> str:
        return f"{self.amount} {self.unit}" + ("" if self.amount == 1 else "s")

    @property
    def elapsed(self) -> timedelta | None:
        """The exact length of minutes and hours; None for what only a calendar can tell."""
        match self.unit:
            case "minute":
                return timedelta(minutes=self.amount)
            case "hour":
                return timedelta(hours=self.amount)
        return None

    @property
    def roughly(self) -> timedelta:
        """The length without a calendar: a day counts 24 hours, five workdays count seven days."""
        match self.unit:
            case "week":
                return timedelta(weeks=self.amount)
            case "day":
                return timedelta(days=self.amount)
            case "workday":
                return timedelta(minutes=self.amount * 7 * 24 * 60 // 5)
        return self.elapsed or timedelta()

    def as_wait(self) -> Self:
        """Itself, when a lead may wait that long; else ValueError."""
        if not SHORTEST_WAIT <= self.roughly <= LONGEST_WAIT:
            raise ValueError(f"{self} is out of bounds; a wait is between 1 minute and 366 days (261 workdays)")
        return self

    @classmethod
    def _read(cls, value: object) -> Self:
        if isinstance(value, cls):
            return value
        if isinstance(value, str):
            return cls.parse(value)
        raise ValueError("a duration is a text such as '3 days'")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._read, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {
            "type": "string",
            "pattern": f"^{DURATION.pattern}$",
            "examples": ["3 days", "2 workdays", "90 minutes"],
            "x-form": "duration",
        }


WaitDuration = Annotated[Duration, AfterValidator(Duration.as_wait)]
"""A duration that a lead may wait: 1 minute to 366 days."""


def clock(text: str) -> time:
    """`"09:30"` as a time of day; raises ValueError for any other spelling."""
    if not TIME_OF_DAY.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is not a time of day; write it as '09:30'")
    return time(int(text[:2]), int(text[3:]))


def day(text: object) -> date:
    """`"2026-03-31"` as a date; raises ValueError for anything else."""
    if not isinstance(text, str) or not DAY.fullmatch(text):
        raise ValueError(f"{str(text)[:40]!r} is not a date; write it as '2026-03-31'")
    return date.fromisoformat(text)


def _time_of_day(text: str) -> str:
    clock(text)
    return text


TimeOfDay = Annotated[str, AfterValidator(_time_of_day)]
"""A time of day as text, `"09:30"`."""


@lru_cache(maxsize=1024)
def time_zone(name: str) -> ZoneInfo:
    """The IANA zone of this name; ValueError for anything else.

    Abbreviations are refused, since the same letters mean different zones: `CST` is Shanghai's, Chicago's and Havana's.
    """
    wrong = ValueError(f"{name[:40]!r} is not a time zone; write an IANA name such as 'Asia/Shanghai', or 'UTC'")
    if name != "UTC" and (not ZONE.fullmatch(name) or name.startswith(("right/", "posix/"))):
        raise wrong
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise wrong from None


def weekend(day: date) -> bool:
    """The plain rule for days off: Saturday and Sunday."""
    return day.weekday() >= 5


def span(length: timedelta) -> str:
    """A length in words, rounded down: `"2 hours"`, `"3 days"`, `"less than a minute"`."""
    seconds = int(length.total_seconds())
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= (2 * size if unit == "day" else size):
            count = seconds // size
            return f"{count} {unit}" + ("" if count == 1 else "s")
    return "less than a minute"


@dataclass(frozen=True, slots=True)
class SendWindow:
    """The hours in which messages may leave, on the lead's clock: from `from_` until just before `to`, on `days`."""

    days: Literal["workdays", "every day"] | tuple[Weekday, ...]
    from_: str
    to: str
    """`"18:00"`; `"24:00"` is the end of the day."""

    def __post_init__(self) -> None:
        if self.days not in ("workdays", "every day"):
            days = tuple(self.days) if isinstance(self.days, list | tuple) else ()
            unknown = [day for day in days if day not in WEEKDAYS]
            if not days or unknown:
                raise ValueError(
                    "days of a send window are 'workdays', 'every day' or a list of weekdays such as ['monday']"
                    + (f", not {unknown[0]!r}" if unknown else "")
                )
            object.__setattr__(self, "days", days)
        clock(self.from_)
        if self.to != "24:00":
            clock(self.to)
        if self.from_ >= self.to:
            raise ValueError(f"a send window opens before it closes, but {self.from_} is not before {self.to}")

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """From `{"days", "from", "to"}`; ValueError for another shape."""
        if set(value) != {"days", "from", "to"} or not all(isinstance(value[key], str) for key in ("from", "to")):
            raise ValueError("a send window has 'days', 'from' and 'to', such as 'workdays', '09:30' and '18:00'")
        return cls(value["days"], value["from"], value["to"])

    def as_json(self) -> dict[str, Any]:
        days = self.days if isinstance(self.days, str) else list(self.days)
        return {"days": days, "from": self.from_, "to": self.to}


@dataclass(frozen=True, slots=True)
class Calendar:
    """A clock on the wall and the days people work."""

    zone: str = "UTC"
    """An IANA name."""
    day_off: Callable[[date], bool] = weekend

    def in_zone(self, zone: str | None) -> Calendar:
        """The same days off on another wall; None keeps this one. ValueError for an unknown zone."""
        if zone is None or zone == self.zone:
            return self
        time_zone(zone)
        return Calendar(zone, self.day_off)

    def is_workday(self, day: date) -> bool:
        return not self.day_off(day)

    def local(self, moment: datetime) -> datetime:
        """That moment on this wall."""
        return moment.astimezone(time_zone(self.zone))

    def say(self, moment: datetime) -> str:
        """That moment in words, on this wall: `"6 Mar 08:59"`."""
        return _said(self.zone, moment)

    def on_date(self, day: date, at: time) -> datetime:
        """When the wall shows this day and time."""
        zone = time_zone(self.zone)
        wall = datetime.combine(day, at.replace(tzinfo=None, fold=0))
        moment = wall.replace(tzinfo=zone).astimezone(UTC)
        if moment.astimezone(zone).replace(tzinfo=None, fold=0) == wall:
            return moment
        # In a gap the two readings of the wall lie on either side of the change; clocks change on whole seconds.
        early = wall.replace(tzinfo=zone, fold=1).astimezone(UTC).replace(microsecond=0)
        late = moment.replace(microsecond=0) + timedelta(seconds=1)
        while late - early > timedelta(seconds=1):
            middle = early + timedelta(seconds=(late - early) // timedelta(seconds=1) // 2)
            if middle.astimezone(zone).replace(tzinfo=None) >= wall:
                late = middle
            else:
                early = middle
        return late

    def after(self, duration: Duration, start: datetime) -> datetime:
        """`duration` after `start`. Days, workdays and weeks keep the time of day on the wall."""
        return _after(self, duration, start)

    def next_time(self, after: datetime, *, time: time | None = None, weekday: str | None = None) -> datetime:
        """The first moment later than `after` at which the wall shows this time (default: midnight) on this weekday."""
        if weekday is not None and weekday not in WEEKDAYS:
            raise ValueError(f"{weekday!r} is not a weekday; write one of {', '.join(WEEKDAYS)}")
        at = time or _MIDNIGHT
        day = self.local(after).date()
        while True:
            if weekday is None or WEEKDAYS[day.weekday()] == weekday:
                moment = self.on_date(day, at)
                if moment > after:
                    return moment
            day += timedelta(days=1)

    def open_at(self, window: SendWindow, moment: datetime) -> datetime:
        """The first moment from this one on at which the window is open; this very one when it is open now."""
        moment = moment.astimezone(UTC)
        # A clock set back over midnight shows yesterday's date again, so the day before is asked too.
        first = self.local(moment).date() - timedelta(days=1)
        for ahead in range(LONGEST_CLOSED + 1):
            day = first + timedelta(days=ahead)
            if not self._open_on(window, day):
                continue
            closes = (
                self.on_date(day + timedelta(days=1), _MIDNIGHT)
                if window.to == "24:00"
                else self.on_date(day, clock(window.to))
            )
            if moment < closes:
                opens = max(moment, self.on_date(day, clock(window.from_)))
                if opens < closes:
                    return opens
        raise ValueError(f"the send window is not open on any of the {LONGEST_CLOSED} days from {first}")

    def _open_on(self, window: SendWindow, day: date) -> bool:
        if window.days == "every day":
            return True
        if window.days == "workdays":
            return self.is_workday(day)
        return WEEKDAYS[day.weekday()] in window.days


_MIDNIGHT = time(0)


# The leads of a batch ask the same things of the same clock, and clocks are slow to ask.


@lru_cache(maxsize=16_384)
def _said(zone: str, moment: datetime) -> str:
    # strftime would follow the locale of the machine, and a reason must read the same on all of them.
    wall = moment.astimezone(time_zone(zone))
    return f"{wall.day} {MONTHS[wall.month - 1]} {wall.hour:02}:{wall.minute:02}"


@lru_cache(maxsize=16_384)
def _after(calendar: Calendar, duration: Duration, start: datetime) -> datetime:
    if (elapsed := duration.elapsed) is not None:
        return start.astimezone(UTC) + elapsed
    if duration.amount == 0:
        return start.astimezone(UTC)
    wall = calendar.local(start)
    day = wall.date()
    if duration.unit == "workday":
        left = duration.amount
        closed = 0
        while left:
            day += timedelta(days=1)
            if calendar.is_workday(day):
                left, closed = left - 1, 0
            elif (closed := closed + 1) > LONGEST_CLOSED:
                raise ValueError(f"this calendar has no workday in the {LONGEST_CLOSED} days before {day}")
    else:
        day += timedelta(days=duration.amount * (7 if duration.unit == "week" else 1))
    return calendar.on_date(day, wall.time())
