"""Entered = waiting + due + stuck + ended, in every version and at every node, looked at in every tick."""

from __future__ import annotations

from pathlib import Path

import pytest

from nurture.engine import conserving
from nurture.engine.alarms import alarms, recounted
from nurture.engine.checkup import checkup
from nurture.engine.reporting import stuck
from nurture.store import tallies
from nurture.testing import moment
from tests.engine.house import MONDAY, House

ASKS = {
    "hello": {"type": "send_content", "channel": "post", "content": "hello", "next": "seen"},
    "seen": {
        "type": "check_response", "to": "hello", "within": "2 days", "next": {"yes": "mark", "no": "dated"},
    },
    "mark": {"type": "tag", "add": ["warm"], "next": "end"},
    "dated": {"type": "wait", "until_date": {"field": "renewal"}, "next": "end"},
}  # fmt: skip


def lived(house: House) -> None:
    """One who viewed, one who opted out, one who is stuck, one who has just come, and one under a newer version."""
    house.campaign(ASKS, exit_on=["unsubscribed"])
    people = [house.lead(f"{name}@example.com") for name in ("ada", "bob", "eve", "new", "two")]
    house.enter(*people[:3])
    house.tick("2 Mar 09:00")
    house.hear("viewed", people[0], "2 Mar 12:00")
    house.hear("unsubscribed", people[1], "2 Mar 13:00")
    house.tick("2 Mar 13:00", until="5 Mar 13:00")
    house.enter(people[3], now="5 Mar 13:00")
    house.campaign({**ASKS, "mark": {"type": "tag", "add": ["hot"], "next": "end"}}, now=moment("5 Mar 13:00"))
    house.enter(people[4], now="5 Mar 13:00")


def test_the_running_counts_are_what_is_there(house: House) -> None:
    lived(house)

    with house.engine.store.read() as tx:
        assert tallies.kept(tx) == tallies.counted(tx)
        assert conserving.recount(tx, house.engine.plans) == []
    assert house.engine.status(now=MONDAY, quick=True) == house.engine.status(now=MONDAY)
    [told] = house.status("5 Mar 14:00")["campaigns"]
    assert (told["entered"], told["waiting"], told["due"], told["stuck"]) == (5, 0, 2, 1)
    assert told["ended"] == {"completed": 1, "exit:unsubscribed": 1}


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("DELETE FROM enrollments WHERE id = 4", "c, version 1: entered: 3 are there, and 4 were written down"),
        (
            "DELETE FROM steps WHERE node = 'mark'",
            "c, version 1, node mark: 1 arrived along the edges, and 0 are there",
        ),
        ("UPDATE enrollments SET node = 'mark' WHERE id = 4", "node mark: 1 arrived along the edges, and 2 are there"),
    ],
    ids=["a lead is gone", "a step is gone", "a lead stands where no step brought it"],
)
def test_what_does_not_add_up_is_an_alarm_that_says_where_and_since_when(
    tmp_path: Path, post: object, database_url: str, damage: str, said: str
) -> None:
    house = House(tmp_path, database_url)
    lived(house)
    house.tick("5 Mar 14:00")
    with house.engine.store.write() as tx:
        tx.run(damage)

    found = recounted(house.engine.store, house.engine.plans)

    assert any(said in alarm.sentence for alarm in found)
    assert {alarm.since for alarm in found} == {"2026-03-05T14:00Z"}
    assert not house.status("5 Mar 14:00")["conserved"]
    house.engine.close()


def test_the_tick_itself_sees_a_lead_that_moved_without_a_step(tmp_path: Path, post: object, sqlite_url: str) -> None:
    house = House(tmp_path, sqlite_url)
    lived(house)
    with house.engine.store.write() as tx:
        tx.run("UPDATE tallies SET number = number - 1 WHERE what = 'left' AND node = 'hello'")

    report = house.engine.tick(moment("5 Mar 14:00"))

    assert [str(one) for one in report.broken][:1] == [
        "c, version 1, node hello: 4 arrived along the edges, and 3 are there or have left it"
    ]
    assert report.as_json()["conserved"] is False
    [first, *_] = alarms(house.engine.store, house.engine.plans, now=moment("5 Mar 14:00"))
    assert (first.what, first.where, first.since) == ("conserved", "c, version 1, node hello", "2026-03-05T13:00Z")
    house.engine.close()


def test_who_is_overdue_by_a_quarter_of_an_hour_is_an_alarm(tmp_path: Path, post: object, sqlite_url: str) -> None:
    house = House(tmp_path, sqlite_url)
    house.campaign(ASKS)
    house.enter(house.lead())
    settings = house.settings

    def heartbeat(now: str) -> list[tuple[str, str]]:
        return [(found.state, found.what) for found in checkup(settings, now=moment(now)) if found.check == "heartbeat"]

    assert heartbeat("2 Mar 09:15") == [("ok", "nobody is overdue")]
    assert heartbeat("2 Mar 09:16") == [
        ("alarm", "c: 1 lead is overdue, the first of them at node hello since 2026-03-02T09:00Z")
    ]
    house.engine.pause("c", now=MONDAY)
    assert heartbeat("2 Mar 09:16") == [("ok", "nobody is overdue")]
    house.engine.close()


def test_failures_are_told_by_cause_with_examples(house: House) -> None:
    lived(house)

    [one] = stuck(house.engine.store)

    assert (one["campaign"], one["node"], one["leads"], one["examples"]) == ("c", "dated", 1, ["eve@example.com"])
    assert "renewal is not known" in one["cause"]
    assert one["first"] == one["last"] == "2026-03-04T09:00:00Z"
