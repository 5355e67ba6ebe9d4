"""What a story may say, and every complaint about one that says something else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nodes.check import Check
from nodes.check_response import CheckResponse
from nodes.route import Route
from nodes.send_content import SendContent
from nodes.split import Split
from nurture.calendar import Duration
from nurture.definition import load
from nurture.plan import Plan, World, compile
from nurture.story import Happening, Moment, Person, Story, read

CAMPAIGN = {
    "campaign": "small",
    "exit_on": ["unsubscribed"],
    "start": "arm",
    "nodes": {
        "arm": {"type": "split", "arms": {"a": 50, "b": 50}, "next": "bait"},
        "bait": {"type": "send_content", "content": "paper", "next": "viewed"},
        "viewed": {"type": "check_response", "within": "3 days", "next": {"yes": "hot", "no": "pool"}},
        "hot": {
            "type": "check",
            "when": {"field": "score", "op": ">", "value": 3},
            "next": {"yes": "sdr", "no": "pool"},
        },
        "sdr": {"type": "route", "to": "sdr", "next": "pool"},
        "pool": {"type": "route", "to": "pool"},
    },
}


@pytest.fixture(scope="module")
def plan() -> Plan:
    types = {
        "split": Split,
        "send_content": SendContent,
        "check_response": CheckResponse,
        "check": Check,
        "route": Route,
    }
    world = World(
        types, {"email": frozenset({"viewed", "clicked", "replied", "submitted"})}, {"paper": frozenset({"email"})}
    )
    plan, problems = compile(load(json.dumps(CAMPAIGN)), world)
    assert plan is not None, problems
    return plan


def one(plan: Plan, **parts: Any) -> Story:
    stories, problems = read(json.dumps({"a story": {"path": ["..."], **parts}}), plan)

    assert problems == []
    return stories[0]


def complaints(plan: Plan, story: Any) -> list[tuple[str, str, str]]:
    stories, problems = read(json.dumps({"a story": story}), plan)

    assert stories == []
    return [(problem.where, problem.code, problem.what) for problem in problems]


def test_what_happens_to_a_message_has_a_kind_a_delay_and_a_reason(plan: Plan) -> None:
    story = one(plan, happens={"bait": ["viewed after 2 hours", "replied after 1 workday: yes, please: now"]})

    assert story.messages == {
        "bait": (
            Happening("viewed", Duration(2, "hour")),
            Happening("replied", Duration(1, "workday"), "yes, please: now"),
        )
    }


def test_what_happens_without_a_delay_happens_an_hour_later(plan: Plan) -> None:
    assert one(plan, happens={"bait": "viewed"}).messages == {"bait": (Happening("viewed", Duration(1, "hour")),)}


def test_every_message_of_a_channel_may_be_spoken_of_at_once(plan: Plan) -> None:
    assert one(plan, happens={"every email": "refused: no address"}).channels == {
        "email": (Happening("refused", Duration(1, "hour"), "no address"),)
    }


def test_sdr_and_sales_answer_at_the_node_that_handed_over(plan: Plan) -> None:
    assert one(plan, happens={"sdr": "returned after 3 hours: no budget"}).answers == {
        "sdr": (Happening("returned", Duration(3, "hour"), "no budget"),)
    }


def test_something_may_happen_before_and_after_entering_and_become_known(plan: Plan) -> None:
    story = one(plan, happens={"9 days before": "visited", "2 days after": ["clicked", {"tags": ["hot"], "budget": 5}]})

    assert story.moments == (
        Moment(Duration(9, "day"), True, "visited"),
        Moment(Duration(2, "day"), False, "clicked"),
        Moment(Duration(2, "day"), False, facts=Person(("hot",), fields={"budget": 5})),
    )


def test_a_story_says_where_chance_falls(plan: Plan) -> None:
    assert 0.5 <= one(plan, happens={"arm": "b"}).chances["arm"] < 1


def test_what_is_not_said_of_the_lead_is_its_fields(plan: Plan) -> None:
    assert one(plan, lead={"tags": ["x"], "score": 3, "company": "Acme", "staff": 40}).lead == Person(
        ("x",), 3, fields={"company": "Acme", "staff": 40}
    )


@pytest.mark.parametrize(
    ("happens", "where", "what"),
    [
        ({"bate": "viewed"}, "/bate", "there is no node 'bate' for anything to happen at"),
        ({"bait": "viewd"}, "/bait", "'viewd' cannot happen here"),
        ({"bait": "accepted"}, "/bait", "'accepted' cannot happen here"),
        ({"sdr": "viewed"}, "/sdr", "'viewed' cannot happen here"),
        ({"bait": "viewed after soon"}, "/bait", "'soon' is not a duration"),
        ({"bait": "it was viewed"}, "/bait", "'it was viewed' does not say what happens"),
        ({"bait": ["refused", "viewed"]}, "/bait", "a message that was refused gets no response"),
        ({"bait": 3}, "/bait", "what happens is a text such as 'viewed after 2 hours', not a number"),
        ({"viewed": "clicked"}, "/viewed", "node 'viewed' is not one at which anything happens to a lead"),
        ({"hot": "yes"}, "/hot", "node 'hot' is not one at which anything happens to a lead"),
        ({"arm": "c"}, "/arm", "chance at node 'arm' cannot fall on 'c'"),
        ({"2 days before": {"budget": 1}}, "/2 days before", "what was known before belongs into `lead`"),
        (
            {"2 days after": "viewed after 1 day"},
            "/2 days after",
            "'viewed after 1 day' says when, and so does its key",
        ),
        ({"2 moons after": "viewed"}, "/2 moons after", "'2 moons' is not a duration"),
    ],
)
def test_each_mistake_in_what_happens_has_its_place(plan: Plan, happens: Any, where: str, what: str) -> None:
    ((place, code, said),) = complaints(plan, {"happens": happens, "path": []})

    assert (place, code in ("E_STORY", "E_TYPE")) == ("/a story/happens" + where, True)
    assert said.startswith(what)


def test_everything_wrong_is_told_at_once(plan: Plan) -> None:
    story = {
        "lead": {"tags": "x", "score": "3", "time_zone": "Mars", "staff": [1]},
        "enters": "yesterday",
        "hapens": {},
        "path": ["bait: gone", "pol", "pool: next", "viewed"],
        "then": [],
    }

    assert [where for where, _, _ in complaints(plan, story)] == [
        "/a story/hapens",
        "/a story/lead/tags",
        "/a story/lead/score",
        "/a story/lead/time_zone",
        "/a story/lead/staff",
        "/a story/enters",
        "/a story/path/0",
        "/a story/path/1",
        "/a story/path/2",
        "/a story/path/3",
        "/a story/then",
    ]


def test_a_misspelt_word_comes_with_the_right_one(plan: Plan) -> None:
    _, problems = read(json.dumps({"s": {"happens": {"bait": "viewd"}, "path": ["bayt: sent"]}}), plan)

    assert [problem.hint for problem in problems] == ["did you mean 'viewed'?", "did you mean 'bait'?"]


@pytest.mark.parametrize("text", ["", "[]", "null", '{"a": 1', '{"a": {"path": []}, "a": {"path": []}}', '{"a": []}'])
def test_what_is_no_book_of_stories_is_a_problem_and_nothing_worse(plan: Plan, text: str) -> None:
    _, problems = read(text, plan)

    assert problems


def test_a_broken_story_does_not_take_the_others_with_it(plan: Plan) -> None:
    stories, problems = read(json.dumps({"good": {"path": ["..."]}, "bad": {}}), plan)

    assert ([story.sentence for story in stories], [problem.where for problem in problems]) == (["good"], ["/bad/path"])
