"""What a condition may look like, and everything that is wrong with one that does not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from nurture.calendar import Duration
from nurture.comparing import ORDER, is_number, number_of
from nurture.problems import Problem, pointer
from nurture.snapshot import SIGNAL_KINDS
from nurture.words import did_you_mean, kind_of, listed, quoted

__all__ = ["OPS", "ops_of", "problems"]

_KIND = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
# A quote or a backslash could not be named in a JSON path on all versions of SQLite.
_FIELD = re.compile(r"[^\"\\\x00-\x1f\x7f]{1,100}")

DEEPEST, LARGEST, LONGEST_LIST, LONGEST_TEXT = 20, 500, 1000, 1000

_TEXT_OPS = ("=", "!=", "in", "contains", "starts_with", "known", "unknown")
OPS: dict[str, tuple[str, ...]] = {
    "tags": ("has", "has_not"),
    "score": ("=", "!=", *ORDER),
    "owner": _TEXT_OPS,
    "signals": ("known", "unknown"),
    "": ("=", "!=", *ORDER, *_TEXT_OPS[2:]),
}
"""What may be asked of each field; `signals` stands for `signals.KIND`, "" for every field of the lead."""

_MEANT = {
    **dict.fromkeys(("==", "eq", "is", "equals", "equal"), "="),
    **dict.fromkeys(("<>", "ne", "neq", "is_not", "not_equals"), "!="),
    "gt": ">",
    "gte": ">=",
    "ge": ">=",
    "lt": "<",
    "lte": "<=",
    "le": "<=",
    "one_of": "in",
    "any_of": "in",
    "exists": "known",
    "is_known": "known",
    "missing": "unknown",
    "is_unknown": "unknown",
    "empty": "unknown",
    "includes": "contains",
    "has_tag": "has",
    "not_has": "has_not",
    "lacks": "has_not",
}


def ops_of(field: str) -> tuple[str, ...]:
    """What may be asked of this field."""
    return OPS["signals" if field.startswith("signals.") else field if field in OPS else ""]


def problems(tree: object, where: str) -> list[Problem]:
    """All that is wrong with this tree, which stands at `where`: `E_CONDITION`, and `W_CONDITION` for what looks odd."""
    if _size(tree) is None:
        what = f"this condition is nested deeper than {DEEPEST} levels, or has more than {LARGEST} parts"
        return [_error(where, what, "split it over several nodes, or use `in` with a list")]
    return _problems(tree, where)


def _size(tree: object, left: int = LARGEST, depth: int = 1) -> int | None:
    """How many parts of `left` remain after this tree; None when it is too large or too deep."""
    if depth > DEEPEST or left <= 0:
        return None
    remains: int | None = left - 1
    if isinstance(tree, Mapping):
        for key in ("all", "any", "not"):
            inner = tree.get(key)
            for part in inner if isinstance(inner, list | tuple) else [inner] if inner is not None else []:
                if remains is not None:
                    remains = _size(part, remains, depth + 1)
    return remains


def _problems(tree: object, where: str) -> list[Problem]:
    if not isinstance(tree, Mapping):
        return [_error(where, f"a condition is an object, not {kind_of(tree)}", _SHAPES)]
    groups = [key for key in ("all", "any", "not") if key in tree]
    if not groups and "field" not in tree:
        return [_error(where, "this is no condition", _SHAPES)]
    if len(groups) + ("field" in tree) > 1:
        what = f"{listed([*groups, *(['field'] if 'field' in tree else [])])} stand side by side"
        return [_error(where, what, "a condition is one of them; put the others inside an `all` or `any`")]
    if not groups:
        return _comparison_problems(tree, where)
    key = groups[0]
    found = [_error(where + pointer(str(k)), f"`{k}` does not go with `{key}`") for k in tree if k != key]
    inner = tree[key]
    if key == "not":
        return found + _problems(inner, where + "/not")
    if not isinstance(inner, list | tuple) or not inner:
        return [*found, _error(where + pointer(key), f"`{key}` is a list of at least one condition", _SHAPES)]
    return found + [p for n, part in enumerate(inner) for p in _problems(part, where + pointer(key, n))]


_SHAPES = 'write {"field", "op", "value"}, {"all": [...]}, {"any": [...]} or {"not": {...}}'


def _error(where: str, what: str, hint: str = "") -> Problem:
    return Problem(where, "E_CONDITION", what, hint)


def _comparison_problems(tree: Mapping[str, Any], where: str) -> list[Problem]:
    field, op = tree["field"], tree.get("op")
    found = [
        _error(where + pointer(str(k)), f"`{k}` is not part of a comparison", did_you_mean(str(k), _PARTS))
        for k in tree
        if k not in _PARTS
    ]
    if not isinstance(field, str) or not _FIELD.fullmatch(field) or field != field.strip():
        what = "`field` is the name of a field: 1 to 100 characters, no quotes or backslashes, no blanks around it"
        return [*found, _error(where + "/field", what)]
    signal = field.removeprefix("signals.") if field.startswith("signals.") else None
    if field == "signals" or (signal is not None and not _KIND.fullmatch(signal)):
        found.append(_error(where + "/field", "name a kind of signal", "write it as 'signals.viewed'"))
    elif signal is not None and signal not in SIGNAL_KINDS:
        what = f"no signal of ours is called {quoted(signal)}"
        found.append(
            Problem(where + "/field", "W_CONDITION", what, did_you_mean(signal, SIGNAL_KINDS), severity="warning")
        )
    ops = ops_of(field)
    if not isinstance(op, str) or op not in ops:
        what = f"`op` is missing for {quoted(field)}" if op is None else f"{quoted(field)} cannot be asked {quoted(op)}"
        meant = _MEANT.get(op) if isinstance(op, str) else None
        hint = f"did you mean {quoted(meant)}?" if meant in ops else f"it can be asked: {listed(ops)}"
        return [*found, _error(where + ("/op" if "op" in tree else ""), what, hint)]
    if "within" in tree:
        found += _within_problems(tree["within"], signal is not None, where + "/within")
    if op in ("known", "unknown"):
        if "value" in tree:
            found.append(_error(where + "/value", f"`{op}` takes no value"))
    elif "value" not in tree:
        found.append(_error(where, f"`value` is missing: {field} {op} what?"))
    else:
        found += _value_problems(field, op, tree["value"], where + "/value")
    return found


_PARTS = ("field", "op", "value", "within")


def _within_problems(within: object, of_signal: bool, where: str) -> list[Problem]:
    if not of_signal:
        return [_error(where, "`within` goes with signals only")]
    try:
        span = Duration.parse(within) if isinstance(within, str) else None
    except ValueError as error:
        return [_error(where, str(error))]
    if span is None or span.unit == "workday" or not timedelta() < span.roughly <= timedelta(days=3660):
        return [_error(where, "`within` is a span of minutes, hours, days or weeks, such as '30 days'")]
    return []


def _value_problems(field: str, op: str, value: object, where: str) -> list[Problem]:
    if op == "in":
        if not isinstance(value, list | tuple) or not 1 <= len(value) <= LONGEST_LIST:
            return [_error(where, f"`in` takes a list of 1 to {LONGEST_LIST} values")]
        return [p for n, one in enumerate(value) for p in _value_problems(field, "=", one, where + pointer(n))]
    if not isinstance(value, str | int | float):
        return [_error(where, f"the value is a text, a number, true or false, not {kind_of(value)}")]
    if op in ("contains", "starts_with", "has", "has_not") and not isinstance(value, str):
        return [_error(where, f"`{op}` takes a text")]
    if op in ORDER or field == "score" or is_number(value):
        if number_of(value) is None:
            hint = "at most 11 digits before the point and 4 after it"
            return [_error(where, f"{field} {op} takes a number, not {quoted(value)}", hint)]
        return []
    if isinstance(value, str):
        if not value:
            return [_error(where, "the text is empty", "to ask for a missing value, use `unknown`")]
        if len(value) > LONGEST_TEXT or "\x00" in value or any("\ud800" <= c <= "\udfff" for c in value):
            return [_error(where, f"the text has more than {LONGEST_TEXT} characters, or some that no text may have")]
    return []
