"""The report: numbers that a person can check by counting, on a page that needs nothing around it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.ran import Run

LATER = "2026-03-20T02:00:00Z"


def test_people_and_messages_are_counted_once(lived: Run) -> None:
    lived("signal", "viewed", "--lead", "ada@example.com", "--campaign", "hello", "--node", "bait", "--at",
          "2026-03-02T05:00:00Z", "--now", "2026-03-02T05:00:00Z")  # fmt: skip
    lived("tick", "--now", "2026-03-02T05:00:00Z", "--until", LATER)

    document = lived("report", "hello", "--now", LATER, "--json").json

    assert document["funnel"] == {
        "entered": 2, "reached": 2, "responded": 1, "handed_off": 0, "accepted": 0, "converted": 0
    }  # fmt: skip
    assert document["contents"] == [{"content": "paper", "channel": "email", "sent": 2, "viewed": 1}]
    assert [day for day in document["days"] if day["entered"] or day["sent"] or day["ended"]] == [
        {"day": "2026-03-02", "entered": 2, "sent": 2, "ended": 1},
        {"day": "2026-03-05", "entered": 0, "sent": 0, "ended": 1},
    ]


def test_a_lead_that_was_moved_to_another_version_is_one_person(lived: Run) -> None:
    lived("publish", "definitions/hello.json", "--now", LATER)
    campaign = Path("definitions/hello.json")
    campaign.write_text(campaign.read_text(encoding="utf-8").replace("3 days", "5 days"), encoding="utf-8")
    lived("publish", "definitions/hello.json", "--running", "move", "--now", "2026-03-02T06:00:00Z")

    document = lived("report", "hello", "--now", LATER, "--json").json

    assert (document["funnel"]["entered"], document["funnel"]["reached"]) == (2, 2)
    assert document["contents"][0]["sent"] == 2


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_holds_all_it_shows_and_runs_nothing(lived: Run, home: Path, language: str) -> None:
    assert lived("report", "hello", "--html", "report.html", "--language", language, "--now", LATER).status == 0

    page = (home / "report.html").read_text(encoding="utf-8")

    assert f'<html lang="{language}">' in page
    assert ("漏斗" if language == "zh" else "Funnel") in page
    assert "<svg" in page
    assert not re.search(r"<script|https?://(?!www\.w3\.org/2000/svg)|\bsrc=|@import|url\(", page)
