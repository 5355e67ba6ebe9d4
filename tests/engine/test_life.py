"""The life of a lead in a campaign, on every store."""

from __future__ import annotations

from typing import Any

import pytest

from nurture.channels.base import Ambiguous, NotSent, Refused
from nurture.engine import UnknownLead
from nurture.identity import LeadRef
from nurture.testing import moment
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
        pytest.param({"consent": "no"}, "no_basis", id="said no"),
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


# --- delivery --------------------------------------------------------------------------------------------------


def test_a_message_that_did_not_leave_is_tried_again_with_the_same_id(house: House, post: type[Post]) -> None:
    house.campaign(ASK)
    ada = house.lead()
    house.enter(ada)
    post.verdicts += [NotSent("temporary", "451 try later"), NotSent("greylisted", "450 greylisted")]

    house.tick(MONDAY, "2 Mar 12:00")

    assert house.touch(ada)["state"] == "sent"
    assert [line["what"] for line in house.touch(ada)["timeline"]] == ["retried", "retried"]
    assert len(post.sent) == 1


def test_an_ambiguous_message_counts_as_sent_and_is_never_repeated(house: House, post: type[Post]) -> None:
    house.campaign(ASK)
    ada = house.lead()
    house.enter(ada)
    post.verdicts.append(Ambiguous("the server fell silent after the final dot"))

    house.tick(MONDAY, "3 Mar 09:00")

    assert house.path(ada)[0] == "bait: sent"
    assert house.touch(ada)["state"] == "ambiguous"
    assert post.sent == []


def test_an_outage_burns_nobodys_chances(house: House, post: type[Post]) -> None:
    house.campaign(ASK)
    leads = [house.lead(f"lead{n}@example.com") for n in range(6)]
    house.enter(*leads)
    post.verdicts += [NotSent("sender", "535 authentication failed")] * 4

    house.tick(MONDAY, "2 Mar 12:00")

    assert len(post.sent) == 6
    assert all(house.touch(lead)["state"] == "sent" for lead in leads)


def test_what_nobody_could_send_in_time_is_given_up_with_the_reason(house: House, post: type[Post]) -> None:
    nodes = {**ASK, "bait": {**ASK["bait"], "expires_after": "2 days"}}
    house.campaign(nodes)
    ada = house.lead()
    house.enter(ada)
    post.verdicts += [NotSent("temporary", "451 try later")] * 500

    house.tick(MONDAY, "5 Mar 09:00")

    assert house.path(ada)[:2] == ["bait: unsent", "seen: no"]
    assert post.verdicts, "it stopped trying"


def test_one_bad_lead_stops_nobody_else(house: House, post: type[Post]) -> None:
    house.write("{{ lead.company }} {{ unsubscribe_url }}", "hello")
    house.campaign(ASK)
    leads = [house.lead(f"lead{n}@example.com", company="Acme") for n in range(5)]
    poor = house.lead("poor@example.com")
    house.enter(*leads, poor)

    house.tick(MONDAY)
    stuck = house.path(poor)
    cause = house.engine.history(poor)["enrollments"][0]["because"]
    with house.engine.store.write() as tx:
        tx.run("UPDATE leads SET fields = ? WHERE email_key = ?", '{"company":"Acme"}', "poor@example.com")
    house.engine.retry(now=moment("4 Mar 09:00"))
    house.tick("4 Mar 09:00")

    assert stuck == ["at bait"]
    assert "company" in cause
    assert house.path(poor) == ["bait: sent", "at seen"]
    assert len(post.sent) == 6


# --- people ----------------------------------------------------------------------------------------------------

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
    assert any("frequency cap" in line["because"] for line in house.touch(ada, 1)["timeline"])
    house.engine.close()


# --- operating -------------------------------------------------------------------------------------------------


def test_a_paused_campaign_neither_decides_nor_sends_and_goes_on_where_it_was(house: House, post: type[Post]) -> None:
    house.campaign(ASK)
    ada = house.lead()
    house.enter(ada)
    house.engine.pause("c", now=MONDAY)
    house.tick(MONDAY, "4 Mar 09:00")
    paused = len(post.sent)
    house.engine.resume("c")

    house.tick("4 Mar 09:00", "4 Mar 10:00")

    assert (paused, len(post.sent)) == (0, 1)
    assert house.path(ada) == ["bait: sent", "at seen"]


