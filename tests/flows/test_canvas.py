"""Letting leads in from the canvas, with a real Prefect server behind it: the same counts as by the command."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import Any

import pytest
from playwright.sync_api import expect, sync_playwright

from flows.address import address
from flows.runs import PrefectRuns
from nurture.engine import Engine
from nurture.leads import LeadOptions
from nurture.settings import Settings
from nurture.web.runs import NoAnswer, Runs
from tests.flows.system import MARCH, MONDAY, eventually, furnish, system
from tests.web.runs_exam import RunsExam

pytestmark = [pytest.mark.prefect, pytest.mark.slow]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def marketing(tmp_path_factory):
    with system(furnish(tmp_path_factory.mktemp("marketing"))) as running:
        yield running


@pytest.fixture(scope="module")
def by_engine(tmp_path_factory):
    """What the engine itself makes of the same file and the same campaign: the counts, and where everybody is."""
    home = furnish(tmp_path_factory.mktemp("by-engine"))
    with Engine.open(Settings(home=home)) as engine:
        report = engine.backfill("greet", home / "leads.csv", now=MONDAY, options=LeadOptions(basis="form"))
        engine.tick(MONDAY, until=MARCH)
        return report.as_json(), engine.status(now=MARCH)


@pytest.fixture
def canvas(marketing):
    """`nurture web` on the same folder, started by itself: it has to find out where Prefect is."""
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT")}
    with subprocess.Popen(
        [sys.executable, "-m", "nurture.cli", "web", "--port", "0"],
        env={**surroundings, "NURTURE_HOME": str(marketing.home)},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        yield re.search(r"http://\S+", process.stderr.readline())[0]
        process.terminate()


@pytest.fixture
def page():
    if not CHROMIUM:
        pytest.skip("needs Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        opened = browser.new_page(locale="en-US", viewport={"width": 1280, "height": 1000})
        opened.set_default_timeout(60_000)
        yield opened
        browser.close()


def counts(page) -> dict[str, str]:
    cells = page.locator(".counts tr").evaluate_all(
        "rows => rows.map(row => [row.cells[0].innerText, row.cells[1].innerText])"
    )
    return dict(cells)


def test_a_backfill_and_a_campaign_from_the_canvas_give_the_counts_of_the_engine(marketing, canvas, page, by_engine):
    report, status = by_engine
    page.goto(f"{canvas}/campaign/greet")
    page.get_by_role("button", name="Let leads in").click()
    page.get_by_role("tab", name="Leads file").click()
    page.locator('[data-field="file"]').select_option("leads.csv")
    page.locator('[data-field="basis"]').fill("form")
    page.locator("summary").click()
    page.locator('[data-field="now"]').fill(MONDAY.isoformat())
    page.locator('[data-field="until"]').fill(MARCH.isoformat())

    expect(page.get_by_role("button", name="Do it")).to_have_count(0)
    page.get_by_role("button", name="Dry run").click()
    page.locator("caption", has_text="What would happen").wait_for()
    assert counts(page)["enter"] == str(report["enrolled"])
    assert counts(page)["begin at: hello"] == str(report["placed"]["hello"])
    assert marketing.status()["campaigns"] == []

    page.get_by_role("button", name="Do it, in Prefect").click()
    link = page.locator(".told a").get_attribute("href")
    page.locator("caption", has_text="What happened").wait_for(timeout=120_000)
    assert counts(page)["enter"] == str(report["enrolled"])
    assert marketing.status() == status

    page.get_by_role("tab", name="Leads we know").click()
    page.locator("summary").click()
    page.locator('[data-field="now"]').fill(MONDAY.isoformat())
    page.locator('[data-field="until"]').fill(MARCH.isoformat())
    page.get_by_role("button", name="Dry run").click()
    page.locator("caption", has_text="What would happen").wait_for()
    assert counts(page)["enter"] == "0"
    page.get_by_role("button", name="Do it, in Prefect").click()
    page.locator("caption", has_text="What happened").wait_for(timeout=120_000)
    assert marketing.status() == status
    expect(page.locator(".past li")).to_have_count(4)

    page.goto(link)
    page.get_by_text("Completed").first.wait_for()
    page.get_by_text(f"{report['enrolled']} entered").first.wait_for()


class TestPrefect(RunsExam):
    SECONDS = 120.0

    @pytest.fixture
    def runs(self, marketing, monkeypatch) -> Runs:
        for name in [name for name in os.environ if name.startswith("PREFECT")]:
            monkeypatch.delenv(name)
        return PrefectRuns(Settings(home=marketing.home))

    @pytest.fixture
    def asked(self, marketing) -> dict[str, Any]:
        """Somebody who is not in the campaign yet."""
        (marketing.home / "late.csv").write_text("email,tags,consent\nlate@example.com,registered,yes\n")
        with Engine.open(Settings(home=marketing.home)) as engine:
            engine.import_leads(marketing.home / "late.csv", now=MONDAY)
        return {"campaign": "greet", "dry_run": True, "now": MONDAY.isoformat()}


def test_a_server_that_is_gone_is_no_answer(tmp_path):
    home = furnish(tmp_path / "gone")
    with pytest.raises(NoAnswer, match="no Prefect server is known"):
        PrefectRuns(Settings(home=home)).forms()

    with system(home) as running:
        eventually(lambda: PrefectRuns(Settings(home=home)).forms())
        said = address(home)
        running.stop()

    assert address(home) is None
    (home / ".prefect" / "address").write_text(said)
    with pytest.raises(NoAnswer, match="does not answer at"):
        PrefectRuns(Settings(home=home)).forms()
