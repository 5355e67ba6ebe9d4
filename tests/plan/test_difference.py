"""Two versions of a campaign, and what a person is told of how they differ."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nurture.definition import Definition, load
from nurture.difference import compare, sentences

NODES: dict[str, Any] = {
    "bait": {"type": "send_content", "title": {"en": "Whitepaper", "zh": "白皮书"}, "content": "paper", "next": "seen"},
    "seen": {"type": "check_response", "to": "bait", "within": "3 days", "next": {"yes": "deep", "no": "end"}},
    "deep": {"type": "tag", "add": ["deep"], "next": "end"},
}


def campaign(nodes: dict[str, Any], **more: Any) -> Definition:
    return load(json.dumps({"campaign": "c", **more, "start": "bait", "nodes": nodes}))


CASES: list[Any] = [
    pytest.param(
        {"seen": {**NODES["seen"], "within": "5 days"}},
        ["'seen': within 3 days → 5 days; 412 leads wait here"],
        ["「seen」：期限 3 天 → 5 天；412 条线索在此等待"],
        id="a setting",
    ),
    pytest.param(
        {"seen": {**NODES["seen"], "next": {"yes": "end", "no": "end"}}},
        ["'seen': yes leads elsewhere: 'deep' → the end; 412 leads wait here"],
        ["「seen」：出口 是 改为 「deep」 → 结束；412 条线索在此等待"],
        id="an edge",
    ),
    pytest.param(
        {"bait": {**NODES["bait"], "content": "case", "channel": "sms"}},
        ["'Whitepaper' (bait): content paper → case", "'Whitepaper' (bait): channel not set → sms"],
        ["「白皮书」 (bait)：内容 paper → case", "「白皮书」 (bait)：渠道 未设置 → sms"],
        id="two settings of a node with a title",
    ),
]


@pytest.mark.parametrize(("edit", "english", "chinese"), CASES)
def test_a_difference_is_said_in_words(edit: dict[str, Any], english: list[str], chinese: list[str]) -> None:
    before, after = campaign(NODES), campaign({**NODES, **edit})
    waiting = {"seen": 412}

    found = compare(before, after)

    assert sentences(found, before, after, "en", waiting) == english
    assert sentences(found, before, after, "zh", waiting) == chinese


def test_nodes_come_and_go() -> None:
    before = campaign(NODES)
    nodes = {
        "bait": {**NODES["bait"], "next": "nap"},
        "nap": {"type": "wait", "for": "1 day", "next": "deep"},
        "deep": NODES["deep"],
    }
    after = campaign(nodes, exit_on=["unsubscribed"])

    found = compare(before, after)

    assert found.marks() == {"bait": "rewired", "nap": "added", "seen": "removed"}
    assert sentences(found, before, after, "en", {"seen": 1}) == [
        "exit on: not set → unsubscribed",
        "'Whitepaper' (bait): leads elsewhere: 'seen' → 'nap'",
        "'nap' is new",
        "'seen' is gone; 1 lead waits here",
    ]


def test_contents_count_and_the_same_is_no_difference() -> None:
    one = campaign(NODES)

    assert not compare(one, one, {"a/email.en.md": "x"}, {"a/email.en.md": "x"})
    assert compare(one, one, {"a/email.en.md": "x"}, {"a/email.en.md": "y"}).contents == ("a/email.en.md",)
