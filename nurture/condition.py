"""Conditions: a small closed tree, asked of one lead here and of a whole store in `nurture/store/segments.py`.

    {"all": [...]}   {"any": [...]}   {"not": {...}}   {"field": "score", "op": ">=", "value": 30}

Both sides keep to these rules, so that both give the same answer for every lead:

- A field the lead does not have, or that is empty, is *not known*. Every comparison on it is false, `!=` included, and the
  reason says "not known"; ask for it by `known` and `unknown`. `not` turns true and false around and knows no third value:
  not(industry = "IT") is true for a lead whose industry is not known.
- A number is written plainly: at most 11 digits before the point and 4 after it, no leading zeros, no exponent. Within
  that, a text (all that a CSV has) and a JSON number are the same number; beyond it a value is no number.
- `<`, `<=`, `>`, `>=` read both sides as numbers. What is no number is on neither side: false.
- `=`, `!=` and `in` compare numbers if the value or the literal is a JSON number, else texts, letter by letter; true and
  false are the texts `true` and `false`. So `"007"` is not `"7"`, but 7 is `"7"` and `"7.0"`.
- `contains` and `starts_with` look at the value as text and mind the case.
- `tags` has `has` and `has_not`; `score` is a number and always known; `owner` is a text.
- `signals.KIND` is `known` if the lead ever did that, or did it `within` a span before now (a day is 24 hours). What a
  machine did, or nobody knows who, the lead has not done.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from nurture.calendar import Duration
from nurture.comparing import ORDER, Scalar, number_of, same, text_of
from nurture.condition_shape import OPS, ops_of, problems
from nurture.problems import Problem, errors
from nurture.snapshot import Snapshot
from nurture.words import listed

__all__ = ["OPS", "Condition", "Holds", "InvalidCondition", "ops_of"]


class Holds(NamedTuple):
    """Whether a condition holds for a lead, and why, in words of the lead's own values."""

    true: bool
    because: str


