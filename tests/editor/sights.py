"""All there is to see, and how to come to see it. Whoever adds a page or a dialog adds a line."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from playwright.sync_api import Page

from tests.editor.hands import box

__all__ = ["ALL", "FOR_LEADS", "FOR_MARKETERS", "Sight"]

Opened = Callable[[Page], None]


class Sight(NamedTuple):
    path: str
    """Its address; of a page that leads see, which link of a mail leads there."""
    there: str
    """What is there once it is open."""
    opened: Opened
    """What is done then."""


def nothing(page: Page) -> None:
    """As it opens."""


def _pressed(page: Page, locator: str, *, then: str) -> None:
    page.locator(locator).first.click()
    page.locator(then).first.wait_for()


def _node(id: str, then: str) -> Opened:
    def opened(page: Page) -> None:
        _found(page, id)
        page.locator(then).first.wait_for()

    return opened


def _found(page: Page, id: str) -> None:
    """Selected by its id, wherever it stands, on a phone as on a desk."""
    page.keyboard.press("Control+f")
    page.locator(".search input").fill(id)
    page.keyboard.press("Enter")
    box(page, id).locator(".box.selected").wait_for()


def _panel(n: int, then: str) -> Opened:
    return lambda page: _pressed(page, f".tools [aria-pressed] >> nth={n}", then=then)


def walked(page: Page) -> None:
    _panel(0, ".try .moments li")(page)


def crowd(page: Page) -> None:
    walked(page)
    page.get_by_role("tab").nth(1).click()
    page.locator(".rates").wait_for()


def simulated(page: Page) -> None:
    crowd(page)
    page.locator(".try button.primary").click()
    page.locator(".forecast").wait_for()


def moving(page: Page) -> None:
    _panel(1, ".versions .changes")(page)
    page.locator(".versions input[type=radio]").nth(1).check()


def letting_in(page: Page) -> None:
    """With the table of a dry run."""
    _panel(2, ".runs summary")(page)
    page.locator(".runs summary").click()
    page.locator(".runs .actions button").click()
    page.locator(".counts").wait_for()


def menu(page: Page) -> None:
    page.keyboard.press("a")
    page.locator(".menu").wait_for()


def keys(page: Page) -> None:
    page.keyboard.press("?")
    page.locator("dialog").wait_for()


def search(page: Page) -> None:
    page.keyboard.press("Control+f")
    page.locator(".search input").fill("e")


def leads(page: Page) -> None:
    box(page, "paper_answered").locator(".here").first.dispatch_event("click")
    page.locator(".people button").first.wait_for()


def story(page: Page) -> None:
    leads(page)
    _pressed(page, ".people button", then=".moments li")


def taking_out(page: Page) -> None:
    story(page)
    _pressed(page, ".now .fix >> nth=-1", then="dialog")


def preview(page: Page) -> None:
    _found(page, "industry_paper")
    _pressed(page, '.panel button:has-text("✉")', then="dialog .mail")


def handed(page: Page) -> None:
    page.locator("#team").select_option("sdr/inbound")
    _pressed(page, ".people button", then=".lead .moments")


LIST, CANVAS = "table.list", ".box"
FOR_MARKETERS: dict[str, Sight] = {
    "the list": Sight("/", LIST, nothing),
    "a new campaign": Sight("/", LIST, lambda page: _pressed(page, "button.primary", then="dialog")),
    "a copy": Sight("/", LIST, lambda page: _pressed(page, ".open-cell button >> nth=0", then="dialog")),
    "deleting a campaign": Sight("/", LIST, lambda page: _pressed(page, ".open-cell button >> nth=1", then="dialog")),
    "the canvas": Sight("/campaign/welcome", CANVAS, nothing),
    "a branching campaign": Sight("/campaign/activation", CANVAS, nothing),
    "a node": Sight("/campaign/welcome", CANVAS, _node("group", '.panel [data-where="/nodes/group/cases"]')),
    "a condition": Sight("/campaign/welcome", CANVAS, _node("transfer", ".panel .condition")),
    "a message": Sight("/campaign/welcome", CANVAS, _node("industry_paper", '.panel button:has-text("✉")')),
    "problems": Sight("/campaign/spring", CANVAS, lambda page: _pressed(page, "button.count", then=".problem-list")),
    "a node with problems": Sight("/campaign/spring", CANVAS, _node("viewed", ".panel .problem")),
    "the search": Sight("/campaign/welcome", CANVAS, search),
    "the menu": Sight("/campaign/welcome", CANVAS, menu),
    "the keys": Sight("/campaign/welcome", CANVAS, keys),
    "the preview": Sight("/campaign/welcome", CANVAS, preview),
    "leads at a node": Sight("/campaign/welcome", CANVAS, leads),
    "a lead's story": Sight("/campaign/welcome", CANVAS, story),
    "taking a lead out": Sight("/campaign/welcome", CANVAS, taking_out),
    "one lead": Sight("/campaign/welcome", CANVAS, walked),
    "a crowd": Sight("/campaign/welcome", CANVAS, crowd),
    "a forecast": Sight("/campaign/welcome", CANVAS, simulated),
    "the versions": Sight("/campaign/welcome", CANVAS, _panel(1, ".versions .changes")),
    "publishing": Sight("/campaign/welcome", CANVAS, moving),
    "letting leads in": Sight("/campaign/welcome", CANVAS, letting_in),
    "the desk": Sight("/desk", "#team", nothing),
    "a lead at the desk": Sight("/desk", "#team", handed),
    "the report": Sight("/report/welcome", "main, body > *", nothing),
}
FOR_LEADS: dict[str, Sight] = {
    "opting out": Sight("unsubscribe", "main", nothing),
    "preferences": Sight("preferences", "main", nothing),
    "a form": Sight("form", "main", nothing),
    "a mail in the browser": Sight("view", "body", nothing),
    "no such page": Sight("/view/nothing", "main", nothing),
}
ALL = {**FOR_MARKETERS, **FOR_LEADS}
