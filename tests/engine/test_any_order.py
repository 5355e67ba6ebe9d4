"""The same events in any order and any number of times: the same path, the same lead, the same end."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from nurture.engine import Incoming
from nurture.engine.hearing import lead_ids
from nurture.engine.telling import Told, tell
from nurture.identity import LeadRef
from nurture.store import consents
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
        "next": {"yes": "met", "no": "rest"},
    },
    "met": {"type": "tag", "add": ["met"], "next": "rest"},
    "cold": {"type": "tag", "add": ["cold"], "next": "rest"},
    "rest": {"type": "wait", "for": "1 day", "next": "asked"},
    "asked": {
        "type": "switch", "next": {"course": "points", "otherwise": "end"},
        "cases": [{"name": "course", "when": {"any": [
            {"field": "tags", "op": "has", "value": "course"}, {"field": "signals.attended", "op": "known"},
        ]}}],
    },
    "points": {"type": "score", "points": 5, "next": "end"},
}  # fmt: skip
START, DECIDED = moment("2 Mar 09:00"), moment("2 Mar 13:00")

Event = tuple[str, int, tuple[str, str] | None]
"""A kind, how many minutes after nine it happened, and what is told with it: a tag, and the value of a field."""
events = st.tuples(
    st.sampled_from(["viewed", "clicked", "replied", "attended", "unsubscribed", "bounced", "complained"]),
    st.integers(1, 200) | st.integers(1, 3),
    st.none() | st.tuples(st.sampled_from(["vip", "course", "east"]), st.sampled_from(["now", "later", "never"])),
)
TWO_WORDS: list[Event] = [("viewed", 8, ("vip", "later")), ("viewed", 8, ("vip", "now"))]
"""Of one moment: nobody knows which was the last."""
STOPS = ("unsubscribed", "bounced", "complained")
SAYS_NO = ("unsubscribed", "complained")


@st.composite
def heard_twice(draw: st.DrawFn) -> tuple[list[Event], list[Event]]:
    """Some events in order and once each; and the same ones in any order, some of them again."""
    once = sorted(draw(st.sets(events, max_size=6)), key=repr)
    again = [event for event in once for _ in range(draw(st.integers(1, 3)))]
    return once, draw(st.permutations(again))


def at_minute(minute: int) -> str:
    return f"2 Mar {9 + minute // 60:02}:{minute % 60:02}"


def hear(house: House, lead: LeadRef, told: list[Event], *, now: str, alone: bool) -> None:
    """What other systems call to tell us: call by call, or all in one."""
    calls = []
    for kind, minute, more in told:
        at = moment(at_minute(minute))
        fields, tags = ({"budget": more[1]}, [more[0]]) if more else ({}, [])
        calls.append(Told(lead, at, Incoming(kind, lead, at, "c", "bait", reason=str(more)), fields, tags))
    for batch in [[each] for each in calls] if alone else [calls]:
        tell(house.engine, batch, now=moment(now))


def outcome(before: list[Event], late: list[Event], *, alone: bool) -> dict[str, Any]:
    """What became of a lead that these events were heard of before anything was decided, and these after it, while it
    rested between two decisions."""
    with post_office(), TemporaryDirectory() as folder:
        house = House(Path(folder), "sqlite://")
        try:
            house.campaign(NODES, exit_on=["unsubscribed", "bounced"], entry={"again_after": "1 hour"})
            lead = house.lead()
            house.enter(lead)
            house.tick(START)
            hear(house, lead, before, now="2 Mar 12:30", alone=alone)
            house.tick(DECIDED)
            decided = house.engine.history(lead)
            hear(house, lead, late, now="2 Mar 20:00", alone=alone)
            house.tick("2 Mar 20:00")
            heard = house.engine.history(lead)
            house.tick("2 Mar 20:00", "5 Mar 09:00")
            known = house.engine.history(lead)
            return {
                "steps": _steps(decided),
                "steps in the end": _steps(known),
                "signals": sorted({(signal["kind"], signal["at"]) for signal in known["signals"]}),
                "lead before": _lead(decided),
                "lead after what came late": _lead(heard),
                "lead in the end": _lead(known),
                "consents": _consents(house, lead),
                "again": house.enter(lead, now="6 Mar 10:00")["not_enrolled"],
                "replayed": house.engine.replay().different,
            }
        finally:
            house.engine.close()


def _steps(known: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(step["node"], step["outcome"], step["at"]) for step in known["enrollments"][0]["steps"]]


def _lead(known: dict[str, Any]) -> dict[str, Any]:
    lead = known["lead"]
    return {
        "tags": lead["tags"],
        "score": lead["score"],
        "consent": lead["consent"],
        "budget": lead["fields"].get("budget"),
    }


def _consents(house: House, lead: LeadRef) -> list[tuple[str, int]]:
    with house.engine.store.read() as tx:
        return sorted({(what, at) for at, what, *_ in consents.of_lead(tx, lead_ids(tx, [lead])[lead])})


@settings(max_examples=15, deadline=None)
@given(heard_twice(), heard_twice(), st.booleans())
@example(
    ([("clicked", 9, None)], [("clicked", 9, None)] * 2),
    ([("unsubscribed", 8, None)], [("unsubscribed", 8, None)] * 2),
    True,
)
@example(
    ([("clicked", 9, None)], [("clicked", 9, None)]),
    ([("attended", 20, ("vip", "now"))], [("attended", 20, ("vip", "now"))] * 3),
    True,
)
@example(([], []), (TWO_WORDS, TWO_WORDS[::-1]), True)
@example(([], []), (TWO_WORDS, TWO_WORDS[::-1]), False)
def test_order_and_repetition_decide_nothing(
    before: tuple[list[Event], list[Event]], late: tuple[list[Event], list[Event]], alone: bool
) -> None:
    plain = outcome(before[0], late[0], alone=True)
    shuffled = outcome(before[1], late[1], alone=alone)

    assert shuffled == plain
    assert plain["replayed"] == []
    told = [*before[0], *late[0]]
    assert {kind for kind, _, _ in told} == {kind for kind, _ in plain["signals"]}
    assert any(why.startswith("suppressed:") for why in plain["again"]) == any(kind in STOPS for kind, _, _ in told)


@settings(max_examples=15, deadline=None)
@given(heard_twice(), heard_twice())
@example(([("clicked", 9, None)],) * 2, ([("attended", 20, ("vip", "now"))],) * 2)
@example(([("clicked", 9, None)],) * 2, ([("unsubscribed", 8, ("vip", "now"))],) * 2)
@example(([("unsubscribed", 9, None)],) * 2, ([("replied", 8, ("vip", "now"))],) * 2)
def test_what_is_heard_late_rewinds_nothing_and_changes_the_lead_all_the_same(
    before: tuple[list[Event], list[Event]], late: tuple[list[Event], list[Event]]
) -> None:
    found = outcome(before[0], late[1], alone=True)

    told = [*before[0], *late[0]]
    tags = {more[0] for _, _, more in told if more}
    assert found["steps in the end"][: len(found["steps"])] == found["steps"]
    assert tags <= set(found["lead after what came late"]["tags"])
    newest = max((minute for _, minute, more in told if more), default=None)
    values = {more[1] for _, minute, more in told if more and minute == newest}
    assert found["lead after what came late"]["budget"] in (values or {None})
    said_no = sorted({kind for kind, _, _ in told if kind in SAYS_NO})
    assert [what for what, _ in found["consents"]].count("withdrawn") >= bool(said_no)
    # What is late counts for what is decided later: points for whoever came, or asked for the course.
    ended = any(kind in ("unsubscribed", "bounced") for kind, _, _ in told)
    came = "course" in tags or any(kind == "attended" for kind, _, _ in told)
    gained = found["lead in the end"]["score"] - found["lead before"]["score"]
    assert gained == (5 if came and not ended else 0)
