"""From the settings in a campaign to a node: the type's own pydantic fields decide, and their complaints become problems."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from nurture.condition import Condition, InvalidCondition
from nurture.node import Node
from nurture.problems import Problem, pointer
from nurture.words import did_you_mean, kind_of, quoted, safe

__all__ = ["build", "field_names", "without_the_wrong"]

RESERVED = ("type", "title", "next")
"""The members of a node in the JSON that are no settings of its type."""

_WANTED = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "dataclass_type": "an object",
    "none_required": "null",
}
_BOUNDS = {
    "greater_than": ("must be more than", "gt"),
    "greater_than_equal": ("must be at least", "ge"),
    "less_than": ("must be less than", "lt"),
    "less_than_equal": ("must be at most", "le"),
    "multiple_of": ("must be a multiple of", "multiple_of"),
}
_NO_VALUE = object()
MOST_FAULTS = 300
"""Of one node: more than are shown of a whole campaign, and few enough to compare each with each."""


def build(
    name: str, node_type: type[Node], settings: Mapping[str, Any], where: str
) -> tuple[Node | None, list[Problem]]:
    """The node, or every reason why there is none. `name` is what the type is called, `where` the node's pointer.

    Codes: `E_CONFIG` (missing, wrong type, out of bounds), `E_UNKNOWN_KEY`, and any `E_...` that a validator of the
    type raises as a `PydanticCustomError`. Nothing is coerced: `"3"` is no number.
    """
    problems = [
        Problem(
            where + pointer(key),
            "E_CONFIG",
            f"`{key}` is null, which says nothing",
            "leave it out, and the default holds",
        )
        for key, field in _by_name(node_type).items()
        if field.default is None and key in settings and settings[key] is None
    ]
    try:
        node = node_type.model_validate_json(json.dumps(settings))
    except ValidationError as error:
        return None, problems + _translated(name, node_type, settings, error, where)
    except Exception as error:  # noqa: BLE001  # the validators of a stranger's type may raise anything
        what = f"the type {quoted(name)} failed on these settings: {type(error).__name__}: {safe(str(error))[:300]}"
        return None, [*problems, Problem(where, "E_CONFIG", what, "its author would like to know")]
    return (None if problems else node), [*problems, *_doubts(node, where)]


def without_the_wrong(
    name: str, node_type: type[Node], settings: Mapping[str, Any], problems: Iterable[Problem], where: str
) -> tuple[Node | None, frozenset[str]]:
    """The node as it would be without the settings that are wrong, so that the rest of it can still be checked, and
    which those are. None where it cannot be without them."""
    inside = [problem.where.removeprefix(where + "/") for problem in problems if problem.where.startswith(where + "/")]
    wrong = frozenset(key for key in settings if any(place.partition("/")[0] == pointer(key)[1:] for place in inside))
    if not wrong:
        return None, wrong
    return build(name, node_type, {key: settings[key] for key in settings if key not in wrong}, where)[0], wrong


def field_names(node_type: type[Node]) -> tuple[str, ...]:
    """The settings of a type as the JSON names them, in the order of its fields."""
    return tuple(_by_name(node_type))


def _doubts(value: Any, where: str) -> Iterator[Problem]:
    """What looks odd in the conditions among these settings, though nothing is wrong with it."""
    if isinstance(value, Condition):
        yield from Condition.problems(value.tree, where)
    elif isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            yield from _doubts(getattr(value, name), where + pointer(field.alias or name))
    elif isinstance(value, tuple | list):
        for n, item in enumerate(value):
            yield from _doubts(item, where + pointer(n))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _doubts(item, where + pointer(str(key)))


def _by_name(node_type: type[Node]) -> dict[str, FieldInfo]:
    return {field.alias or name: field for name, field in node_type.model_fields.items()}


def _translated(
    name: str, node_type: type[Node], settings: Mapping[str, Any], error: ValidationError, where: str
) -> list[Problem]:
    found: dict[tuple[str | int, ...], list[tuple[Any, bool]]] = {}
    for fault in islice(error.errors(include_url=False), MOST_FAULTS):
        path, shortened = _path(fault["loc"], settings, keep_last=fault["type"] in {"missing", "extra_forbidden"})
        found.setdefault(path, []).append((fault, shortened))
    problems: list[Problem] = []
    for path, faults in found.items():
        # One arm of a union complains about the whole value, another about what is wrong inside it: the latter helps.
        inside = any(len(other) > len(path) and other[: len(path)] == path for other in found)
        kept = [fault for fault, of_an_arm in faults if not (inside and of_an_arm)]
        inner = (kept[0].get("ctx") or {}).get("error") if kept else None
        if isinstance(inner, InvalidCondition):
            problems += [problem.under(safe(where + pointer(*path))) for problem in inner.problems]
        elif kept:
            problems.append(_problem(name, node_type, where, path, kept))
    return problems


def _path(loc: Sequence[str | int], settings: Any, *, keep_last: bool) -> tuple[tuple[str | int, ...], bool]:
    """The steps of `loc` that exist in the JSON, and whether any was left out (pydantic names arms of unions there)."""
    path: list[str | int] = []
    value, left_out = settings, False
    for n, step in enumerate(loc):
        inner: Any = _NO_VALUE
        if isinstance(value, Mapping) and isinstance(step, str):
            inner = value.get(step, _NO_VALUE)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            inner = value[step]
        if inner is not _NO_VALUE:
            path.append(step)
            value = inner
        elif keep_last and n == len(loc) - 1:
            path.append(step)
        else:
            left_out = True
    return tuple(path), left_out


def _problem(
    name: str, node_type: type[Node], where: str, path: tuple[str | int, ...], faults: Sequence[Any]
) -> Problem:
    fault = faults[0]
    kind: str = fault["type"]
    context: Mapping[str, Any] = fault.get("ctx") or {}
    value = fault["input"]
    place = safe(where + pointer(*path))
    key = safe(str(path[-1])[:60]) if path else ""
    wanted = _unique(_WANTED[each["type"]] for each in faults if each["type"] in _WANTED)
    if kind == "missing":
        return Problem(place, "E_CONFIG", f"`{key}` is missing", _help(node_type, path))
    if kind == "extra_forbidden":
        names = (*field_names(node_type), *RESERVED) if len(path) == 1 else ()
        what = f"`{key}` is not a setting of {quoted(name)}"
        return Problem(place, "E_UNKNOWN_KEY", what, did_you_mean(str(path[-1]), names))
    what, hint = f"`{key}` {fault['msg']}", _help(node_type, path)
    if kind.startswith("E_"):
        return Problem(place, kind, fault["msg"], str(context.get("hint", "")))
    if wanted and len(wanted) >= len({each["type"] for each in faults if each["type"] in _WANTED}):
        also = [_said(each) for each in faults if each["type"] not in _WANTED]
        what = f"`{key}` must be {' or '.join(wanted)}, and is {kind_of(value)}" + "".join(f"; {said}" for said in also)
    elif kind in {"literal_error", "enum"}:
        expected = str(context.get("expected", ""))
        what = f"`{key}` is {quoted(value)}, and may be {expected}"
        choices = [word.strip(" '") for word in expected.replace(" or ", ",").split(",")]
        hint = did_you_mean(value, choices) if isinstance(value, str) else ""
        hint = "" if hint.startswith("there is") else hint
    elif kind in _BOUNDS:
        words, limit = _BOUNDS[kind]
        what = f"`{key}` {words} {context.get(limit)}, and is {safe(str(value))[:40]}"
    elif kind in {"too_short", "string_too_short"}:
        what = f"`{key}` must not be empty" if context.get("min_length") == 1 else f"`{key}` is too short"
    elif kind in {"too_long", "string_too_long"}:
        what = f"`{key}` is longer than {context.get('max_length')}"
    elif kind in {"value_error", "assertion_error"}:
        what = _said(fault) if not key else f"`{key}`: {_said(fault)}"
    return Problem(place, "E_CONFIG", what, hint)


def _said(fault: Mapping[str, Any]) -> str:
    """A validator's own words."""
    context = fault.get("ctx") or {}
    return safe(str(context["error"]) if "error" in context else str(fault["msg"]))[:500]


def _help(node_type: type[Node], path: Sequence[str | int]) -> str:
    """The help text of the setting, where there is one."""
    field = _by_name(node_type).get(str(path[0])) if path else None
    return field.description if field is not None and field.description else ""


def _unique(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))
