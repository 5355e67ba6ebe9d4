"""What a hand does at the canvas."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from playwright.sync_api import Locator, Page, expect

from nurture import canonical
from nurture.registry import node_types

__all__ = ["box", "canonical_text", "choose", "condition", "drag", "fill", "place", "pointer", "tile", "words"]


def box(page: Page, node: str) -> Locator:
    return page.locator(f'.react-flow__node[data-id="{node}"]')


def tile(page: Page, title: str) -> Locator:
    """One of the palette; a title is the whole of its first line."""
    return page.locator(".palette .tile").filter(has=page.locator("b", has_text=re.compile(f"^{title}$")))


def place(page: Page, where: str) -> Locator:
    """The input at this place of the file."""
    return page.locator(f'.panel [data-where="{where}"]')


def fill(page: Page, where: str, text: str) -> None:
    place(page, where).fill(text)


def choose(page: Page, where: str, value: str) -> None:
    place(page, where).select_option(value)


def words(page: Page, where: str, items: list[str]) -> None:
    """A list of texts, each by Enter; one that is offered is taken as soon as it is typed."""
    for item in items:
        place(page, where).fill(item)
        place(page, where).press("Enter")


def pointer(where: str, *steps: str | int) -> str:
    return where + "".join(f"/{step}" for step in steps)


def condition(page: Page, where: str, tree: Mapping[str, Any], *, begun: bool = False) -> None:
    """Draw this tree by the form. Its first two parts are comparisons; `begun`: it is a group with one, already."""
    kind = next((key for key in ("all", "any") if key in tree), None)
    if kind is None:
        _comparison(page, where, tree)
        return
    if not begun:
        _comparison(page, where, tree[kind][0])
        place(page, f"{where}/field").locator(
            "xpath=ancestor::*[contains(@class,'comparison')]/following-sibling::*"
        ).get_by_role("button", name="Condition").click()
    group = place(page, where)
    group.locator(":scope > .row > select").first.select_option(kind)
    for n, part in enumerate(tree[kind]):
        inner = next((key for key in ("all", "any") if key in part), None)
        if n > (0 if begun else 1):
            group.locator(":scope > .row > button").filter(has_text="Group" if inner else "Condition").click()
        if n > 0 or begun:
            condition(page, pointer(where, kind, n), part, begun=inner is not None)


def _comparison(page: Page, where: str, tree: Mapping[str, Any]) -> None:
    fill(page, f"{where}/field", tree["field"])
    choose(page, f"{where}/op", tree["op"])
    if "value" in tree and isinstance(tree["value"], list):
        words(page, f"{where}/value", tree["value"])
    elif "value" in tree:
        fill(page, f"{where}/value", str(tree["value"]))
    if "within" in tree:
        fill(page, f"{where}/within", tree["within"])


def drag(page: Page, handle: Locator, target: Locator) -> None:
    """From a way out to the top of a box, as a hand does: in many small moves."""
    start, end = handle.bounding_box(), target.bounding_box()
    assert start
    assert end
    page.mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
    page.mouse.down()
    page.mouse.move(end["x"] + end["width"] / 2, end["y"] + 2, steps=8)
    page.mouse.up()


def canonical_text(campaign: Mapping[str, Any]) -> str:
    return canonical.write(campaign, node_types())


def saved(page: Page) -> None:
    page.keyboard.press("Control+s")
    expect(page.locator(".save-state")).to_have_text("Saved")


def draft_of(text: str) -> Any:
    return json.loads(text)
