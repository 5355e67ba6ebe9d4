"""What broke once, and must not again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from nurture import Changes, Effect, Go, Node, Send, SetField, Snapshot, Tag
from nurture.channels.base import Message, NotSent, Sent, Verdict
from nurture.registry import node_types
from nurture.testing import moment
from tests.engine.house import MONDAY, House, Post
from tests.engine.test_life import ASK

KNOWN = {"field": "email", "op": "known"}


@dataclass(frozen=True, slots=True)
class Broken(Effect):
    kind: ClassVar[str] = "broken"

    def apply(self, changes: Changes) -> None:
        changes.score(5)
        raise RuntimeError("I cannot")


class Odd(Node):
    """Answers what a test tells it to."""

    answers: ClassVar[list[Any]] = []

    def decide(self, snapshot: Snapshot) -> Go:
        return Odd.answers[0]  # type: ignore[no-any-return]


@pytest.fixture
def odd(house: House) -> Any:
    node_types()["odd"] = Odd
    house.campaign({"odd": {"type": "odd", "next": "end"}}, name="odd")
    yield Odd
    Odd.answers = [Go("next", because="mended")]
    house.engine.retry(now=moment("9 Mar 09:00"))
    house.tick("9 Mar 09:00")
    del node_types()["odd"]


def test_a_message_that_did_not_leave_before_the_exit_does_not_leave_after_it(house: House, post: type[Post]) -> None:
    house.campaign(ASK, exit_on=["converted"])
    ada = house.lead()
    house.enter(ada)
    post.started.append(lambda message: house.hear("converted", ada, "2 Mar 09:00", id="won"))
    post.verdicts.append(NotSent("temporary", "451 try later"))

    house.tick(MONDAY, "9 Mar 09:00")

    assert post.sent == []
    assert house.touch(ada)["state"] == "cancelled"


def test_effects_are_written_all_or_none(house: House, odd: type[Odd], post: type[Post]) -> None:
    odd.answers = [Go("next", (Send("post", "hello"), Broken()), because="half")]
    ada = house.lead()
    house.enter(ada, name="odd")

    house.tick(MONDAY)
    told = house.engine.history(ada)

    assert told["lead"]["score"] == 0
    assert told["touches"] == []
    assert told["enrollments"][0]["status"] == "stuck"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Go("next", because=None), id="no reason"),  # type: ignore[arg-type]
        pytest.param(Go("next", because="half \ud800"), id="half a character"),
        pytest.param(Go("next", because="nothing \0"), id="a NUL"),
        pytest.param(Go(["next"], because=""), id="a list of ways"),  # type: ignore[arg-type]
        pytest.param(Go("next", ("tag",), because=""), id="an effect that is none"),  # type: ignore[arg-type]
        pytest.param(Go("next", (Send("post", "hello", expires="x"),), because=""), id="expires never"),  # type: ignore[arg-type]
        pytest.param(None, id="nothing"),
        pytest.param("next", id="a word"),
        pytest.param(Go("sideways", because=""), id="a way out that there is not"),
        pytest.param(Go("next", because="x" * 10_000_000), id="a reason of ten megabytes"),
        pytest.param(Go("next", tuple(Tag(f"t{n}") for n in range(10_000)), because=""), id="ten thousand effects"),
        pytest.param(Go("next", (SetField("a", object()),), because=""), id="a value that cannot be written"),  # type: ignore[arg-type]
        pytest.param(Go("next", (SetField("a", "x" * 10_000_000),), because=""), id="a value of ten megabytes"),
    ],
)
def test_a_poisoned_answer_stops_its_own_lead_only(house: House, odd: type[Odd], answer: Any) -> None:
    odd.answers = [answer]
    house.campaign(ASK)
    poor, fine = house.lead("poor@example.com"), house.lead("fine@example.com")
    house.enter(poor, name="odd")
    house.enter(fine)

    house.tick(MONDAY)

    assert house.path(poor) == ["at odd"]
    assert house.engine.history(poor)["enrollments"][0]["status"] == "stuck"
    assert house.path(fine) == ["bait: sent", "at seen"]


def test_a_plugin_that_answers_otherwise_when_asked_again_is_told_and_what_was_recorded_stands(
    house: House, odd: type[Odd]
) -> None:
    odd.answers = [Go("next", because="mended")]
    ada = house.lead()
    house.enter(ada, name="odd")
    house.tick(MONDAY)
    before = house.engine.history(ada)

    odd.answers = [Go("next", (Tag("second"),), because="mended")]
    different = house.engine.replay().different
    house.tick("3 Mar 09:00")

    assert [told["node"] for told in different] == ["odd"]
    assert house.engine.history(ada) == before


def test_a_paced_lead_is_not_brought_forward_by_anything_it_does(house: House, post: type[Post]) -> None:
    house.campaign(ASK)
    path = house.home / "leads.csv"
    path.write_text("email,consent\na@example.com,yes\nb@example.com,yes\n")
    house.engine.backfill("c", path, now=MONDAY, pace=1)
    from nurture.identity import LeadRef

    house.hear("viewed", LeadRef("email", "b@example.com"), "2 Mar 10:00")
    house.tick(MONDAY, "2 Mar 20:00")
    first = [message.to for message in post.sent]
    house.tick("2 Mar 20:00", "3 Mar 20:00")

    assert first == ["a@example.com"]
    assert [message.to for message in post.sent] == ["a@example.com", "b@example.com"]


def test_a_channel_that_asks_twice_does_not_send_twice(house: House, post: type[Post]) -> None:
    async def twice(self: Post, message: Message, may_start: Callable[[], Awaitable[bool]]) -> Verdict:
        if await may_start():
            post.sent.append(message)
        await may_start()
        return Sent()

    house.campaign(ASK)
    ada = house.lead()
    house.enter(ada)
    original, post.hand_over = post.hand_over, twice  # type: ignore[method-assign]
    try:
        for _ in range(3):
            house.tick(MONDAY)
    finally:
        post.hand_over = original  # type: ignore[method-assign]

    assert len(post.sent) == 1
    assert house.touch(ada)["state"] == "sent"


def test_a_channel_without_a_verdict_stops_nobody(house: House, post: type[Post]) -> None:
    async def silent(self: Post, message: Message, may_start: Callable[[], Awaitable[bool]]) -> Verdict:
        if message.to.startswith("odd"):
            return None  # type: ignore[return-value]
        await asyncio.sleep(0)
        return Sent() if await may_start() else NotSent("withdrawn", "")

    house.campaign(ASK)
    leads = [house.lead(f"{name}@example.com") for name in ("odd", "a", "b", "c")]
    house.enter(*leads)
    original, post.hand_over = post.hand_over, silent  # type: ignore[method-assign]
    try:
        house.tick(MONDAY)
    finally:
        post.hand_over = original  # type: ignore[method-assign]

    assert [house.touch(lead)["state"] for lead in leads] == ["pending", "sent", "sent", "sent"]


def test_leads_of_a_long_import_enter_a_continuous_campaign(house: House) -> None:
    nodes = {"mark": {"type": "tag", "add": ["seen"], "next": "end"}}
    house.campaign(nodes, entry={"when": KNOWN, "mode": "continuous"})
    path = house.home / "leads.csv"
    path.write_text("email,consent\n" + "".join(f"l{n}@example.com,yes\n" for n in range(20)))

    # The import reads its clock when it begins; ticks look meanwhile, and further.
    house.tick("2 Mar 12:00")
    house.engine.import_leads(path, now=MONDAY)
    house.tick("2 Mar 12:01")

    assert house.status("2 Mar 12:01")["campaigns"][0]["entered"] == 20


def test_a_lead_enters_a_continuous_campaign_again_on_its_day_however_rarely_we_look(house: House) -> None:
    nodes = {"mark": {"type": "tag", "add": ["seen"], "next": "end"}}
    house.campaign(nodes, entry={"when": KNOWN, "mode": "continuous", "again_after": "30 days"})
    ada = house.lead()

    house.tick(MONDAY, MONDAY + timedelta(days=70))

    assert len(house.engine.history(ada)["enrollments"]) == 3


def test_an_opt_out_follows_the_person_to_a_new_address(house: House, post: type[Post]) -> None:
    house.campaign(ASK)
    ada = house.lead()
    house.enter(ada)
    house.hear("unsubscribed", ada, "2 Mar 08:00")
    with house.engine.store.write() as tx:
        tx.run("UPDATE leads SET phone = '+8613800138000', email_key = 'new@example.com', email = 'new@example.com'")
        tx.run("UPDATE leads SET external_id = '7'")
    with house.engine.store.write() as tx:
        # The old address is still known by its hash; the person is known by what stayed.
        tx.run("UPDATE leads SET email_key = 'ada@example.com'")

    house.tick(MONDAY)

    assert post.sent == []


def test_an_answer_after_the_deadline_does_not_own_the_lead(house: House) -> None:
    hand = {"hand": {"type": "route", "to": "sdr", "sla": "2 days", "next": "end"}}
    house.campaign(hand, name="hand")
    house.campaign(ASK)
    ada = house.lead()
    house.enter(ada, name="hand")
    house.tick(MONDAY)
    house.hear("accepted", ada, "5 Mar 09:00")

    house.tick("5 Mar 09:00")

    assert house.path(ada) == ["hand: unanswered", "completed"]
    assert house.engine.history(ada)["handoffs"][0]["state"] == "lapsed"
    assert house.enter(ada, now="5 Mar 10:00")["enrolled"] == 1


def test_odd_text_in_a_signal_stops_nobody_elses(house: House) -> None:
    ada, bob = house.lead("ada@example.com"), house.lead("bob@example.com")
    house.hear("replied", ada, "2 Mar 09:00", reason="half \ud800 and \0")
    house.hear("replied", bob, "2 Mar 09:00")

    assert len(house.engine.history(ada)["signals"]) == len(house.engine.history(bob)["signals"]) == 1


def test_a_pause_gives_messages_their_time_back(house: House, post: type[Post]) -> None:
    house.campaign(ASK)
    ada = house.lead()
    house.enter(ada)
    post.verdicts.append(NotSent("temporary", "451 later"))
    house.tick(MONDAY)
    house.engine.pause("c", now=MONDAY)
    house.tick("20 Mar 09:00")
    house.engine.resume("c", now=moment("20 Mar 09:00"))

    house.tick("20 Mar 09:00")

    assert len(post.sent) == 1
