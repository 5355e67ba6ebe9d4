"""A marketer at the Prefect UI, in a real browser: the same counts as by the command."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.flows.system import MARCH, MONDAY, eventually, furnish, system

pytestmark = [pytest.mark.prefect, pytest.mark.slow]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
THEN = {"now": MONDAY.isoformat(), "until": MARCH.isoformat()}


def nurture(home, *arguments):
    """What the command prints, for this folder."""
    done = subprocess.run(
        [sys.executable, "-m", "nurture.cli", *arguments, "--json"],
        cwd=home,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


class Marketer:
    """Clicks and types, and reads what the page says."""

    def __init__(self, page: Page, home: str) -> None:
        self.page = page
        self.home = home

    def open_form(self, deployment: str) -> None:
        self.page.goto(f"{self.home}/v2/deployments")
        self.page.locator("a[href*='/deployments/deployment/']", has_text=re.compile(f"^{deployment}$")).first.click()
        self.page.get_by_role("button", name="Run", exact=True).click()
        self.page.get_by_text("Custom run").click()
        self.field("campaign").wait_for()

    def field(self, name: str):
        label = self.page.locator("label", has_text=re.compile(rf"^{name}( \(Optional\))?$"))
        return self.page.locator(f"[id='{label.get_attribute('for')}']")

    def choose(self, name: str, value: str) -> None:
        self.field(name).click()
        self.page.get_by_role("option", name=value, exact=True).click()

    def write(self, name: str, value: str) -> None:
        self.field(name).fill(value)

    def switch(self, name: str) -> None:
        self.field(name).click()

    def submit(self) -> None:
        with self.page.expect_response(lambda answer: answer.url.endswith("/create_flow_run")) as answer:
            self.page.get_by_role("button", name="Submit").click()
        assert answer.value.ok, answer.value.text()


@pytest.fixture(scope="module")
def by_command(tmp_path_factory):
    home = furnish(tmp_path_factory.mktemp("by-command"))
    nurture(home, "backfill", "greet", "leads.csv", "--basis", "form", "--now", THEN["now"])
    nurture(home, "tick", "--now", THEN["now"], "--until", THEN["until"])
    told = nurture(home, "status", "--now", THEN["until"])
    # Only the command looks at the files of campaigns.
    assert told.pop("without_file") == []
    return told


@pytest.fixture(scope="module")
def marketing(tmp_path_factory):
    with system(furnish(tmp_path_factory.mktemp("marketing"))) as running:
        yield running


@pytest.fixture
def marketer(marketing):
    if not CHROMIUM:
        pytest.skip("needs Chromium")
    home = f"http://127.0.0.1:{marketing.port}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 1300})
        page.set_default_timeout(20_000)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        yield Marketer(page, home)
        browser.close()
    elsewhere = [url for url in asked if not url.startswith((home, home.replace("http", "ws"), "data:", "blob:"))]
    assert elsewhere == []


def test_a_backfill_and_a_campaign_from_the_forms_give_the_counts_of_the_command(marketing, marketer, by_command):
    marketer.open_form("backfill")
    marketer.choose("campaign", "greet")
    marketer.write("file", "leads.csv")
    marketer.write("basis", "form")
    marketer.switch("dry_run")
    marketer.write("now", THEN["now"])
    marketer.write("until", THEN["until"])
    marketer.submit()
    eventually(lambda: marketing.status() == by_command)

    marketer.open_form("run-campaign")
    marketer.choose("campaign", "greet")
    marketer.write("tag", "somebody")
    marketer.write("tag", "")
    marketer.switch("dry_run")
    marketer.write("now", THEN["now"])
    marketer.write("until", THEN["until"])
    marketer.submit()

    def entered():
        with marketing.prefect() as prefect:
            runs = prefect.request("POST", "/flow_runs/filter", json={"sort": "START_TIME_DESC"}).json()
        return [run for run in runs if run["parameters"].get("tag") is not None and run["state_type"] == "COMPLETED"]

    eventually(entered)
    assert marketing.status() == by_command


def test_the_picture_of_the_campaign_can_be_seen(marketing, marketer, by_command):
    eventually(lambda: marketing.status() == by_command)
    with marketing.prefect() as prefect:
        of_key = {"artifacts": {"key": {"any_": ["campaign-greet"]}}}
        (found, *_) = prefect.request("POST", "/artifacts/filter", json=of_key).json()

    marketer.page.goto(f"{marketer.home}/v2/artifacts/artifact/{found['id']}")
    picture = marketer.page.locator("img[src^='data:image/svg']")
    picture.wait_for()

    assert picture.evaluate("image => image.complete && image.naturalWidth") > 100
