"""The JSON Schema of campaigns, made from the node types: what completes, explains and underlines while one is written.

An editor that knows JSON Schema (VS Code does) reads it by `"$schema": "schema.json"`. It is draft 7, which all of them
know. It helps with one node at a time; what nodes mean together only `nurture check` can tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from nurture.building import field_names
from nurture.calendar import WEEKDAYS, Duration
from nurture.condition import Condition
from nurture.definition import END
from nurture.node import Node
from nurture.snapshot import SIGNAL_KINDS

__all__ = ["schema"]

NODE_ID = "^[a-z][a-z0-9_]{0,63}$"


def schema(node_types: Mapping[str, type[Node]], channels: Iterable[str], contents: Iterable[str]) -> dict[str, Any]:
    """The schema of a campaign of these node types; the names of channels and contents are offered, not demanded."""
    offered = {"channel": sorted(channels), "content": sorted(contents)}
    definitions: dict[str, Any] = {
        "title": _title(),
        "duration": _plain(Duration),
        "condition": _plain(Condition),
        "target": {
            "description": "The id of the node that follows, or `end`\n\n后续节点的 id，或 end",
            "type": "string",
            "pattern": NODE_ID,
        },
    }
    for name, node_type in sorted(node_types.items()):
        definitions[name] = _node(name, node_type, offered, definitions)
    definitions["node"] = _any_node(node_types)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A nurture campaign",
        "type": "object",
        "additionalProperties": False,
        "required": ["campaign", "start", "nodes"],
        "properties": _campaign(),
        "defaultSnippets": [_campaign_snippet(node_types)],
        "definitions": definitions,
    }


def _campaign() -> dict[str, Any]:
    window = {
        "description": "When messages may leave, on the lead's clock\n\n允许发送的时间段（线索当地时间）",
        "type": "object",
        "additionalProperties": False,
        "required": ["days", "from", "to"],
        "properties": {
            "days": {
                "anyOf": [
                    {"enum": ["workdays", "every day"]},
                    {"type": "array", "minItems": 1, "items": {"enum": list(WEEKDAYS)}},
                ]
            },
            "from": {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$", "examples": ["09:30"]},
            "to": {"type": "string", "pattern": "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$", "examples": ["18:00"]},
        },
        "defaultSnippets": [
            {"label": "workdays", "body": {"days": "workdays", "from": "${1:09:30}", "to": "${2:18:00}"}}
        ],
    }
    entry = {
        "description": "Who enters, and how often\n\n谁可以进入，以及能否再次进入",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "when": {"$ref": "#/definitions/condition"},
            "mode": {
                "description": "`continuous`: leads enter as soon as they match\n\ncontinuous：符合条件即自动进入",
                "enum": ["manual", "continuous"],
                "default": "manual",
            },
            "again_after": {"$ref": "#/definitions/duration"},
        },
    }
    return {
        "$schema": {"type": "string"},
        "schema_version": {"const": 1},
        "campaign": {
            "description": "The name of the campaign, for good\n\n活动标识，确定后不再改变",
            "type": "string",
            "pattern": "^[a-z][a-z0-9_-]{0,63}$",
        },
        "title": {"$ref": "#/definitions/title"},
        "entry": entry,
        "exit_on": {
            "description": "What takes a lead out at any time\n\n任何时候发生即退出活动",
            "type": "array",
            "uniqueItems": True,
            "items": {"type": "string", "examples": list(SIGNAL_KINDS)},
        },
        "calendar": {
            "description": "The country whose workdays count\n\n采用哪个国家的工作日历",
            "type": "string",
            "pattern": "^[A-Z]{2}(-[A-Z0-9]{1,3})?$",
            "examples": ["CN"],
        },
        "time_zone": {
            "description": "For leads without one of their own\n\n线索没有时区时采用",
            "type": "string",
            "examples": ["Asia/Shanghai", "UTC"],
        },
        "send_window": window,
        "start": {"description": "The first node\n\n第一个节点", "type": "string", "pattern": NODE_ID},
        "nodes": {
            "description": "The nodes by their ids\n\n节点，以 id 为键",
            "type": "object",
            "minProperties": 1,
            "maxProperties": 2_000,
            "propertyNames": {"pattern": NODE_ID, "not": {"const": END}},
            "additionalProperties": {"$ref": "#/definitions/node"},
        },
    }


def _title() -> dict[str, Any]:
    return {
        "description": "What people call it, in one language or by language\n\n显示名称，可按语言填写",
        "anyOf": [
            {"type": "string", "maxLength": 500},
            {
                "type": "object",
                "additionalProperties": {"type": "string", "maxLength": 500},
                "properties": {"zh": {"type": "string"}, "en": {"type": "string"}},
            },
        ],
    }


def _any_node(node_types: Mapping[str, type[Node]]) -> dict[str, Any]:
    """The type decides about the rest: one `if` each, so that an editor completes and complains for that type alone."""
    names = sorted(node_types)
    return {
        "type": "object",
        "required": ["type"],
        "properties": {
            "type": {
                "description": "What kind of node\n\n节点类型",
                "enum": names,
                "enumDescriptions": [_sentence(node_types[name]) for name in names],
            }
        },
        "allOf": [
            {
                "if": {"required": ["type"], "properties": {"type": {"const": name}}},
                "then": {"$ref": f"#/definitions/{_escaped(name)}"},
            }
            for name in names
        ],
        "defaultSnippets": [_snippet(name, node_types[name]) for name in names],
    }


def _node(
    name: str, node_type: type[Node], offered: Mapping[str, Sequence[str]], definitions: dict[str, Any]
) -> dict[str, Any]:
    own = node_type.model_json_schema(by_alias=True, ref_template=f"#/definitions/{_escaped(name)}.{{model}}")
    for inner, shape in own.get("$defs", {}).items():
        tidy = _tidy(shape)
        tidy["properties"] = {key: _without_null(value) for key, value in tidy.get("properties", {}).items()}
        definitions[f"{name}.{inner}"] = tidy
    properties: dict[str, Any] = {"type": {"const": name}, "title": {"$ref": "#/definitions/title"}}
    for key, shape in own.get("properties", {}).items():
        properties[key] = _without_null(_tidy(shape))
        if offered.get(key) and shape.get("type") == "string":
            properties[key]["examples"] = list(offered[key])
    required = ["type", *own.get("required", ())]
    following = _following(node_type)
    if following is not None:
        properties["next"] = following
        if node_type.ways_out is Node.ways_out:
            required.append("next")
    return {
        "description": _sentence(node_type),
        "type": "object",
        "additionalProperties": False,
        "required": required,
        "properties": properties,
    }


def _following(node_type: type[Node]) -> dict[str, Any] | None:
    """The shape of `next`; None for a type whose nodes all end the campaign."""
    target = {"$ref": "#/definitions/target"}
    description = "Where it goes on: one node for all outcomes, or one for each\n\n后续节点：所有出口相同，或按出口填写"
    if node_type.ways_out is not Node.ways_out:
        by_outcome: dict[str, Any] = {"type": "object", "minProperties": 1, "additionalProperties": target}
    elif node_type.outcomes:
        by_outcome = {
            "type": "object",
            "additionalProperties": False,
            "required": list(node_type.outcomes),
            "properties": dict.fromkeys(node_type.outcomes, target),
            "defaultSnippets": [
                {
                    "label": " / ".join(node_type.outcomes),
                    "body": {way: f"${{{n}:end}}" for n, way in enumerate(node_type.outcomes, start=1)},
                }
            ],
        }
    else:
        return None
    return {"description": description, "anyOf": [target, by_outcome]}


def _snippet(name: str, node_type: type[Node], stop: int = 1) -> dict[str, Any]:
    """A node of this type, with what must be said left to fill in; `stop` is the number of the first gap."""
    own = node_type.model_json_schema(by_alias=True)
    body: dict[str, Any] = {"type": name}
    for key in field_names(node_type):
        if key in own.get("required", ()):
            body[key] = _placeholder(own["properties"][key], key, stop)
            stop += 1
    ways = node_type.outcomes
    if len(ways) > 1 and node_type.ways_out is Node.ways_out:
        body["next"] = {way: f"${{{stop + n}:end}}" for n, way in enumerate(ways)}
    elif ways:
        body["next"] = f"${{{stop}:end}}"
    return {"label": name, "description": _sentence(node_type), "body": body}


def _placeholder(shape: Mapping[str, Any], key: str, stop: int) -> Any:
    """What stands in a snippet where a setting is to be typed; `^` takes the quotes away."""
    kind = shape.get("type")
    if kind in ("integer", "number"):
        return f"^${{{stop}:1}}"
    if kind == "boolean":
        return f"^${{{stop}:true}}"
    if kind == "array":
        return f"^[${{{stop}}}]"
    if kind == "object":
        return f"^{{${{{stop}}}}}"
    if "enum" in shape:
        return f"${{{stop}|{','.join(map(str, shape['enum']))}|}}"
    return f"${{{stop}:{next(iter(shape.get('examples', ())), key)}}}"


def _campaign_snippet(node_types: Mapping[str, type[Node]]) -> dict[str, Any]:
    first = _snippet(*next(iter(sorted(node_types.items()))), stop=4)["body"] if node_types else {}
    return {
        "label": "campaign",
        "description": "A new campaign",
        "body": {
            "$schema": "schema.json",
            "campaign": "${1:name}",
            "title": {"zh": "${2:名称}", "en": "${3:Title}"},
            "exit_on": ["unsubscribed", "bounced", "converted"],
            "start": "first",
            "nodes": {"first": first},
        },
    }


def _sentence(node_type: type[Node]) -> str:
    english = " ".join((node_type.__doc__ or "").split("\n\n", maxsplit=1)[0].split())
    return "\n\n".join(text for text in (english, node_type.zh) if text)


def _tidy(shape: Any) -> Any:
    """Without pydantic's titles, and with the Chinese help beside the English."""
    if isinstance(shape, list):
        return [_tidy(item) for item in shape]
    if not isinstance(shape, dict):
        return shape
    kept = {key: _tidy(value) for key, value in shape.items() if key not in ("title", "zh") or isinstance(value, dict)}
    if isinstance(shape.get("zh"), str):
        kept["description"] = "\n\n".join(text for text in (shape.get("description"), shape["zh"]) if text)
    return kept


def _without_null(shape: dict[str, Any]) -> dict[str, Any]:
    """A setting that may be missing may not be null: leaving it out is the one way to say nothing."""
    if shape.get("default", 0) is not None or "anyOf" not in shape:
        return shape
    kept = {key: value for key, value in shape.items() if key not in ("default", "anyOf")}
    others = [one for one in shape["anyOf"] if one != {"type": "null"}]
    return {**others[0], **kept} if len(others) == 1 and "$ref" not in others[0] else {**kept, "anyOf": others}


def _plain(kind: Any) -> dict[str, Any]:
    return TypeAdapter(kind).json_schema()


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
