"""The same events in any order and any number of times: the same path, the same lead, the same end."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from nurture.engine import Incoming
from nurture.identity import LeadRef
from nurture.testing import moment
from tests.engine.house import House, post_office

NODES: dict[str, Any] = {
    "bait": {"type": "send_content", "channel": "post", "content": "hello", "next": "asks"},
    "asks": {
        "type": "check_response", "to": "bait", "evidence": ["clicked", "replied"], "within": "3 hours",
        "next": {"yes": "warm", "no": "cold"},
    },
    "warm": {"type": "score", "points": 10, "next": "came"},
    "came": {
        "type": "check", "when": {"field": "signals.attended", "op": "known"},
        "next": {"yes": "met", "no": "end"},
    },
    "met": {"type": "tag", "add": ["met"], "next": "end"},
    "cold": {"type": "tag", "add": ["cold"], "next": "end"},
}  # fmt: skip
START, DECIDED = moment("2 Mar 09:00"), moment("2 Mar 13:00")

Event = tuple[str, int]
"""A kind, and how many minutes after nine it happened."""
events = st.tuples(
    st.sampled_from(["viewed", "clicked", "replied", "attended", "unsubscribed", "bounced"]), st.integers(1, 200)
)


@st.composite
def heard_twice(draw: st.DrawFn) -> tuple[list[Event], list[Event]]:
    """Some events in order and once each; and the same ones in any order, some of them again."""
    once = sorted(draw(st.sets(events, max_size=6)))
    again = [event for event in once for _ in range(draw(st.integers(1, 3)))]
    return once, draw(st.permutations(again))


def at_minute(minute: int) -> str:
    return f"2 Mar {9 + minute // 60:02}:{minute % 60:02}"


def hear(house: House, lead: LeadRef, told: list[Event], *, alone: bool) -> None:
    """At half past twelve, or a whole day late, with all that was told before it: one by one, or at once."""
    incoming = [Incoming(kind, lead, moment(at_minute(minute)), "c", "bait") for kind, minute in told]
    for batch in [[each] for each in incoming] if alone else [incoming]:
        house.engine.hear(batch, now=moment("2 Mar 12:30"))


def outcome(before: list[Event], late: list[Event], *, alone: bool) -> dict[str, Any]:
    """What became of a lead that these events were heard of before anything was decided, and these after it."""
    with post_office(), TemporaryDirectory() as folder:
        house = House(Path(folder), "sqlite://")
        try:
            house.campaign(NODES, exit_on=["unsubscribed", "bounced"], entry={"again_after": "1 hour"})
            lead = house.lead()
            house.enter(lead)
            house.tick(START)
            hear(house, lead, before, alone=alone)
            house.tick(DECIDED)
            path = house.path(lead)
            hear(house, lead, late, alone=alone)
            house.tick(moment("3 Mar 09:00"))
            known = house.engine.history(lead)
            return {
                "path": path,
                "path after what came late": house.path(lead),
                "signals": sorted((signal["kind"], signal["at"]) for signal in known["signals"]),
                "lead": {name: known["lead"][name] for name in ("tags", "score", "consent")},
                "again": house.enter(lead, now="3 Mar 10:00")["not_enrolled"],
                "replayed": house.engine.replay().different,
            }
        finally:
            house.engine.close()


@settings(max_examples=15, deadline=None)
@given(heard_twice(), heard_twice(), st.booleans())
@example(([("clicked", 9)], [("clicked", 9)] * 2), ([("unsubscribed", 8)], [("unsubscribed", 8)] * 2), True)
def test_order_and_repetition_decide_nothing(
    before: tuple[list[Event], list[Event]], late: tuple[list[Event], list[Event]], alone: bool
) -> None:
    plain = outcome(before[0], late[0], alone=False)
    shuffled = outcome(before[1], late[1], alone=alone)

    assert shuffled == plain
    assert plain["path after what came late"] == plain["path"]
    assert plain["replayed"] == []
    assert {kind for kind, _ in [*before[0], *late[0]]} == {kind for kind, _ in plain["signals"]}
    silenced = any(kind in ("unsubscribed", "bounced") for kind, _ in [*before[0], *late[0]])
    assert any(why.startswith("suppressed:") for why in plain["again"]) == silenced
