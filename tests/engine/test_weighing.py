"""From requests to signals, and what a lead that waits does meanwhile."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from nurture.channels.base import Ambiguous
from nurture.engine import Incoming
from nurture.engine.weighing import weigh
from nurture.identity import LeadRef
from nurture.store import hits
from nurture.store.database import micros
from nurture.store.hits import NewHit
from nurture.testing import moment
from tests.engine.house import House, Post, post_office
from tests.evidence.patterns import BEHIND_A_GATEWAY, PEOPLE, SCANNERS, Seen

NODES = {
    "bait": {"type": "send_content", "channel": "post", "content": "hello", "next": "asks"},
    "asks": {
        "type": "check_response",
        "to": "bait",
        "evidence": ["clicked"],
        "within": "3 hours",
        "next": {"yes": "sdr", "no": "end"},
    },
    "sdr": {"type": "tag", "add": ["to the SDR"], "next": "end"},
}
START = micros(moment("2 Mar 09:00"))


def opened(home: Path, database_url: str) -> Iterator[House]:
    with post_office():
        made = House(home, database_url)
        made.campaign(NODES)
        yield made
        made.engine.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    yield from opened(tmp_path, "sqlite://")


@pytest.fixture
def on_each(tmp_path: Path, database_url: str) -> Iterator[House]:
    """The same on every kind of database."""
    yield from opened(tmp_path, database_url)


def sent_to(house: House, count: int = 1) -> list[LeadRef]:
    leads = [house.lead(f"{n}@example.com") for n in range(1, count + 1)]
    house.enter(*leads)
    house.tick("2 Mar 09:00")
    return leads


def visit(house: House, pattern: Sequence[Seen]) -> None:
    """These requests come in, for the mail that everybody got at nine."""
    with house.engine.store.write() as tx:
        keys = dict(tx.rows("SELECT l.email_key, e.key FROM enrollments e JOIN leads l ON l.id = e.lead_id"))
        hits.take(
            tx,
            [
                NewHit(
                    keys[f"{seen.lead}@example.com"], "bait", 0, seen.kind, seen.link,
                    START + round(seen.after * 1_000_000), seen.source, seen.agent,
                )
                for seen in pattern
            ],
        )  # fmt: skip


def signals(house: House, lead: LeadRef) -> list[tuple[str, str, str | None]]:
    return [(s["kind"], s["confidence"], s["because"]) for s in house.engine.history(lead)["signals"]]


@pytest.mark.parametrize("name", SCANNERS)
def test_no_scanner_moves_a_lead_to_an_sdr(house: House, name: str) -> None:
    leads = sent_to(house, max(seen.lead for seen in SCANNERS[name]))
    visit(house, SCANNERS[name])

    house.tick("2 Mar 09:00", "2 Mar 13:00")

    assert {house.path(lead)[1] for lead in leads} == {"asks: no"}
    assert house.engine.replay().different == []


@pytest.mark.parametrize(
    "name", [name for name, pattern in PEOPLE.items() if any(s.kind == "clicked" for s in pattern)]
)
def test_a_person_who_clicks_goes_on_by_yes(house: House, name: str) -> None:
    leads = sent_to(house, max(seen.lead for seen in PEOPLE[name]))
    visit(house, PEOPLE[name])

    house.tick("2 Mar 09:00", "2 Mar 13:00")

    assert {house.path(lead)[1] for lead in leads} == {"asks: yes"}
    assert house.engine.replay().different == []


def test_the_because_says_what_was_not_counted_and_counts_the_person_after_the_scanner(on_each: House) -> None:
    [ada] = sent_to(on_each)
    visit(on_each, BEHIND_A_GATEWAY)

    on_each.tick("2 Mar 09:00", "2 Mar 13:00")

    because = on_each.engine.history(ada)["enrollments"][0]["steps"][1]["because"]
    assert because.startswith("clicked at 2 Mar 10:31, 1 hour after it was sent; not counted: clicked by a machine (")
    assert [kind for kind, confidence, _ in signals(on_each, ada) if confidence == "human"] == ["viewed", "clicked"]


def test_a_request_is_heard_when_it_can_be_judged_and_counts_from_when_it_was_made(on_each: House) -> None:
    [ada] = sent_to(on_each)
    visit(on_each, [Seen(3_600, "clicked", "paper")])

    early = weigh(on_each.engine.store, now=moment("2 Mar 10:00"))
    ripe = weigh(on_each.engine.store, now=moment("2 Mar 10:01"))
    again = weigh(on_each.engine.store, now=moment("2 Mar 10:02"))

    assert (early, ripe, again) == (0, 1, 0)
    [signal] = on_each.engine.history(ada)["signals"]
    assert (signal["at"], signal["heard_at"]) == ("2026-03-02T10:00:00Z", "2026-03-02T10:01:00Z")


@pytest.mark.parametrize(("link", "way"), [("paper", "asks: yes"), (None, "asks: no")])
def test_nobody_is_decided_past_a_request_that_cannot_be_judged_yet(on_each: House, link: str | None, way: str) -> None:
    """A click ten seconds before the deadline: a person's counts, a scanner's does not, and both take a moment."""
    [ada] = sent_to(on_each)
    on_each.tick("2 Mar 09:00", "2 Mar 11:59")
    if link is None:
        visit(
            on_each,
            [
                seen._replace(after=10_790 + seen.after)
                for seen in SCANNERS["a gateway that follows every link at once"]
            ],
        )
    else:
        visit(on_each, [Seen(10_790, "clicked", link)])

    on_each.tick("2 Mar 12:00")
    waiting = on_each.path(ada)
    on_each.tick("2 Mar 12:00", "2 Mar 12:02")

    assert waiting == ["bait: sent", "at asks"]
    assert on_each.path(ada)[1] == way
    steps = on_each.engine.history(ada)["enrollments"][0]["steps"]
    assert steps[1]["at"] == ("2026-03-02T12:00:00Z" if link is None else "2026-03-02T11:59:50Z")


@pytest.mark.parametrize("seed", range(6))
def test_order_and_repetition_of_the_same_requests_change_nothing(house: House, seed: int) -> None:
    pattern = [*BEHIND_A_GATEWAY, *(s._replace(lead=2) for s in PEOPLE["looks and clicks"]),
               *(s._replace(lead=3) for s in SCANNERS["a gateway that takes its time"])]  # fmt: skip
    leads = sent_to(house, 3)
    chance = random.Random(seed)
    heard = [seen for seen in pattern for _ in range(chance.randint(1, 3))] if seed else list(pattern)
    if seed:
        chance.shuffle(heard)
    for seen in heard:
        visit(house, [seen])

    house.tick("2 Mar 09:00", "2 Mar 13:00")

    assert [house.path(lead)[1] for lead in leads] == ["asks: yes", "asks: yes", "asks: no"]
    assert [max(signals(house, lead))[:2] for lead in leads] == [
        ("viewed", "machine"),
        ("viewed", "human"),
        ("viewed", "machine"),
    ]
    assert [len(signals(house, lead)) for lead in leads] == [6, 2, 4]


@pytest.mark.parametrize("seconds", [2, 20, 120])
def test_what_was_opened_just_before_an_opt_out_counts_however_often_somebody_looks(house: House, seconds: int) -> None:
    """No tick decides past the click while nobody can say who made it, not even to end: the path would hang on the ticks."""
    nine = moment("2 Mar 09:00")
    [ada] = sent_to(house)
    visit(house, [Seen(600, "clicked", "paper")])
    opted_out = nine + timedelta(seconds=610)
    house.engine.hear([Incoming("unsubscribed", ada, opted_out, "c", "bait")], now=opted_out)
    for after in range(612, 900, seconds):
        house.tick(nine + timedelta(seconds=after))

    assert house.path(ada) == ["bait: sent", "asks: yes", "sdr: next", "completed"]
    assert house.engine.replay().different == []


def test_looking_ten_times_in_a_minute_is_looking_once(house: House) -> None:
    [ada] = sent_to(house)
    visit(house, [Seen(600 + n, "viewed") for n in range(10)])

    weigh(house.engine.store, now=moment("2 Mar 10:00"))

    assert signals(house, ada) == [("viewed", "human", "weak: a picture was loaded")]


def test_a_request_for_a_message_that_never_left_is_no_response(house: House) -> None:
    [ada] = [house.lead("1@example.com")]
    house.enter(ada)
    visit(house, [Seen(60, "clicked", "paper")])

    weigh(house.engine.store, now=moment("2 Mar 10:00"))

    assert signals(house, ada) == []


def test_a_message_that_nobody_was_sure_of_has_arrived_when_something_opens_it(on_each: House) -> None:
    Post.verdicts.append(Ambiguous("the line was cut"))
    [ada] = sent_to(on_each)
    visit(on_each, [Seen(60, "viewed", agent="curl/8"), Seen(90, "clicked", "paper")])

    weigh(on_each.engine.store, now=moment("2 Mar 10:00"))

    touch = on_each.touch(ada)
    assert touch["state"] == "ambiguous"
    assert [(note["what"], note["at"]) for note in touch["timeline"]][-1:] == [("arrived", "2026-03-02T09:01:00Z")]
    assert sum(note["what"] == "arrived" for note in touch["timeline"]) == 1


def test_what_was_judged_is_forgotten_after_an_hour(on_each: House) -> None:
    sent_to(on_each)
    visit(on_each, [Seen(60, "clicked", "paper")])
    weigh(on_each.engine.store, now=moment("2 Mar 09:10"))
    visit(on_each, [Seen(7_200, "clicked", "paper")])
    weigh(on_each.engine.store, now=moment("2 Mar 11:10"))

    with on_each.engine.store.read() as tx:
        assert tx.rows("SELECT at - ? FROM hits", START) == [(7_200_000_000,)]
