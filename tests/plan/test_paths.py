"""What nodes are told of the paths around them, whatever they are; and that any campaign is proven, quickly."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any, ClassVar

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture import plan
from nurture.definition import load
from nurture.node import Node, Place
from nurture.plan import World, check
from nurture.problems import Problem, errors
from tests.plan.world import CHANNELS, CONTENTS, STOP, TYPES, WORLD, Ask, campaign, campaigns, pause, say


class Broken(Node):
    """A type whose author made mistakes."""

    fails: str = "nothing"

    def ways_out(self) -> tuple[str, ...]:
        if self.fails == "ways_out":
            raise RuntimeError("ways")
        return {"twice": ("a", "a"), "empty": ("",), "list": ["a"], "none": None}.get(self.fails, ("next",))  # type: ignore[return-value]

    def check(self, place: Place) -> Iterator[Problem]:
        if self.fails == "check":
            raise KeyError("check")
        yield from ["what?"] if self.fails == "words" else []  # type: ignore[misc]

    def contents(self) -> tuple[tuple[str, str], ...]:
        if self.fails == "contents":
            raise ValueError("contents")
        return {"single": ("email",), "numbers": ((1, 2),)}.get(self.fails, ())  # type: ignore[return-value]


@pytest.mark.parametrize(
    "fails", ["ways_out", "twice", "empty", "list", "check", "words", "contents", "single", "numbers"]
)
def test_a_strangers_type_that_fails_is_a_problem_and_never_a_traceback(fails):
    world = World({**TYPES, "broken": Broken}, CHANNELS, CONTENTS)
    problems = check(campaign({"a": {"type": "broken", "fails": fails, "next": "end"}}), world)

    assert {problem.where: problem.code for problem in errors(problems)} == {"/nodes/a": "E_NODE_TYPE"}


class Curious(Node):
    """Looks at everything around it."""

    seen: ClassVar[dict[str, tuple[list[str], list[str]]]] = {}

    def ways_out(self) -> tuple[str, ...]:
        return ("a", "b")

    def check(self, place: Place) -> Iterator[Problem]:
        always, sometimes = place.always_before(), place.sometimes_before()
        Curious.seen[place.node] = (list(always), list(sometimes))
        assert (len(always), len(sometimes)) == (len(list(always)), len(list(sometimes)))
        assert all(name in always for name in always)
        assert all(sometimes[name] is place.all_nodes()[name] for name in sometimes)
        assert place.node not in always
        assert place.node not in sometimes
        assert "nobody" not in always
        yield from ()


@st.composite
def mazes(draw: st.DrawFn) -> dict[str, Any]:
    count = draw(st.integers(1, 9))
    names = [f"n{n}" for n in range(count)]
    nodes = {}
    for n, name in enumerate(names):
        later = [*names[n + 1 :], "end"]
        nodes[name] = {"type": "curious", "next": {"a": later[0], "b": draw(st.sampled_from(later))}}
    return nodes


@given(mazes())
def test_a_node_is_told_rightly_who_is_always_and_who_is_sometimes_before_it(nodes):
    Curious.seen.clear()
    assert check(campaign(nodes), World({"curious": Curious})) == []

    graph = nx.DiGraph([(name, way) for name, node in nodes.items() for way in node["next"].values() if way != "end"])
    graph.add_nodes_from(nodes)
    for name in nodes:
        paths = [set(path) for path in nx.all_simple_paths(graph, "n0", name)] if name != "n0" else [{name}]
        always, sometimes = Curious.seen[name]
        assert set(always) == set.intersection(*paths) - {name}
        assert set(sometimes) == nx.ancestors(graph, name)
        assert always == sorted(always)


@given(campaigns())
def test_any_valid_campaign_compiles_and_every_path_through_it_ends(raw):
    made, problems = plan.compile(load(json.dumps(raw)), WORLD)

    assert made is not None, problems
    place = {name: n for n, name in enumerate(made.order)}
    assert set(place) == set(raw["nodes"])
    for name, planned in made.nodes.items():
        assert tuple(planned.next) == planned.node.ways_out()
        for target in planned.next.values():
            assert target is None or place[target] > place[name]


@given(campaigns(most=6), st.data())
def test_a_campaign_with_anything_in_it_gives_only_problems(raw, data):
    names = list(raw["nodes"])
    for _ in range(data.draw(st.integers(1, 3))):
        node = raw["nodes"][data.draw(st.sampled_from(names))]
        key = data.draw(st.sampled_from([*node, "next", "title", "points", "arms", "to"]))
        node[key] = data.draw(
            st.sampled_from(
                [None, True, 0, -1, 1.5, "", "x", [], ["x", "x"], {}, {"a": "n0"}, "n0", {"yes": {}}, 10**30]
            )
        )
    problems = check(json.dumps(raw), WORLD, "x.json")

    assert all(isinstance(problem, Problem) and str(problem).encode() for problem in problems)


def _chain(count: int) -> dict[str, Any]:
    nodes = {}
    for n in range(count):
        following = f"n{n + 1}" if n + 1 < count else "end"
        far = f"n{min(n + 40, count - 1)}" if n + 1 < count else "end"
        nodes[f"n{n}"] = (
            say(following)
            if n % 4 == 0
            else {"type": "ask", "to": f"n{n - 1}", "next": {"yes": following, "no": following}}
            if n % 4 == 1
            else {"type": "fork", "arms": ["x", "y"], "next": {"x": following, "y": far if n % 8 == 2 else following}}
            if n % 4 == 2
            else pause(following)
        )
    return nodes


def _fan(count: int) -> dict[str, Any]:
    arms = [f"n{n}" for n in range(count)]
    return {"start": {"type": "fork", "arms": arms, "next": {arm: arm for arm in arms}}, **dict.fromkeys(arms, STOP)}


@pytest.mark.parametrize("nodes", [_chain(2_000), _fan(1_999)], ids=["a chain", "a fan"])
def test_two_thousand_nodes_compile_within_a_second(nodes):
    text = campaign(nodes)
    begun = time.process_time()
    problems = check(text, WORLD)
    took = time.process_time() - begun

    assert not errors(problems)
    assert took < 1


def test_a_base_type_that_only_asks_is_enough_for_a_world():
    made, problems = plan.compile(load(campaign({"a": STOP})), World({"stop": TYPES["stop"], "ask": Ask}))

    assert made is not None
    assert problems == []
