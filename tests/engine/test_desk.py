"""The desk of SDR and sales: who waits, and what people do, each click once."""

from __future__ import annotations

from typing import Any

import pytest

from nurture.engine import desk
from nurture.engine.desk import NotYours
from nurture.identity import LeadRef
from nurture.testing import moment
from tests.engine.house import MONDAY, House, Post

HAND: dict[str, Any] = {
    "hand": {
        "type": "route", "to": "sdr", "team": "north", "sla": "2 days",
        "next": {"accepted": "talk", "returned": "back", "unanswered": "back"},
    },
    "talk": {"type": "wait", "for": "10 days", "next": "end"},
    "back": {"type": "tag", "add": ["back"], "next": "end"},
}  # fmt: skip


def handed(house: House, *names: str) -> list[dict[str, Any]]:
    """Leads with an SDR of the north, in the order in which they were handed over."""
    house.campaign(HAND)
    for hour, name in enumerate(names):
        at = f"2 Mar {9 + hour:02}:00"
        house.enter(house.lead(f"{name}@example.com", name=name.title()), now=at)
        house.tick(at)
    return listed(house)


def listed(house: House, who: str = "Wang", now: str = "2 Mar 12:00") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = desk.leads(house.engine, "sdr", "north", who, now=moment(now))["leads"]
    return found


def answer(
    house: House, one: dict[str, Any], kind: Any, who: str = "Wang", *, click: str, **more: Any
) -> dict[str, Any]:
    told = {"reason": "", "now": "2 Mar 12:00", **more}
    return desk.answer(
        house.engine, one["enrollment"], one["node"], kind, who=who, reason=told["reason"], click=click,
        now=moment(told["now"]),
    )  # fmt: skip


def test_the_most_urgent_lead_comes_first_and_an_accepted_one_is_mine_alone(house: House) -> None:
    ada, ben = handed(house, "ada", "ben")

    done = answer(house, ada, "accepted", click="1")
    house.tick("2 Mar 12:00")

    assert [one["name"] for one in (ada, ben)] == ["Ada", "Ben"]
    assert (done["state"], ada["answer_by"]) == ("accepted", "2026-03-04T09:00:00Z")
    assert [(one["name"], one["state"]) for one in listed(house)] == [("Ben", "open"), ("Ada", "accepted")]
    assert [one["name"] for one in listed(house, who="Li")] == ["Ben"]
    [told] = house.engine.history(house_lead("ada"))["enrollments"]
    assert told["steps"][0]["because"].endswith(": Wang")
    assert desk.leads(house.engine, "sales", None, "", now=MONDAY)["teams"] == [
        {"to": "sdr", "team": "north", "open": 1}
    ]


def house_lead(name: str) -> LeadRef:
    return LeadRef.parse(f"{name}@example.com")


def test_the_second_of_two_people_is_told_who_was_faster(house: House) -> None:
    [ada] = handed(house, "ada")
    answer(house, ada, "accepted", "Li", click="1")

    with pytest.raises(NotYours) as late:
        answer(house, ada, "accepted", "Wang", click="2")

    assert (late.value.code, late.value.by) == ("taken", "Li")
    assert len(house.engine.history(house_lead("ada"))["signals"]) == 1


def test_a_double_click_counts_once(house: House) -> None:
    [ada] = handed(house, "ada")

    first, again = (answer(house, ada, "accepted", click="1") for _ in range(2))
    for _ in range(2):
        desk.note(house.engine, ada["enrollment"], "hand", "score", "5", who="Wang", click="2", now=MONDAY)

    assert first == again | {"owner": first["owner"]}
    told = house.engine.history(house_lead("ada"))
    assert (len(told["signals"]), told["lead"]["score"], len(told["remarks"])) == (1, 5, 1)


def test_a_lead_goes_back_with_its_reason_even_after_it_was_accepted(house: House, post: type[Post]) -> None:
    [ada] = handed(house, "ada")
    answer(house, ada, "accepted", click="1")
    house.tick("2 Mar 12:00")

    answer(house, ada, "returned", click="2", reason="no budget", now="3 Mar 12:00")

    assert listed(house) == []
    [hand_off] = house.engine.history(house_lead("ada"))["handoffs"]
    assert (hand_off["state"], hand_off["reason"]) == ("returned", "Wang: no budget")
    with pytest.raises(NotYours, match="given back"):
        answer(house, ada, "accepted", click="3", now="3 Mar 12:00")


def test_after_the_time_to_answer_nobody_can(house: House) -> None:
    [ada] = handed(house, "ada")

    with pytest.raises(NotYours, match="run out"):
        answer(house, ada, "accepted", click="1", now="5 Mar 12:00")
    with pytest.raises(NotYours, match="no such"):
        answer(house, ada | {"node": "elsewhere"}, "accepted", click="1")


def test_tags_points_and_notes_stand_on_the_lead_and_in_its_story(house: House) -> None:
    [ada] = handed(house, "ada")
    for n, (what, text) in enumerate([("tag", "hot"), ("tag", "cold"), ("untag", "cold"), ("note", "预算 300 万")]):
        desk.note(
            house.engine, ada["enrollment"], "hand", what, text, who="Wang", click=str(n), now=moment(f"2 Mar 13:0{n}")
        )  # type: ignore[arg-type]  # words of the list above

    told = house.engine.history(house_lead("ada"))

    assert told["lead"]["tags"] == ["hot"]
    assert [(one["who"], one["what"], one["text"]) for one in told["remarks"]][-1] == ("Wang", "note", "预算 300 万")
    with pytest.raises(ValueError, match="1000"):
        desk.note(house.engine, ada["enrollment"], "hand", "score", "5000", who="Wang", click="9", now=MONDAY)
