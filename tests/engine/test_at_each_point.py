"""An opt-out, and a pause, at each labelled point of a decision and of a delivery: what has not begun does not leave."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from nurture import crashpoints
from nurture.channels.base import NotSent
from nurture.testing import moment
from tests.engine.house import MONDAY, House, Post
from tests.engine.test_life import ASK

BEGUN = ("deliver.intent_committed", "deliver.handed_over", "deliver.settled")
"""From here on the first message is on its way."""
POINTS = (
    "tick.claimed", "tick.gathered", "tick.decided", "tick.committed", "deliver.claimed", "deliver.recipient_named", *BEGUN,
)  # fmt: skip
"""Those that lie between two transactions, in the order in which a first message passes them."""
WHOLE = ["bait: sent", "seen: no", "swap: sent", "pool: None", "pool"]


@pytest.fixture
def at() -> Iterator[Callable[[str, Callable[[], object]], None]]:
    """Do something when a point is passed for the first time."""
    yield crashpoints.arm
    crashpoints.disarm()


@pytest.mark.parametrize("point", POINTS)
def test_an_opt_out_stops_what_has_no_intent_yet_and_all_that_would_follow(
    house: House, post: type[Post], at: Callable[[str, Callable[[], object]], None], point: str
) -> None:
    house.campaign(ASK)
    lead = house.lead()
    house.enter(lead)
    at(point, lambda: house.hear("unsubscribed", lead, "2 Mar 09:00", id="stop"))

    house.tick(MONDAY, "20 Mar 09:00")

    begun = point in BEGUN
    assert len(post.sent) == begun
    assert house.path(lead) == ["bait: sent" if begun else "bait: unsent", "seen: no", "swap: unsent", *WHOLE[3:]]
    assert "suppressed" in house.touch(lead)["because"]


@pytest.mark.parametrize(
    "when", ["2 Mar 12:00", "4 Mar 09:00"], ids=["during an outage of the relay", "during the wait"]
)
def test_an_opt_out_while_nothing_happens_is_kept_for_what_comes(house: House, post: type[Post], when: str) -> None:
    house.campaign(ASK)
    lead = house.lead()
    house.enter(lead)
    if when == "2 Mar 12:00":
        post.verdicts += [NotSent("connection", "nobody answers")]
    house.tick(MONDAY)
    before = len(post.sent)

    house.hear("unsubscribed", lead, when)
    house.tick(when, "20 Mar 09:00")

    assert len(post.sent) == before
    assert house.path(lead)[2:] == ["swap: unsent", *WHOLE[3:]]


@pytest.mark.parametrize("point", POINTS)
def test_a_pause_stops_what_has_no_intent_yet_and_a_resume_goes_on_there(
    house: House, post: type[Post], at: Callable[[str, Callable[[], object]], None], point: str
) -> None:
    house.campaign(ASK)
    lead = house.lead()
    house.enter(lead)
    at(point, lambda: house.engine.pause("c", now=MONDAY))

    house.tick(MONDAY, "3 Mar 09:00")
    paused = len(post.sent)
    house.engine.resume("c", now=moment("3 Mar 09:00"))
    house.tick("3 Mar 09:00", "30 Mar 09:00")

    assert paused == (point in BEGUN)
    assert house.path(lead) == WHOLE
    assert len({message.message_id for message in post.sent}) == len(post.sent) == 2
