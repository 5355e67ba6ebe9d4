"""What a reader found, and must not be found again."""

from __future__ import annotations

from typing import ClassVar

import pytest

from nurture.channels.base import Ambiguous, NotSent, Verdict
from nurture.engine import Incoming
from nurture.identity import LeadRef
from nurture.registry import channel_types
from nurture.settings import Settings
from nurture.testing import moment
from tests.engine.house import MONDAY, House, Post
from tests.engine.test_life import ASK


class Closed(Post):
    """Cannot be opened."""

    name: ClassVar[str] = "post"

    @classmethod
    def open(cls, settings: Settings, secret: bytes) -> Post:
        raise ValueError("no key")


def test_a_message_of_a_channel_that_cannot_be_used_expires_like_any_other(house: House, post: type[Post]) -> None:
    house.campaign({**ASK, "bait": {**ASK["bait"], "expires_after": "2 days"}})
    ada = house.lead()
    house.enter(ada)
    channel_types()["post"] = Closed

    house.tick(MONDAY, "5 Mar 09:00")

    assert house.path(ada)[0] == "bait: unsent"
    assert house.touch(ada, 0)["settled_at"] == "2026-03-04T09:00:00Z"


@pytest.mark.parametrize(
    "before", [[], [NotSent("greylisted", "450")], [NotSent("connection", "gone"), NotSent("temporary", "451")]]
)
def test_greylisting_uses_up_no_copy(house: House, post: type[Post], before: list[Verdict]) -> None:
    house.campaign({**ASK, "bait": {**ASK["bait"], "on_unknown": "retry_once"}})
    ada = house.lead()
    house.enter(ada)
    post.verdicts += [*before, Ambiguous("silence")]

    house.tick(MONDAY, "3 Mar 09:00")

    assert house.touch(ada, 0)["state"] == "sent"
    assert [line["what"] for line in house.touch(ada, 0)["timeline"]].count("resent") == 1


def test_one_click_told_by_address_and_by_id_is_one_click(house: House) -> None:
    ada = house.lead()
    with house.engine.store.write() as tx:
        tx.run("UPDATE leads SET external_id = '17'")
    at = moment("3 Mar 09:00")

    report = house.engine.hear(
        [Incoming("clicked", ada, at, "c", "bait"), Incoming("clicked", LeadRef("id", "17"), at, "c", "bait")], now=at
    )

    assert (report.heard, report.known) == (1, 1)


def test_a_replay_that_misses_a_signal_says_so_and_goes_on_with_the_others(tmp_path, post: type[Post]) -> None:  # type: ignore[no-untyped-def]  # tmp_path is pytest's
    house = House(tmp_path, "sqlite://")
    house.campaign(ASK)
    leads = [house.lead(f"{name}@example.com") for name in ("ada", "bob")]
    house.enter(*leads)
    house.tick(MONDAY)
    house.hear("replied", leads[0], "3 Mar 10:00")
    house.tick("3 Mar 10:00", "20 Mar 10:00")
    with house.engine.store.write() as tx:
        tx.run("DELETE FROM signals")

    report = house.engine.replay()

    assert (report.leads, report.equal) == (2, 1)
    assert "no longer stored" in str(report.different)
    house.engine.close()
