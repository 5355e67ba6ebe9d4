"""The seed's campaign, drawn from an empty canvas: what is saved is what a careful hand has written, byte for byte."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from nurture.registry import node_types
from nurture.web import forms
from tests.editor.conftest import Serving
from tests.editor.hands import choose, condition, fill, place, pointer, saved, tile, words

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = (ROOT / "definitions/welcome.json").read_text(encoding="utf-8")
MISTAKES = {("bait", "content"): "whitepapr", ("viewed_swap", "to"): "swap_again", ("viewed_deep", "no"): ""}
"""Node and setting, or node and way out, to what is drawn at first."""


class Drawer:
    """Somebody who knows what the campaign should be, and draws it by the palette and the forms alone."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.types = {one["type"]: one for one in forms.palette(node_types(), {})}

    def node(self, id: str, node: Mapping[str, Any]) -> None:
        """A new node, with its settings and its ways out to nodes that are there already."""
        page, kind = self.page, self.types[node["type"]]
        page.keyboard.press("Escape")
        tile(page, kind["title"]["en"]).click()
        name = page.get_by_label("Id", exact=True)
        name.fill(id)
        name.press("Enter")
        where = pointer("/nodes", id)
        for language, text in node.get("title", {}).items():
            fill(page, f"{where}/title/{language}", text)
        for field in kind["fields"]:
            if field["name"] in node and field["kind"] != "node":
                wanted = MISTAKES.get((id, field["name"]), node[field["name"]])
                self.setting(field, f"{where}/{field['name']}", wanted)
        following = node.get("next", {})
        ways = following if isinstance(following, dict) else dict.fromkeys(kind["outcomes"], following)
        for way, target in ways.items():
            choose(page, f"{where}/next/{way}", MISTAKES.get((id, way), target))

    def setting(self, field: Mapping[str, Any], where: str, value: Any) -> None:
        page = self.page
        match field["kind"]:
            case "choice":
                choose(page, where, value)
            case "texts":
                self.texts(field, where, value)
            case "condition":
                place(page, where).click()
                condition(page, where, value)
            case "groups":
                for n, item in enumerate(value):
                    place(page, where).locator(":scope > button").click()
                    for inner in field["fields"]:
                        self.setting(inner, f"{where}/{n}/{inner['name']}", item[inner["name"]])
            case _:
                fill(page, where, str(value))

    def texts(self, field: Mapping[str, Any], where: str, value: list[str]) -> None:
        """From the default, if there is one: what does not belong is taken out, what is missing is put behind."""
        left = list(value)
        for item in field.get("default", ()):
            if left and item == left[0]:
                left.pop(0)
            else:
                place(self.page, where).locator("..").get_by_label(f"Remove: {item}").click()
        words(self.page, where, left)

    def campaign(self, raw: Mapping[str, Any]) -> None:
        page = self.page
        page.keyboard.press("Escape")
        for language, text in raw["title"].items():
            fill(page, f"/title/{language}", text)
        place(page, "/entry/when").click()
        condition(page, "/entry/when", raw["entry"]["when"])
        fill(page, "/entry/again_after", raw["entry"]["again_after"])
        fill(page, "/calendar", raw["calendar"])
        fill(page, "/time_zone", raw["time_zone"])
        place(page, "/send_window").click()
        choose(page, "/start", raw["start"])

    def find(self, node: str) -> None:
        self.page.keyboard.press("Control+f")
        search = self.page.get_by_role("search").get_by_role("textbox")
        search.fill(node)
        search.press("Enter")
        expect(self.page.get_by_label("Id", exact=True)).to_have_value(node)

    def press_while(self, key: str, shift: bool, button: str) -> None:
        """Again and again until the button says that there is no more."""
        expect(self.page.get_by_role("button", name=button, exact=True)).to_be_enabled()
        self.page.evaluate(
            """async ([shift, button]) => {
                const more = () => !document.querySelector(`.tools button[aria-label="${button}"]`).disabled;
                for (let n = 0; n < 200 && more(); n++) {
                    for (let k = 0; k < 25; k++)
                        window.dispatchEvent(new KeyboardEvent("keydown", { key: "z", ctrlKey: true, shiftKey: shift }));
                    await new Promise((next) => setTimeout(next));
                }
            }""",
            [shift, button],
        )
        expect(self.page.get_by_role("button", name=button, exact=True)).to_be_disabled()


def test_the_welcome_campaign_is_drawn_from_an_empty_canvas(tmp_path: Path, serving: Serving, page: Page) -> None:
    shutil.copytree(ROOT / "content", tmp_path / "content")
    raw = json.loads(SHIPPED)
    file = tmp_path / "definitions/welcome.json"
    with serving(tmp_path) as address:
        page.goto(address)
        page.get_by_role("button", name="New campaign").click()
        page.get_by_label("Name").fill("welcome")
        page.get_by_role("button", name="Create").click()
        drawer = Drawer(page)
        # From the end, so that what a way out leads to is there when it is drawn.
        for id, node in reversed(raw["nodes"].items()):
            drawer.node(id, node)
        drawer.campaign(raw)
        for id, node in raw["nodes"].items():
            if "to" in node and node["type"] == "check_response":
                drawer.find(id)
                choose(page, f"/nodes/{id}/to", MISTAKES.get((id, "to"), node["to"]))

        # Three mistakes, found in the list of problems and put right as the hints say.
        expect(page.locator(".bar .count")).to_have_text("Problems: 3")
        page.locator(".bar .count").click()
        page.locator(".problem-list button", has_text="there is no content 'whitepapr'").click()
        page.get_by_role("button", name="Use “whitepaper”").click()
        page.locator(".bar .count").click()
        page.locator(".problem-list button", has_text="does not send a message on every path").click()
        page.get_by_role("button", name="Use “swap”").click()
        page.locator(".bar .count").click()
        page.locator(".problem-list button", has_text="when it goes 'no'").click()
        choose(page, "/nodes/viewed_deep/next/no", raw["nodes"]["viewed_deep"]["next"]["no"])
        expect(page.locator(".bar .count")).to_have_text("No problems")
        saved(page)

        assert file.read_text(encoding="utf-8") == SHIPPED
        page.keyboard.press("Escape")
        drawer.press_while("z", False, "Undo")
        expect(page.locator(".react-flow__node")).to_have_count(0)
        page.keyboard.press("Control+s")
        expect(page.locator(".save-state")).to_have_text("Saved; cannot be published before its errors are mended")
        assert json.loads(file.read_text())["nodes"] == {}
        drawer.press_while("z", True, "Redo")
        expect(page.locator(".react-flow__node")).to_have_count(len(raw["nodes"]))
        expect(page.locator(".bar .count")).to_have_text("No problems")
        saved(page)

    assert file.read_text(encoding="utf-8") == SHIPPED
    assert not (tmp_path / "definitions/layouts").exists()
