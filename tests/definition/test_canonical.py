"""One way to write a campaign: whoever writes it, the diff shows what was meant."""

from __future__ import annotations

import difflib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture import canonical, plan
from nurture.definition import load
from tests.plan.world import TYPES, WORLD, campaign, campaigns

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


def write(raw: Any) -> str:
    return canonical.write(raw, TYPES)


@given(campaigns())
def test_reading_and_writing_again_gives_the_same_bytes(raw):
    text = write(raw)

    assert write(load(text).raw) == text
    assert load(text.encode()).raw == load(text).raw


@given(campaigns())
def test_writing_changes_nothing_of_what_is_meant(raw):
    before, _ = plan.compile(load(json.dumps(raw)), WORLD)
    after, _ = plan.compile(load(write(raw)), WORLD)

    assert before is not None
    assert after is not None
    assert (before.order, before.nodes) == (after.order, after.nodes)
    assert list(json.loads(write(raw))["nodes"]) == list(before.order)


@given(campaigns(), st.randoms(use_true_random=False))
def test_the_order_in_which_it_was_written_does_not_matter(raw, random):
    def shuffled(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        keys = list(value)
        random.shuffle(keys)
        return {key: shuffled(value[key]) for key in keys}

    assert write(shuffled(raw)) == write(raw)


@given(
    st.dictionaries(
        st.sampled_from(["campaign", "nodes", "start", "entry", "title"]) | st.text(max_size=5), JSON, max_size=6
    )
)
def test_a_draft_of_anything_is_written_and_read_back(raw):
    text = write(raw)

    assert json.loads(text) == json.loads(write(json.loads(text)))
    assert write(json.loads(text)) == text


@given(st.dictionaries(st.sampled_from("abcd"), JSON | st.fixed_dictionaries({"type": st.sampled_from(["mark", "say", "?"]), "next": st.sampled_from("abcde") | JSON}), max_size=4))  # fmt: skip
def test_a_draft_with_rings_and_islands_is_written_and_read_back(nodes):
    text = write({"start": "a", "nodes": nodes})

    assert set(json.loads(text)["nodes"]) == set(nodes)
    assert write(json.loads(text)) == text


def test_what_this_program_does_not_know_is_kept():
    raw = {
        "nodes": {"a": {"type": "later", "next": "end", "zeta": 1, "alpha": {"b": 1, "a": 2}}},
        "future": [1],
        "campaign": "x",
    }

    assert json.loads(write(raw)) == raw
    assert list(json.loads(write(raw))["nodes"]["a"]["alpha"]) == ["b", "a"]


def test_members_stand_in_their_order_and_settings_in_that_of_the_type():
    raw = json.loads(
        campaign(
            {
                "a": {
                    "next": {"next": "end"},
                    "range": {"high": 3, "low": 1},
                    "points": 3,
                    "add": [],
                    "title": {"fr": "c", "en": "b", "zh": "a"},
                    "type": "mark",
                }
            },
            send_window={"to": "18:00", "from": "09:30", "days": "workdays"},
            entry={"mode": "manual", "when": {"value": "x", "op": "has", "field": "tags"}},
        )
    )

    assert write(raw) == (
        "{\n"
        '  "campaign": "test",\n'
        '  "entry": { "when": { "field": "tags", "op": "has", "value": "x" }, "mode": "manual" },\n'
        '  "send_window": { "days": "workdays", "from": "09:30", "to": "18:00" },\n'
        '  "start": "a",\n'
        '  "nodes": {\n'
        '    "a": { "type": "mark", "title": { "zh": "a", "en": "b", "fr": "c" },\n'
        '      "add": [],\n'
        '      "points": 3,\n'
        '      "range": { "low": 1, "high": 3 },\n'
        '      "next": "end" }\n'
        "  }\n"
        "}\n"
    )


def test_edges_that_all_lead_to_one_node_are_written_once_and_others_in_the_order_of_outcomes():
    say = {"type": "say", "content": "paper"}
    raw = {
        "start": "a",
        "nodes": {
            "a": {**say, "next": {"unsent": "end", "sent": "b"}},
            "b": {**say, "next": {"unsent": "end", "sent": "end"}},
            "c": {**say, "next": {"sent": "end"}},
            "d": {"type": "fork", "arms": ["z", "a"], "next": {"a": "end", "z": "c"}},
            "e": {"type": "strange", "next": {"a": "end", "z": "end"}},
        },
    }
    nodes = json.loads(write(raw))["nodes"]

    assert list(nodes["a"]["next"].items()) == [("sent", "b"), ("unsent", "end")]
    assert nodes["b"]["next"] == "end"
    assert nodes["c"]["next"] == {"sent": "end"}, "an outcome that is missing stays missing"
    assert list(nodes["d"]["next"]) == ["z", "a"]
    assert nodes["e"]["next"] == {"a": "end", "z": "end"}, "a type that is not installed may have a third outcome"


def test_no_line_is_longer_than_it_must_be():
    words = [f"a rather long word {n}" for n in range(20)]
    text = write({"start": "a", "nodes": {"a": {"type": "mark", "add": words, "title": "x" * 200, "next": "end"}}})

    assert [len(line) for line in text.splitlines() if len(line) > 120] == [len(f'      "title": "{"x" * 200}",')]
    assert write(json.loads(text)) == text


# The eight steps of docs/: bait, did they answer, tag and hand over or send another, and so on.
FLOW = {
    "bait": {"type": "say", "title": "行业白皮书", "content": "paper", "next": "viewed"},
    "viewed": {"type": "ask", "to": "bait", "next": {"yes": "deep", "no": "swap"}},
    "deep": {"type": "mark", "add": ["深度"], "next": "handed"},
    "handed": {"type": "mark", "points": 10, "next": "won"},
    "won": {"type": "stop", "reason": "给销售"},
    "swap": {"type": "say", "content": "story", "next": "later"},
    "later": {"type": "pause", "for": "3 days", "next": "pool"},
    "pool": {"type": "stop", "reason": "回到线索池"},
}


def changed_lines(before: dict[str, Any], after: dict[str, Any]) -> int:
    one, other = (write({"campaign": "welcome", "start": "bait", "nodes": nodes}) for nodes in (before, after))
    diff = list(difflib.unified_diff(one.splitlines(), other.splitlines(), n=0, lineterm=""))[2:]
    return sum(line.startswith(("+", "-")) for line in diff)


@pytest.mark.parametrize(
    "step",
    [
        pytest.param({"type": "pause", "for": "2 days"}, id="a wait"),
        pytest.param({"type": "mark", "title": "标记", "add": ["读过"]}, id="a mark"),
        pytest.param({"type": "say", "title": "案例集：制造业的三个故事", "channel": "email", "content": "story"}, id="a message"),
        pytest.param({"type": "ask", "to": "bait"}, id="a question"),
        pytest.param(
            {
                "type": "mark",
                "title": {"zh": "需要两种语言才能说清", "en": "Clear in two languages only"},
                "add": ["读过白皮书", "read the white paper"],
                "points": 10,
                "range": {"low": 1, "high": 30},
            },
            id="three settings and a title in two languages",
        ),
    ],
)  # fmt: skip
def test_putting_a_step_in_changes_at_most_seven_lines(step):
    for name, node in FLOW.items():
        if node["type"] == "stop":
            continue
        following = node["next"] if isinstance(node["next"], str) else node["next"]["no"]
        behind = "step" if isinstance(node["next"], str) else {**node["next"], "no": "step"}
        after = {**FLOW, name: {**node, "next": behind}, "step": {**step, "next": following}}

        assert changed_lines(FLOW, after) <= 7, f"behind {name}"


def test_changing_one_setting_changes_one_line():
    assert changed_lines(FLOW, {**FLOW, "later": {**FLOW["later"], "for": "5 days"}}) == 2, "one out, one in"
