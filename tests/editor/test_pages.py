"""Every page, for everybody: no serious barrier by axe, both languages and themes, a phone and a desk."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from nurture.engine import Engine, Incoming
from nurture.identity import LeadRef
from nurture.leads import LeadOptions
from tests.editor import town
from tests.editor.conftest import NOW, Serving
from tests.editor.hands import box
from tests.editor.sights import ALL, FOR_MARKETERS, walked

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "editor/node_modules/axe-core/axe.min.js"


@pytest.fixture
def house(tmp_path: Path) -> Path:
    for name in ("definitions", "content"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("town")
    town.founded(home)
    return home


def barriers(page: Page, script: str) -> dict[str, list[str]]:
    """By axe's rule, where."""
    page.evaluate(script)
    result = page.evaluate("() => axe.run(document, { resultTypes: ['violations'], iframes: false })")
    return {
        one["id"]: [each["html"][:160] for each in one["nodes"][:3]]
        for one in result["violations"]
        if one["impact"] in ("serious", "critical")
    }


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("dark", [False, True], ids=["Chinese and light", "English and dark"])
def test_on_every_page_axe_finds_no_serious_barrier_and_everything_fits(
    lived_in: Path, serving: Serving, browser: Browser, dark: bool, width: int
) -> None:
    assert AXE.is_file(), "run `npm ci` in editor/ first, as editor/check.sh does"
    script = AXE.read_text(encoding="utf-8")
    found: dict[str, object] = {}
    with serving(lived_in) as address:
        links = town.links(lived_in)
        context = browser.new_context(
            locale="en-US" if dark else "zh-CN",
            viewport={"width": width, "height": 800},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            bypass_csp=True,  # for axe itself
        )
        page = context.new_page()
        for name, sight in ALL.items():
            page.goto(address + links.get(sight.path, sight.path))
            page.locator(sight.there).first.wait_for()
            sight.opened(page)
            # What a barrier is does not depend on the width, and axe takes its time.
            bad = barriers(page, script) if width > 900 else {}
            if page.evaluate("document.documentElement.scrollWidth") > width:
                bad["wider than its window"] = []
            if bad:
                found[name] = bad
            if name in FOR_MARKETERS and sight.path != "/report/welcome":
                assert page.evaluate("document.documentElement.lang") == ("en" if dark else "zh")
                assert page.evaluate("document.documentElement.dataset.theme") == ("dark" if dark else "light")
        context.close()

    assert found == {}, json.dumps(found, indent=1, ensure_ascii=False)


def test_a_lead_and_a_crowd_are_tried_and_drawn(house: Path, serving: Serving, page: Page) -> None:
    with serving(house) as address:
        page.goto(f"{address}/campaign/welcome")
        walked(page)
        expect(page.locator(".box.mark-walked").first).to_be_visible()
        expect(page.locator(".try .moments li").last).to_contain_text("to_pool")
        page.get_by_label("Bait: whitepaper", exact=True).select_option("viewed")
        expect(page.locator(".try .moments")).to_contain_text("viewed at")
        page.get_by_role("tab", name="A crowd").click()
        page.get_by_label("Leads").fill("40")
        page.get_by_role("button", name="Simulate").click()
        expect(page.locator(".forecast")).to_contain_text("Messages a day")
        expect(box(page, "group").locator(".way-count").last).not_to_have_text("")


def test_a_campaign_is_duplicated_or_begun_from_a_template(house: Path, serving: Serving, page: Page) -> None:
    with serving(house) as address:
        page.goto(address)
        page.get_by_role("button", name="Duplicate: Drip nurture").click()
        page.get_by_role("button", name="Create").click()
        expect(page.locator(".react-flow__node")).to_have_count(20)
        page.goto(address)
        page.get_by_role("button", name="New campaign").click()
        page.get_by_label("Name").fill("spring")
        page.get_by_label("Bait, three days, then SDR or pool").check()
        page.get_by_role("button", name="Create").click()
        expect(page.locator(".react-flow__node")).to_have_count(4)
        expect(page.locator(".bar .count")).to_have_text("Problems: 1")

    copy = json.loads((house / "definitions/drip_copy.json").read_text())
    assert copy == {**json.loads((house / "definitions/drip.json").read_text()), "campaign": "drip_copy"}


def inhabited(house: Path) -> Callable[[Engine], None]:
    """One lead in a campaign of one wait; a scanner has looked at its mail."""
    campaign = {
        "campaign": "slow",
        "start": "pause",
        "nodes": {"pause": {"type": "wait", "for": "9 days", "next": "end"}},
    }
    (house / "definitions/slow.json").write_text(json.dumps(campaign))
    (house / "leads.csv").write_text("email,name,consent\nada@example.com,Ada,yes\n")
    scanned = Incoming(
        "clicked",
        LeadRef.parse("ada@example.com"),
        NOW,
        confidence="machine",
        because="Barracuda looks at every mail",
    )

    def prepare(engine: Engine) -> None:
        engine.publish([house / "definitions/slow.json"], now=NOW)
        engine.import_leads(house / "leads.csv", LeadOptions(basis="contract"), now=NOW)
        engine.enroll("slow", now=NOW)
        engine.tick(NOW, until=NOW)
        engine.hear([scanned], now=NOW)

    return prepare


def test_a_lead_is_taken_out_and_its_campaign_deleted_from_the_canvas(
    house: Path, serving: Serving, page: Page
) -> None:
    with serving(house, prepare=inhabited(house)) as address:
        page.goto(address)
        page.get_by_role("button", name="Delete: slow").click()
        expect(page.get_by_role("dialog")).to_contain_text("1 lead is inside")
        page.get_by_role("button", name="Cancel").click()

        page.goto(f"{address}/campaign/slow")
        box(page, "pause").locator(".here").click()
        page.locator(".people button").click()
        expect(page.locator(".moments .theirs")).to_contain_text("by a machine (Barracuda looks at every mail)")
        page.get_by_role("button", name="Take out").click()
        page.get_by_role("dialog").get_by_label("Reason").fill("a customer already")
        page.get_by_role("dialog").get_by_role("button", name="Take out").click()
        expect(page.locator(".moments")).to_contain_text("taken out by hand: a customer already")
        expect(page.get_by_role("button", name="Take out")).to_have_count(0)

        page.goto(address)
        page.get_by_role("button", name="Delete: slow").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(page.get_by_role("row").filter(has_text="slow")).to_contain_text("no file any more")
    assert not (house / "definitions/slow.json").exists()


def test_five_hundred_nodes_open_and_are_dragged(tmp_path: Path, serving: Serving, page: Page) -> None:
    (tmp_path / "definitions").mkdir()
    nodes = {f"n{n}": {"type": "tag", "add": ["x"], "next": f"n{n + 1}" if n < 499 else "end"} for n in range(500)}
    (tmp_path / "definitions/long.json").write_text(json.dumps({"campaign": "long", "start": "n0", "nodes": nodes}))
    with serving(tmp_path) as address:
        page.goto(f"{address}/campaign/long")
        first = box(page, "n0")
        first.wait_for()
        before = first.bounding_box()
        assert before
        page.mouse.move(before["x"] + 40, before["y"] + 20)
        page.mouse.down()
        page.mouse.move(before["x"] + 140, before["y"] + 60, steps=5)
        page.mouse.up()
        after = first.bounding_box()
        assert after
        assert after["x"] > before["x"] + 50
        expect(page.locator(".save-state")).to_have_text("Not saved yet")
