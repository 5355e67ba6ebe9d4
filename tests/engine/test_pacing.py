"""Rests and rate caps, shared by all who send."""

from __future__ import annotations

from bisect import bisect_left
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest

from nurture.channels.base import Message, NotSent
from nurture.engine import Engine
from nurture.pacing import Rate
from nurture.registry import channel_types
from nurture.store import paces
from nurture.testing import moment
from tests.engine.house import MONDAY, House, Post
from tests.engine.test_life import ASK

HOUR = timedelta(hours=1)


class Relay(Post):
    """A post with caps and domains, that remembers when it was given what."""

    rates: ClassVar[tuple[Rate | None, Rate | None]] = (None, None)
    down: ClassVar[dict[str, NotSent]] = {}
    """What a domain answers at the moment; '' for all of them."""
    tried: ClassVar[list[Message]] = []

    @classmethod
    def open(cls, settings: Any, secret: bytes) -> Relay:
        relay = cls()
        relay.rate, relay.domain_rate = cls.rates
        return relay

    def domain(self, address: str) -> str:
        return address.rpartition("@")[2]

    async def hand_over(self, message: Message, may_start: Any) -> Any:
        type(self).tried.append(message)
        answer = self.down.get("") or self.down.get(self.domain(message.to))
        return answer or await super().hand_over(message, may_start)


@pytest.fixture
def relay(post: type[Post]) -> type[Relay]:
    Relay.rates, Relay.down, Relay.tried = (None, None), {}, []
    Relay.sent = Post.sent = []
    channel_types()["post"] = Relay
    return Relay


def enter(house: House, number: int, *, domain: str = "example.com", at: datetime = MONDAY) -> list[Any]:
    leads = [house.lead(f"lead{n}@{domain}") for n in range(number)]
    house.enter(*leads, now=at)
    return leads


def most_in_a_minute(sent: list[Message]) -> int:
    times = sorted(message.date for message in sent)
    return max((bisect_left(times, first + timedelta(minutes=1)) - n for n, first in enumerate(times)), default=0)


def colleague(house: House) -> Engine:
    """Another worker on the same store."""
    return Engine(house.settings, house.engine.store)


def test_after_a_refused_login_nobody_tries_until_the_rest_is_over_and_then_one(
    house: House, relay: type[Relay]
) -> None:
    house.campaign(ASK)
    leads = enter(house, 20)
    relay.down = {"": NotSent("sender", "login: 535 5.7.8 wrong password")}

    told = house.engine.tick(MONDAY, until=MONDAY)
    first = len(relay.tried)
    for minute in (1, 2, 3, 4):
        later = MONDAY + timedelta(minutes=minute)
        assert colleague(house).tick(later, until=later).news == []
    waited = len(relay.tried)
    house.tick("2 Mar 09:07")

    assert first <= Relay.sessions
    assert waited == first
    assert len(relay.tried) == first + 1, "one message tries"
    assert told.news == ["post rests: sender: login: 535 5.7.8 wrong password"]
    with house.engine.store.read() as tx:
        assert tx.rows("SELECT DISTINCT state, attempts FROM touches") == [("pending", 0)]
    (rest,) = house.status("2 Mar 09:07")["resting"]
    assert (rest["channel"], rest["domain"], rest["since"]) == ("post", "", "2026-03-02T09:00:00Z")
    line = house.touch(leads[-1])["timeline"][-1]
    assert line["what"] == "held"
    assert "535" in line["because"]

    relay.down = {}
    house.tick("2 Mar 09:08", "2 Mar 10:30")
    assert len(relay.sent) == 20
    assert house.status("2 Mar 10:30")["resting"] == []


def test_after_a_day_without_a_relay_the_oldest_goes_first_and_no_minute_holds_more_than_the_cap(
    house: House, relay: type[Relay]
) -> None:
    """F14 in small."""
    relay.rates = (Rate(20), None)
    relay.down = {"": NotSent("connection", "nobody answers")}
    house.campaign(ASK)
    for n in range(6):
        leads = [house.lead(f"lead{n}-{k}@example.com") for k in range(15)]
        house.enter(*leads, now=MONDAY + n * HOUR)
        house.tick(MONDAY + n * HOUR)
    house.tick(MONDAY + 6 * HOUR, MONDAY + 24 * HOUR)
    tried = {message.to for message in relay.tried}
    relay.down = {}

    house.tick(MONDAY + 24 * HOUR, MONDAY + 26 * HOUR)

    assert len(tried) < 60, "a day of silence costs a try now and then"
    assert len(relay.sent) == 90
    assert most_in_a_minute(relay.sent) <= 20
    patient = [message.to for message in relay.sent if message.to not in tried]
    assert patient == sorted(patient, key=lambda to: to.partition("-")[0]), "those who waited longest go first"
    assert max(message.date for message in relay.sent) <= MONDAY + 25 * HOUR
    assert house.status("3 Mar 12:00")["touches"]["refused"] == 0


