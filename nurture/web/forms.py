"""What the canvas shows of a node type, from the type alone: a new one appears in palette and form without TypeScript.

A form is a list of fields. Each says of what `kind` it is:

    text integer number boolean scalar choice duration condition node    one value
    texts                                                                 a list of texts
    shares                                                                names, each with a whole number
    list map                                                              several of one kind, in order or by name
    union                                                                 one of several kinds
    group groups                                                          fields of its own; a list of such
    json                                                                  anything else, edited as JSON
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nurture.building import build
from nurture.definition import NODE_KEYS
from nurture.node import Node

__all__ = ["helps", "offered", "palette", "ways_out"]

SIMPLE = {"string": "text", "integer": "integer", "number": "number", "boolean": "boolean"}
BOUNDS = {"minimum": "least", "maximum": "most", "maxLength": "longest"}
DEEPEST = 8
"""Groups within groups; a type that goes on deeper (or contains itself) is edited as JSON from there."""

Shape = Mapping[str, Any]


def palette(node_types: Mapping[str, type[Node]], offered: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Every node type, by name. `offered`: the name of a setting to the words it is likely to take."""
    return [_type(name, node_types[name], offered) for name in sorted(node_types)]


def helps(node_types: Mapping[str, type[Node]]) -> dict[str, str]:
    """The English help of every setting to the Chinese, where there is one: a problem's hint may be such a help."""
    found: dict[str, str] = {}
    for node_type in node_types.values():
        for field in node_type.model_fields.values():
            extra = field.json_schema_extra
            if field.description and isinstance(extra, dict) and isinstance(extra.get("zh"), str):
                found[field.description] = str(extra["zh"])
    return found


def ways_out(nodes: Mapping[str, Any], node_types: Mapping[str, type[Node]]) -> dict[str, list[str] | None]:
    """The ways out of each of these nodes as written; None where only settings that are wrong could tell them."""
    return {name: _ways(node, node_types) for name, node in nodes.items()}


def _ways(node: Any, node_types: Mapping[str, type[Node]]) -> list[str] | None:
    kind = node.get("type") if isinstance(node, dict) else None
    node_type = node_types.get(kind) if isinstance(kind, str) else None
    if node_type is None:
        return None
    if node_type.ways_out is Node.ways_out:
        return list(node_type.outcomes)
    built, _ = build(str(kind), node_type, {key: value for key, value in node.items() if key not in NODE_KEYS}, "")
    try:
        return None if built is None else [str(way) for way in built.ways_out()]
    except Exception:  # noqa: BLE001  # a stranger's type may fail; the validator says so
        return None


