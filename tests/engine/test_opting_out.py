"""An opt-out ends a campaign at once, and where it ends does not hang on how often anybody looked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nurture.engine import Incoming
from nurture.identity import LeadRef
from nurture.testing import moment
from tests.engine.house import House, post_office
from tests.engine.test_weighing import sent_to, visit
from tests.evidence.patterns import Seen

NINE = moment("2 Mar 09:00")
NODES: dict[str, Any] = {
    "bait": {"type": "send_content", "channel": "post", "content": "hello", "next": "asks"},
    "asks": {
        "type": "check_response", "to": "bait", "evidence": ["clicked", "replied"], "within": "1 minute",
        "next": {"yes": "warm", "no": "cold"},
    },
    "warm": {"type": "tag", "add": ["warm"], "next": "rest"},
    "cold": {"type": "tag", "add": ["cold"], "next": "rest"},
    "rest": {"type": "wait", "for": "1 minute", "next": "met"},
    "met": {"type": "score", "points": 5, "next": "end"},
}  # fmt: skip
ALL_OF_IT = 240


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[House]:
    with post_office():
        made = House(tmp_path, database_url)
        made.campaign(NODES, exit_on=["unsubscribed"])
        yield made
        made.engine.close()


def opt_out(house: House, lead: LeadRef, after: int) -> None:
    at = NINE + timedelta(seconds=after)
    house.engine.hear([Incoming("unsubscribed", lead, at, "c", "bait")], now=at)


def ended(house: House, lead: LeadRef) -> str | None:
    reason: str | None = house.engine.history(lead)["enrollments"][0]["reason"]
    return reason


def test_an_opt_out_waits_for_no_judgement(house: House) -> None:
    """What was clicked a second before it is judged at once, and has counted; what was only looked at says nothing."""
    [ada] = sent_to(house)
    visit(house, [Seen(12, "page", "preferences"), Seen(30, "clicked", "paper")])
    opt_out(house, ada, 31)

    house.tick(NINE + timedelta(seconds=31))

    assert house.path(ada) == ["bait: sent", "asks: yes", "warm: next", "rest: exit:unsubscribed", "exit:unsubscribed"]
    assert house.engine.replay().different == []


def test_a_page_of_ours_that_was_looked_at_before_keeps_no_opt_out_waiting(house: House) -> None:
    """It tells who is there and becomes no signal, so nothing else would wake the lead."""
    [ada] = sent_to(house)
    opt_out(house, ada, 31)
    visit(house, [Seen(30, "page", "unsubscribe")])  # stored a moment late, as by another server

    house.tick(NINE + timedelta(seconds=31))

    assert house.path(ada) == ["bait: sent", "asks: exit:unsubscribed", "exit:unsubscribed"]


def test_what_comes_after_an_opt_out_says_nothing_of_what_came_before(house: House) -> None:
    """Nobody knew of it when the campaign ended; a tick that comes late judges as one that came at once."""
    scanner = [Seen(30, "clicked", "paper"), Seen(32, "clicked", "course"), Seen(33, "clicked", "form")]
    [ada] = sent_to(house)
    visit(house, scanner)
    opt_out(house, ada, 31)

    house.tick(NINE + timedelta(seconds=200))

    heard = [(signal["kind"], signal["confidence"]) for signal in house.engine.history(ada)["signals"]]
    assert sorted(heard) == [
        ("clicked", "human"),
        ("clicked", "machine"),
        ("clicked", "machine"),
        ("unsubscribed", "human"),
    ]


def test_an_opt_out_of_one_lead_judges_nobody_elses_clicks(house: House) -> None:
    ada, bob = sent_to(house, 2)
    visit(house, [Seen(30, "clicked", "paper"), Seen(30, "clicked", "paper", source="elsewhere", lead=2)])
    opt_out(house, ada, 31)

    house.tick(NINE + timedelta(seconds=31))

    assert [len(house.engine.history(lead)["signals"]) for lead in (ada, bob)] == [2, 0]


def test_an_opt_out_from_before_the_campaign_that_is_heard_of_now_waits_for_nothing_either(house: House) -> None:
    [ada] = sent_to(house)
    visit(house, [Seen(30, "clicked", "paper")])
    house.engine.hear([Incoming("unsubscribed", ada, NINE - timedelta(days=1))], now=NINE + timedelta(seconds=31))

    house.tick(NINE + timedelta(seconds=31))

    assert ended(house, ada) == "exit:unsubscribed"


hits = st.tuples(
    st.integers(1, 130),
    st.sampled_from(["clicked", "clicked", "viewed", "trap", "page"]),
    st.sampled_from(["paper", "course", "form", "more"]),
).map(lambda drawn: Seen(*drawn))
moments = st.lists(hits, max_size=6)
replies = st.lists(st.integers(1, 130), max_size=2)


def lived(seen: Sequence[Seen], replied: Sequence[int], stop: int, *, every: int) -> dict[str, Any]:
    """What became of a lead that did all this, where somebody looked every so many seconds."""
    with post_office(), TemporaryDirectory() as folder:
        house = House(Path(folder), "sqlite://")
        try:
            house.campaign(NODES, exit_on=["unsubscribed"])
            [ada] = sent_to(house)
            told, first = 0, None
            for now in [*range(every, ALL_OF_IT, every), ALL_OF_IT]:
                visit(house, [one for one in seen if told < one.after <= now])
                house.engine.hear(
                    [
                        Incoming("replied", ada, NINE + timedelta(seconds=at), "c", "bait")
                        for at in replied
                        if told < at <= now
                    ],
                    now=NINE + timedelta(seconds=now),
                )
                if told < stop <= now:
                    opt_out(house, ada, stop)
                told = now
                house.tick(NINE + timedelta(seconds=now))
                if first is None and stop <= now:
                    first = ended(house, ada)
            history = house.engine.history(ada)
            return {
                "steps": [(s["node"], s["outcome"], s["at"], s["because"]) for s in history["enrollments"][0]["steps"]],
                "ended": history["enrollments"][0]["reason"],
                "when somebody first looked": first,
                "signals": sorted((s["kind"], s["at"], s["confidence"]) for s in history["signals"]),
                "lead": (history["lead"]["tags"], history["lead"]["score"]),
                "replayed": house.engine.replay().different,
            }
        finally:
            house.engine.close()


@settings(max_examples=10, deadline=None)
@given(moments, replies, st.integers(1, 140))
@example([Seen(30, "clicked", "paper")], [], 40)
@example([Seen(55, "clicked", "paper")], [], 70)  # over a deadline
@example([Seen(20, "viewed", "paper")], [25], 30)
@example([Seen(20, "clicked", "paper"), Seen(64, "clicked", "course"), Seen(66, "clicked", "form")], [], 65)
def test_where_an_opt_out_ends_a_campaign_hangs_on_nobodys_looking(
    seen: list[Seen], replied: list[int], stop: int
) -> None:
    often = lived(seen, replied, stop, every=5)

    for every in (17, 46, ALL_OF_IT):
        assert lived(seen, replied, stop, every=every) == often
    assert often["when somebody first looked"] == often["ended"]
    assert often["ended"] in ("exit:unsubscribed", "completed")
    assert often["replayed"] == []
