"""JSON as a person may write it, and nothing that Python's reader would quietly let pass.

Python accepts UTF-16, `NaN`, `1e999`, the same key twice and half a surrogate pair. Each of these is a campaign that
means something else elsewhere, so each is a problem with a place.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import Any

from nurture.problems import Problem, pointer
from nurture.words import quoted, safe

__all__ = ["MOST_BYTES", "MOST_DEPTH", "read"]

MOST_BYTES = 5_000_000
MOST_DEPTH = 64
MOST_BRACKETS = 200_000
MOST_FAULTS = 1_000
"""So many broken texts are named; more only cost time."""
GREATEST_INT = 2**53 - 1
"""What every reader of JSON keeps exactly, browsers included."""

_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)
_NO_TEXT = re.compile("[\ud800-\udfff\x00]")
_WIDE = {
    b"\xff\xfe": "UTF-16 or UTF-32",
    b"\xfe\xff": "UTF-16",
    b"\x00\x00": "UTF-32",
}


class _NoNumber:
    """A number that is none, until its place is known."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


class _Doubled(dict[str, Any]):
    """An object in which a key stands more than once."""

    __slots__ = ("twice",)

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.twice = [key for key, times in Counter(key for key, _ in pairs).items() if times > 1]


def read(data: bytes | str, *, most_bytes: int = MOST_BYTES) -> tuple[Any, list[Problem]]:
    """The value, and all that is wrong with it; None where it could not be read at all.

    Codes: `E_SIZE`, `E_JSON`, `E_DEPTH` (nothing was read); `E_DUP_KEY`, `E_NUMBER`, `E_UNICODE` (the value has a
    harmless stand-in at that place, so that the rest can be checked).
    """
    size = len(data) if isinstance(data, bytes) else len(data.encode("utf-8", "surrogatepass"))
    if size > most_bytes:
        what = f"the file has {size:,} bytes, and {most_bytes:,} are the most"
        return None, [Problem("", "E_SIZE", what, "split the campaign")]
    text, problem = _decoded(data)
    if problem is None:
        problem = _too_deep(text)
    if problem is not None:
        return None, [problem]
    found = False

    def flag(value: Any) -> Any:
        nonlocal found
        found = True
        return value

    def whole(digits: str) -> Any:
        fits = len(digits) <= 17 and abs(int(digits)) <= GREATEST_INT
        return int(digits) if fits else flag(_NoNumber(digits))

    def broken(digits: str) -> Any:
        value = float(digits)
        return value if math.isfinite(value) else flag(_NoNumber(digits))

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        return value if len(value) == len(pairs) else flag(_Doubled(pairs))

    try:
        value = json.loads(
            text,
            object_pairs_hook=members,
            parse_int=whole,
            parse_float=broken,
            parse_constant=lambda name: flag(_NoNumber(name)),
        )
    except json.JSONDecodeError as error:
        return None, [_not_json(text, error)]
    if not found and "\\u" not in text and not _NO_TEXT.search(text):
        return value, []
    problems: list[Problem] = []
    return _cleaned(value, (), problems), problems


def _decoded(data: bytes | str) -> tuple[str, Problem | None]:
    if isinstance(data, str):
        return data.removeprefix("\ufeff"), None
    encoding = _WIDE.get(data[:2]) or ("UTF-16" if b"\x00" in data[:4] else None)
    if encoding:
        return "", Problem("line 1, column 1", "E_JSON", f"the file is {encoding}", "save it as UTF-8")
    try:
        return data.decode("utf-8").removeprefix("\ufeff"), None
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        what = f"the byte 0x{data[error.start]:02x} is not UTF-8"
        return "", Problem(_line_column(before, len(before)), "E_JSON", what, "save the file as UTF-8")


def _too_deep(text: str) -> Problem | None:
    """Before the parser sees it: a million brackets would cost it its stack, or us a second."""
    depth = seen = 0
    many = text.count("[") + text.count("{") > MOST_BRACKETS
    for token in _TOKEN.finditer(text):
        mark = token.group()
        if mark in "[{":
            depth += 1
            seen += 1
            if depth > MOST_DEPTH:
                what = f"lists and objects are nested more than {MOST_DEPTH} deep"
                return Problem(_line_column(text, token.start()), "E_DEPTH", what)
        elif mark in "]}":
            depth -= 1
        if many and seen > MOST_BRACKETS:
            what = f"there are more than {MOST_BRACKETS:,} lists and objects"
            return Problem(_line_column(text, token.start()), "E_SIZE", what, "split the campaign")
    return None


def _not_json(text: str, error: json.JSONDecodeError) -> Problem:
    if not text.strip():
        return Problem("line 1, column 1", "E_JSON", "the file is empty")
    position, said, hint = error.pos, f"{error.msg[:1].lower()}{error.msg[1:]}", ""
    here = text[position : position + 1]
    before = text[:position].rstrip()
    if "trailing comma" in error.msg or (here in {"}", "]"} and before.endswith(",")):
        # Python versions point at the comma or at the bracket behind it.
        position = position if here == "," else len(before) - 1
        said, hint = "a comma stands before a closing bracket", "take the comma out"
    elif here in {"/", "#"}:
        hint = "JSON has no comments; a node's `title` says what it is for"
    elif here == "'":
        hint = 'texts stand in double quotes: "..."'
    return Problem(_line_column(text, position), "E_JSON", f"this is not JSON: {said}", hint)


def _line_column(text: str, position: int) -> str:
    line = text.count("\n", 0, position) + 1
    column = position - (text.rfind("\n", 0, position) + 1) + 1
    return f"line {line}, column {column}"


def _cleaned(value: Any, path: tuple[str | int, ...], problems: list[Problem]) -> Any:
    """The value without what is no JSON; recursion is bounded by `MOST_DEPTH`."""
    if isinstance(value, dict):
        here = _where(path)
        for key in getattr(value, "twice", ()):
            what = f"the key {quoted(key)} stands here more than once"
            problems.append(Problem(here + _where((key,)), "E_DUP_KEY", what, "keep one of them"))
        return {_text(key, path, problems): _cleaned(item, (*path, key), problems) for key, item in value.items()}
    if isinstance(value, list):
        return [_cleaned(item, (*path, n), problems) for n, item in enumerate(value)]
    if isinstance(value, _NoNumber):
        what = f"{quoted(value.text)} is not a number that every program can keep"
        hint = f"whole numbers go up to {GREATEST_INT:,}" if value.text.lstrip("-").isdigit() else ""
        problems.append(Problem(_where(path), "E_NUMBER", what, hint))
        return 0
    return _text(value, path, problems) if isinstance(value, str) else value


def _text(value: str, path: tuple[str | int, ...], problems: list[Problem]) -> str:
    bad = _NO_TEXT.search(value)
    if bad is None:
        return value
    if len(problems) > MOST_FAULTS:
        return _NO_TEXT.sub("\ufffd", value)
    kind = "half of a surrogate pair" if bad.group() != "\x00" else "a null character"
    what = f"the text {quoted(value)} holds {kind}, which cannot be stored"
    problems.append(Problem(_where(path), "E_UNICODE", what, "type the character again"))
    return _NO_TEXT.sub("\ufffd", value)


def _where(path: tuple[str | int, ...]) -> str:
    return safe(pointer(*path))
