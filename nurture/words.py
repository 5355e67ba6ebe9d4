"""Words for problems: names in quotes that a terminal and UTF-8 survive, and the nearest name to a misspelt one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Any

__all__ = ["did_you_mean", "kind_of", "listed", "quoted", "safe"]

LONGEST_NAME = 60
MOST_COMPARED = 400


def safe(text: str) -> str:
    """The text with everything escaped that would break a terminal, a log line or UTF-8."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def quoted(text: object) -> str:
    """`'text'`, shortened where it is long."""
    word = str(text)
    return f"'{safe(word[:LONGEST_NAME])}{'…' if len(word) > LONGEST_NAME else ''}'"


def listed(names: Iterable[str], most: int = 12) -> str:
    """`a, b, c`, or the first ones of many and how many more there are."""
    every = [safe(name[:LONGEST_NAME]) for name in names]
    return ", ".join(every[:most]) + (f" and {len(every) - most} more" if len(every) > most else "")


def did_you_mean(word: str, among: Iterable[str]) -> str:
    """`did you mean 'bait'?`, or what there is to choose from, or nothing when there is nothing."""
    names = sorted(among)
    asked = word[:LONGEST_NAME].casefold()
    # Long lists are cut to the names of a similar length: a hint may not cost more than the check itself.
    close = sorted(names, key=lambda name: abs(len(name) - len(asked)))[:MOST_COMPARED]
    best, best_ratio = "", 0.6
    matcher = SequenceMatcher(b=asked, autojunk=False)
    for name in close:
        matcher.set_seq1(name.casefold())
        if matcher.real_quick_ratio() > best_ratio and matcher.quick_ratio() > best_ratio:
            ratio = matcher.ratio()
            if ratio > best_ratio:
                best, best_ratio = name, ratio
    if best:
        return f"did you mean {quoted(best)}?"
    return f"there is: {listed(names)}" if names else ""


def kind_of(value: Any) -> str:
    """What a JSON value is, in words: `a text`, `a number`, `null`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "a text"
    if isinstance(value, int | float):
        return "a number"
    return "a list" if isinstance(value, list) else "an object"
