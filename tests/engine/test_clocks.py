"""Clocks that jump, and installations that were down: nothing fires early, nothing twice, and what is late is late once."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from nurture.channels.base import NotSent
from nurture.engine.recognising import ClockJumped, trust_clock
from nurture.testing import moment
from tests.engine.house import MONDAY, House, Post

CHAIN = {
    "first": {"type": "send_content", "channel": "post", "content": "hello", "next": "rest"},
    "rest": {"type": "wait", "for": "1 day", "next": "second"},
    "second": {"type": "send_content", "channel": "post", "content": "again", "next": "later"},
    "later": {"type": "wait", "for": "1 day", "next": "end"},
}


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(days=2), timedelta(days=20)])
@pytest.mark.parametrize("behind", [timedelta(hours=1), timedelta(days=1)])
def test_a_clock_that_jumps_ahead_and_back_repeats_nothing(
    house: House, post: type[Post], ahead: timedelta, behind: timedelta
) -> None:
    house.campaign(CHAIN)
    lead = house.lead()
    house.enter(lead)
    for now in (MONDAY, MONDAY + ahead, MONDAY + ahead - behind, MONDAY - behind, MONDAY + ahead):
        house.tick(now)
    house.tick(MONDAY + ahead, until=MONDAY + timedelta(days=60))

    assert house.path(lead) == ["first: sent", "rest: next", "second: sent", "later: next", "completed"]
    assert len(post.sent) == 2


def test_a_clock_that_steps_by_seconds_fires_each_wait_once_and_never_early(house: House, post: type[Post]) -> None:
    house.campaign(
        {**CHAIN, "rest": {**CHAIN["rest"], "for": "1 minute"}, "later": {**CHAIN["later"], "for": "1 minute"}}
    )
    house.enter(house.lead())
    seen = []
    for second in range(70):
        house.tick(MONDAY + timedelta(seconds=second))
        seen.append(len(post.sent))

    assert seen == [1] * 60 + [2] * 10


def test_the_year_2038_is_a_year_like_any_other(house: House, post: type[Post]) -> None:
    eve = moment("18 Jan 2038 12:00")
    house.campaign(CHAIN, now=eve)
    lead = house.lead()
    house.enter(lead, now=eve)
    house.tick(eve, until=eve + timedelta(days=3))

    told = house.engine.history(lead)["enrollments"][0]["steps"]
    assert [step["at"] for step in told] == [
        "2038-01-18T12:00:00Z", "2038-01-19T12:00:00Z", "2038-01-19T12:00:00Z", "2038-01-20T12:00:00Z",
    ]  # fmt: skip


def test_a_clock_far_ahead_is_asked_about_before_anything_fires(
    tmp_path: Path, post: type[Post], database_url: str
) -> None:
    house = House(tmp_path, database_url)
    house.campaign(CHAIN)
    house.enter(house.lead())
    house.engine.tick(MONDAY, live=True)
    late = MONDAY + timedelta(days=400)

    with pytest.raises(ClockJumped, match=r"the clock says 2027-04-06T09:00:00Z, and the last tick was at 2026-03-02"):
        house.engine.tick(late, live=True)

    assert len(post.sent) == 1
    house.engine.tick(MONDAY + timedelta(days=30), live=True)
    trust_clock(house.engine.store, late)
    assert house.engine.tick(late, live=True).sent == 0
    house.engine.close()


@pytest.mark.parametrize(
    "down", [timedelta(minutes=1), timedelta(hours=5), timedelta(days=3), timedelta(days=30)], ids=str
)
def test_a_wait_that_ended_while_nobody_looked_fires_once_and_the_next_counts_from_then(
    house: House, post: type[Post], down: timedelta
) -> None:
    house.campaign(CHAIN)
    lead = house.lead()
    house.enter(lead)
    house.tick(MONDAY)
    up = MONDAY + timedelta(days=1) + down
    house.tick(up)
    house.tick(up)

    assert len(post.sent) == 2
    # The second message really left when we were up again, and the wait after it counts from there.
    assert house.path(lead)[-1] == "at later"
    assert house.engine.history(lead)["enrollments"][0]["due_at"][:16] == f"{up + timedelta(days=1):%Y-%m-%dT%H:%M}"


def test_after_a_long_rest_nobody_gets_two_messages_closer_than_the_cap(
    tmp_path: Path, post: type[Post], database_url: str
) -> None:
    house = House(tmp_path, database_url, frequency_cap="1 per 1 day")
    for name in ("c", "d", "e"):
        house.campaign(
            {"mail": {"type": "send_content", "channel": "post", "content": "hello", "next": "end"}}, name=name
        )
    lead = house.lead()
    for name in ("c", "d", "e"):
        house.enter(lead, name=name)
    up = MONDAY + timedelta(days=9)
    house.tick(up, until=up + timedelta(days=5))

    starts = sorted(datetime.fromisoformat(touch["started_at"]) for touch in house.engine.history(lead)["touches"])
    assert len(starts) == 3
    assert all(later - earlier >= timedelta(days=1) for earlier, later in pairwise(starts))
    house.engine.close()


def test_after_an_outage_nobody_gets_two_messages_closer_than_the_cap(
    tmp_path: Path, post: type[Post], database_url: str
) -> None:
    house = House(tmp_path, database_url, frequency_cap="1 per 1 day")
    for name in ("c", "d", "e"):
        house.campaign(
            {"mail": {"type": "send_content", "channel": "post", "content": "hello", "next": "end"}}, name=name
        )
    leads = [house.lead(f"lead{n}@example.com") for n in range(4)]
    for name in ("c", "d", "e"):
        house.enter(*leads, name=name)
    post.verdicts += [NotSent("connection", "nobody answers")] * 20
    house.tick(MONDAY, until=MONDAY + timedelta(days=9))

    assert not post.verdicts, "the relay is back"
    for lead in leads:
        starts = sorted(datetime.fromisoformat(touch["settled_at"]) for touch in house.engine.history(lead)["touches"])
        assert len(starts) == 3
        assert all(later - earlier >= timedelta(days=1) for earlier, later in pairwise(starts))
    assert len(post.sent) == 12
    house.engine.close()


def test_a_campaign_that_is_paused_and_resumed_a_hundred_times_goes_on_where_it_was(
    house: House, post: type[Post]
) -> None:
    house.campaign(CHAIN)
    leads = [house.lead(f"lead{n}@example.com") for n in range(3)]
    house.enter(*leads)
    now = MONDAY
    for _ in range(100):
        house.engine.pause("c", now=now)
        before = len(post.sent)
        house.tick(now)
        assert len(post.sent) == before
        house.engine.resume("c", now=now)
        house.tick(now)
        now += timedelta(hours=1)

    assert [house.path(lead)[-1] for lead in leads] == ["completed"] * 3
    assert len(post.sent) == 6
