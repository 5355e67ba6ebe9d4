"""A small world for campaigns: six node types of our own, two channels, two contents."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, ClassVar

from hypothesis import strategies as st

from nurture.calendar import Calendar, WaitDuration
from nurture.condition import Condition
from nurture.node import Go, Node, Place, Settings, checked, invalid, setting
from nurture.plan import World
from nurture.problems import Problem
from nurture.snapshot import Snapshot


class Say(Node):
    """Say something."""

    outcomes: ClassVar[tuple[str, ...]] = ("sent", "unsent")
    channel: str = setting("email", en="By what")
    content: str = setting(en="What")

    def contents(self) -> tuple[tuple[str, str], ...]:
        return ((self.channel, self.content),)


class Pause(Node):
    """Let time pass."""

    title_zh: ClassVar[str] = "等待"
    waits: ClassVar[bool] = True
    for_: WaitDuration = setting(alias="for", en="How long")


class Ask(Node):
    """Did they answer?"""

    outcomes: ClassVar[tuple[str, ...]] = ("yes", "no")
    waits: ClassVar[bool] = True
    to: str = setting(en="Which message")

    def decide(self, snapshot: Snapshot) -> Go:
        return Go("no")

    def check(self, place: Place) -> Iterator[Problem]:
        before = [name for name, node in place.always_before().items() if node.contents()]
        if self.to not in before:
            yield place.error("E_RESPONSE", f"no {self.to} before", place.did_you_mean(self.to, before), "/to")


class Range(Settings):
    low: int = setting(0, ge=0, en="From")
    high: int = setting(en="To")


def _some(arms: tuple[str, ...]) -> tuple[str, ...]:
    if len(arms) < 2:
        raise invalid("E_SPLIT", "one arm is no fork", "name two")
    return arms


class Fork(Node):
    """Part ways."""

    arms: Annotated[tuple[str, ...], checked(_some)] = setting(en="The ways")
    when: Condition | None = setting(None, en="For whom")

    def ways_out(self) -> tuple[str, ...]:
        return self.arms


class Mark(Node):
    """Mark the lead."""

    add: tuple[str, ...] = setting((), en="Tags")
    points: int = setting(1, ge=-100, le=100, en="Points")
    range_: Range | None = setting(None, alias="range", en="A group")
    who: str | tuple[str, ...] | None = setting(None, en="One or several")


class Stop(Node):
    """The end."""

    outcomes: ClassVar[tuple[str, ...]] = ()
    reason: str = setting("", en="Why")


TYPES: dict[str, type[Node]] = {"say": Say, "pause": Pause, "ask": Ask, "fork": Fork, "mark": Mark, "stop": Stop}
CHANNELS = {"email": frozenset({"viewed", "clicked"}), "sms": frozenset({"replied"})}
CONTENTS = {"paper": frozenset({"email"}), "story": frozenset({"email", "sms"})}


def calendar(country: str | None, zone: str) -> Calendar | None:
    return Calendar(zone) if country in (None, "CN") else None


WORLD = World(TYPES, CHANNELS, CONTENTS, calendar=calendar)


STOP = {"type": "stop"}


def say(following: Any, **more: Any) -> dict[str, Any]:
    return {"type": "say", "content": "paper", "next": following, **more}


def mark(following: Any, **more: Any) -> dict[str, Any]:
    return {"type": "mark", "next": following, **more}


def pause(following: Any) -> dict[str, Any]:
    return {"type": "pause", "for": "3 days", "next": following}


def campaign(nodes: Mapping[str, Any], /, **more: Any) -> str:
    """A campaign of these nodes that starts with the first of them; a key set to `...` is left out."""
    raw = {"campaign": "test", "start": next(iter(nodes), ""), "nodes": nodes, **more}
    return json.dumps({key: value for key, value in raw.items() if value is not ...})


def codes(problems: Iterable[Problem]) -> list[str]:
    return [problem.code for problem in problems]


def places(problems: Iterable[Problem]) -> dict[str, str]:
    return {problem.where: problem.code for problem in problems}


def _node(draw: st.DrawFn, n: int, targets: list[str], said: list[str]) -> dict[str, Any]:
    kinds = ["say", "pause", "fork", "mark"] + (["ask"] if said else [])
    kind = draw(st.sampled_from(kinds if n else ["say", "pause", "mark"]))
    ways: tuple[str, ...] = {"say": ("sent", "unsent"), "ask": ("yes", "no")}.get(kind, ("next",))
    node: dict[str, Any] = {"type": kind}
    if kind == "say":
        node["content"] = draw(st.sampled_from(["paper", "story"]))
    elif kind == "pause":
        node["for"] = draw(st.sampled_from(["1 minute", "3 days", "2 workdays", "4 weeks"]))
    elif kind == "fork":
        ways = tuple(draw(st.lists(st.sampled_from(["a", "b", "c", "路"]), min_size=2, max_size=4, unique=True)))
        node["arms"] = list(ways)
    elif kind == "mark":
        node["add"] = draw(st.lists(st.text(st.characters(exclude_categories=["C"]), max_size=4), max_size=3))
    else:
        node["to"] = draw(st.sampled_from(said))
    if draw(st.booleans()):
        node["title"] = draw(st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=8))
    # The next node is always reached, the other ways lead anywhere behind it.
    node["next"] = {way: draw(st.sampled_from(targets)) for way in draw(st.permutations(ways))}
    node["next"][ways[draw(st.integers(0, len(ways) - 1))]] = targets[0]
    if len(set(node["next"].values())) == 1 and draw(st.booleans()):
        node["next"] = targets[0]
    return {key: node[key] for key in draw(st.permutations(list(node)))}


@st.composite
def campaigns(draw: st.DrawFn, most: int = 12) -> dict[str, Any]:
    """Any valid campaign, written in any order."""
    count = draw(st.integers(1, most))
    names = [f"n{n}" for n in range(count)]
    nodes: dict[str, Any] = {}
    for n, name in enumerate(names):
        # The spine n0, n1, ... is on no path for certain, except for its first node.
        said = ["n0"] if n and nodes["n0"]["type"] == "say" else []
        if n == count - 1 and draw(st.booleans()):
            nodes[name] = {"type": "stop", "reason": draw(st.text("abc语", max_size=5))}
        else:
            nodes[name] = _node(draw, n, [*names[n + 1 :], "end"], said)
    raw = {"campaign": "any", "start": "n0", "nodes": {name: nodes[name] for name in draw(st.permutations(names))}}
    if draw(st.booleans()):
        raw["title"] = {"en": "Any", "zh": "任意"}
    if draw(st.booleans()):
        raw["exit_on"] = ["bounced", "unsubscribed"]
    return {key: raw[key] for key in draw(st.permutations(list(raw)))}
