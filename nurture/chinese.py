"""What the validator says, in Chinese: its sentences are found in a catalogue, their blanks filled from the problem.

A sentence that is not in `chinese_texts` (a stranger's node type has its own) is told by what its code means in general,
with the original behind it: nothing is hidden, nothing invented.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from nurture.chinese_texts import CODES, HINTS, WORDS
from nurture.problems import Problem

__all__ = ["hint", "knows", "what"]

_BLANK = re.compile(r"\{([a-z]+)\}")


@dataclass(frozen=True, slots=True)
class _Sentence:
    pattern: re.Pattern[str]
    chinese: str

    def told(self, text: str) -> str | None:
        found = self.pattern.fullmatch(text)
        return None if found is None else _BLANK.sub(lambda blank: _filled(blank[1], found[blank[1]]), self.chinese)


def what(problem: Problem) -> str:
    """What is wrong, in Chinese."""
    told = _told(problem.code, problem.what)
    if told is not None:
        return told
    general = CODES.get(problem.code)
    return f"{general[0] if general else problem.code}：{problem.what}"


def hint(problem: Problem, helps: Mapping[str, str]) -> str:
    """What to do about it, in Chinese; `helps` is the English help of settings to the Chinese."""
    if not problem.hint or problem.hint in helps:
        return helps.get(problem.hint, "")
    return next(_found(_hints(), problem.hint), problem.hint)


def knows(problem: Problem) -> bool:
    """Whether the sentence itself is in the catalogue, and not only its code."""
    return _told(problem.code, problem.what) is not None


def _told(code: str, text: str) -> str | None:
    return next(_found(_sentences(code), text), None)


def _found(sentences: Iterable[_Sentence], text: str) -> Iterator[str]:
    return (told for sentence in sentences if (told := sentence.told(text)) is not None)


def _filled(blank: str, english: str) -> str:
    """What goes into a blank: names as they are, words of ours in Chinese, a sentence within a sentence translated."""
    if blank == "said":
        return _told("E_CONFIG", english) or english
    if english in WORDS or blank != "wanted":
        return WORDS.get(english, english)
    return "或".join(WORDS.get(part, part) for part in english.split(" or "))


@cache
def _sentences(code: str) -> tuple[_Sentence, ...]:
    return tuple(_sentence(*pair) for pair in CODES[code][1]) if code in CODES else ()


@cache
def _hints() -> tuple[_Sentence, ...]:
    return tuple(_sentence(*pair) for pair in HINTS)


def _sentence(english: str, chinese: str) -> _Sentence:
    parts = _BLANK.split(english)
    pattern = "".join(f"(?P<{part}>.+?)" if n % 2 else re.escape(part) for n, part in enumerate(parts))
    return _Sentence(re.compile(pattern, re.DOTALL), chinese)
