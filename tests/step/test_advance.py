"""One look at one enrollment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.check_response import CheckResponse
from nodes.end import End
from nodes.send_content import SendContent
from nodes.switch import Switch
from nodes.tag import Tag
from nodes.wait import Wait as WaitNode
from nurture import Calendar, Confidence, Go, Node, Signal, Snapshot, Touch, Wait
from nurture import definition as definitions
from nurture.plan import Plan, World, compile
from nurture.snapshot import CONFIDENCE, Facts, Lead, in_order
from nurture.step import Advance, Standing, advance
from nurture.testing import heard, moment, reply

START = moment("2 Mar 09:00")
TYPES: dict[str, type[Node]] = {
    "send_content": SendContent,
    "wait": WaitNode,
    "check_response": CheckResponse,
    "tag": Tag,
    "switch": Switch,
    "end": End,
}


def plan(nodes: dict[str, Any], *, exit_on: Sequence[str] = (), types: dict[str, type[Node]] | None = None) -> Plan:
    import json

    raw = {"campaign": "c", "exit_on": list(exit_on), "start": next(iter(nodes)), "nodes": nodes}
    world = World(
        node_types={**TYPES, **(types or {})},
        channels={"email": frozenset({"viewed", "clicked", "replied"})},
        contents={"paper": frozenset({"email"}), "case": frozenset({"email"})},
    )
    made, problems = compile(definitions.load(json.dumps(raw)), world)
    assert made is not None, problems
    return made


def look(
    plan: Plan,
    now: datetime | str,
    *,
    signals: Sequence[Signal] = (),
    touches: Sequence[Touch] = (),
    at: Standing | None = None,
    tags: Sequence[str] = (),
) -> Advance:
    standing = at or Standing(plan.start, START, False, START)
    facts = Facts("c", signals, touches, lambda: Lead({}, tags=tags), lambda node: 0.5, Calendar())
    return advance(plan, standing, facts, moment(now))


ASK = {
    "bait": {"type": "send_content", "content": "paper", "next": "seen"},
    "seen": {"type": "check_response", "to": "bait", "within": "3 days", "next": {"yes": "deep", "no": "swap"}},
    "deep": {"type": "tag", "add": ["deep"], "next": "end"},
    "swap": {"type": "tag", "add": ["cold"], "next": "end"},
}
SENT = Touch("bait", "email", "paper", "sent", START, START, START)
ASKED = Standing("bait", START, True, START)


def path(found: Advance) -> list[str]:
    return [f"{step.node}: {step.outcome}" for step in found.steps]


def test_a_message_is_asked_for_once_and_the_lead_stays_until_its_verdict() -> None:
    first = look(plan(ASK), START)
    later = look(plan(ASK), "3 Mar 09:00", at=ASKED, touches=[SENT._replace(state="pending", settled_at=None)])

    assert [(message.node, message.n, message.content) for message in first.book.messages] == [("bait", 0, "paper")]
    assert (first.node, first.begun, first.steps) == ("bait", True, [])
    assert later.book.messages == []
    assert later.node == "bait"


@pytest.mark.parametrize(
    ("signals", "now", "expected"),
    [
        pytest.param([], "5 Mar 08:59", ["bait: sent"], id="still waiting"),
        pytest.param([], "5 Mar 09:00", ["bait: sent", "seen: no", "swap: next"], id="nothing until the deadline"),
        pytest.param(
            [reply("3 Mar 10:00")],
            "3 Mar 10:00",
            ["bait: sent", "seen: yes", "deep: next"],
            id="answered, left at once",
        ),
        pytest.param(
            [reply("5 Mar 08:59")],
            "9 Mar 10:00",
            ["bait: sent", "seen: yes", "deep: next"],
            id="given in time, heard of too late, still counts",
        ),
        pytest.param(
            [reply("5 Mar 09:00")],
            "9 Mar 10:00",
            ["bait: sent", "seen: no", "swap: next"],
            id="given at the deadline is too late",
        ),
        pytest.param(
            [reply("3 Mar 10:00", to="other")],
            "9 Mar 10:00",
            ["bait: sent", "seen: no", "swap: next"],
            id="an answer to another message does not count",
        ),
    ],
)
def test_a_response_counts_by_when_it_was_given(signals: list[Signal], now: str, expected: list[str]) -> None:
    found = look(plan(ASK), now, at=ASKED, touches=[SENT], signals=signals)

    assert path(found) == expected


def test_a_message_that_was_never_sent_is_answered_no_at_once() -> None:
    refused = SENT._replace(state="refused", started_at=None, because="no_address: none")

    found = look(plan(ASK), START, at=ASKED, touches=[refused])

    assert path(found) == ["bait: unsent", "seen: no", "swap: next"]
    assert "never sent" in found.steps[1].because


def test_an_exit_beats_an_outcome_at_the_same_instant() -> None:
    found = look(
        plan(ASK, exit_on=["unsubscribed"]),
        "9 Mar 10:00",
        at=ASKED,
        touches=[SENT],
        signals=[reply("3 Mar 10:00"), heard("unsubscribed", "3 Mar 10:00")],
    )

    assert found.ended == "exit:unsubscribed"
    assert path(found) == ["bait: sent"]
    assert found.at == moment("3 Mar 10:00")


def test_who_refuses_to_be_decided_about_by_a_machine_leaves_every_campaign() -> None:
    found = look(plan(ASK), "4 Mar 09:00", at=ASKED, touches=[SENT], signals=[heard("objected", "3 Mar 09:00")])

    assert found.ended == "exit:objected"


@pytest.mark.parametrize("confidence", ["unknown", "machine"])
def test_nobody_leaves_by_what_a_machine_did(confidence: Confidence) -> None:
    opened = Signal("viewed", moment("3 Mar 12:00"), "c", "bait", confidence=confidence)

    found = look(plan(ASK, exit_on=["viewed"]), "3 Mar 13:00", at=ASKED, touches=[SENT], signals=[opened])

    assert found.ended is None


def test_what_came_before_the_exit_still_happened() -> None:
    found = look(
        plan(ASK, exit_on=["unsubscribed"]),
        "9 Mar 10:00",
        at=ASKED,
        touches=[SENT],
        signals=[reply("3 Mar 10:00"), heard("unsubscribed", "3 Mar 10:01")],
    )

    assert path(found) == ["bait: sent", "seen: yes", "deep: next"]
    assert found.ended == "completed"


def test_an_old_opt_out_heard_of_today_ends_the_campaign() -> None:
    late = heard("unsubscribed", "1 Feb 10:00")._replace(heard_at=moment("4 Mar 09:00"))

    found = look(plan(ASK, exit_on=["unsubscribed"]), "4 Mar 09:00", at=ASKED, touches=[SENT], signals=[late])

    assert found.ended == "exit:unsubscribed"


def test_a_conversion_from_before_the_enrollment_ends_nothing() -> None:
    late = heard("converted", "1 Feb 10:00")._replace(heard_at=moment("4 Mar 09:00"))

    found = look(plan(ASK, exit_on=["converted"]), "4 Mar 09:00", at=ASKED, touches=[SENT], signals=[late])

    assert found.ended is None


def test_the_next_node_sees_what_the_one_before_it_changed() -> None:
    nodes = {
        "mark": {"type": "tag", "add": ["deep"], "next": "which"},
        "which": {
            "type": "switch",
            "cases": [{"name": "deep", "when": {"field": "tags", "op": "has", "value": "deep"}}],
            "next": {"deep": "yes", "otherwise": "no"},
        },
        "yes": {"type": "end"},
        "no": {"type": "end"},
    }

    found = look(plan(nodes), START)

    assert path(found) == ["mark: next", "which: deep", "yes: None"]
    assert found.ended == "completed"


class Odd(Node):
    """Does what it should not."""

    outcomes: ClassVar[tuple[str, ...]] = ("next",)
    how: str

    def decide(self, snapshot: Snapshot) -> Go | Wait:
        match self.how:
            case "raises":
                raise RuntimeError("I cannot tell")
            case "exits":
                raise SystemExit(3)
            case "maybe":
                return Go("maybe")
            case "past":
                return Wait(snapshot.now)
            case "naive":
                return Wait(datetime(2030, 1, 1))  # the point of this case
            case _:
                return None  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("raises", "node 'odd' raised RuntimeError: I cannot tell"),
        ("exits", "node 'odd' raised SystemExit: 3"),
        ("maybe", "node 'odd' went 'maybe', but its ways out are: next"),
        ("past", "not later than"),
        ("naive", "names no time zone"),
        ("nothing", "answered NoneType"),
    ],
)
def test_not_knowing_is_not_a_way_out(how: str, says: str) -> None:
    nodes = {
        "mark": {"type": "tag", "add": ["seen"], "next": "odd"},
        "odd": {"type": "odd", "how": how, "next": "end"},
    }

    found = look(plan(nodes, types={"odd": Odd}), START)

    assert found.stuck is not None
    assert says in found.stuck
    assert found.node == "odd"
    assert path(found) == ["mark: next"]
    assert found.ended is None


# --- crowded days ----------------------------------------------------------------------------------------------

LADDER = {
    "bait": {"type": "send_content", "content": "paper", "next": "seen"},
    "seen": {"type": "check_response", "to": "bait", "within": "6 hours", "next": {"yes": "hot", "no": "nap"}},
    "nap": {"type": "wait", "for": "90 minutes", "next": "again"},
    "again": {
        "type": "check_response",
        "to": "bait",
        "evidence": ["clicked"],
        "within": "12 hours",
        "next": {"yes": "hot", "no": "cold"},
    },
    "hot": {"type": "tag", "add": ["hot"], "next": "end"},
    "cold": {"type": "tag", "add": ["cold"], "next": "end"},
}
KINDS = ("viewed", "clicked", "replied", "unsubscribed", "converted")
minutes = st.integers(0, 24 * 60).map(lambda minute: START + timedelta(minutes=minute))
histories = st.lists(
    st.builds(
        lambda kind, at, to, by: Signal(kind, at, "c" if to else None, to, heard_at=at, confidence=by),
        st.sampled_from(KINDS),
        minutes,
        st.sampled_from([None, "bait", "other"]),
        st.sampled_from(CONFIDENCE),
    ),
    max_size=8,
)


def live(made: Plan, signals: Sequence[Signal], looks: Sequence[datetime]) -> tuple[list[str], str | None]:
    """The path of a lead whose engine looks at these moments, each time with all that has happened by then."""
    ordered = sorted(signals, key=in_order)
    standing, steps, ended = ASKED, [], None
    for now in looks:
        while True:
            found = look(made, now, at=standing, touches=[SENT], signals=[s for s in ordered if s.at <= now])
            steps += [(step.node, step.outcome, step.at, step.because) for step in found.steps]
            standing = Standing(found.node, found.entered_at, found.begun, START)
            if found.ended is not None or found.due is None or found.due > now:
                break
        if found.ended is not None:
            ended = found.ended
            break
    return [str(step) for step in steps], ended


@given(histories, st.lists(minutes, max_size=12))
def test_the_path_does_not_depend_on_how_often_we_look(signals: list[Signal], looks: list[datetime]) -> None:
    made = plan(LADDER, exit_on=["unsubscribed", "converted"])
    end = START + timedelta(days=3)

    often = live(made, signals, [*sorted(looks), end])
    once = live(made, signals, [end])

    assert often == once
    assert once[1] is not None


@given(histories, st.randoms())
def test_the_order_in_which_signals_are_heard_changes_nothing(signals: list[Signal], random: Any) -> None:
    made = plan(LADDER, exit_on=["unsubscribed", "converted"])
    shuffled = list(signals)
    random.shuffle(shuffled)
    end = START + timedelta(days=3)

    assert live(made, shuffled, [end]) == live(made, signals, [end])


def test_a_lead_that_was_moved_by_a_clock_ahead_of_ours_is_due_when_ours_has_come_there():
    rest = plan({"rest": {"type": "wait", "for": "3 days", "next": "end"}})
    moved_at = START + timedelta(hours=2)

    found = look(rest, START + timedelta(hours=1), at=Standing("rest", START, True, START, moved_at))

    assert (found.steps, found.due) == ([], moved_at)