def test_pausing_between_claim_and_intent_still_stops_the_message(house: House, post: type[Post]) -> None:
    house.campaign(ASK)
    ada = house.lead()
    house.enter(ada)
    post.before.append(lambda message: house.engine.pause("c", now=MONDAY))

    house.engine.tick(MONDAY)

    assert post.sent == []
    assert house.touch(ada)["state"] == "pending"


def test_a_running_lead_keeps_the_version_it_entered_with(house: House, post: type[Post]) -> None:
    house.campaign(ASK)
    old, new = house.lead("old@example.com"), house.lead("new@example.com")
    house.enter(old)
    house.tick(MONDAY)
    house.write("entirely new {{ unsubscribe_url }}", "again")
    changed = {**ASK, "seen": {**ASK["seen"], "within": "1 day"}}
    house.campaign(changed)
    house.enter(new)

    house.tick(MONDAY, "4 Mar 09:00")
    halfway = (house.path(old), house.path(new)[:3])
    house.tick("4 Mar 09:00", "20 Mar 09:00")

    assert halfway == (["bait: sent", "at seen"], ["bait: sent", "seen: no", "swap: sent"])
    texts = {message.to: message.rendered.text.split()[0] for message in post.sent}
    assert texts == {"old@example.com": "again", "new@example.com": "entirely"}


def test_the_same_bytes_and_contents_make_no_new_version(house: House) -> None:
    path = house.campaign(ASK)

    again = house.engine.publish([path], now=MONDAY)
    house.write("other {{ unsubscribe_url }}", "hello")
    other = house.engine.publish([path], now=MONDAY)

    assert (again[0].version, again[0].new) == (1, False)
    assert (other[0].version, other[0].new) == (2, True)


def test_leads_enter_a_continuous_campaign_by_themselves(house: House) -> None:
    when = {"field": "tags", "op": "has", "value": "hot"}
    nodes = {"mark": {"type": "tag", "add": ["seen"], "next": "end"}}
    house.campaign({"heat": {"type": "tag", "add": ["hot"], "next": "end"}}, name="heater")
    house.campaign(nodes, entry={"when": when, "mode": "continuous"})
    house.lead("hot@example.com", tags=["hot"])
    cold = house.lead("cold@example.com")
    house.tick(MONDAY)
    before = house.status()["campaigns"][0]["entered"]
    house.enter(cold, name="heater", now="3 Mar 09:00")

    house.tick("3 Mar 09:00", "4 Mar 09:00")

    assert before == 1
    assert house.path(cold) == ["mark: next", "completed"]
    assert house.status()["campaigns"][0]["entered"] == 2


def test_a_stuck_lead_is_named_stops_nobody_and_goes_on_when_it_is_mended(house: House) -> None:
    nodes = {
        "until": {"type": "wait", "until_date": {"field": "renewal"}, "next": "mark"},
        "mark": {"type": "tag", "add": ["seen"], "next": "end"},
    }
    house.campaign(nodes)
    fine, poor = house.lead("fine@example.com", renewal="2026-03-05"), house.lead("poor@example.com")
    house.enter(fine, poor)
    house.tick(MONDAY, "6 Mar 09:00")
    status = house.status("6 Mar 09:00")["campaigns"][0]
    because = house.engine.history(poor)["enrollments"][0]["because"]
    with house.engine.store.write() as tx:
        tx.run("UPDATE leads SET fields = ? WHERE email_key = ?", '{"renewal":"2026-03-08"}', "poor@example.com")

    nobody = house.engine.retry(now=moment("6 Mar 09:00"), cause="something else")
    tried = house.engine.retry(now=moment("6 Mar 09:00"), cause="renewal")
    house.tick("6 Mar 09:00", "9 Mar 12:00")

    assert (status["stuck"], status["ended"]) == (1, {"completed": 1})
    assert "renewal is not known" in because
    assert (nobody, tried) == (0, 1)
    assert house.path(poor) == ["until: next", "mark: next", "completed"]
