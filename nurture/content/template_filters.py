"""The twelve filters of a template. What they may do is bounded: no width, no repetition, no format of the author's."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Final

__all__ = ["FILTERS", "CannotRender", "Missing", "written"]

LONGEST_VALUE = 32 * 1024
LARGEST_NUMBER = 10**15
LONGEST_PATTERN = 64


class CannotRender(Exception):
    """This message cannot be written for this lead; the reason is for people, and names the field."""


class Missing:
    """What is not known: false in a condition, replaced by `default`, and never shown."""

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return f"Missing({self.path!r})"


def written(value: Any) -> str:
    """The value as text. Only plain values have one; raises `CannotRender` for all else."""
    kind = type(value)
    if kind is str:
        if len(value) > LONGEST_VALUE:
            raise CannotRender("a value is longer than 32 KB")
        return value  # type: ignore[no-any-return]  # it is a str: `kind` says so
    if kind is bool:
        return "true" if value else "false"
    if kind is int or kind is float:
        if not -LARGEST_NUMBER < value < LARGEST_NUMBER:
            raise CannotRender("a number is too large to be shown")
        return str(value)
    if kind is Missing:
        raise CannotRender(f"{value.path} is not known, and the template gives no default for it")
    if kind is datetime or kind is date:
        return value.isoformat()  # type: ignore[no-any-return]  # it is a date: `kind` says so
    raise CannotRender("a value is not text or a number")


def _default(value: Any, instead: Any = "") -> Any:
    return instead if value is None or value.__class__ is Missing or value == "" else value


def _upper(value: Any) -> str:
    return written(value).upper()


def _lower(value: Any) -> str:
    return written(value).lower()


def _title(value: Any) -> str:
    # `str.title` makes "O'Neil" of "o'neil" but also "It'S" of "it's".
    return re.sub(
        r"[^\W\d_]+(?:['’][^\W\d_]+)*", lambda word: word[0][:1].upper() + word[0][1:].lower(), written(value)
    )


def _trim(value: Any) -> str:
    return written(value).strip()


def _truncate(value: Any, length: Any = 255) -> str:
    text = written(value)
    if type(length) is not int or length < 1:
        raise CannotRender("truncate needs a length of 1 or more")
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


_DATE_WORDS: Final = re.compile(r"YYYY|MM|DD|HH|mm|M|D")


def _date(value: Any, pattern: Any = "YYYY-MM-DD") -> str:
    moment = value if isinstance(value, date) else _read_date(written(value))
    if type(pattern) is not str or len(pattern) > LONGEST_PATTERN:
        raise CannotRender("the pattern of a date is a text of at most 64 characters")
    hour, minute = (moment.hour, moment.minute) if isinstance(moment, datetime) else (0, 0)
    words = {
        "YYYY": f"{moment.year:04d}",
        "MM": f"{moment.month:02d}",
        "M": str(moment.month),
        "DD": f"{moment.day:02d}",
        "D": str(moment.day),
        "HH": f"{hour:02d}",
        "mm": f"{minute:02d}",
    }
    return _DATE_WORDS.sub(lambda word: words[word[0]], pattern)


def _read_date(text: str) -> date:
    try:
        return datetime.fromisoformat(text[:64])
    except ValueError:
        raise CannotRender("a value is not a date such as 2026-03-06") from None


def _number(value: Any, decimals: Any = None) -> str:
    if type(value) is str and len(value) <= 40:
        try:
            value = float(value) if "." in value else int(value)
        except ValueError:
            raise CannotRender("a value is not a number") from None
    if type(value) not in (int, float):
        written(value)
        raise CannotRender("a value is not a number")
    if not -LARGEST_NUMBER < value < LARGEST_NUMBER:
        raise CannotRender("a number is too large to be shown")
    if decimals is None:
        decimals = 0 if type(value) is int else 2
    if type(decimals) is not int or not 0 <= decimals <= 6:
        raise CannotRender("a number has 0 to 6 decimals")
    return f"{value:,.{decimals}f}"


def _join(value: Any, between: Any = ", ") -> str:
    if type(value) not in (list, tuple):
        written(value)
        raise CannotRender("join needs a list")
    if len(value) > 100:
        raise CannotRender("a list has more than 100 entries")
    separator, entries = written(between), [written(entry) for entry in value]
    if sum(map(len, entries)) + len(separator) * len(entries) > LONGEST_VALUE:
        raise CannotRender("a list is longer than 32 KB when joined")
    return separator.join(entries)


def _first(value: Any) -> Any:
    if type(value) in (list, tuple, str):
        return value[0] if value else Missing("the first entry of an empty list")
    written(value)
    raise CannotRender("first needs a list")


def _length(value: Any) -> int:
    if type(value) in (list, tuple, str, dict):
        return len(value)
    return len(written(value))


def _escape(value: Any) -> Any:
    # Every slot is escaped as its place needs; asking for it once more changes nothing.
    return value


# Each with the least and the most number of its arguments.
FILTERS: Final[dict[str, tuple[Callable[..., Any], int, int]]] = {
    "date": (_date, 0, 1),
    "default": (_default, 0, 1),
    "escape": (_escape, 0, 0),
    "first": (_first, 0, 0),
    "join": (_join, 0, 1),
    "length": (_length, 0, 0),
    "lower": (_lower, 0, 0),
    "number": (_number, 0, 1),
    "title": (_title, 0, 0),
    "trim": (_trim, 0, 0),
    "truncate": (_truncate, 0, 1),
    "upper": (_upper, 0, 0),
}
