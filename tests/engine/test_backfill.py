"""Leads with a past."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nurture.identity import LeadRef
from nurture.leads.reading import LeadOptions
from nurture.testing import moment
from tests.engine.house import House, Post

ASK: dict[str, Any] = {
    "bait": {"type": "send_content", "channel": "post", "content": "hello", "next": "seen"},
    "seen": {"type": "check_response", "to": "bait", "within": "3 days", "next": {"yes": "deep", "no": "swap"}},
    "deep": {"type": "tag", "add": ["deep"], "next": "hand"},
    "hand": {"type": "route", "to": "sdr", "sla": "2 days", "next": "end"},
    "swap": {"type": "send_content", "channel": "post", "content": "again", "next": "seen_again"},
    "seen_again": {"type": "check_response", "to": "swap", "within": "3 days", "next": {"yes": "deep", "no": "pool"}},
    "pool": {"type": "route", "to": "pool", "again_after": "30 days"},
}
NOW = "2 Mar 09:00"
OPTIONS = LeadOptions(basis="customers")


@pytest.fixture
def campaign(house: House) -> House:
    house.campaign(ASK, exit_on=["unsubscribed", "bounced"])
    return house


def backfill(house: House, history: str, *, leads: str = "ada@example.com", **more: Any) -> dict[str, Any]:
    """Backfill these leads with this history (lines of `lead,content,kind,at`)."""
    path, past = house.home / "leads.csv", house.home / "history.csv"
    path.write_text("email\n" + leads.replace(" ", "\n") + "\n")
    past.write_text("lead,content,kind,at\n" + history)
    return house.engine.backfill("c", path, now=moment(NOW), options=OPTIONS, history=past, **more).as_json()


ADA = LeadRef("email", "ada@example.com")


@pytest.mark.parametrize(
    ("history", "placed", "path"),
    [
        pytest.param("", {"bait": 1}, ["at bait"], id="no past: at the start"),
        pytest.param(
            "ada@example.com,hello,sent,2026-01-05T09:00:00Z\n",
            {"swap": 1},
            ["bait: sent", "seen: no", "at swap"],
            id="sent, never answered: the next message",
        ),
        pytest.param(
            "ada@example.com,hello,sent,2026-01-05T09:00:00Z\nada@example.com,hello,viewed,2026-01-06T09:00:00Z\n",
            {"hand": 1},
            ["bait: sent", "seen: yes", "deep: next", "at hand"],
            id="sent and answered in time: to the SDR, today",
        ),
        pytest.param(
            "ada@example.com,hello,viewed,2026-01-06T09:00:00Z\nada@example.com,hello,sent,2026-01-05T09:00:00Z\n",
            {"hand": 1},
            ["bait: sent", "seen: yes", "deep: next", "at hand"],
            id="the lines of a history may come in any order",
        ),
        pytest.param(
            "ada@example.com,hello,sent,2026-01-05T09:00:00Z\nada@example.com,hello,viewed,2026-02-06T09:00:00Z\n",
            {"swap": 1},
            ["bait: sent", "seen: no", "at swap"],
            id="answered too late",
        ),
        pytest.param(
            "ada@example.com,hello,sent,2026-03-01T09:00:00Z\n",
            {"seen": 1},
            ["bait: sent", "at seen"],
            id="sent yesterday: still waiting for the answer",
        ),
        pytest.param(
            "ada@example.com,hello,sent,2026-01-05T09:00:00Z\nada@example.com,again,sent,2026-02-05T09:00:00Z\n",
            {},
            None,
            id="been through it all: not enrolled",
        ),
    ],
)
def test_a_lead_stands_where_its_own_past_implies(
    campaign: House, post: type[Post], history: str, placed: dict[str, int], path: list[str] | None
) -> None:
    told = backfill(campaign, history)

    assert told["placed"] == placed
    if path is None:
        assert told["not_enrolled"] == {"already_completed": 1}
    else:
        assert campaign.path(ADA) == path
    assert post.sent == []


def test_nothing_is_sent_for_the_past_and_everything_for_the_future(campaign: House, post: type[Post]) -> None:
    backfill(campaign, "ada@example.com,hello,sent,2026-01-05T09:00:00Z\n")

    campaign.tick(NOW, "20 Mar 09:00")

    assert [message.rendered.text.split()[0] for message in post.sent] == ["again"]
    assert campaign.path(ADA) == ["bait: sent", "seen: no", "swap: sent", "seen_again: no", "pool: None", "pool"]
    assert campaign.status("20 Mar 09:00")["touches"]["sent"] == 1


def test_content_that_was_sent_before_is_not_sent_again_when_the_lead_comes_to_it(
    campaign: House, post: type[Post]
) -> None:
    backfill(campaign, "ada@example.com,again,sent,2026-01-05T09:00:00Z\n")

    campaign.tick(NOW, "20 Mar 09:00")

    assert [message.rendered.text.split()[0] for message in post.sent] == ["hello"]
    assert campaign.path(ADA)[2] == "swap: sent"


def test_opted_out_and_bounced_leads_are_suppressed_not_placed(campaign: House) -> None:
    told = backfill(
        campaign,
        "ada@example.com,hello,sent,2026-01-05T09:00:00Z\nada@example.com,hello,unsubscribed,2026-01-06T09:00:00Z\n"
        "bob@example.com,hello,sent,2026-01-05T09:00:00Z\nbob@example.com,hello,bounced,2026-01-05T09:01:00Z\n",
        leads="ada@example.com bob@example.com eve@example.com",
    )

    assert told["not_enrolled"] == {"suppressed:bounced": 1, "suppressed:unsubscribed": 1}
    assert told["enrolled"] == 1


def test_the_same_file_into_the_same_campaign_never_enrolls_twice(campaign: House) -> None:
    history = "ada@example.com,hello,sent,2026-01-05T09:00:00Z\n"
    backfill(campaign, history)
    campaign.tick(NOW, "2 Apr 09:00")

    now = moment("2 Jun 09:00")
    again = campaign.engine.backfill("c", campaign.home / "leads.csv", now=now, options=OPTIONS).as_json()

    assert again["enrolled"] == 0
    assert again["not_enrolled"] == {"already_enrolled_from_this_file": 1}


def test_the_future_is_spread_by_pace(campaign: House, post: type[Post]) -> None:
    backfill(campaign, "", leads=" ".join(f"lead{n}@example.com" for n in range(5)), pace=2)

    sent = []
    for day in (2, 3, 4, 5):
        campaign.tick(f"{day} Mar 09:00", f"{day} Mar 20:00")
        sent.append(len(post.sent))

    assert sent == [2, 4, 5, 7]


def test_a_dry_run_tells_the_same_and_leaves_nothing_behind(campaign: House) -> None:
    history = "ada@example.com,hello,sent,2026-01-05T09:00:00Z\n"

    rehearsed = backfill(campaign, history, dry_run=True)
    before = campaign.status()["campaigns"][0]["entered"]
    real = backfill(campaign, history)

    assert before == 0
    assert rehearsed["placed"] == real["placed"] == {"swap": 1}
    assert rehearsed["enrolled"] == real["enrolled"] == 1


def test_a_dry_run_counts_what_it_rejects_and_leaves_no_file_behind(campaign: House) -> None:
    history = "nobody@example.com,hello,sent,2026-01-05T09:00:00Z\n"

    rehearsed = backfill(campaign, history, dry_run=True)
    left = list(campaign.engine.settings.rejects.glob("*"))
    real = backfill(campaign, history)

    assert rehearsed["history"]["rejected"] == real["history"]["rejected"] == 1
    assert (rehearsed["history"]["rejects_file"], left) == (None, [])
    assert Path(real["history"]["rejects_file"]).exists()


def test_what_the_past_steps_changed_about_the_lead_is_changed(campaign: House) -> None:
    backfill(
        campaign,
        "ada@example.com,hello,sent,2026-01-05T09:00:00Z\nada@example.com,hello,viewed,2026-01-06T09:00:00Z\n",
    )

    assert campaign.engine.history(ADA)["lead"]["tags"] == ["deep"]


def test_leads_of_a_segment_may_have_a_past_too(campaign: House, tmp_path: Path) -> None:
    campaign.lead("ada@example.com", tags=["old"])
    campaign.lead("new@example.com")
    past = tmp_path / "past.csv"
    past.write_text("lead,content,kind,at\nada@example.com,hello,sent,2026-01-05T09:00:00Z\n")

    segment = {"field": "tags", "op": "has", "value": "old"}
    told = campaign.engine.backfill("c", None, now=moment(NOW), segment=segment, history=past).as_json()

    assert (told["enrolled"], told["placed"]) == (1, {"swap": 1})
