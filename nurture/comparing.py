"""How two values compare: the rules of `nurture/condition.py`, shared by all who must agree on them."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

__all__ = ["NUMBER", "ORDER", "Scalar", "is_number", "number_of", "same", "text_of"]

Scalar = str | int | float | bool | None

NUMBER = r"-?(0|[1-9][0-9]{0,10})(\.[0-9]{1,4})?"
"""Fifteen digits at most, four after the point: SQLite, PostgreSQL and Python read these as the same number."""
_NUMBER = re.compile(NUMBER, re.ASCII)

ORDER: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def number_of(value: object) -> float | None:
    """The number that this value is, by the rule of this module; None when it is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = value if isinstance(value, str) else repr(value)
    return float(text) if _NUMBER.fullmatch(text) else None


def text_of(value: Scalar) -> str:
    """The value as text, as the store writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)


def is_number(value: object) -> bool:
    """Whether it is a JSON number, whatever its size."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def same(value: Scalar, literal: Scalar) -> bool:
    """`=`, for a value that is known."""
    if is_number(value) or is_number(literal):
        number = number_of(value)
        return number is not None and number == number_of(literal)
    return text_of(value) == text_of(literal)
