"""Too many complaints stop a campaign before the mail systems stop us."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nurture.engine.checkup import checkup
from nurture.engine.complaints import Stopped
from nurture.identity import LeadRef
from nurture.store import campaign_notes
from nurture.store.database import micros
from nurture.testing import moment
from tests.engine.house import MONDAY, House, Post

ONE_MAIL = {"hello": {"type": "send_content", "channel": "post", "content": "hello", "next": "end"}}


@pytest.fixture
def house(tmp_path: Path, database_url: str, post: type[Post]) -> Iterator[House]:
    built = House(tmp_path, database_url)
    built.campaign(ONE_MAIL)
    built.campaign(ONE_MAIL, name="other")
    yield built
    built.engine.close()


def fed(house: House, messages: int) -> list[LeadRef]:
    """Three people who have got the campaign's message; and so many messages to others, as far as the numbers go."""
    people = [house.lead(f"{name}@example.com") for name in ("ada", "bob", "cat")]
    house.enter(*people)
    house.tick(MONDAY)
    with house.engine.store.write() as tx:
        tx.many(
            "INSERT INTO touches (enrollment_id, node, n, lead_id, version_id, channel, content, purpose, on_unknown, state,"
            " asked_at, due_at, expires_at, started_at, settled_at)"
            " SELECT 1000 + ?, 'hello', 0, 1000, MIN(id), 'post', 'hello', 'marketing', 'hold', 'sent', 0, 0, 0, ?, 0"
            " FROM versions WHERE campaign = 'c'",
            [(number, micros(MONDAY)) for number in range(messages - len(people))],
        )
    return people


def complain(house: House, *people: LeadRef, at: str = "3 Mar 10:00") -> None:
    for lead in people:
        house.hear("complained", lead, at, campaign="c", node="hello")


def state(house: House) -> tuple[bool, list[str]]:
    """(paused, what was noted)."""
    with house.engine.store.read() as tx:
        notes = [what for _, what, *_ in campaign_notes.notes_of(tx, "c")]
    (campaign,) = [one for one in house.status()["campaigns"] if one["campaign"] == "c"]
    return campaign["paused"], notes


@pytest.mark.parametrize(
    ("messages", "complaints", "found"),
    [
        pytest.param(3, 1, (False, []), id="one complaint is one person's"),
        pytest.param(2001, 2, (False, []), id="just under 0.10 %"),
        pytest.param(2000, 2, (True, ["paused"]), id="0.10 %"),
        pytest.param(1000, 3, (True, ["paused", "stopped"]), id="0.20 %, then 0.30 %"),
        pytest.param(100, 2, (True, ["stopped"]), id="2 % at once"),
    ],
)
def test_a_campaign_pauses_at_one_in_a_thousand_and_stops_at_three(
    house: House, messages: int, complaints: int, found: tuple[bool, list[str]]
) -> None:
    people = fed(house, messages)

    complain(house, *people[:complaints])

    assert state(house) == found


def test_the_same_complaint_again_and_one_of_long_ago_do_not_count(house: House) -> None:
    people = fed(house, 1000)
    complain(house, people[0], people[0], at="3 Mar 10:00")
    complain(house, people[1], at="20 Mar 10:00")

    assert state(house) == (False, [])


@pytest.mark.parametrize(
    ("messages", "later", "found"),
    [
        pytest.param(1000, "20 Mar 10:00", (True, ["paused"]), id="nothing this week, a thousand this month"),
        pytest.param(3000, "20 Mar 10:00", (False, []), id="nothing this week, three thousand this month"),
        pytest.param(3000, "20 May 10:00", (False, ["warned"]), id="nothing for two months"),
    ],
)
def test_complaints_of_mails_of_long_ago_are_measured_by_those_and_never_by_nothing(
    house: House, messages: int, later: str, found: tuple[bool, list[str]]
) -> None:
    people = fed(house, messages)

    complain(house, *people[:2], at=later)

    assert state(house) == found


def test_where_no_rate_is_known_the_doctor_warns_until_somebody_has_looked(tmp_path: Path, post: type[Post]) -> None:
    house = House(tmp_path, "sqlite:///nurture.db")
    house.campaign(ONE_MAIL)
    complain(house, *fed(house, 3), at="20 May 10:00")

    def doctor() -> list[tuple[str, str]]:
        found = checkup(house.settings, now=moment("20 May 11:00"))
        return [(one.state, one.what) for one in found if one.check == "complaints"]

    warned = doctor()
    house.engine.resume("c", now=moment("20 May 12:00"))

    assert warned == [("warning", "c: 2 people complained within 7 days of 0 messages within 30: no rate is known")]
    assert state(house) == (False, ["warned", "resumed"])
    assert doctor() == [("ok", "no campaign was stopped")]
    house.engine.close()


def test_other_campaigns_go_on_and_the_reason_is_on_record(house: House) -> None:
    complain(house, *fed(house, 1000)[:2])

    with house.engine.store.read() as tx:
        (note,) = campaign_notes.notes_of(tx, "c")
    assert note[2] == "2 people complained of 1,000 messages within 7 days (0.20%)"
    assert [one["paused"] for one in house.status()["campaigns"]] == [True, False]


def test_what_was_paused_goes_on_by_hand_and_what_was_stopped_for_a_reason_only(house: House) -> None:
    people = fed(house, 1000)
    complain(house, *people[:2])
    house.engine.resume("c", now=moment("3 Mar 11:00"))
    assert state(house) == (False, ["paused", "resumed"])

    complain(house, people[2], at="3 Mar 12:00")
    with pytest.raises(Stopped, match=r"c: 3 people complained"):
        house.engine.resume("c", now=moment("3 Mar 13:00"))
    assert state(house)[0]

    house.engine.resume("c", now=moment("3 Mar 13:00"), despite="list cleaned", actor="mia")

    assert state(house) == (False, ["paused", "resumed", "stopped", "resumed"])
    with house.engine.store.read() as tx:
        assert tuple(campaign_notes.notes_of(tx, "c")[-1][2:]) == ("list cleaned", "mia")
