"""Publishing while leads are inside: who stays, who moves, who is taken out, and that the numbers say so."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nurture.engine import Engine
from nurture.moving import Running
from nurture.problems import Rejected
from nurture.testing import moment
from tests.engine.house import MONDAY, House, Post

ASK: dict[str, Any] = {
    "bait": {"type": "send_content", "channel": "post", "content": "hello", "next": "seen"},
    "seen": {"type": "check_response", "to": "bait", "within": "3 days", "next": {"yes": "deep", "no": "swap"}},
    "deep": {"type": "tag", "add": ["deep"], "next": "end"},
    "swap": {"type": "send_content", "channel": "post", "content": "again", "next": "end"},
}
TUESDAY = moment("3 Mar 09:00")
LEADS = 12


def publish(house: House, nodes: dict[str, Any], running: Running, *, now: str = "3 Mar 09:00") -> dict[str, Any]:
    """Publish the campaign anew, and move whom it says."""
    path = house.home / "definitions" / "c.json"
    path.write_text(json.dumps({"campaign": "c", "start": next(iter(nodes)), "nodes": nodes}))
    house.engine.publish([path], now=moment(now), running=running)
    return house.engine.move_on("c", now=moment(now)).as_json()


def full_house(house: House, nodes: dict[str, Any] = ASK) -> list[Any]:
    """A dozen leads that have got the first message and wait for their answer."""
    house.campaign(nodes)
    leads = [house.lead(f"lead{n}@example.com") for n in range(LEADS)]
    house.enter(*leads)
    house.tick(MONDAY)
    return leads


def numbers(house: House, now: str = "3 Mar 09:00") -> dict[str, Any]:
    told = house.status(now)
    assert told["conserved"]
    campaign: dict[str, Any] = told["campaigns"][0]
    return campaign


def within(time: str) -> dict[str, Any]:
    return {**ASK, "seen": {**ASK["seen"], "within": time}}


def replays_equal(engine: Engine) -> None:
    replayed = engine.replay()

    assert replayed.different == []


@pytest.mark.parametrize("edit", [within("1 day"), {"nothing": {"type": "end"}}])
def test_publishing_changes_no_running_lead_unless_the_plan_says_so(
    house: House, post: type[Post], edit: dict[str, Any]
) -> None:
    leads = full_house(house)
    before = [house.path(lead) for lead in leads]

    report = publish(house, edit, Running())
    house.tick(TUESDAY, "3 Mar 10:00")

    assert [house.path(lead) for lead in leads] == before
    assert (report["moved"], report["removed"]) == (0, 0)
    assert numbers(house)["waiting"] == LEADS
    house.tick("3 Mar 10:00", "20 Mar 09:00")
    assert {tuple(house.path(lead)) for lead in leads} == {("bait: sent", "seen: no", "swap: sent", "completed")}


def test_moved_leads_wait_as_the_new_settings_say_from_when_they_came(house: House, post: type[Post]) -> None:
    leads = full_house(house)

    report = publish(house, within("5 days"), Running("move"))

    assert report == {"moved": LEADS, "removed": 0, "kept": {}, "later": 0}
    assert numbers(house)["ended"] == {"moved": LEADS}
    house.tick(TUESDAY)
    assert {one["due_at"] for lead in leads for one in house.engine.history(lead)["enrollments"] if one["due_at"]} == {
        "2026-03-07T09:00:00Z"
    }
    assert house.path(leads[0], 0) == ["bait: sent", "seen: moved", "moved"]
    house.tick(TUESDAY, "20 Mar 09:00")
    assert {tuple(house.path(lead)) for lead in leads} == {("seen: no", "swap: sent", "completed")}
    assert numbers(house, "20 Mar 09:00")["entered"] == 2 * LEADS
    replays_equal(house.engine)


def test_a_deadline_that_is_past_by_the_new_settings_has_come_at_once(house: House, post: type[Post]) -> None:
    [ada, *_] = full_house(house)
    publish(house, within("1 day"), Running("move"), now="4 Mar 12:00")

    house.tick("4 Mar 12:00")

    assert house.path(ada)[0] == "seen: no"


def test_no_message_is_sent_again_wherever_a_lead_is_moved_to(house: House, post: type[Post]) -> None:
    leads = full_house(house)

    publish(house, within("4 days"), Running("move", {"seen": "bait"}))
    house.tick(TUESDAY, "20 Mar 09:00")

    assert house.path(leads[0]) == ["bait: sent", "seen: no", "swap: sent", "completed"]
    assert sorted(message.to for message in post.sent).count("lead0@example.com") == 2
    replays_equal(house.engine)


def test_an_answer_to_a_message_of_the_old_version_counts_in_the_new_one(house: House, post: type[Post]) -> None:
    ada, ben, *_ = full_house(house)
    renamed = {
        "lure": ASK["bait"] | {"next": "seen"},
        "seen": {**ASK["seen"], "to": "lure"},
        "deep": ASK["deep"],
        "swap": ASK["swap"],
    }
    house.hear("clicked", ben, "2 Mar 10:00", now="2 Mar 10:00", campaign="c", node="bait")

    publish(house, renamed, Running("move", {"bait": "lure"}), now="2 Mar 10:00")
    house.hear("clicked", ada, "3 Mar 10:00", campaign="c", node="bait")
    house.tick("3 Mar 10:00")

    assert (house.path(ada)[0], house.path(ben)[0]) == ("seen: yes", "seen: yes")
    replays_equal(house.engine)


def test_leads_of_a_node_that_is_gone_need_a_place_to_go(house: House) -> None:
    full_house(house)
    gone = {"bait": {**ASK["bait"], "next": "swap"}, "swap": ASK["swap"]}

    with pytest.raises(Rejected) as nowhere:
        publish(house, gone, Running("move"))
    with pytest.raises(Rejected) as misspelt:
        publish(house, gone, Running("move", {"sen": "swap", "seen": "swop"}))

    assert [problem.what for problem in nowhere.value.problems] == ["12 leads stand at 'seen', which is gone"]
    assert [problem.hint for problem in misspelt.value.problems] == ["did you mean 'seen'?", "did you mean 'swap'?"]
    assert numbers(house)["nodes"]["seen"]["here"] == LEADS


def test_leads_can_be_taken_out_all_or_those_of_one_node(house: House, post: type[Post]) -> None:
    leads = full_house(house)
    house.hear("replied", leads[0], "2 Mar 10:00", now="2 Mar 10:00")
    house.tick("2 Mar 10:00")
    gone = {"bait": {**ASK["bait"], "next": "swap"}, "swap": ASK["swap"]}

    report = publish(house, gone, Running("move", {"seen": "end"}))

    assert report["removed"] == LEADS - 1
    assert numbers(house)["ended"] == {"completed": 1, "removed": LEADS - 1}
    assert house.path(leads[1]) == ["bait: sent", "seen: removed", "removed"]
    replays_equal(house.engine)


def test_a_lead_that_never_got_what_it_would_be_asked_about_keeps_its_version(house: House, post: type[Post]) -> None:
    leads = full_house(house)
    other = {
        "bait": {**ASK["bait"], "next": "more"},
        "more": {"type": "send_content", "channel": "post", "content": "again", "next": "seen"},
        "seen": {**ASK["seen"], "to": "more"},
        "deep": ASK["deep"],
        "swap": ASK["swap"],
    }

    report = publish(house, other, Running("move"))
    house.tick(TUESDAY, "20 Mar 09:00")

    assert report["kept"] == {"it would be asked about 'more', which it never got": LEADS}
    assert house.path(leads[0]) == ["bait: sent", "seen: no", "swap: sent", "completed"]


def test_a_message_that_has_not_left_is_asked_for_anew_with_the_new_content(house: House, post: type[Post]) -> None:
    house.campaign(ASK)
    ada = house.lead()
    house.enter(ada)
    post.before.append(lambda message: house.engine.pause("c", now=MONDAY))
    house.engine.tick(MONDAY)
    post.before.clear()
    house.write("entirely new {{ unsubscribe_url }}", "hello")

    publish(house, ASK, Running("move"), now="2 Mar 10:00")
    house.engine.resume("c", now=moment("2 Mar 10:00"))
    house.tick("2 Mar 10:00")

    assert [message.rendered.text.split()[0] for message in post.sent] == ["entirely"]
    assert [touch["state"] for touch in house.engine.history(ada)["touches"]] == ["cancelled", "sent"]
    replays_equal(house.engine)


def test_a_lead_whose_message_is_on_its_way_is_moved_when_the_verdict_is_in(house: House, post: type[Post]) -> None:
    house.campaign(ASK)
    ada = house.lead()
    house.enter(ada)
    reports = []
    post.started.append(
        lambda message: reports.append(publish(house, within("5 days"), Running("move"), now="2 Mar 09:00"))
    )

    house.tick(MONDAY)

    assert (reports[0]["moved"], reports[0]["later"]) == (0, 1)
    assert house.path(ada, 0)[-1] == "moved"
    assert len(post.sent) == 1
    with house.engine.store.read() as tx:
        assert tx.value("SELECT finished_at FROM moves") is not None


def test_whoever_works_with_a_lead_goes_on_doing_so(house: House, post: type[Post]) -> None:
    nodes = {
        "hand": {"type": "route", "to": "sdr", "sla": "2 days", "next": "after"},
        "after": {"type": "send_content", "channel": "post", "content": "hello", "next": "end"},
    }
    house.campaign(nodes)
    ada = house.lead()
    house.enter(ada)
    house.tick(MONDAY)

    publish(house, {**nodes, "hand": {**nodes["hand"], "team": "north", "sla": "5 days"}}, Running("move"))
    house.tick(TUESDAY)
    [hand_off] = house.engine.history(ada)["handoffs"]
    house.hear("accepted", ada, "6 Mar 09:00")
    house.tick("6 Mar 09:00")

    assert (hand_off["team"], hand_off["answer_by"], hand_off["state"]) == ("north", "2026-03-07T09:00:00Z", "open")
    assert house.path(ada)[0] == "hand: accepted"
    assert post.sent == []
    replays_equal(house.engine)


def test_rolling_back_gives_new_leads_the_older_bytes_again(house: House) -> None:
    house.campaign(ASK)
    first = numbers(house)["hash"]
    publish(house, within("1 day"), Running())

    done = house.engine.roll_back("c", 1, now=TUESDAY)

    assert (done.version, done.hash, done.new) == (1, first, False)
    assert numbers(house)["hash"] == first


def test_a_lead_may_be_moved_again_and_again(house: House, post: type[Post]) -> None:
    [ada, *_] = full_house(house)
    publish(house, within("5 days"), Running("move"))
    publish(house, within("2 days"), Running("move"), now="3 Mar 10:00")
    house.engine.roll_back("c", 1, now=moment("3 Mar 11:00"), running=Running("move"))

    house.tick("3 Mar 11:00", "20 Mar 09:00")

    assert house.path(ada) == ["seen: no", "swap: sent", "completed"]
    assert numbers(house)["ended"] == {"completed": LEADS, "moved": 3 * LEADS}
    assert sorted(message.to for message in post.sent).count("lead0@example.com") == 2
    replays_equal(house.engine)
