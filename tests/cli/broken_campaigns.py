"""Campaigns as people break them, each with all that is wrong with it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

from tests.cli.scenes import CAMPAIGN

__all__ = ["BROKEN"]


def changed(change: Callable[[dict[str, Any]], object]) -> str:
    """The good campaign, with a change that makes it a bad one."""
    campaign = copy.deepcopy(CAMPAIGN)
    change(campaign)
    return json.dumps(campaign, ensure_ascii=False)


def into(node: str, **settings: Any) -> str:
    """The good campaign, with other settings in one node; None takes one out."""

    def change(campaign: dict[str, Any]) -> None:
        found = campaign["nodes"].setdefault(node, {})
        for key, value in settings.items():
            if value is None:
                found.pop(key, None)
            else:
                found[key] = value

    return changed(change)


def top(**members: Any) -> str:
    def change(campaign: dict[str, Any]) -> None:
        for key, value in members.items():
            if value is None:
                campaign.pop(key, None)
            else:
                campaign[key] = value

    return changed(change)


GOOD = json.dumps(CAMPAIGN)

BROKEN: dict[str, tuple[str, dict[str, str]]] = {
    "a comma too many": (
        '{"campaign": "hello", "start": "a", "nodes": {},}',
        {"line 1, column 48": "take the comma out"},
    ),
    "a file that is cut off": (GOOD[:200], {"line 1, column 199": ""}),
    "an empty file": ("", {"line 1, column 1": ""}),
    "a list instead of a campaign": ("[]", {"": ""}),
    "nothing but braces": ("{}", {"/nodes": "", "/campaign": "", "/start": ""}),
    "a misspelt member": (top(exit_no=["unsubscribed"], exit_on=None), {"/exit_no": "did you mean 'exit_on'?"}),
    "a start that is not there": (top(start="biat"), {"/start": "'bait'"}),
    "an edge into nowhere": (
        into("bait", next="vieewd"),
        {"/nodes/bait/next": "did you mean 'viewed'?", "/nodes/deep": "starts at 'bait'"},
    ),
    "an outcome that does not exist": (
        into("viewed", next={"yes": "deep", "maybe": "to_pool"}),
        {"/nodes/viewed/next/maybe": "there is: no, yes", "/nodes/viewed/next/no": 'add "no": "end"'},
    ),
    "a way out that leads nowhere": (
        into("viewed", next={"yes": "deep"}),
        {"/nodes/viewed/next/no": 'add "no": "end"', "/nodes/to_pool": "lead to it"},
    ),
    "a circle": (into("deep", next="bait"), {"/nodes/deep/next": "again_after"}),
    "a node nobody comes to": (into("island", type="tag", add=["x"], next="end"), {"/nodes/island": "take it out"}),
    "a type that is not installed": (
        into("bait", type="send_contnet"),
        {"/nodes/bait/type": "did you mean 'send_content'?"},
    ),
    "a content that is not written": (into("bait", content="papre"), {"/nodes/bait/content": "did you mean 'paper'?"}),
    "a channel that is not there": (into("bait", channel="emial"), {"/nodes/bait/channel": "did you mean 'email'?"}),
    "a window of a thousand days": (into("viewed", within="1000 days"), {"/nodes/viewed/within": "366 days"}),
    "a question about a message that was never sent": (
        into("viewed", to="deep"),
        {"/nodes/viewed/to": "there is: bait"},
    ),
    "a condition with an operator nobody knows": (
        top(entry={"when": {"field": "tags", "op": "hsa", "value": "x"}}),
        {"/entry/when/op": "has, has_not"},
    ),
    "a setting nobody knows, and one that is missing": (
        into("bait", contents="paper", content=None),
        {"/nodes/bait/content": "", "/nodes/bait/contents": "did you mean 'content'?"},
    ),
    "the same key twice": (
        GOOD.replace('"start": "bait"', '"start": "bait", "start": "bait"'),
        {"/start": "keep one of them"},
    ),
    "a number that is none": (GOOD.replace('"3 days"', "NaN"), {"/nodes/viewed/within": ""}),
    "a zone and a country that are not on the map": (
        top(time_zone="Asia/Bejing", calendar="XX"),
        {"/time_zone": "Asia/Shanghai", "/calendar": "two letters"},
    ),
    "five mistakes at once": (
        top(
            start="nowhere",
            exit_on=["unsubscribe"],
            send_window={"days": "weekdays", "from": "9", "to": "18:00"},
            nodes={"a": {"type": "wait", "for": "three days", "next": "b"}, "Bad Id": {"type": "end"}},
        ),
        {
            "/nodes/a/next": "there is",
            "/nodes/Bad Id": "'bad_id'",
            "/start": "there is",
            "/send_window": "",
            "/nodes/a/for": "3 days",
            "/exit_on/0": "did you mean 'unsubscribed'?",
        },
    ),
}
"""Sentence to (text of the file, place of each problem to words that its line must have)."""
