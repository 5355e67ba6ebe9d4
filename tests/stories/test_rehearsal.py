"""A story lived on a virtual clock, and told apart from what the campaign did."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from nodes.check_response import CheckResponse
from nodes.end import End
from nodes.route import Route
from nodes.send_content import SendContent
from nodes.tag import Tag
from nurture import Go, Node, Snapshot
from nurture.definition import load
from nurture.plan import Plan, World, compile
from nurture.rehearsal import Lived, Told, live, tell, uncovered
from nurture.story import read


class Broken(Node):
    """Cannot tell."""

    def decide(self, snapshot: Snapshot) -> Go:
        raise LookupError("nobody knows")


TYPES = {
    "send_content": SendContent,
    "check_response": CheckResponse,
    "route": Route,
    "tag": Tag,
    "end": End,
    "broken": Broken,
}
CHANNELS = {name: frozenset({"viewed", "clicked", "replied", "submitted"}) for name in ("email", "wechat")}
CONTENTS = {"paper": frozenset(CHANNELS), "course": frozenset(CHANNELS)}


def planned(nodes: dict[str, Any], start: str, **parts: Any) -> Plan:
    raw = {"campaign": "small", "exit_on": ["unsubscribed"], "start": start, "nodes": nodes, **parts}
    plan, problems = compile(load(json.dumps(raw)), World(TYPES, CHANNELS, CONTENTS))
    assert plan is not None, problems
    return plan


def send(content: str, next: Any, channel: str = "email") -> dict[str, Any]:
    return {"type": "send_content", "channel": channel, "content": content, "next": next}


def asked(to: str, yes: str, no: str, within: str = "3 days") -> dict[str, Any]:
    return {"type": "check_response", "to": to, "within": within, "next": {"yes": yes, "no": no}}


WINDOW = {"days": "workdays", "from": "09:30", "to": "18:00"}
PLAN = planned(
    {
        "bait": send("paper", "viewed"),
        "viewed": asked("bait", "hot", "pool"),
        "hot": {"type": "tag", "add": ["hot"], "next": "sdr"},
        "sdr": {
            "type": "route",
            "to": "sdr",
            "sla": "2 days",
            "next": {"accepted": "done", "returned": "pool", "unanswered": "more"},
        },
        "more": send("course", "pool"),
        "done": {"type": "end"},
        "pool": {"type": "route", "to": "pool"},
    },
    "bait",
    send_window=WINDOW,
    entry={"when": {"field": "tags", "op": "has", "value": "registered"}},
)


def lived(plan: Plan = PLAN, **parts: Any) -> Lived:
    (story,), problems = read(json.dumps({"a story": {"lead": {"tags": ["registered"]}, "path": [], **parts}}), plan)

    assert problems == []
    return live(story, plan)


def told(**parts: Any) -> Told:
    (found,), problems = tell(json.dumps({"a story": {"lead": {"tags": ["registered"]}, **parts}}), PLAN)

    assert problems == []
    return found


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("happens", "path"),
    [
        pytest.param({}, ["bait: sent", "viewed: no", "pool"], id="nobody looks"),
        pytest.param({"bait": "refused"}, ["bait: unsent", "viewed: no", "pool"], id="nothing was sent"),
        pytest.param({"bait": "viewed after 3 days"}, ["bait: sent", "viewed: no", "pool"], id="looked too late"),
        pytest.param(
            {"bait": "viewed after 2 days", "sdr": "accepted"},
            ["bait: sent", "viewed: yes", "hot: next", "sdr: accepted", "done"],
            id="looked in time",
        ),
        pytest.param(
            {"every email": "clicked", "sdr": "returned: no budget"},
            ["bait: sent", "viewed: yes", "hot: next", "sdr: returned", "pool"],
            id="the SDR gives the lead back",
        ),
        pytest.param(
            {"bait": ["viewed", "unsubscribed after 2 hours"]},
            ["bait: sent", "viewed: yes", "hot: next", "exit: unsubscribed"],
            id="opted out while the SDR had the lead",
        ),
        pytest.param({"1 day after": "unsubscribed"}, ["bait: sent", "exit: unsubscribed"], id="opted out elsewhere"),
    ],
)
def test_the_path_follows_from_what_happens(happens: dict[str, Any], path: list[str]) -> None:
    assert list(lived(happens=happens).path) == path


def test_a_message_leaves_when_the_window_opens_and_its_response_counts_from_then() -> None:
    friday_night = lived(enters="2026-03-06 21:00", happens={"bait": "viewed after 71 hours", "sdr": "accepted"})

    assert friday_night.messages[0].at == utc("2026-03-09 09:30")
    assert friday_night.path[1] == "viewed: yes"


def test_two_messages_to_one_person_are_a_day_apart() -> None:
    plan = planned({"one": send("paper", "two"), "two": send("course", "end")}, "one")

    assert [message.at for message in lived(plan).messages] == [utc("2026-03-02 10:00"), utc("2026-03-03 10:00")]


def test_marketing_holds_its_tongue_while_the_sdr_has_the_lead() -> None:
    story = lived(happens={"bait": "viewed", "30 days after": "returned"})

    assert story.path[-3:] == ("sdr: unanswered", "more: unsent", "pool")
    assert story.messages[-1].sent is False


def test_a_lead_lives_on_the_clock_of_its_own_zone() -> None:
    assert lived(lead={"tags": ["registered"], "time_zone": "Asia/Shanghai"}).entered_at == utc("2026-03-02 02:00")


def test_who_does_not_match_the_entry_does_not_enter() -> None:
    found = lived(lead={"tags": []})

    assert (found.path, found.because) == (("does not enter",), "does not have the tag registered")


def test_what_nobody_knows_is_stuck_and_no_way_out() -> None:
    found = lived(planned({"oracle": {"type": "broken", "next": "end"}}, "oracle"))

    assert found.path == ("stuck: oracle",)
    assert "nobody knows" in found.because


def test_what_becomes_known_on_the_way_is_known_from_then_on() -> None:
    found = lived(happens={"bait": "viewed after 1 day", "2 hours after": {"tags": ["vip"], "budget": 9, "score": 4}})

    assert (found.lead.tags, found.lead.score, found.lead.get("budget")) == ({"registered", "vip", "hot"}, 4, 9)


def test_a_story_of_months_is_lived_the_same_way_twice() -> None:
    parts: dict[str, Any] = {"happens": {"bait": ["viewed after 1 day", "clicked after 1 day"], "sdr": "accepted"}}

    assert [step.at for step in lived(**parts).steps] == [step.at for step in lived(**parts).steps]


@pytest.mark.parametrize(
    "path",
    [
        ["bait: sent", "viewed: no", "pool"],
        ["...", "pool"],
        ["bait: sent", "..."],
        ["...", "viewed: no", "..."],
        ["...", "bait: sent", "...", "...", "viewed: no", "pool", "..."],
        ["..."],
    ],
)
def test_dots_stand_for_any_number_of_steps(path: list[str]) -> None:
    assert told(path=path).failure == ""


@pytest.mark.parametrize(
    ("path", "failure"),
    [
        (
            ["bait: sent", "viewed: yes"],
            "after 'bait: sent' the story expects 'viewed: yes', and what came was 'viewed: no' (not viewed",
        ),
        (["bait: sent"], "after 'bait: sent' the story expects the end, and what came was 'viewed: no'"),
        (
            ["bait: sent", "viewed: no", "pool", "exit: unsubscribed"],
            "after 'pool' the story expects 'exit: unsubscribed', and what came was the end",
        ),
        (["pool"], "at first the story expects 'pool', and what came was 'bait: sent'"),
        (["...", "hot: next", "..."], "at first the story expects 'hot: next' some time, and it never came"),
        (["bait: sent", "...", "hot: next", "..."], "after 'bait: sent' the story expects 'hot: next' some time"),
        (
            ["...", "sdr: accepted"],
            "in the end the story expects 'sdr: accepted', and what came was 'pool' (back to the pool",
        ),
        (["...", "pool", "...", "pool"], "in the end the story expects 'pool', and what came was 'pool'"),
        ([], "at first the story expects the end, and what came was 'bait: sent'"),
    ],
)
def test_a_story_that_is_not_true_says_where(path: list[str], failure: str) -> None:
    assert told(path=path).failure.startswith(failure)


def test_a_story_may_not_tell_of_what_the_lead_never_came_to() -> None:
    failure = told(happens={"sdr": "accepted"}, path=["...", "pool"]).failure

    assert failure == "the story says what happens at 'sdr', and the lead never came there"


@pytest.mark.parametrize(
    ("then", "failure"),
    [
        ({"tags": ["hot"], "score": 0, "budget": None}, ""),
        ({"tags": ["cold"]}, "in the end the lead should have the tag 'cold', and has: hot, registered"),
        ({"score": 5}, "in the end the score should be 5, and is 0"),
        ({"budget": 5}, "in the end 'budget' should be 5, and is None"),
    ],
)
def test_a_story_may_say_what_is_true_in_the_end(then: dict[str, Any], failure: str) -> None:
    assert told(happens={"bait": "viewed", "sdr": "accepted"}, path=["..."], then=then).failure == failure


def test_ways_out_that_no_story_takes_are_named_in_the_order_of_the_plan() -> None:
    assert uncovered(PLAN, [lived(happens={"bait": "viewed", "sdr": "accepted"})]) == [
        "bait: unsent",
        "viewed: no",
        "sdr: returned",
        "sdr: unanswered",
        "more: sent",
        "more: unsent",
        "pool",
    ]


def test_a_told_story_is_plain_json() -> None:
    found = told(path=["...", "pool"]).as_json()

    assert found == {
        "story": "a story",
        "passed": True,
        "failure": "",
        "path": ["bait: sent", "viewed: no", "pool"],
        "days": 3,
    }
