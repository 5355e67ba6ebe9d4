"""Times as people and CRMs write them. Whatever could be read in two ways is refused."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

__all__ = ["BadTime", "parse_time"]

EARLIEST, LATEST = 1970, 2100
_MONTHS = {name: number for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}

_CLOCK = r"(?:[\s,T]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?\s*(?P<half>[ap]m)?)?"
_MONTH = r"(?P<name>[A-Za-z]{3,9})"
_SHAPES = [
    re.compile(shape + _CLOCK, re.IGNORECASE).fullmatch
    for shape in (
        rf"(?P<day>\d{{1,2}})[\s-]{_MONTH}\.?[,\s-]+(?P<year>\d{{4}})",
        rf"{_MONTH}\.?\s+(?P<day>\d{{1,2}}),?\s+(?P<year>\d{{4}})",
        r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})",
        r"(?P<year>\d{4})年\s?(?P<month>\d{1,2})月\s?(?P<day>\d{1,2})日",
    )
]
_two_ways = re.compile(r"\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}\b.*").fullmatch
_iso = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ].+)?").fullmatch


class BadTime(ValueError):
    """This text is no moment. The message says why, for people."""


@lru_cache(maxsize=4096)
def parse_time(text: str, zone: ZoneInfo) -> datetime:
    """The moment in UTC. Naive times are local times of `zone`; a date alone is its first moment.

    Understands ISO 8601, `15 Apr, 2021 00:03:00`, `Apr 15, 2021 3:05 PM`, `2021/4/15 9:05`, `2021年4月15日`.
    Raises `BadTime`.
    """
    text = text.strip()
    moment = _read(text)
    try:
        if moment.tzinfo is None:
            moment = _local(moment, zone)
        moment = moment.astimezone(UTC)
    except OverflowError:
        raise BadTime(f"{text!r} is out of range") from None
    if not EARLIEST <= moment.year <= LATEST:
        raise BadTime(f"{text!r} is not between {EARLIEST} and {LATEST}")
    return moment


def _read(text: str) -> datetime:
    if len(text) > 64 or not text.isprintable():
        raise BadTime("this is no time")
    if _iso(text):
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass
    for shape in _SHAPES:
        if found := shape(text):
            return _built(text, found.groupdict())
    if _two_ways(text):
        raise BadTime(f"{text!r} can be read in two ways; write 2021-04-15")
    raise BadTime(f"{text!r} is no time that is understood; write 2021-04-15T09:05:00+08:00")


def _built(text: str, part: dict[str, str | None]) -> datetime:
    month = int(part.get("month") or _MONTHS.get((part.get("name") or "")[:3].lower(), 0))
    hour = int(part["hour"] or 0)
    if half := part["half"]:
        if not 1 <= hour <= 12:
            raise BadTime(f"{text!r} has no such hour")
        hour = hour % 12 + (12 if half.lower() == "pm" else 0)
    try:
        year, day, minute, second = (int(part[name] or 0) for name in ("year", "day", "minute", "second"))
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001  # the caller knows the zone
    except ValueError:
        raise BadTime(f"{text!r} is no day or hour that exists") from None


def _local(naive: datetime, zone: ZoneInfo) -> datetime:
    """A local time as a moment. Where the clock was set back, the first of the two; where forward, the change itself."""
    moment = naive.replace(tzinfo=zone).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == naive:
        return moment
    low, high = naive.replace(tzinfo=zone, fold=1).astimezone(UTC), moment
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high
