"""The schema with which an editor completes and underlines a campaign."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, ClassVar

import jsonschema
import pytest
from hypothesis import given

from nurture import schema_json
from nurture.node import Node, Settings, setting
from tests.plan.world import CHANNELS, CONTENTS, TYPES, campaign, campaigns

SCHEMA = schema_json.schema(TYPES, CHANNELS, CONTENTS)
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)


def faults(text: str) -> list[str]:
    return [error.json_path for error in VALIDATOR.iter_errors(json.loads(text))]


def test_it_is_a_schema_and_only_plain_json():
    jsonschema.Draft7Validator.check_schema(SCHEMA)

    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


@given(campaigns())
def test_any_valid_campaign_is_valid_by_the_schema(raw):
    assert faults(json.dumps(raw)) == []


def test_everything_that_a_campaign_may_say_is_in_it():
    text = campaign(
        {"a": {"type": "mark", "title": {"zh": "标", "en": "mark"}, "range": {"high": 1}, "next": {"next": "end"}}},
        **{"$schema": "schema.json"},
        schema_version=1,
        title="x",
        entry={"when": {"field": "tags", "op": "has", "value": "x"}, "mode": "continuous", "again_after": "3 days"},
        exit_on=["bounced"],
        calendar="CN",
        time_zone="Asia/Shanghai",
        send_window={"days": ["monday"], "from": "09:30", "to": "24:00"},
    )

    assert faults(text) == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(campaign({"a": {"type": "stop"}}, exit_no=[]), id="an unknown key"),
        pytest.param(campaign({"a": {"type": "sey"}}), id="an unknown type"),
        pytest.param(campaign({"a": {"type": "say", "next": "end"}}), id="a missing setting"),
        pytest.param(campaign({"a": {"type": "mark", "pionts": 1, "next": "end"}}), id="a misspelt setting"),
        pytest.param(campaign({"a": {"type": "mark", "range": None, "next": "end"}}), id="null for nothing"),
        pytest.param(campaign({"a": {"type": "mark", "range": {"low": 1}, "next": "end"}}), id="inside a group"),
        pytest.param(campaign({"a": {"type": "mark"}}), id="nothing that follows"),
        pytest.param(campaign({"a": {"type": "stop", "next": "end"}}), id="something after the end"),
        pytest.param(campaign({"a": {"type": "say", "content": "x", "next": {"sent": "end"}}}), id="a branch too few"),
        pytest.param(campaign({"a": {"type": "pause", "for": "P3D", "next": "end"}}), id="an ISO duration"),
        pytest.param(campaign({"end": {"type": "stop"}}), id="a node called end"),
        pytest.param(campaign({"A b": {"type": "stop"}}), id="an odd id"),
        pytest.param(campaign({"a": {"type": "stop"}}, entry={"when": {"fild": "x"}}), id="a condition that is none"),
    ],
)
def test_what_an_editor_can_see_is_underlined(text):
    assert faults(text)


def test_channels_contents_types_and_signals_are_offered():
    say = SCHEMA["definitions"]["say"]["properties"]

    assert say["channel"]["examples"] == ["email", "sms"]
    assert say["content"]["examples"] == ["paper", "story"]
    assert SCHEMA["definitions"]["node"]["properties"]["type"]["enum"] == sorted(TYPES)
    assert "bounced" in SCHEMA["properties"]["exit_on"]["items"]["examples"]


def test_help_stands_in_both_languages():
    class Bell(Node):
        """Ring a bell."""

        zh: ClassVar[str] = "敲钟。"
        times: int = setting(1, en="How often", zh="次数")

    bell = schema_json.schema({"bell": Bell}, [], [])["definitions"]["bell"]

    assert bell["description"] == "Ring a bell.\n\n敲钟。"
    assert bell["properties"]["times"]["description"] == "How often\n\n次数"
    assert "zh" not in json.dumps(bell["properties"]["times"])


def test_two_packages_may_have_inner_groups_of_the_same_name():
    def with_group(kind: type) -> type[Node]:
        class Range(Settings):
            high: kind  # type: ignore[valid-type]

        class Holder(Node):
            range: Range

        return Holder

    made = schema_json.schema({"one": with_group(int), "two": with_group(str)}, [], [])["definitions"]

    assert made["one.Range"]["properties"]["high"]["type"] == "integer"
    assert made["two.Range"]["properties"]["high"]["type"] == "string"


def _snippets(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.get("defaultSnippets", ())
        for inner in value.values():
            yield from _snippets(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _snippets(inner)


def test_snippets_count_their_stops_and_are_json_when_typed_through():
    def typed(body: Any) -> Any:
        text = json.dumps(body)
        text = re.sub(r'"\^([^"]*)"', r"\1", text)
        text = re.sub(r"\$\{\d+\|([^,|]*)[^}]*\}", r"\1", text)
        return json.loads(re.sub(r"\$\{\d+:?([^}]*)\}", r"\1", text))

    seen = list(_snippets(SCHEMA))
    nodes = [snippet for snippet in seen if snippet["label"] in TYPES]

    assert [snippet["label"] for snippet in nodes] == sorted(TYPES)
    for snippet in seen:
        stops = [int(stop) for stop in re.findall(r"\$\{(\d+)", json.dumps(snippet["body"]))]
        assert stops == list(range(1, len(stops) + 1))
        assert typed(snippet["body"]) is not None
    assert typed(next(snippet["body"] for snippet in nodes if snippet["label"] == "say")) == {
        "type": "say",
        "content": "content",
        "next": {"sent": "end", "unsent": "end"},
    }
