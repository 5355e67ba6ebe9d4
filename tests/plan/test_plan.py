"""What the compiler proves before anything runs, and what it says where it cannot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from nurture import plan
from nurture.definition import load
from nurture.plan import Plan, World, check
from nurture.problems import Problem, errors
from tests.plan.world import (
    CHANNELS,
    CONTENTS,
    STOP,
    TYPES,
    WORLD,
    Say,
    calendar,
    campaign,
    codes,
    mark,
    pause,
    places,
    say,
)


def found(nodes: Mapping[str, Any], **more: Any) -> dict[str, str]:
    return places(check(campaign(nodes, **more), WORLD))


def compiled(nodes: Mapping[str, Any], **more: Any) -> Plan:
    made, problems = plan.compile(load(campaign(nodes, **more)), WORLD)

    assert made is not None, problems
    return made


def test_a_plan_has_every_node_built_and_every_outcome_wired():
    made = compiled(
        {
            "stop": STOP,
            "hello": say({"unsent": "end", "sent": "later"}),
            "later": {"type": "pause", "for": "3 days", "next": {"next": "asked"}},
            "asked": {"type": "ask", "to": "hello", "next": "stop"},
        },
        start="hello",
        exit_on=["bounced"],
        calendar="CN",
        time_zone="Asia/Shanghai",
    )

    assert isinstance(made.nodes["hello"].node, Say)
    assert made.nodes["hello"].next == {"sent": "later", "unsent": None}
    assert list(made.nodes["hello"].next) == ["sent", "unsent"]
    assert made.nodes["asked"].next == {"yes": "stop", "no": "stop"}
    assert made.nodes["stop"].next == {}
    assert made.order == ("hello", "later", "asked", "stop")
    assert (made.exit_on, made.calendar.zone) == (frozenset({"bounced", "objected"}), "Asia/Shanghai")


BAD = [
    pytest.param({"a": mark("a")}, {"/nodes/a/next": "E_CYCLE", "/nodes/a/next+": "E_START"}, id="a loop of one"),
    pytest.param(
        {"s": mark("a"), "a": mark("b"), "b": mark("c"), "c": mark("a")}, {"/nodes/c/next": "E_CYCLE"}, id="three in a ring"
    ),
    pytest.param(
        {"s": mark("a"), "a": pause("b"), "b": say({"sent": "a", "unsent": "end"})},
        {"/nodes/b/next/sent": "E_CYCLE"},
        id="a ring with a wait in it",
    ),
    pytest.param({"a": STOP, "b": STOP}, {"/nodes/b": "E_UNREACHABLE"}, id="an island"),
    pytest.param(
        {"a": STOP, "b": mark("a")}, {"/nodes/b": "E_UNREACHABLE", "/nodes/b/next": "E_START"}, id="an edge to the start"
    ),
    pytest.param({"a": {"type": "mark"}}, {"/nodes/a/next": "E_DEADEND"}, id="a dead end"),
    pytest.param({"a": mark({})}, {"/nodes/a/next": "E_DEADEND"}, id="no outcome at all"),
    pytest.param({"a": say({"sent": "end"})}, {"/nodes/a/next/unsent": "E_BRANCH"}, id="a branch too few"),
    pytest.param(
        {"a": say({"sent": "end", "unsent": "end", "maybe": "end"})}, {"/nodes/a/next/maybe": "E_OUTCOME"}, id="too many"
    ),
    pytest.param({"a": {"type": "stop", "next": "end"}}, {"/nodes/a/next": "E_OUTCOME"}, id="something after the end"),
    pytest.param({"a": {"type": "sey", "next": "end"}}, {"/nodes/a/type": "E_NODE_TYPE"}, id="a type that is none"),
    pytest.param({"a": {"type": "say", "next": "end"}}, {"/nodes/a/content": "E_CONFIG"}, id="a setting is missing"),
    pytest.param({"a": mark("end", points="3")}, {"/nodes/a/points": "E_CONFIG"}, id="a text for a number"),
    pytest.param({"a": mark("end", points=True)}, {"/nodes/a/points": "E_CONFIG"}, id="true for a number"),
    pytest.param({"a": mark("end", points=1.5)}, {"/nodes/a/points": "E_CONFIG"}, id="a fraction for a whole number"),
    pytest.param({"a": mark("end", points=101)}, {"/nodes/a/points": "E_CONFIG"}, id="too large"),
    pytest.param({"a": mark("end", points=None)}, {"/nodes/a/points": "E_CONFIG"}, id="null for a number"),
    pytest.param({"a": mark("end", who=None)}, {"/nodes/a/who": "E_CONFIG"}, id="null for nothing"),
    pytest.param({"a": mark("end", add=["x", 3])}, {"/nodes/a/add/1": "E_CONFIG"}, id="a number among texts"),
    pytest.param({"a": mark("end", who=["x", 3])}, {"/nodes/a/who/1": "E_CONFIG"}, id="inside one arm of a union"),
    pytest.param({"a": mark("end", who=3)}, {"/nodes/a/who": "E_CONFIG"}, id="no arm of a union"),
    pytest.param({"a": mark("end", pionts=3)}, {"/nodes/a/pionts": "E_UNKNOWN_KEY"}, id="a misspelt setting"),
    pytest.param({"a": mark("end", range={"high": 1, "x": 1})}, {"/nodes/a/range/x": "E_UNKNOWN_KEY"}, id="in a group"),
    pytest.param(
        {"a": mark("end", range={"low": -1})},
        {"/nodes/a/range/low": "E_CONFIG", "/nodes/a/range/high": "E_CONFIG"},
        id="two in a group",
    ),
    pytest.param({"a": mark("end", __proto__=1)}, {"/nodes/a/__proto__": "E_UNKNOWN_KEY"}, id="a prototype"),
    pytest.param({"a": {"type": "pause", "for": "0 days", "next": "b"}, "b": STOP}, {"/nodes/a/for": "E_CONFIG"}, id="0"),
    pytest.param({"a": {"type": "pause", "for": "P3D", "next": "b"}, "b": STOP}, {"/nodes/a/for": "E_CONFIG"}, id="ISO"),
    pytest.param({"a": {"type": "pause", "for": "400 days", "next": "b"}, "b": STOP}, {"/nodes/a/for": "E_CONFIG"}, id="over a year"),
    pytest.param({"a": {"type": "fork", "arms": ["x"], "next": "end"}}, {"/nodes/a/arms": "E_SPLIT"}, id="a code of its own"),
    pytest.param(
        {"a": {"type": "fork", "arms": ["x", "y"], "when": {"field": "score"}, "next": "end"}},
        {"/nodes/a/when": "E_CONDITION"},
        id="a condition",
    ),
    pytest.param({"a": say("end", content="papers")}, {"/nodes/a/content": "E_CONTENT"}, id="a content that is none"),
    pytest.param({"a": say("end", content="../x")}, {"/nodes/a/content": "E_CONTENT"}, id="a path for a content"),
    pytest.param({"a": say("end", channel="mail")}, {"/nodes/a/channel": "E_CHANNEL"}, id="a channel that is none"),
    pytest.param({"a": say("end", channel="sms")}, {"/nodes/a/content": "E_CONTENT"}, id="not written for this channel"),
]  # fmt: skip


@pytest.mark.parametrize(("nodes", "expected"), BAD)
def test_what_cannot_run_is_named_at_its_place(nodes, expected):
    problems = check(campaign(nodes), WORLD)

    assert sorted((problem.where, problem.code) for problem in problems) == sorted(
        (where.rstrip("+"), code) for where, code in expected.items()
    )
    assert plan.compile(load(campaign(nodes)), WORLD)[0] is None


@pytest.mark.parametrize(
    ("more", "where", "code"),
    [
        ({"exit_on": ["unsubscibed"]}, "/exit_on/0", "E_SIGNAL"),
        ({"calendar": "XX"}, "/calendar", "E_CALENDAR"),
        ({"entry": {"when": {"field": "signals.danced", "op": "known"}}}, "/entry/when/field", "W_CONDITION"),
    ],
)
def test_what_is_wrong_around_the_nodes_is_named_too(more, where, code):
    assert found({"a": STOP}, **more) == {where: code}


def test_a_cycle_is_named_by_its_path():
    (problem,) = check(campaign({"s": mark("a"), "a": mark("b"), "b": mark("c"), "c": mark("a")}), WORLD)

    assert "a -> b -> c -> a" in problem.what


def test_words_explain_and_hints_help():
    by_code = {
        problem.code: problem
        for problem in check(
            campaign(
                {
                    "a": {"type": "paus", "next": "b"},
                    "b": say("c", content="papr"),
                    "c": mark("d", points="3", pionts=1),
                    "d": {"type": "ask", "to": "b", "next": {"yes": "end", "no": "end", "maybe": "end"}},
                },
                exit_on=["unsubscibed"],
            ),
            WORLD,
        )
    }

    assert by_code["E_NODE_TYPE"].hint == "did you mean 'pause'?"
    assert by_code["E_CONTENT"].hint == "did you mean 'paper'?"
    assert by_code["E_UNKNOWN_KEY"].hint == "did you mean 'points'?"
    assert by_code["E_SIGNAL"].hint == "did you mean 'unsubscribed'?"
    assert by_code["E_OUTCOME"].hint == "there is: no, yes"
    assert (by_code["E_CONFIG"].what, by_code["E_CONFIG"].hint) == (
        "`points` must be a whole number, and is a text",
        "Points",
    )


def test_a_union_says_all_that_it_may_be():
    (problem,) = check(campaign({"a": mark("end", who=3)}), WORLD)

    assert problem.what == "`who` must be a text or a list, and is a number"


def test_shape_and_meaning_are_checked_in_one_go():
    text = campaign(
        {"a": mark("B", points=1000), "B": say("c", content="none"), "c": {"type": "stop", "next": "zz"}}, x=1
    )

    assert sorted(codes(check(text, WORLD, "bad.json"))) == sorted(
        ["E_UNKNOWN_KEY", "E_ID", "E_DANGLING", "E_CONFIG", "E_CONTENT", "E_OUTCOME"]
    )
    assert {problem.file for problem in check(text, WORLD, "bad.json")} == {"bad.json"}


def test_what_stands_in_for_a_broken_text_is_not_complained_of_again():
    text = campaign({"a": pause("b"), "b": STOP}).replace("3 days", "\\ud800")

    assert places(check(text, WORLD)) == {"/nodes/a/for": "E_UNICODE"}


def test_a_hundred_problems_are_shown_and_all_are_counted():
    nodes = {f"n{n}": {"type": "mark", "points": "x", "next": "nowhere"} for n in range(500)}
    problems = check(campaign(nodes), WORLD)

    assert len(problems) == 100
    assert (problems[-1].code, problems[-1].what) == ("E_MANY", "1,400 more problems are not shown")


def test_a_message_must_be_sent_on_every_path_to_the_question_about_it():
    asks = {"type": "ask", "to": "hello", "next": "end"}
    around = {
        "first": {"type": "fork", "arms": ["a", "b"], "next": {"a": "hello", "b": "asks"}},
        "hello": say("asks"),
        "asks": asks,
    }

    assert found({"hello": say("asks"), "asks": asks}) == {}
    assert found(around) == {"/nodes/asks/to": "E_RESPONSE"}


def test_a_question_in_a_ring_is_still_asked_about_its_message():
    nodes = {
        "first": mark("asks"),
        "asks": {"type": "ask", "to": "hello", "next": {"yes": "end", "no": "hello"}},
        "hello": say("asks"),
    }

    assert set(found(nodes).values()) == {"E_CYCLE", "E_RESPONSE"}


def test_nothing_is_said_of_a_question_whose_message_could_not_be_built():
    nodes = {"hello": {"type": "say", "next": "asks"}, "asks": {"type": "ask", "to": "hello", "next": "end"}}

    assert found(nodes) == {"/nodes/hello/content": "E_CONFIG"}


def test_problems_of_contents_are_listed_once_with_their_files():
    def broken(content: str, channel: str) -> list[Problem]:
        return [Problem("line 2, column 3", "E_TEMPLATE", f"{content} on {channel}", file=f"content/{content}")]

    world = World(TYPES, CHANNELS, CONTENTS, broken, calendar)
    nodes = {"a": say("b"), "b": pause("c"), "c": say("end")}

    assert [(problem.file, problem.where) for problem in check(campaign(nodes), world, "x.json")] == [
        ("content/paper", "line 2, column 3")
    ]


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        pytest.param({"a": say("b"), "b": say("end")}, {"/nodes/b": "W_NO_WAIT"}, id="two messages at once"),
        pytest.param(
            {"a": say("b"), "b": mark("c"), "c": say("end")}, {"/nodes/c": "W_NO_WAIT"}, id="with a mark between them"
        ),
        pytest.param({"a": say("b"), "b": pause("c"), "c": say("end")}, {}, id="with a wait between them"),
        pytest.param(
            {"a": say("b"), "b": {"type": "ask", "to": "a", "next": {"yes": "end", "no": "c"}}, "c": say("end")},
            {},
            id="with a question between them",
        ),
        pytest.param(
            {"a": say({"sent": "end", "unsent": "b"}), "b": say("end")}, {}, id="a substitute for what was not sent"
        ),
        pytest.param(
            {
                "a": say("f"),
                "f": {"type": "fork", "arms": ["x", "y"], "next": {"x": "p", "y": "c"}},
                "p": pause("c"),
                "c": say("end"),
            },
            {"/nodes/c": "W_NO_WAIT"},
            id="a wait on one of two ways",
        ),
        pytest.param({"a": mark("b"), "b": pause("end")}, {"/nodes/b": "W_WAIT_AT_END"}, id="a wait for nothing"),
        pytest.param({"a": pause("b"), "b": STOP}, {}, id="a wait for an end that says why"),
    ],
)
def test_what_is_allowed_and_hardly_meant_is_a_warning(nodes, expected):
    problems = check(campaign(nodes), WORLD)

    assert places(problems) == expected
    assert not errors(problems)
    assert plan.compile(load(campaign(nodes)), WORLD)[0] is not None


def test_errors_come_before_warnings():
    nodes = {"a": say("b"), "b": say("c"), "c": {"type": "stop", "reason": 3}}

    assert codes(check(campaign(nodes), WORLD)) == ["E_CONFIG", "W_NO_WAIT"]


def test_a_wrong_setting_hides_nothing_else_that_is_wrong_with_its_node():
    nodes = {
        "hello": say("asked", content="unheard_of", loud=True),
        "asked": {"type": "ask", "to": "helo", "wrong": 1, "next": "end"},
    }

    assert found(nodes) == {
        "/nodes/hello/loud": "E_UNKNOWN_KEY",
        "/nodes/hello/content": "E_CONTENT",
        "/nodes/asked/wrong": "E_UNKNOWN_KEY",
        "/nodes/asked/to": "E_RESPONSE",
    }
