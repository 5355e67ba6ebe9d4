"""The order of nodes, on which canonical text, plan and picture agree."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from nurture.order import ordered


def test_what_hangs_on_an_earlier_outcome_comes_first():
    assert ordered("a", {"d": [], "c": ["d"], "b": ["d"], "a": ["b", "c"]}) == (["a", "b", "c", "d"], [])
    assert ordered("a", {"d": [], "c": ["d"], "b": ["d"], "a": ["c", "b"]}) == (["a", "c", "b", "d"], [])


def test_a_node_put_in_between_moves_no_other():
    before, _ = ordered("a", {"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []})
    after, _ = ordered("a", {"a": ["b", "c"], "b": ["x"], "x": ["d"], "c": ["d"], "d": []})

    assert [node for node in after if node != "x"] == before


def test_what_the_start_does_not_reach_stands_at_the_end():
    assert ordered("a", {"z": ["y"], "y": [], "a": ["b"], "b": []})[0] == ["a", "b", "z", "y"]
    assert ordered("", {"z": ["y"], "y": []})[0] == ["z", "y"]
    assert ordered("nobody", {}) == ([], [])


def test_a_cycle_is_the_path_around_it():
    assert ordered("a", {"a": ["b"], "b": ["c"], "c": ["b", "end"]}) == (["a", "b", "c"], [["b", "c", "b"]])
    assert ordered("a", {"a": ["a"]}) == (["a"], [["a", "a"]])
    assert ordered("", {"x": ["y"], "y": ["x"]}) == (["x", "y"], [["x", "y", "x"]])


NAMES = [f"n{n}" for n in range(8)]


@given(st.dictionaries(st.sampled_from(NAMES), st.lists(st.sampled_from([*NAMES, "end"]), max_size=4)), st.data())
def test_every_node_stands_once_and_without_cycles_before_those_it_leads_to(ways, data):
    start = data.draw(st.sampled_from(NAMES))
    order, cycles = ordered(start, ways)

    assert sorted(order) == sorted(ways)
    assert ordered(start, dict(reversed(ways.items())))[0] == order
    for cycle in cycles:
        assert cycle[0] == cycle[-1]
        assert all(target in ways[node] for node, target in itertools.pairwise(cycle))
    reached = {start} & set(ways)
    for node in order:
        reached |= {target for target in ways[node] if node in reached}
    if not cycles:
        place = {node: n for n, node in enumerate(order)}
        for node in reached & set(ways):
            assert all(place[target] > place[node] for target in ways[node] if target in place)