def test_each_domain_has_a_cap_of_its_own(house: House, relay: type[Relay]) -> None:
    relay.rates = (Rate(60), Rate(12))
    house.campaign(ASK)
    enter(house, 30, domain="big.example")
    enter(house, 10, domain="small.example")

    house.tick(MONDAY, "2 Mar 09:10")

    assert len(relay.sent) == 40
    for domain in ("big.example", "small.example"):
        mine = [message for message in relay.sent if message.to.endswith(domain)]
        assert most_in_a_minute(mine) <= 12


def test_a_domain_that_asks_for_a_pause_gets_one_and_others_get_their_mail(house: House, relay: type[Relay]) -> None:
    relay.down = {"slow.example": NotSent("busy", "rcpt: 421 4.7.0 too many")}
    house.campaign(ASK)
    enter(house, 30, domain="slow.example")
    enter(house, 30, domain="quick.example")

    house.tick(MONDAY)
    tried = sum(message.to.endswith("@slow.example") for message in relay.tried)
    (rest,) = house.status()["resting"]
    relay.down = {}
    house.tick(MONDAY, "2 Mar 10:00")

    assert tried <= Relay.sessions
    assert (rest["channel"], rest["domain"]) == ("post", "slow.example")
    assert len(relay.sent) == 60


def test_a_message_that_is_always_refused_for_who_we_are_does_not_stop_the_others(
    house: House, relay: type[Relay]
) -> None:
    relay.down = {"strict.example": NotSent("standing", "dot: 550 5.7.1 looks like spam", timedelta(hours=1))}
    house.campaign(ASK)
    enter(house, 2, domain="strict.example")
    enter(house, 20)

    house.tick(MONDAY)

    assert len(relay.sent) == 20
    assert house.status()["resting"] == []


def test_when_nothing_is_taken_any_more_for_who_we_are_the_sender_is_parked(house: House, relay: type[Relay]) -> None:
    relay.down = {"": NotSent("standing", "dot: 550 5.7.26 unauthenticated", timedelta(hours=1))}
    house.campaign(ASK)
    enter(house, 30)

    house.tick(MONDAY)

    assert len(relay.tried) <= Relay.sessions + 3
    assert house.status()["resting"][0]["channel"] == "post"
    assert house.status()["touches"]["pending"] == 30


def test_workers_share_a_cap(house: House, relay: type[Relay]) -> None:
    relay.rates = (Rate(20), None)
    house.campaign(ASK)
    enter(house, 50)
    workers = [colleague(house) for _ in range(4)]

    for second in range(0, 400, 3):
        now = MONDAY + timedelta(seconds=second)
        workers[second % 4].tick(now, until=now)

    assert len(relay.sent) == 50
    assert most_in_a_minute(relay.sent) <= 20


def test_a_rest_is_not_ended_by_a_clock_that_was_wrong_nor_kept_by_it(house: House, relay: type[Relay]) -> None:
    """What a clock wrote that ran a year ahead holds nobody up when it is right again."""
    house.campaign(ASK)
    enter(house, 1)
    with house.engine.store.write() as tx:
        ahead = 31_536_000_000_000 + 1_772_442_000_000_000
        assert paces.park(tx, "post", "sender: 535", now=ahead)

    house.tick(MONDAY)

    assert len(relay.sent) == 1


def test_what_is_learned_elsewhere_may_park_a_channel(house: House, relay: type[Relay]) -> None:
    """A report of the receiver's side that our mail is not wanted, say."""
    house.campaign(ASK)
    enter(house, 3)
    with house.engine.store.write() as tx:
        began = [paces.park(tx, "post", "a report says 5.7.26", now=1_772_442_000_000_000) for _ in range(2)]

    house.tick(MONDAY)

    assert began == [True, False]
    assert relay.sent == []
    house.tick(moment("2 Mar 09:10"))
    assert len(relay.sent) == 3
