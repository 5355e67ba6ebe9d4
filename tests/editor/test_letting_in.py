"""Letting leads in from the canvas where no Prefect server answers: an upload, a dry run, the deed, and what goes wrong."""

from __future__ import annotations

import json
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.editor.conftest import Serving
from tests.editor.hands import box

SLOW = {"campaign": "slow", "start": "pause", "nodes": {"pause": {"type": "wait", "for": "9 days", "next": "end"}}}
LEADS = b"email,name,consent\nada@example.com,Ada,yes\nbob@example.com,Bob,\n"


def test_leads_are_uploaded_looked_at_and_let_in(home: Path, serving: Serving, page: Page) -> None:
    (home / "definitions/slow.json").write_text(json.dumps(SLOW))
    with serving(home) as address:
        page.goto(f"{address}/campaign/slow")
        page.get_by_role("button", name="Let leads in").focus()
        page.keyboard.press("Enter")
        expect(page.locator(".runs .problem.warning")).to_contain_text("Start it with nurture up")
        page.get_by_role("tab", name="Leads file").click()
        page.get_by_label("Upload a file …").first.set_input_files(
            {"name": "spring.csv", "mimeType": "text/csv", "buffer": LEADS}
        )
        expect(page.get_by_label("Leads file", exact=True)).to_have_value("leads/spring.csv")

        page.get_by_label("Columns", exact=True).fill("nonsense")
        page.get_by_role("button", name="Dry run").click()
        expect(page.locator(".told [role=alert]")).to_contain_text("'nonsense' is not FIELD=COLUMN")
        expect(page.get_by_role("button", name="Do it here")).to_have_count(0)

        page.get_by_label("Columns", exact=True).fill("")
        page.get_by_role("button", name="Dry run").click()
        table = page.locator(".counts")
        expect(table).to_contain_text("What would happen")
        expect(table.get_by_role("row", name="begin at: pause 1")).to_be_visible()
        expect(box(page, "pause").locator(".here")).to_have_count(0)

        page.get_by_role("button", name="Do it here").click()
        expect(table).to_contain_text("What happened")
        expect(table.get_by_role("row", name="do not enter: no_basis 1")).to_be_visible()
        expect(box(page, "pause").locator(".here")).to_have_text("1")
        expect(page.locator(".past li")).to_have_count(3)

        # Other values are another question: it is looked at before it is done.
        page.get_by_label("Tag", exact=True).fill("fair")
        expect(page.get_by_role("button", name="Do it here")).to_have_count(0)
