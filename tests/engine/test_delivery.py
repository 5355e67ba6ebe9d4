"""Messages on their way, on every store."""

from __future__ import annotations

from nurture.channels.base import Ambiguous, NotSent
from nurture.testing import moment
from tests.engine.house import MONDAY, House, Post
from tests.engine.test_life import ASK


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
