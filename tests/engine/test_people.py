"""While somebody works with a lead, and several campaigns want to speak to it."""

from __future__ import annotations

from typing import Any

from tests.engine.house import MONDAY, House, Post
from tests.engine.test_life import ASK

HAND: dict[str, Any] = {
    "hand": {
        "type": "route",
        "to": "sdr",
        "sla": "2 days",
        "next": {"accepted": "end", "returned": "back", "unanswered": "back"},
    },
    "back": {"type": "tag", "add": ["back"], "next": "end"},
}


def test_an_sdr_accepts_a_lead_and_marketing_holds_its_tongue(house: House, post: type[Post]) -> None:
    house.campaign(HAND, name="hand")
    ada = house.lead()
    house.enter(ada, name="hand")
    house.tick(MONDAY)
    house.hear("accepted", ada, "2 Mar 15:00")
    house.tick("2 Mar 15:00")
    house.campaign(ASK, name="mail")

    assert house.enter(ada, name="mail", now="2 Mar 16:00")["not_enrolled"] == {"owned": 1}
    assert house.path(ada) == ["hand: accepted", "completed"]


def test_messages_wait_while_somebody_works_with_the_lead_and_go_out_when_it_is_returned(
    house: House, post: type[Post]
) -> None:
    house.campaign(HAND, name="hand")
    house.campaign({"nap": {"type": "wait", "for": "1 hour", "next": "bait"}, **ASK}, name="mail")
    ada = house.lead()
    house.enter(ada, name="mail")
    house.enter(ada, name="hand")

    house.tick(MONDAY, "2 Mar 20:00")
    held = house.touch(ada)
    house.hear("returned", ada, "3 Mar 09:00", reason="no budget")
    house.tick("3 Mar 09:00")

    assert (held["state"], held["timeline"][0]["what"]) == ("pending", "held")
    assert "sdr" in held["timeline"][0]["because"]
    assert house.touch(ada)["state"] == "sent"
    assert "no budget" in str(house.engine.history(ada)["enrollments"][1]["steps"])


def test_a_hand_off_nobody_answers_lapses(house: House) -> None:
    house.campaign(HAND, name="hand")
    house.campaign(ASK, name="mail")
    ada = house.lead()
    house.enter(ada, name="hand")

    house.tick(MONDAY, "10 Mar 09:00")

    assert house.path(ada) == ["hand: unanswered", "back: next", "completed"]
    assert house.engine.history(ada)["handoffs"][0]["state"] == "lapsed"
    assert house.enter(ada, name="mail", now="10 Mar 09:00")["enrolled"] == 1


def test_one_marketing_message_a_day_and_person_over_all_campaigns(tmp_path: Any, post: type[Post]) -> None:
    house = House(tmp_path, "sqlite://", frequency_cap="1 per 1 day")
    for name in ("one", "two", "three"):
        house.campaign(ASK, name=name)
    ada = house.lead()
    for name in ("one", "two", "three"):
        house.enter(ada, name=name)

    house.tick(MONDAY, "2 Mar 20:00")
    first = len(post.sent)
    house.tick("2 Mar 20:00", "4 Mar 09:00")

    assert first == 1
    assert len(post.sent) == 3
    assert any(
        "1 message in the last 24 hours, until 3 Mar 09:00" in line["because"]
        for line in house.touch(ada, 1)["timeline"]
    )
    house.engine.close()


def test_a_lead_that_goes_back_to_the_pool_is_marketings_again(house: House, post: type[Post]) -> None:
    nodes = {
        "hand": {"type": "route", "to": "sdr", "sla": "2 days", "next": "nap"},
        "nap": {"type": "wait", "for": "1 day", "next": "pool"},
        "pool": {"type": "route", "to": "pool"},
    }
    house.campaign(nodes, name="hand")
    house.campaign({"pause": {"type": "wait", "for": "1 hour", "next": "bait"}, **ASK}, name="mail")
    ada = house.lead()
    house.enter(ada, name="mail")
    house.enter(ada, name="hand")
    house.hear("accepted", ada, "2 Mar 10:00")
    house.tick(MONDAY, "2 Mar 20:00")
    held = len(post.sent)

    house.tick("2 Mar 20:00", "4 Mar 20:00")

    assert (held, len(post.sent)) == (0, 1)
    assert house.engine.history(ada)["handoffs"][0]["state"] == "returned"
