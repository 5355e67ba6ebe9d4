"""The life of a lead in a campaign, on every store."""

from __future__ import annotations

from typing import Any

import pytest

from nurture.channels.base import Refused
from nurture.engine import UnknownLead
from nurture.identity import LeadRef
from tests.engine.house import MONDAY, House, Post

ASK: dict[str, Any] = {
    "bait": {"type": "send_content", "channel": "post", "content": "hello", "next": "seen"},
    "seen": {"type": "check_response", "to": "bait", "within": "3 days", "next": {"yes": "deep", "no": "swap"}},
    "deep": {"type": "tag", "add": ["deep"], "next": "end"},
    "swap": {"type": "send_content", "channel": "post", "content": "again", "next": "pool"},
    "pool": {"type": "route", "to": "pool", "again_after": "30 days"},
}


def test_a_lead_that_never_answers_comes_out_at_the_pool(house: House, post: type[Post]) -> None:
    house.campaign(ASK)
    ada = house.lead(name="Ada")
    house.enter(ada)

    house.tick(MONDAY, "20 Mar 09:00")

    assert house.path(ada) == ["bait: sent", "seen: no", "swap: sent", "pool: None", "pool"]
    assert [message.rendered.text.split()[:2] for message in post.sent] == [["hello", "Ada"], ["again", "Ada"]]
    assert len({message.message_id for message in post.sent}) == 2


def test_a_reply_is_acted_upon_at_the_next_tick(house: House) -> None:
    house.campaign(ASK)
    ada = house.lead()
    house.enter(ada)
    house.tick(MONDAY)
    house.hear("replied", ada, "3 Mar 10:00")

    house.tick("3 Mar 10:00")

    assert house.path(ada) == ["bait: sent", "seen: yes", "deep: next", "completed"]
    assert "deep" in house.engine.history(ada)["lead"]["tags"]


def test_a_reply_given_in_time_and_heard_late_counts_if_nobody_has_decided(house: House) -> None:
    house.campaign(ASK)
    ada = house.lead()
    house.enter(ada)
    house.tick(MONDAY)
    house.hear("replied", ada, "5 Mar 08:00", now="9 Mar 10:00")

    house.tick("9 Mar 10:00")

    assert house.path(ada)[1] == "seen: yes"


def test_a_reply_heard_after_the_decision_rewinds_nothing_and_is_kept(house: House) -> None:
    house.campaign(ASK)
    ada = house.lead()
    house.enter(ada)
    house.tick(MONDAY, "5 Mar 09:00")
    house.hear("replied", ada, "5 Mar 08:00", now="6 Mar 10:00")

    house.tick("6 Mar 10:00")

    assert house.path(ada)[1] == "seen: no"
    assert [signal["kind"] for signal in house.engine.history(ada)["signals"]] == ["replied"]


def test_a_click_that_comes_before_our_own_sent_still_counts(house: House, post: type[Post]) -> None:
    house.campaign(ASK)
    ada = house.lead()
    house.enter(ada)
    post.started.append(lambda message: house.hear("clicked", ada, "2 Mar 09:00", campaign="c", node="bait"))

    house.tick(MONDAY)

    assert house.path(ada) == ["bait: sent", "seen: yes", "deep: next", "completed"]


def test_the_same_signal_id_counts_once(house: House) -> None:
    house.campaign(ASK)
    ada = house.lead()
    house.enter(ada)
    house.tick(MONDAY)

    for _ in range(3):
        house.hear("viewed", ada, "3 Mar 10:00", id="evt-1")

    assert len(house.engine.history(ada)["signals"]) == 1


def test_one_active_enrollment_per_lead_and_campaign(house: House) -> None:
    house.campaign(ASK)
    ada = house.lead()

    assert house.enter(ada) == {"enrolled": 1, "not_enrolled": {}}
    assert house.enter(ada) == {"enrolled": 0, "not_enrolled": {"already_enrolled": 1}}


