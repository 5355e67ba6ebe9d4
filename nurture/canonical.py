"""The one way in which a campaign is written, by hand tools and canvas alike, so that a diff shows what was meant.

Members stand in a fixed order, settings in the order of their type's fields, nodes in the order in which leads come
through them. A short node is one line of at most 120 characters. A longer one has its type and title on the first line
and then one member a line, the closing bracket at the end of the last, so that a setting that changes is one line, and
putting in a step of three settings changes seven. Everything else that fits on a line stands on one, and what does not
is opened.

Nothing is added and nothing is lost: no default is written out, and what this program does not know is kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from nurture.building import build, field_names
from nurture.definition import CAMPAIGN_KEYS, ENTRY_KEYS, NODE_KEYS
from nurture.node import Node
from nurture.order import ordered

__all__ = ["write"]

WIDTH = 120
WINDOW_KEYS = ("days", "from", "to")
TITLE_KEYS = ("zh", "en")
COMPARISON_KEYS = ("field", "op", "value", "within")


def write(raw: Mapping[str, Any], node_types: Mapping[str, type[Node]]) -> str:
    """The canonical text of a campaign, ending in a newline. `raw` is its JSON document, or a draft of one.

    Reading that text and writing it again gives the same text.
    """
    members = {key: _member(key, value) for key, value in raw.items() if key != "nodes"}
    lines = [
        _text(key) + ": " + _written(members[key], 1, len(_text(key)) + 2) for key in _sorted(members, CAMPAIGN_KEYS)
    ]
    if "nodes" in raw:
        lines.append('"nodes": ' + _nodes(raw["nodes"], raw.get("start"), node_types))
    return _opened("{", lines, "}", 0) + "\n"


def _nodes(nodes: Any, start: Any, node_types: Mapping[str, type[Node]]) -> str:
    if not isinstance(nodes, Mapping) or not nodes:
        return _written(nodes, 1, 0)
    tidy = {name: _node(node, node_types) if isinstance(node, Mapping) else node for name, node in nodes.items()}
    order, _ = ordered(start if isinstance(start, str) else "", {name: _targets(node) for name, node in tidy.items()})
    lines = [_text(name) + ": " + _node_written(tidy[name], len(_text(name)) + 2) for name in order]
    return _opened("{", lines, "}", 1)


def _node(node: Mapping[str, Any], node_types: Mapping[str, type[Node]]) -> dict[str, Any]:
    """The node with its members in order: type, title, settings, what nobody knows, and where it goes."""
    kind = node.get("type")
    node_type = node_types.get(kind) if isinstance(kind, str) else None
    if node_type is None:
        names, built, ways = ["type", "title"], None, None
    else:
        settings = {key: value for key, value in node.items() if key not in NODE_KEYS}
        names, (built, _) = ["type", "title", *field_names(node_type)], build(str(kind), node_type, settings, "")
        ways = _ways(node_type, built)
    inner = {} if built is None else {field.alias or name: getattr(built, name) for name, field in _fields(built)}
    tidy = {key: _arranged(_member(key, node[key]), inner.get(key)) for key in _sorted(node, names) if key != "next"}
    if "next" in node:
        tidy["next"] = _next(node["next"], ways)
    return tidy


def _ways(node_type: type[Node], built: Node | None) -> tuple[str, ...] | None:
    """The outcomes; None if only settings that are wrong could tell them."""
    if node_type.ways_out is Node.ways_out:
        return node_type.outcomes
    try:
        return None if built is None else built.ways_out()
    except Exception:  # noqa: BLE001  # a stranger's type may fail; the compiler says so, the writer goes on
        return None


def _fields(model: BaseModel) -> Iterable[tuple[str, FieldInfo]]:
    return type(model).model_fields.items()


def _arranged(value: Any, built: Any) -> Any:
    """The value with the members of each group of settings in the order of its fields."""
    if isinstance(built, BaseModel) and isinstance(value, Mapping):
        inner = {field.alias or name: getattr(built, name) for name, field in _fields(built)}
        return {key: _arranged(value[key], inner.get(key)) for key in _sorted(value, list(inner))}
    if isinstance(built, tuple | list) and isinstance(value, list) and len(built) == len(value):
        return [_arranged(item, part) for item, part in zip(value, built, strict=True)]
    if isinstance(built, Mapping) and isinstance(value, Mapping):
        return {key: _arranged(item, built.get(key)) for key, item in value.items()}
    return value


def _next(target: Any, ways: tuple[str, ...] | None) -> Any:
    """One id if every outcome goes there, else the outcomes in their order."""
    if not isinstance(target, Mapping) or ways is None:
        return target
    targets = list(target.values())
    if ways and set(target) == set(ways) and isinstance(targets[0], str) and targets.count(targets[0]) == len(targets):
        return targets[0]
    return {outcome: target[outcome] for outcome in _sorted(target, ways)}


def _targets(node: Any) -> list[str]:
    target = node.get("next") if isinstance(node, Mapping) else None
    targets = list(target.values()) if isinstance(target, Mapping) else [target]
    return [each for each in targets if isinstance(each, str)]


def _member(key: str, value: Any) -> Any:
    """The value with the members of well-known objects in order."""
    if key in {"title", "entry", "send_window"} and isinstance(value, Mapping):
        order = {"title": TITLE_KEYS, "entry": ENTRY_KEYS, "send_window": WINDOW_KEYS}[key]
        return {name: _member("", value[name]) for name in _sorted(value, order)}
    if isinstance(value, Mapping):
        names = _sorted(value, COMPARISON_KEYS) if "field" in value and "op" in value else list(value)
        return {name: _member("", value[name]) for name in names}
    if isinstance(value, list | tuple):
        return [_member("", item) for item in value]
    return value


def _sorted(members: Iterable[str], known: Sequence[str]) -> list[str]:
    """The known ones in their order, then the others as they came."""
    names = list(members)
    there = set(names)
    return [name for name in known if name in there] + [name for name in names if name not in known]


def _node_written(node: Any, before: int) -> str:
    """A node behind its id, which takes `before` characters of the line."""
    line = _line(node)
    if 4 + before + len(line) <= WIDTH - 1 or not isinstance(node, Mapping) or "type" not in node:
        return _written(node, 2, before)
    first = f'{{ "type": {_line(node["type"])}'
    headed = first + (f', "title": {_line(node["title"])}' if "title" in node else "")
    fits = 4 + before + len(headed) <= WIDTH - 1
    rest = [key for key in node if key != "type" and not (key == "title" and fits)]
    members = [_text(key) + ": " + _written(node[key], 3, len(_text(key)) + 4) for key in rest]
    return ",\n      ".join([headed if fits else first, *members]) + " }"


def _written(value: Any, depth: int, before: int) -> str:
    """The value on the rest of the line if it fits, else opened; `before` characters of the line are taken."""
    line = _line(value)
    if 2 * depth + before + len(line) <= WIDTH - 1 or not isinstance(value, Mapping | list) or not value:
        return line
    if isinstance(value, list):
        return _opened("[", [_written(item, depth + 1, 0) for item in value], "]", depth)
    members = [_text(key) + ": " + _written(item, depth + 1, len(_text(key)) + 2) for key, item in value.items()]
    return _opened("{", members, "}", depth)


def _opened(first: str, lines: list[str], last: str, depth: int) -> str:
    margin = "\n" + "  " * (depth + 1)
    return first + margin + ("," + margin).join(lines) + "\n" + "  " * depth + last if lines else first + last


def _line(value: Any) -> str:
    if isinstance(value, Mapping):
        members = ", ".join(f"{_text(key)}: {_line(item)}" for key, item in value.items())
        return f"{{ {members} }}" if members else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_line, value))}]"
    return _text(value)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
