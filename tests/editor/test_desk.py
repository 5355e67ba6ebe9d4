"""People at work in a real browser: an SDR at the desk, a marketer who publishes while leads are inside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from nurture import canonical
from nurture.engine import Engine
from nurture.identity import LeadRef
from nurture.registry import node_types
from tests.editor.conftest import MAIL, NOW, Serving

CAMPAIGN: dict[str, Any] = {
    "campaign": "spring",
    "title": {"zh": "春季孵化", "en": "Spring"},
    "time_zone": "Asia/Shanghai",
    "start": "handed",
    "nodes": {
        "handed": {
            "type": "route", "title": {"en": "To SDR", "zh": "转给 SDR"}, "to": "sdr", "team": "north", "sla": "2 days",
            "next": {"accepted": "talk", "returned": "end", "unanswered": "end"},
        },
        "talk": {"type": "wait", "title": {"en": "They talk", "zh": "沟通中"}, "for": "10 days", "next": "end"},
    },
}  # fmt: skip
PEOPLE = "email,name,company,title,tags\n" + "".join(
    f"lead{n}@example.com,{name},{company},{title},vip\n"
    for n, (name, company, title) in enumerate(
        [("王琳", "云帆工业软件", "市场总监"), ("Ada Byron", "Engines Ltd", "CXO"), ("Ben", "Acme", "Manager")]
    )
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "content/paper").mkdir(parents=True)
    (tmp_path / "content/paper/email.en.md").write_text(MAIL)
    (tmp_path / "definitions").mkdir()
    (tmp_path / "definitions/spring.json").write_text(canonical.write(CAMPAIGN, node_types()), encoding="utf-8")
    (tmp_path / "leads.csv").write_text(PEOPLE, encoding="utf-8")
    return tmp_path


def handed_over(engine: Engine) -> None:
    """Three leads wait for the SDRs of the north."""
    engine.backfill("spring", engine.settings.home / "leads.csv", now=NOW)
    with engine.store.write() as tx:
        tx.run("UPDATE leads SET basis = 'contract'")
    ids = [LeadRef("email", f"lead{n}@example.com") for n in range(3)]
    engine.enroll("spring", leads=ids, now=NOW)
    engine.tick(NOW)


def test_an_sdr_accepts_one_lead_gives_another_back_and_notes_what_they_learn(
    home: Path, serving: Serving, page: Page
) -> None:
    with serving(home, prepare=handed_over) as address:
        page.goto(f"{address}/desk")
        page.get_by_label("I am").fill("Li")
        page.get_by_label("Team").select_option("sdr/north")
        page.get_by_role("button", name="王琳").click()
        page.get_by_role("button", name="Accept").dblclick()
        page.get_by_label("Note", exact=True).fill("预算 300 万")
        page.get_by_role("button", name="Save: Note").click()
        expect(page.locator(".moments").get_by_text("预算 300 万")).to_be_visible()
        page.get_by_label("Tag", exact=True).fill("hot")
        page.get_by_role("button", name="Save: Tag").click()
        expect(page.locator(".chip").get_by_text("hot")).to_be_visible()
        page.get_by_role("button", name="Ben").click()
        page.get_by_role("button", name="Return", exact=True).click()
        page.get_by_role("button", name="No budget").click()
        page.locator(".returning").get_by_role("button", name="Return").click()

        expect(page.get_by_role("button", name="Ben")).to_have_count(0)
        expect(page.get_by_label("With me").get_by_role("button", name="王琳")).to_be_visible()
        told = page.evaluate("fetch('/api/history?lead=lead0@example.com').then((answer) => answer.json())")
        back = page.evaluate("fetch('/api/history?lead=lead2@example.com').then((answer) => answer.json())")
    assert [(signal["kind"], signal["reason"]) for signal in told["signals"]] == [("accepted", "Li")]
    assert [(signal["kind"], signal["reason"]) for signal in back["signals"]] == [("returned", "Li: No budget")]


def test_whoever_comes_second_is_told_in_words_and_loses_nothing(
    home: Path, serving: Serving, page: Page, browser: Browser
) -> None:
    with serving(home, prepare=handed_over) as address:
        page.goto(f"{address}/desk")
        page.get_by_label("I am").fill("Li")
        page.get_by_label("Team").select_option("sdr/north")
        page.get_by_role("button", name="Ada").click()
        other = browser.new_page()
        other.goto(f"{address}/desk")
        other.get_by_label("I am").fill("Wang")
        other.get_by_label("Team").select_option("sdr/north")
        other.get_by_role("button", name="Ada").click()
        other.get_by_role("button", name="Accept").click()
        expect(other.get_by_label("With me").get_by_role("button", name="Ada")).to_be_visible()
        page.get_by_role("button", name="Accept").click()

        expect(page.get_by_role("alert")).to_contain_text("Somebody was faster")
        expect(page.get_by_role("alert")).to_contain_text("Wang")
        other.close()


def test_a_marketer_publishes_and_moves_who_is_inside(home: Path, serving: Serving, page: Page) -> None:
    def waiting(engine: Engine) -> None:
        handed_over(engine)
        nodes = {**CAMPAIGN["nodes"], "first": CAMPAIGN["nodes"]["handed"] | {"sla": "5 days"}}
        del nodes["handed"]
        newer = {**CAMPAIGN, "start": "first", "nodes": nodes}
        (home / "definitions/spring.json").write_text(canonical.write(newer, node_types()), encoding="utf-8")

    with serving(home, prepare=waiting) as address:
        page.goto(f"{address}/campaign/spring")
        page.get_by_role("button", name="Versions").click()
        expect(page.locator(".changes")).to_contain_text("is gone; 3 leads wait here")
        expect(page.locator(".box.mark-added")).to_have_count(1)
        page.get_by_label("Move to the new version").check()
        expect(page.get_by_role("button", name="Publish")).to_be_disabled()
        page.get_by_label("handed · 3").select_option("first")
        page.get_by_role("button", name="Publish").click()
        expect(page.locator(".versions [role=status]")).to_contain_text("Version 2 · 3 moved")
        versions = page.evaluate("fetch('/api/campaigns/spring/versions').then((answer) => answer.json())")

    assert [(one["version"], one["inside"]) for one in versions["versions"]] == [(2, 3), (1, 0)]
    assert json.loads((home / "definitions/spring.json").read_text())["start"] == "first"