class InvalidCondition(ValueError):
    """This is no condition; `problems` holds all that is wrong, with pointers from the condition's own root."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"at {p.where}: {p.what}" if p.where else p.what for p in problems))


class Condition:
    """A condition, ready to be asked. As a field of a node type it is read from its JSON and written back the same."""

    __slots__ = ("_ask", "_tree")

    def __init__(self, tree: Mapping[str, Any]) -> None:
        found = errors(self.problems(tree, ""))
        if found:
            raise InvalidCondition(found)
        self._tree: dict[str, Any] = copy.deepcopy(dict(tree))
        self._ask = _compiled(self._tree)

    @property
    def tree(self) -> dict[str, Any]:
        """The JSON it was made from."""
        return copy.deepcopy(self._tree)

    def holds(self, snapshot: Snapshot) -> Holds:
        return self._ask(snapshot)

    @staticmethod
    def problems(tree: object, where: str) -> list[Problem]:
        """All that is wrong with this tree, which stands at `where`: `E_CONDITION`, and `W_CONDITION` for what looks odd."""
        return problems(tree, where)

    def __eq__(self, other: object) -> bool:
        # By text, since 1, 1.0 and True are equal to Python and not to a reader.
        return isinstance(other, Condition) and _text(self._tree) == _text(other._tree)

    def __hash__(self) -> int:
        return hash(_text(self._tree))

    def __repr__(self) -> str:
        return f"Condition({json.dumps(self._tree, ensure_ascii=False)})"

    @classmethod
    def _read(cls, value: object) -> Self:
        if isinstance(value, cls):
            return value
        found = errors(cls.problems(value, ""))
        if found or not isinstance(value, Mapping):
            raise InvalidCondition(found)
        return cls(value)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._read,
            serialization=core_schema.plain_serializer_function_ser_schema(lambda condition: condition.tree),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        inner = {"type": "object"}
        every = sorted({op for ops in OPS.values() for op in ops})
        one = {
            "field": {"type": "string"},
            "op": {"enum": every},
            "value": {},
            "within": Duration.__get_pydantic_json_schema__(schema, handler),
        }
        closed = {"type": "object", "additionalProperties": False}
        return {
            "type": "object",
            "x-form": "condition",
            "anyOf": [
                {**closed, "required": [key], "properties": {key: {"type": "array", "minItems": 1, "items": inner}}}
                for key in ("all", "any")
            ]
            + [
                {**closed, "required": ["not"], "properties": {"not": inner}},
                {**closed, "required": ["field", "op"], "properties": one},
            ],
        }


def _text(tree: object) -> str:
    return json.dumps(tree, ensure_ascii=False, sort_keys=True)


def _compiled(tree: Mapping[str, Any]) -> Callable[[Snapshot], Holds]:
    if "all" in tree:
        return _all([_compiled(part) for part in tree["all"]])
    if "any" in tree:
        return _any([_compiled(part) for part in tree["any"]])
    if "not" in tree:
        inner = _compiled(tree["not"])
        return lambda snapshot: Holds(not (holds := inner(snapshot)).true, holds.because)
    field: str = tree["field"]
    op: str = tree["op"]
    value = tree.get("value")
    if field.startswith("signals."):
        within = Duration.parse(tree["within"]) if "within" in tree else None
        return _signal(field.removeprefix("signals."), op == "known", within)
    if field == "tags":
        return _tag(value or "", op == "has")
    if field == "score":
        return _comparison(field, op, value, lambda snapshot: snapshot.lead.score)
    if field == "owner":
        return _comparison(field, op, value, lambda snapshot: snapshot.lead.owner or None)
    return _comparison(field, op, value, lambda snapshot: snapshot.lead.get(field))


def _all(parts: list[Callable[[Snapshot], Holds]]) -> Callable[[Snapshot], Holds]:
    def ask(snapshot: Snapshot) -> Holds:
        reasons = []
        for part in parts:
            holds = part(snapshot)
            if not holds.true:
                return holds
            reasons.append(holds.because)
        return Holds(True, _joined(reasons))

    return ask


def _any(parts: list[Callable[[Snapshot], Holds]]) -> Callable[[Snapshot], Holds]:
    def ask(snapshot: Snapshot) -> Holds:
        reasons = []
        for part in parts:
            holds = part(snapshot)
            if holds.true:
                return holds
            reasons.append(holds.because)
        return Holds(False, _joined(reasons))

    return ask


def _joined(reasons: list[str], most: int = 3) -> str:
    more = len(reasons) - most
    return "; ".join(reasons[:most]) + (f"; and {more} more" if more > 0 else "")


def _shown(value: Scalar) -> str:
    text = text_of(value)
    return text if len(text) <= 60 else text[:59] + "…"


def _tag(name: str, wanted: bool) -> Callable[[Snapshot], Holds]:
    has, lacks = f"has the tag {_shown(name)}", f"does not have the tag {_shown(name)}"

    def ask(snapshot: Snapshot) -> Holds:
        there = name in snapshot.lead.tags
        return Holds(there is wanted, has if there else lacks)

    return ask


def _signal(kind: str, wanted: bool, within: Duration | None) -> Callable[[Snapshot], Holds]:
    never = f"never {kind}" if within is None else f"not {kind} within {within}"

    def ask(snapshot: Snapshot) -> Holds:
        since = None if within is None else snapshot.now - within.roughly
        for signal in reversed(snapshot.signals):
            if signal.kind == kind and signal.confidence == "human" and (since is None or signal.at >= since):
                return Holds(wanted, f"{kind} at {snapshot.calendar.say(signal.at)}")
        return Holds(not wanted, never)

    return ask


def _comparison(field: str, op: str, literal: Any, read: Callable[[Snapshot], Scalar]) -> Callable[[Snapshot], Holds]:
    unknown = f"{field} is not known"
    if op in ("known", "unknown"):
        wanted, known = op == "known", f"{field} is known"
        there, missing = Holds(wanted, known), Holds(not wanted, unknown)
        return lambda snapshot: missing if read(snapshot) is None else there
    test = _test(op, literal)
    asked = "one of " + listed(map(text_of, literal)) if op == "in" else f"{op} {_shown(literal)}"

    def ask(snapshot: Snapshot) -> Holds:
        value = read(snapshot)
        if value is None:
            return Holds(False, unknown)
        true = test(value)
        return Holds(true, f"{field} is {_shown(value)}, {'' if true else 'not '}{asked}")

    return ask


def _test(op: str, literal: Any) -> Callable[[Scalar], bool]:
    """The comparison of a known value with this literal."""
    if op in ORDER:
        order, limit = ORDER[op], number_of(literal) or 0.0
        return lambda value: (number := number_of(value)) is not None and bool(order(number, limit))
    match op:
        case "=":
            return lambda value: same(value, literal)
        case "!=":
            return lambda value: not same(value, literal)
        case "in":
            return lambda value: any(same(value, one) for one in literal)
        case "contains":
            return lambda value: literal in text_of(value)
        case "starts_with":
            return lambda value: text_of(value).startswith(literal)
    raise ValueError(f"no comparison is called {op!r}")