def _type(name: str, node_type: type[Node], offered: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    try:
        schema = node_type.model_json_schema(by_alias=True)
    except Exception:  # noqa: BLE001  # a stranger's settings may have no schema: they are edited as JSON
        schema = {"properties": {key: {} for key in node_type.model_fields}}
    english = " ".join((node_type.__doc__ or "").split("\n\n", maxsplit=1)[0].split())
    varies = node_type.ways_out is not Node.ways_out
    return {
        "type": name,
        "title": {"en": name.replace("_", " ").capitalize(), "zh": node_type.title_zh or name},
        "doc": {"en": english, "zh": node_type.zh or english},
        "kind": _kind(node_type, varies),
        "outcomes": list(node_type.outcomes),
        "varies": varies,
        "fields": _fields(schema, schema.get("$defs", {}), offered, 0),
    }


def _kind(node_type: type[Node], varies: bool) -> str:
    """What it is for, judged by what it can do and never by its name: a stranger's is drawn like ours."""
    if node_type.contents is not Node.contents:
        return "message"
    if varies or len(node_type.outcomes) > 1:
        return "question"
    if not node_type.outcomes:
        return "end"
    return "wait" if node_type.waits else "change"


def _fields(schema: Shape, defs: Shape, offered: Mapping[str, Sequence[str]], depth: int) -> list[dict[str, Any]]:
    required = schema.get("required", ())
    return [
        _field(name, shape, defs, offered, required=name in required, depth=depth)
        for name, shape in schema.get("properties", {}).items()
    ]


def _field(
    name: str, shape: Shape, defs: Shape, offered: Mapping[str, Sequence[str]], *, required: bool, depth: int
) -> dict[str, Any]:
    english = str(shape.get("description", ""))
    field: dict[str, Any] = {
        "name": name,
        "required": required,
        "help": {"en": english, "zh": str(shape.get("zh") or english)},
    }
    if shape.get("default") is not None:
        field["default"] = shape["default"]
    inner, nullable = _without_null(shape, defs)
    if nullable and required:
        field["nullable"] = True
    kind = _kind_of(inner, defs)
    if kind in ("group", "groups", "list", "map", "union") and depth >= DEEPEST:
        kind = "json"
    field["kind"] = kind
    field |= {ours: inner[theirs] for theirs, ours in BOUNDS.items() if theirs in inner}
    if kind == "choice":
        field["choices"] = _choices(inner)
    words = offered.get(name) or inner.get("examples")
    if words and kind in ("text", "texts", "duration"):
        field["words"] = list(words)
    if kind == "group":
        field["fields"] = _fields(inner, defs, offered, depth + 1)
    if kind == "groups":
        field["fields"] = _fields(_resolved(inner["items"], defs), defs, offered, depth + 1)
    if kind in ("list", "map"):
        item = inner["items" if kind == "list" else "additionalProperties"]
        field["item"] = _field("", item, defs, offered, required=True, depth=depth + 1)
    if kind == "union":
        field["arms"] = [_arm(arm, defs, offered, depth + 1) for arm in _arms(inner)]
    return field


def _arm(shape: Shape, defs: Shape, offered: Mapping[str, Sequence[str]], depth: int) -> dict[str, Any]:
    """One of the kinds that a union may be, and the members that tell it from the others."""
    inner = _resolved(shape, defs)
    field = _field("", shape, defs, offered, required=True, depth=depth)
    only = {name: _choices(_resolved(each, defs)) for name, each in inner.get("properties", {}).items()}
    marks = {name: choices[0] for name, choices in only.items() if len(choices) == 1}
    title = next(iter(marks.values()), None) or inner.get("title") or inner.get("x-form") or field["kind"]
    return {"title": str(title), "field": field, "marks": marks}


def _arms(shape: Shape) -> Sequence[Shape]:
    return shape.get("anyOf") or shape.get("oneOf") or ()


def _choices(shape: Shape) -> list[str]:
    """The texts that this may be, where it may be nothing else."""
    found = shape.get("enum") or ([shape["const"]] if "const" in shape else [])
    return list(found) if all(isinstance(choice, str) for choice in found) else []


def _kind_of(shape: Shape, defs: Shape) -> str:
    form = shape.get("x-form")
    if form in ("condition", "duration", "node"):
        return str(form)
    if _choices(shape):
        return "choice"
    kind = shape.get("type")
    if kind == "array":
        return _kind_of_list(shape, defs)
    if kind == "object":
        if shape.get("properties"):
            return "group"
        extra = shape.get("additionalProperties")
        return "shares" if extra == {"type": "integer"} else "map" if isinstance(extra, Mapping) and extra else "json"
    if isinstance(kind, str):
        return SIMPLE.get(kind, "json")
    arms = [_resolved(arm, defs) for arm in _arms(shape)]
    if arms and all(arm.get("type") in SIMPLE and not _choices(arm) and "x-form" not in arm for arm in arms):
        return "scalar"
    return "union" if arms else "json"


def _kind_of_list(shape: Shape, defs: Shape) -> str:
    item = _resolved(shape.get("items", {}), defs)
    if item.get("type") == "string" and "x-form" not in item and not _choices(item):
        return "texts"
    if item.get("type") == "object" and item.get("properties"):
        return "groups"
    return "list" if item else "json"


def _without_null(shape: Shape, defs: Shape) -> tuple[Shape, bool]:
    """The shape when there is a value, and whether null is one, too."""
    shape = _resolved(shape, defs)
    arms = _arms(shape)
    if not arms or shape.get("x-form"):
        return shape, False
    others = [arm for arm in arms if arm.get("type") != "null"]
    inner = _resolved(others[0], defs) if len(others) == 1 else {**shape, "anyOf": others}
    return inner, len(others) < len(arms)


def _resolved(shape: Shape, defs: Shape) -> Shape:
    reference = shape.get("$ref")
    return defs.get(str(reference).rpartition("/")[2], {}) if reference else shape


def offered(
    channels: Iterable[str], contents: Iterable[str], kinds: Iterable[str], fields: Iterable[str]
) -> dict[str, list[str]]:
    """The words that settings of these names are likely to take: offered, not demanded."""
    return {
        "channel": sorted(channels),
        "content": sorted(contents),
        "evidence": list(kinds),
        "field": list(fields),
    }
