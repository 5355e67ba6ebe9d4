"""A stranger's node type, with settings of every shape: it gets a form of its own without a line of TypeScript."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from nurture.registry import node_types
from tests.editor.conftest import Serving
from tests.editor.hands import canonical_text, choose, fill, place, saved, tile

STRANGER = '''
from typing import Annotated, ClassVar, Literal, Union

from pydantic import Field

from nurture import Condition, Go, Node, Settings, Snapshot, WaitDuration, setting


class Point(Settings):
    """By points."""

    kind: Literal["points"] = setting(en="")
    amount: int = setting(en="How many points", ge=1)


class Coupon(Settings):
    """By coupon."""

    kind: Literal["coupon"] = setting(en="")
    code: str = setting(en="The code", zh="优惠码")


class Step(Settings):
    title: str = setting(en="What it is called")
    after: WaitDuration = setting(en="How long after the last one")
    gifts: tuple[Annotated[Union[Point, Coupon], Field(discriminator="kind")], ...] = setting((), en="What is given")


class Reward(Node):
    """Reward the lead."""

    title_zh: ClassVar[str] = "奖励"
    mood: Literal["calm", "loud"] = setting(en="In which mood", zh="语气")
    moods: tuple[Literal["calm", "loud"], ...] = setting((), en="All moods")
    steps: tuple[Step, ...] = setting(en="Step by step")
    pauses: tuple[WaitDuration, ...] = setting((), en="Pauses between")
    prices: dict[str, float] = setting({}, en="A price for each country")
    limit: Union[int, Literal["none"]] = setting("none", en="How many at most, or none")
    only: Condition | None = setting(None, en="Only if")
    sure: bool = setting(False, en="Whether it is sure")

    def decide(self, snapshot: Snapshot) -> Go:
        return Go("next", because="rewarded")
'''
DRAWN = {
    "$schema": "schema.json",
    "campaign": "spring",
    "exit_on": ["unsubscribed", "bounced", "complained", "converted"],
    "start": "reward",
    "nodes": {
        "reward": {
            "type": "reward",
            "mood": "loud",
            "moods": ["calm", "loud"],
            "steps": [
                {
                    "title": "Hello",
                    "after": "3 days",
                    "gifts": [{"kind": "points", "amount": 5}, {"kind": "coupon", "code": "SPRING"}],
                }
            ],
            "pauses": ["2 hours"],
            "prices": {"CN": 9.5},
            "limit": 3,
            "only": {"field": "tags", "op": "has", "value": "vip"},
            "sure": True,
            "next": "end",
        }
    },
}


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """The package, installed: its entry point is found as any other."""
    package = tmp_path / "site"
    (package / "acme_reward-1.0.dist-info").mkdir(parents=True)
    (package / "acme_reward.py").write_text(STRANGER)
    info = package / "acme_reward-1.0.dist-info"
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-reward\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[nurture.nodes]\nreward = acme_reward:Reward\n")
    monkeypatch.syspath_prepend(str(package))
    node_types.cache_clear()
    yield
    monkeypatch.undo()
    node_types.cache_clear()


def add(page: Page, where: str) -> None:
    place(page, where).locator(":scope > button").click()


def test_a_strangers_node_is_filled_in_by_its_own_form(
    stranger: object, home: Path, serving: Serving, page: Page
) -> None:
    at = "/nodes/reward"
    with serving(home) as address:
        page.goto(f"{address}/campaign/spring#new")
        tile(page, "Reward").click()
        expect(page.locator(".panel .problem", has_text="`steps` is missing")).to_be_visible()
        choose(page, f"{at}/mood", "loud")
        for n, mood in enumerate(DRAWN["nodes"]["reward"]["moods"]):  # type: ignore[index]  # it stands above
            add(page, f"{at}/moods")
            choose(page, f"{at}/moods/{n}", mood)
        add(page, f"{at}/steps")
        fill(page, f"{at}/steps/0/title", "Hello")
        fill(page, f"{at}/steps/0/after", "3 dyas")
        expect(page.locator(".panel .problem", has_text="'3 dyas' is not a duration")).to_be_visible()
        fill(page, f"{at}/steps/0/after", "3 days")
        add(page, f"{at}/steps/0/gifts")
        fill(page, f"{at}/steps/0/gifts/0/amount", "5")
        add(page, f"{at}/steps/0/gifts")
        kinds = place(page, f"{at}/steps/0/gifts/1").locator(":scope > select")
        kinds.select_option(label="coupon")
        fill(page, f"{at}/steps/0/gifts/1/code", "SPRING")
        add(page, f"{at}/pauses")
        fill(page, f"{at}/pauses/0", "2 hours")
        add(page, f"{at}/prices")
        page.get_by_label("prices: Name").fill("CN")
        page.get_by_label("prices: Name").press("Enter")
        fill(page, f"{at}/prices/CN", "9.5")
        place(page, f"{at}/limit").first.locator(":scope > select").select_option(label="integer")
        page.locator(f'.panel input[data-where="{at}/limit"]').fill("3")
        place(page, f"{at}/only").click()
        fill(page, f"{at}/only/value", "vip")
        choose(page, f"{at}/sure", "true")
        choose(page, f"{at}/next/next", "end")
        expect(page.locator(".bar .count")).to_have_text("No problems")
        saved(page)

        text = (home / "definitions/spring.json").read_text()
        assert json.loads(text) == DRAWN
        assert text == canonical_text(DRAWN)
