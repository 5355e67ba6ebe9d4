"""One lead is taken out by hand: it ends, says why, gets nothing more, and the numbers still add up."""

from __future__ import annotations

import pytest

from nurture.engine.reporting import UnknownLead
from nurture.engine.taking_out import AtWork, NotInside, take_out
from nurture.identity import LeadRef
from nurture.testing import moment
from tests.engine.house import MONDAY, House, Post

TWO = {
    "first": {"type": "send_content", "channel": "post", "content": "hello", "next": "pause"},
    "pause": {"type": "wait", "for": "1 day", "next": "second"},
    "second": {"type": "send_content", "channel": "post", "content": "again", "next": "end"},
}
LATER = moment("2 Mar 12:00")


def test_a_lead_that_was_taken_out_gets_nothing_more_and_says_why(house: House, post: type[Post]) -> None:
    house.campaign(TWO)
    ada, bob = house.lead(), house.lead("bob@example.com")
    house.enter(ada, bob)
    house.tick(MONDAY)

    done = take_out(house.engine, "c", ada, reason="a customer already", by="Eve", now=LATER)
    house.tick("5 Mar 09:00")

    assert done == {"campaign": "c", "node": "pause"}
    assert house.path(ada) == ["first: sent", "pause: removed", "removed"]
    told = house.engine.history(ada)["enrollments"][-1]
    assert told["steps"][-1]["because"] == "taken out by hand: Eve: a customer already"
    assert len(post.sent) == 3, "Ada got one message, Bob both"
    assert house.status("5 Mar 09:00")["conserved"]
    assert house.engine.replay().different == []


def test_who_is_not_inside_cannot_be_taken_out(house: House) -> None:
    house.campaign(TWO)
    ada = house.lead()
    house.enter(ada)
    take_out(house.engine, "c", ada, reason="wrong person", now=MONDAY)

    with pytest.raises(NotInside):
        take_out(house.engine, "c", ada, reason="twice", now=MONDAY)
    with pytest.raises(UnknownLead):
        take_out(house.engine, "c", LeadRef.parse("nobody@example.com"), reason="who", now=MONDAY)


def test_a_message_that_is_on_its_way_is_waited_for(house: House, post: type[Post]) -> None:
    house.campaign(TWO)
    ada = house.lead()
    house.enter(ada)
    refused: list[Exception] = []

    def meanwhile(_: object) -> None:
        try:
            take_out(house.engine, "c", ada, reason="now", now=MONDAY)
        except AtWork as error:
            refused.append(error)

    post.started.append(meanwhile)
    house.tick(MONDAY)

    assert [str(error) for error in refused] == ["ada@example.com is being worked on at this moment"]
    assert house.path(ada)[0] == "first: sent"
