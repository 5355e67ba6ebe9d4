"""A marketer at the canvas, in a real browser: draws, is corrected, saves; and nothing that is written there runs."""

from __future__ import annotations

import json
import re
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect, sync_playwright

from nurture import canonical
from nurture.engine import Engine
from nurture.registry import node_types
from nurture.settings import Settings
from nurture.web.app import app

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: install the system's `chromium`"),
]

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)
MAIL = "Subject: A paper\n\nHello. {{ postal_address }} [Unsubscribe]({{ unsubscribe_url }})\n"
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


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "content/paper").mkdir(parents=True)
    (tmp_path / "content/paper/email.en.md").write_text(MAIL)
    (tmp_path / "definitions").mkdir()
    return tmp_path


@contextmanager
def serving(home: Path, *, prepare: Any = None) -> Iterator[str]:
    """The address at which the canvas of this folder answers."""
    settings = Settings(home=home, database_url="sqlite:///nurture.db", smtp_url="", postal_address="1 Road")
    with Engine.open(settings) as engine, socket.create_server(("127.0.0.1", 0)) as door:
        if prepare:
            prepare(engine)
        server = uvicorn.Server(
            uvicorn.Config(app(engine, lambda: NOW), log_level="error", timeout_graceful_shutdown=1)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{door.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in English that reports what it should not do: errors, and breaches of its security policy."""
    context = browser.new_context(locale="en-US", viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    opened = context.new_page()
    opened.set_default_timeout(15_000)
    trouble: list[str] = []
    opened.on("pageerror", lambda error: trouble.append(str(error)))
    opened.on("console", lambda said: trouble.append(said.text) if "Content Security Policy" in said.text else None)
    opened.on("dialog", lambda dialog: (trouble.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    yield opened
    context.close()
    assert trouble == []


def box(page: Page, node: str) -> Any:
    return page.locator(f'.react-flow__node[data-id="{node}"]')


def fill(page: Page, where: str, text: str) -> None:
    page.locator(f'.panel [data-where="{where}"]').fill(text)


def drag(page: Page, handle: Any, target: Any) -> None:
    """From a way out to the top of a box, as a hand does: in many small moves."""
    start, end = handle.bounding_box(), target.bounding_box()
    page.mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
    page.mouse.down()
    page.mouse.move(end["x"] + end["width"] / 2, end["y"] + 2, steps=8)
    page.mouse.up()


def canonical_text(campaign: dict[str, Any]) -> str:
    return canonical.write(campaign, node_types())


def test_a_campaign_is_drawn_corrected_by_its_hint_and_saved_as_a_hand_would_write_it(home: Path, page: Page) -> None:
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


def test_what_was_done_can_be_undone_copied_deleted_and_pasted(home: Path, page: Page) -> None:
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


def test_two_who_draw_at_once_are_shown_what_they_would_do_to_each_other(home: Path, page: Page) -> None:
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


PAYLOADS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    '"><iframe srcdoc="<script>alert(1)</script>">',
    "javascript:alert(1)",
    "{{constructor.constructor('alert(1)')()}}",
    "${alert(1)}",
    '<a href="javascript:alert(1)" autofocus onfocus=alert(1)>x</a>',
    "</title><script>alert(1)</script>",
    "<math><mtext><style><img src=x onerror=alert(1)>",
]


def test_nothing_that_anybody_is_called_runs(home: Path, page: Page) -> None:
    """Titles, tags and settings of a campaign, names and fields of leads: all of them are shown as they are written."""
    nodes: dict[str, Any] = {
        f"n{n}": {"type": "tag", "title": text, "add": [text[:60]], "next": f"n{n + 1}"}
        for n, text in enumerate(PAYLOADS)
    }
    nodes[f"n{len(PAYLOADS)}"] = {"type": "wait", "for": "3 days", "next": "end"}
    campaign = {"campaign": "spring", "title": PAYLOADS[0], "start": "n0", "nodes": nodes}
    (home / "definitions/spring.json").write_text(canonical_text(campaign))
    rows = "".join(f'p{n}@example.com,"{text.replace(chr(34), chr(34) * 2)}",yes\n' for n, text in enumerate(PAYLOADS))
    (home / "leads.csv").write_text("email,name,consent\n" + rows)

    def live(engine: Engine) -> None:
        engine.import_leads(home / "leads.csv", now=NOW)
        with engine.store.write() as tx:
            tx.run("UPDATE leads SET basis = 'fair'")
        assert engine.enroll("spring", now=NOW).enrolled == len(PAYLOADS)
        engine.tick(NOW, until=NOW)

    with serving(home, prepare=live) as address:
        page.goto(address)
        expect(page.locator("table.list")).to_contain_text(PAYLOADS[0])
        page.goto(f"{address}/campaign/spring")
        for n, text in enumerate(PAYLOADS):
            expect(box(page, f"n{n}").locator(".box-title")).to_have_text(text)
        page.get_by_role("button", name="Show all").click()
        box(page, f"n{len(PAYLOADS)}").locator(".here").click()
        expect(page.locator(".people li")).to_have_count(len(PAYLOADS))
        page.locator(".people button").first.click()
        expect(page.locator(".story h3")).to_have_text(PAYLOADS[0])
        expect(page.locator(".moments")).to_contain_text(PAYLOADS[1])


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("locale", ["zh-CN", "en-US"])
def test_everything_fits_on_a_phone_and_on_a_desk(home: Path, browser: Browser, width: int, locale: str) -> None:
    (home / "definitions/spring.json").write_text(canonical_text(DRAWN))
    with serving(home) as address:
        context = browser.new_context(locale=locale, viewport={"width": width, "height": 800}, color_scheme="dark")
        page = context.new_page()
        for path, there in (("/", "table.list"), ("/campaign/spring", ".box")):
            page.goto(address + path)
            page.locator(there).first.wait_for()
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate("document.documentElement.lang") == locale[:2]
            assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        context.close()
