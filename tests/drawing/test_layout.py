"""Where boxes and arrows stand."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.drawing.layout import Laid, Link, Size, arrange

BOX = Size(160, 56)
LABEL = Size(50, 20)


def lay(*ways: str, close: str = "") -> Laid:
    """`lay("a b", "a c")`: boxes in order of their first appearance, which must be topological."""
    links = [Link(*way.split(), LABEL, close=way.split()[1] in close.split()) for way in ways]
    names = sorted({name for link in links for name in (link.source, link.target)})
    return arrange({name: Size(60, 26) if name in close.split() else BOX for name in names}, links)


PLANAR = [
    pytest.param(("a b", "b c", "c d"), id="a chain"),
    pytest.param(("a b", "a c", "b d", "c d"), id="a diamond"),
    pytest.param(("a b", "a c", "b d", "b e", "c f", "c g"), id="a tree"),
    pytest.param(("a b", "b c", "c d", "a d", "b d"), id="ways past others"),
    pytest.param(("a b", "a c", "b d", "b h", "c e", "c h", "d h", "e h"), id="many ways to one"),
    pytest.param(("a b", "a c", "b d", "b e", "c e", "c f", "d g", "e g", "f g"), id="a lattice"),
    pytest.param(("a b", "a c", "b g", "b d", "d e", "e f", "e g", "c g", "f h", "g h"), id="a yes that skips the nos"),
]


@pytest.mark.parametrize("ways", PLANAR)
def test_no_arrows_cross_where_none_need_to(ways):
    assert lay(*ways).crossings == 0


def test_arrows_that_must_cross_do_so_no_more_than_they_must():
    laid = lay(*(f"{a} {b}" for a in "abc" for b in "def"))

    assert laid.crossings == 9


def test_an_only_child_stands_exactly_below_its_only_parent():
    laid = lay("a b", "b c", "b d", "c e")

    assert laid.boxes["a"][0] == laid.boxes["b"][0]
    assert laid.boxes["c"][0] == laid.boxes["e"][0]
    assert laid.boxes["b"][0] == pytest.approx((laid.boxes["c"][0] + laid.boxes["d"][0]) / 2)


def test_a_long_link_is_straight_between_its_ends():
    laid = lay("a b", "b c", "c d", "d e", "a e")
    path = laid.paths[-1]

    assert len({x for x, _, _ in path[1:-1]}) == 1


def test_a_small_box_at_the_end_of_a_way_stands_between_the_rows():
    laid = lay("a b", "a x", close="x")

    assert laid.boxes["a"][1] < laid.boxes["x"][1] < laid.boxes["b"][1]
    assert laid.labels[1] is None


def test_a_link_against_the_order_is_drawn_upwards():
    laid = arrange({"a": BOX, "b": BOX}, [Link("a", "b", LABEL), Link("b", "a", LABEL)])

    assert laid.paths[0][0][1] < laid.paths[0][-1][1]
    assert laid.paths[1][0][1] > laid.paths[1][-1][1]


def test_nothing_at_all_has_no_size():
    assert arrange({}, []) == Laid(0, 0, {}, [], [], 0)


@st.composite
def drawings(draw: st.DrawFn) -> tuple[dict[str, Size], list[Link]]:
    names = [f"n{n:02}" for n in range(draw(st.integers(1, 12)))]
    sizes = {name: Size(draw(st.sampled_from([60.0, 150.0, 264.0])), 56.0) for name in names}
    pairs = draw(st.sets(st.tuples(st.sampled_from(names), st.sampled_from(names)), max_size=20))
    links = [Link(a, b, draw(st.sampled_from([LABEL, Size(0, 0), Size(140, 20)]))) for a, b in sorted(pairs) if a < b]
    return sizes, links


@given(drawings())
def test_nothing_lies_on_anything_and_no_arrow_runs_through_a_box(drawing):
    sizes, links = drawing
    laid = arrange(sizes, links)
    rectangles = [(*laid.boxes[name], size) for name, size in sizes.items()]
    rectangles += [
        (*at, link.label) for link, at in zip(links, laid.labels, strict=True) if at is not None and link.label.width
    ]

    for n, (x, y, size) in enumerate(rectangles):
        assert x - size.width / 2 >= -0.01
        assert x + size.width / 2 <= laid.width + 0.01
        assert y - size.height / 2 + 0.01 >= 0
        assert y + size.height / 2 <= laid.height + 0.01
        for other_x, other_y, other in rectangles[:n]:
            aside = abs(x - other_x) - (size.width + other.width) / 2
            below = abs(y - other_y) - (size.height + other.height) / 2
            assert max(aside, below) > 5
    for link, path in zip(links, laid.paths, strict=True):
        bends = [y for _, above, below in path for y in (above, below)]
        for (_, _, begin), (_, end, _) in pairwise(path):
            assert begin < end
        for name, size in sizes.items():
            x, y = laid.boxes[name]
            top, bottom = y - size.height / 2, y + size.height / 2
            for (a, _, begin), (b, end, _) in pairwise(path):
                # An arrow bends from side to side only in the free space between two rows.
                if a != b and name not in (link.source, link.target):
                    assert end <= top + 0.01 or begin >= bottom - 0.01
            for a, begin, end in path:
                if begin < end and begin < bottom and end > top:
                    assert abs(a - x) > size.width / 2
        assert bends == sorted(bends)
    assert arrange(sizes, links) == laid


def test_two_thousand_boxes_are_laid_out_in_seconds():
    links = []
    for n in range(1_999):
        links.append(Link(f"{n:04}", f"{n + 1:04}", LABEL))
        if n % 5 == 0:
            links.append(Link(f"{n:04}", f"{min(n + 12, 1_999):04}", LABEL))
    begun = time.process_time()
    arrange({f"{n:04}": BOX for n in range(2_000)}, links)

    assert time.process_time() - begun < 10
