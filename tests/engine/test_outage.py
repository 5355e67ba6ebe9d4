"""A relay that is away for a day, and a lead that is quicker than our own books; over real SMTP."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from nurture.engine import Engine, Incoming
from nurture.identity import LeadRef
from nurture.settings import Settings
from nurture.testing import moment
from nurture.testing.smtp import Catcher, Caught, Fault, running
from tests.engine.outage import live_through

NOW = moment("2 Mar 10:00")
CAMPAIGN = {
    "campaign": "quick",
    "start": "hello",
    "nodes": {
        "hello": {"type": "send_content", "channel": "email", "content": "hello", "next": "seen"},
        "seen": {
            "type": "check_response", "to": "hello", "evidence": ["clicked"], "within": "3 days",
            "next": {"yes": "engaged", "no": "cold"},
        },
        "engaged": {"type": "tag", "add": ["engaged"], "next": "end"},
        "cold": {"type": "tag", "add": ["cold"], "next": "end"},
    },
}  # fmt: skip


def test_after_a_day_without_a_relay_all_is_sent_once_within_the_caps() -> None:
    """F14; ten thousand over SMTP, and fifty thousand, live through the same in the nightly run."""
    figures = live_through(120, cap=60, real=True)

    assert figures["sent"] == figures["accepted by the relay"] == 120


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        pytest.param((), "sent", id="and then the relay says yes"),
        pytest.param((Fault("dot", say="", then="reset", accept=True),), "ambiguous", id="and then the line is cut"),
    ],
)
def test_a_click_that_comes_before_the_verdict_counts(
    tmp_path: Path, shared_database_url: str, answer: tuple[Fault, ...], state: str
) -> None:
    """F16: the lead clicks while the relay has not even answered us yet."""
    (tmp_path / "definitions").mkdir()
    (tmp_path / "definitions" / "quick.json").write_text(json.dumps(CAMPAIGN))
    (tmp_path / "content" / "hello").mkdir(parents=True)
    letter = "Subject: Hi\n\nHi. {{ unsubscribe_url }} {{ postal_address }}\n"
    (tmp_path / "content" / "hello" / "email.en.txt").write_text(letter)
    (tmp_path / "leads.csv").write_text("email,language\nada@example.com,en\n")
    ada = LeadRef("email", "ada@example.com")

    def clicks(caught: Caught) -> None:
        with Engine.open(Settings(home=tmp_path, database_url=shared_database_url)) as elsewhere:
            elsewhere.hear([Incoming("clicked", ada, NOW, "quick", "hello", "click-1")], now=NOW)

    with running(Catcher(faults=answer, on_message=clicks)) as catcher:
        settings = Settings(
            home=tmp_path, database_url=shared_database_url, smtp_url=catcher.url, postal_address="1 Street",
            quiet_hours="none",
        )  # fmt: skip
        with Engine.open(settings) as engine:
            from nurture.leads.reading import LeadOptions

            engine.backfill("quick", tmp_path / "leads.csv", options=LeadOptions(basis="contract"), now=NOW)
            engine.tick(NOW, until=NOW + timedelta(days=10))
            told = engine.history(ada)

    assert [step["outcome"] for step in told["enrollments"][0]["steps"][:2]] == ["sent", "yes"]
    assert [touch["state"] for touch in told["touches"]] == [state]
    assert catcher.accepted == 1
