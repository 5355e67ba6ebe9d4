"""A marketer at the canvas, in a real browser: draws, is corrected, saves; and nothing that is written there runs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.editor.conftest import Serving
from tests.editor.hands import box, canonical_text, drag, fill

DRAWN: dict[str, Any] = {
    "$schema": "schema.json",
    "campaign": "spring",
    "exit_on": ["unsubscribed", "bounced", "complained", "converted"],
    "start": "send_content",
    "nodes": {
        "send_content": {"type": "send_content", "content": "paper", "next": "wait"},
        "wait": {"type": "wait", "for": "3 days", "next": "check_response"},
        "check_response": {"type": "check_response", "to": "send_content", "next": {"yes": "tag", "no": "end"}},
        "tag": {"type": "tag", "add": ["warm"], "next": "end"},
    },
}


def test_a_campaign_is_drawn_corrected_by_its_hint_and_saved_as_a_hand_would_write_it(
    home: Path, serving: Serving, page: Page
) -> None:
    with serving(home) as address:
        page.goto(address)
        page.get_by_role("button", name="New campaign").click()
        page.get_by_label("Name").fill("spring")
        page.get_by_role("button", name="Create").click()

        tile = page.locator(".palette").get_by_role("button")
        tile.filter(has_text=re.compile("^Send content")).click()
        fill(page, "/nodes/send_content/content", "papper")
        expect(page.locator(".panel .problem", has_text="there is no content 'papper'")).to_be_visible()
        expect(box(page, "send_content").locator(".badge.error")).to_be_visible()
        page.get_by_role("button", name="Use “paper”").click()
        expect(page.locator(".panel .problem", has_text="papper")).to_have_count(0)

        tile.filter(has_text=re.compile("^Wait")).click()
        fill(page, "/nodes/wait/for", "3 days")
        page.keyboard.press("Escape")
        # By hand: the other way out of the message goes to the wait, too.
        drag(page, box(page, "send_content").locator('[data-handleid="unsent"]'), box(page, "wait"))
        expect(page.locator(".react-flow__edge")).to_have_count(2)

        box(page, "wait").click()
        tile.filter(has_text=re.compile("^Check response")).click()
        page.locator('.panel [data-where="/nodes/check_response/to"]').select_option("send_content")
        tile.filter(has_text=re.compile("^Tag")).click()
        page.locator('.panel [data-where="/nodes/tag/add"]').fill("warm")
        page.locator('.panel [data-where="/nodes/tag/add"]').press("Enter")
        page.locator('.panel [data-where="/nodes/tag/next/next"]').select_option("end")
        # The last mistake is found by the list of problems.
        page.locator(".bar .count").click()
        page.locator(".problem-list button", has_text="when it goes 'no'").click()
        page.locator('.panel [data-where="/nodes/check_response/next/no"]').select_option("end")
        expect(page.locator(".bar .count")).to_have_text("No problems")
        page.keyboard.press("Control+s")
        expect(page.locator(".save-state")).to_have_text("Saved")

    assert (home / "definitions/spring.json").read_text() == canonical_text(DRAWN)
    assert not (home / "definitions/layouts").exists()


def test_what_was_done_can_be_undone_copied_deleted_and_pasted(home: Path, serving: Serving, page: Page) -> None:
    path = home / "definitions/spring.json"
    path.write_text(canonical_text(DRAWN))
    with serving(home) as address:
        page.goto(f"{address}/campaign/spring")
        box(page, "wait").click()
        page.keyboard.press("Delete")
        expect(box(page, "wait")).to_have_count(0)
        expect(page.locator(".react-flow__edge")).to_have_count(3)
        page.keyboard.press("Control+z")
        expect(box(page, "wait")).to_be_visible()
        expect(page.locator(".save-state")).to_have_text("Saved")
        expect(page.locator(".bar .count")).to_have_text("No problems")
        page.keyboard.press("Control+Shift+z")
        expect(box(page, "wait")).to_have_count(0)
        page.keyboard.press("Control+z")

        box(page, "tag").click()
        page.keyboard.press("Control+c")
        page.keyboard.press("Control+v")
        expect(box(page, "tag_2")).to_be_visible()
        page.keyboard.press("Control+z")
        page.locator(".palette button", has_text="Split").drag_to(
            page.locator(".canvas"), target_position={"x": 60, "y": 60}
        )
        expect(box(page, "split")).to_be_visible()
        page.keyboard.press("Control+z")

        # Renamed, a node keeps its edges and whoever names it.
        box(page, "send_content").click()
        page.get_by_label("Id", exact=True).fill("bait")
        page.get_by_label("Id", exact=True).press("Enter")
        expect(box(page, "bait")).to_be_visible()
        page.get_by_role("button", name="Insert a node here: bait → sent", exact=True).click()
        page.get_by_role("menuitem", name="Score").click()
        fill(page, "/nodes/score/points", "5")
        page.keyboard.press("Control+f")
        page.get_by_role("search").get_by_role("textbox").fill("check")
        page.keyboard.press("Enter")
        expect(box(page, "check_response").locator(".box.selected")).to_be_visible()
        page.get_by_role("button", name="Save").click()
        expect(page.locator(".save-state")).to_have_text("Saved")

    saved = json.loads(path.read_text())
    assert set(saved["nodes"]) == {"bait", "score", "wait", "check_response", "tag"}
    assert saved["start"] == "bait"
    assert saved["nodes"]["check_response"]["to"] == "bait"
    assert saved["nodes"]["bait"]["next"] == {"sent": "score", "unsent": "wait"}
    assert saved["nodes"]["score"] == {"type": "score", "points": 5, "next": "wait"}
    assert path.read_text() == canonical_text(saved)


def test_two_who_draw_at_once_are_shown_what_they_would_do_to_each_other(
    home: Path, serving: Serving, page: Page
) -> None:
    path = home / "definitions/spring.json"
    path.write_text(canonical_text(DRAWN))
    theirs = {**DRAWN, "calendar": "CN"}
    with serving(home) as address:
        page.goto(f"{address}/campaign/spring")
        box(page, "wait").click()
        fill(page, "/nodes/wait/for", "5 days")
        path.write_text(canonical_text(theirs))
        page.get_by_role("button", name="Save").click()
        expect(page.locator(".diff .minus")).to_contain_text(['"calendar": "CN"', "3 days"])
        assert path.read_text() == canonical_text(theirs)
        page.get_by_role("button", name="Take theirs").click()
        expect(page.locator(".save-state")).to_have_text("Saved")
        page.keyboard.press("Escape")
        expect(page.locator('.panel [data-where="/calendar"]')).to_have_value("CN")