def test_after_the_pool_a_lead_may_enter_again_when_its_time_has_come(house: House) -> None:
    house.campaign(ASK)
    ada = house.lead()
    house.enter(ada)
    house.tick(MONDAY, "6 Mar 09:00")

    assert house.enter(ada, now="20 Mar 09:00")["not_enrolled"] == {"too_early": 1}
    assert house.enter(ada, now="10 Apr 09:00")["enrolled"] == 1
    house.tick("10 Apr 09:00", "20 Apr 09:00")
    assert house.path(ada) == ["bait: sent", "seen: no", "swap: sent", "pool: None", "pool"]


@pytest.mark.parametrize(
    ("lead", "reason"),
    [
        pytest.param({"basis": None}, "no_basis", id="neither basis nor consent"),
        pytest.param({"consent": "no"}, "no_consent", id="said no"),
        pytest.param({"tags": ["vip"]}, "no_match", id="does not match the entry condition"),
    ],
)
def test_who_may_not_enter_is_counted_with_the_reason(house: House, lead: dict[str, Any], reason: str) -> None:
    when = {"field": "tags", "op": "has_not", "value": "vip"}
    house.campaign(ASK, entry={"when": when})
    ada = house.lead(**lead)

    assert house.enter(ada) == {"enrolled": 0, "not_enrolled": {reason: 1}}


def test_whoever_opted_out_does_not_enter(house: House) -> None:
    house.campaign(ASK)
    ada = house.lead()
    house.hear("unsubscribed", ada, "1 Mar 09:00")

    assert house.enter(ada)["not_enrolled"] == {"suppressed:unsubscribed": 1}


def test_nobody_enrolls_a_lead_that_nobody_knows(house: House) -> None:
    house.campaign(ASK)

    with pytest.raises(UnknownLead, match="bob@example"):
        house.enter(LeadRef("email", "bob@example.com"))


# --- opting out ------------------------------------------------------------------------------------------------


def test_an_opt_out_ends_the_campaign_and_cancels_what_is_pending(house: House, post: type[Post]) -> None:
    house.campaign(ASK, exit_on=["unsubscribed"])
    ada = house.lead()
    house.enter(ada)
    house.tick(MONDAY)
    house.hear("unsubscribed", ada, "3 Mar 10:00")

    house.tick("3 Mar 10:00", "20 Mar 10:00")

    assert house.path(ada) == ["bait: sent", "seen: exit:unsubscribed", "exit:unsubscribed"]
    assert len(post.sent) == 1


def test_an_opt_out_between_claim_and_intent_stops_the_message(house: House, post: type[Post]) -> None:
    house.campaign(ASK)
    ada = house.lead()
    house.enter(ada)
    post.before.append(lambda message: house.hear("unsubscribed", ada, "2 Mar 09:00", id="stop"))

    house.tick(MONDAY, "9 Mar 09:00")

    assert post.sent == []
    assert house.path(ada) == ["bait: unsent", "seen: no", "swap: unsent", "pool: None", "pool"]
    assert "suppressed" in house.touch(ada)["because"]


def test_an_opt_out_in_one_campaign_silences_all_of_them(house: House, post: type[Post]) -> None:
    house.campaign(ASK, name="one")
    house.campaign(ASK, name="two")
    ada = house.lead()
    house.enter(ada, name="one")
    house.enter(ada, name="two")
    house.hear("unsubscribed", ada, "2 Mar 09:00", campaign="one")

    house.tick(MONDAY, "20 Mar 09:00")

    assert post.sent == []


def test_a_hard_bounce_suppresses_the_address_and_is_heard(house: House, post: type[Post]) -> None:
    house.campaign(ASK, exit_on=["bounced"])
    ada = house.lead()
    house.enter(ada)
    post.verdicts.append(Refused("hard_bounce", "550 5.1.1 no such user"))

    house.tick(MONDAY, "20 Mar 09:00")

    assert house.path(ada)[-1] == "exit:bounced"
    assert house.enter(ada, now="20 Apr 09:00")["not_enrolled"] in ({"suppressed:bounced": 1}, {"already_completed": 1})
    assert post.sent == []
