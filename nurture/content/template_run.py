"""What a compiled template consists of at run time: lookups, and an allowance that every step is paid from."""

from __future__ import annotations

import operator
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Final

from jinja2 import nodes

from nurture.content.template_filters import CannotRender, Missing

__all__ = [
    "COMPARE",
    "DEEPEST",
    "LARGEST_OUTPUT",
    "LONGEST_LIST",
    "Get",
    "Piece",
    "Run",
    "comparison",
    "getter",
    "joined",
    "known_by",
    "nothing",
    "path_of",
]

LARGEST_OUTPUT = 512 * 1024
LONGEST_LIST = 100
DEEPEST = 40
ALLOWANCE = 400_000
"""What one rendering may spend: a node costs 1, a filter 1 for every 16 characters. All of it takes some 50 ms."""


_SIMPLE = (str, int, float, bool)
COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "gteq": operator.ge,
    "lt": operator.lt,
    "lteq": operator.le,
    "in": lambda left, right: left in right,
    "notin": lambda left, right: left not in right,
}


class Run:
    """One rendering: the values, and what it may still spend."""

    __slots__ = ("allowance", "room", "values")

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values
        self.room = LARGEST_OUTPUT
        self.allowance = ALLOWANCE

    def spend(self, cost: int) -> None:
        self.allowance -= cost
        if self.allowance < 0:
            raise CannotRender("the template takes too long for this lead")


Get = Callable[[Run], Any]
Piece = str | Callable[[Run], str]


def nothing(run: Run) -> Any:
    """Stands where a flaw was noted; a flawed template is never rendered."""
    return Missing("nothing")


def joined(pieces: list[Piece], cost: int) -> Callable[[Run], str]:
    if all(isinstance(piece, str) for piece in pieces):
        pieces = ["".join(piece for piece in pieces if isinstance(piece, str))]
    fixed = sum(len(piece) for piece in pieces if isinstance(piece, str))
    # What is the same for everybody stands in its place already; the others are put between.
    empty = [piece if isinstance(piece, str) else "" for piece in pieces]
    slots = [(number, piece) for number, piece in enumerate(pieces) if not isinstance(piece, str)]

    def block(run: Run) -> str:
        run.spend(cost)
        run.room -= fixed
        if run.room < 0:
            raise CannotRender("the message is longer than 512 KB")
        page = empty.copy()
        for number, piece in slots:
            page[number] = piece(run)
        return "".join(page)

    return block


def comparison(first: Get, rest: list[tuple[Callable[[Any, Any], bool], Get]]) -> Get:
    """`first < second <= third`; what is not known compares to nothing, as in the conditions of a campaign."""

    def holds(run: Run) -> bool:
        left = first(run)
        for compare, other in rest:
            right = other(run)
            if left.__class__ is Missing or right.__class__ is Missing:
                return False
            run.spend(1 + (len(right) // 16 if right.__class__ is str else 0))
            if left.__class__ not in _SIMPLE or not (right.__class__ in _SIMPLE or _is_list(right)):
                raise CannotRender("only texts and numbers can be compared")
            try:
                if not compare(left, right):
                    return False
            except TypeError:
                raise CannotRender("values of different kinds are compared") from None
            left = right
        return True

    return holds


def _is_list(value: Any) -> bool:
    return (value.__class__ is list or value.__class__ is tuple) and len(value) <= LONGEST_LIST


def getter(root: str, keys: list[str | int], path: str) -> Get:
    missing = Missing(path)
    lead = root == "lead"  # an empty field of a lead is not known; an empty setting of ours is empty

    def get(run: Run) -> Any:
        value = run.values.get(root)
        for key in keys:
            kind = value.__class__
            if kind is dict or kind is MappingProxyType:
                value = value.get(key)  # type: ignore[union-attr]  # `kind` says that it is a mapping
            elif (kind is list or kind is tuple) and type(key) is int:
                value = value[key] if -len(value) <= key < len(value) else None  # type: ignore[index,arg-type]  # `kind` says that it is a list
            else:
                return missing
        if value is None or (lead and value == ""):
            return missing
        return value

    if len(keys) != 1 or not isinstance(keys[0], str):
        return get
    name = keys[0]

    def field(run: Run) -> Any:
        """Nearly all slots are of this form."""
        owner = run.values.get(root)
        if owner.__class__ is not dict:
            return get(run)
        value = owner.get(name)
        return missing if value is None or (lead and value == "") else value

    return field


def path_of(node: nodes.Expr) -> str | None:
    """How a person would name the value: `lead.company`, whatever filters follow."""
    keys: list[str] = []
    inner: nodes.Node | None = node
    for _ in range(DEEPEST):
        if isinstance(inner, nodes.Filter):
            inner = inner.node
        elif isinstance(inner, nodes.Getattr):
            keys.append(inner.attr)
            inner = inner.node
        elif isinstance(inner, nodes.Getitem) and isinstance(inner.arg, nodes.Const):
            keys.append(str(inner.arg.value))
            inner = inner.node
        elif isinstance(inner, nodes.Name):
            return ".".join((inner.name, *keys[::-1]))
        else:
            return None
    return None


def known_by(test: nodes.Expr) -> frozenset[str]:
    """The fields that are known wherever this condition holds."""
    found: set[str] = set()
    todo: list[nodes.Expr] = [test]
    while todo:
        node = todo.pop()
        if isinstance(node, nodes.And):
            todo += (node.left, node.right)
        elif isinstance(node, nodes.Compare):
            todo += (node.expr, *(operand.expr for operand in node.ops))
        elif isinstance(node, nodes.Name | nodes.Getattr | nodes.Getitem):
            path = path_of(node)
            if path is not None:
                found.add(path)
    return frozenset(found)
