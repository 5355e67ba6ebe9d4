"""Pausing, publishing, continuous entry, stuck leads."""

from __future__ import annotations

from nurture.testing import moment
from tests.engine.house import MONDAY, House, Post
from tests.engine.test_life import ASK


def test_a_paused_campaign_neither_decides_nor_sends_and_goes_on_where_it_was(house: House, post: type[Post]) -> None:
    house.campaign(ASK)
    ada = house.lead()
    house.enter(ada)
    house.engine.pause("c", now=MONDAY)
    house.tick(MONDAY, "4 Mar 09:00")
    paused = len(post.sent)
    house.engine.resume("c", now=moment("4 Mar 09:00"))

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


def test_a_lead_that_stops_matching_and_matches_again_loses_nothing_and_does_not_begin_again(
    house: House, post: type[Post]
) -> None:
    when = {"field": "tags", "op": "has", "value": "hot"}
    house.campaign(ASK, entry={"when": when, "mode": "continuous"})
    lead = house.lead(tags=["hot"])
    house.tick(MONDAY)
    for day in (3, 4):
        with house.engine.store.write() as tx:
            tx.run("DELETE FROM tags WHERE tag = 'hot'")
        house.tick(f"{day} Mar 10:00")
        with house.engine.store.write() as tx:
            tx.run("INSERT INTO tags (lead_id, tag, at) SELECT id, 'hot', 0 FROM leads")
            tx.run("UPDATE leads SET change = change + 100")
        house.tick(f"{day} Mar 11:00")
    house.tick("5 Mar 09:00", "20 Mar 09:00")

    assert house.path(lead) == ["bait: sent", "seen: no", "swap: sent", "pool: None", "pool"]
    assert len(house.engine.history(lead)["enrollments"]) == 1
    assert len(post.sent) == 2


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
