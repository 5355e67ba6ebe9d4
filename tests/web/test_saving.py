"""Saving from the canvas: the bytes of the canonical writer, and nobody's work lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from nurture.engine import Engine
from nurture.web.guard import Guard
from tests.web.scene import CAMPAIGN, ask, opened, written


def save(site: Guard, draft: Any, boxes: Any = None, *, name: str = "hello", **headers: str) -> httpx.Response:
    return ask(site, "PUT", f"/api/campaigns/{name}", body={"draft": draft, "boxes": boxes or {}}, **headers)


def through_a_browser(value: Any) -> Any:
    """What JavaScript makes of it: names that are digits come first, in their order; 7.0 is 7."""
    if isinstance(value, dict):
        names = sorted((name for name in value if name.isdigit()), key=int) + [n for n in value if not n.isdigit()]
        return {name: through_a_browser(value[name]) for name in names}
    if isinstance(value, list):
        return [through_a_browser(item) for item in value]
    return int(value) if isinstance(value, float) and value == int(value) else value


def test_saving_what_was_opened_changes_no_byte(engine: Engine, site: Guard) -> None:
    path = engine.settings.definitions / "hello.json"
    path.write_text(written(CAMPAIGN | {"entry": {"when": {"field": "size", "op": "=", "value": 7.0}}}))
    before, touched = path.read_bytes(), path.stat().st_mtime_ns
    seen = opened(site)

    answer = save(site, through_a_browser(seen["draft"]), if_match=f'"{seen["etag"]}"')

    assert answer.status_code == 200
    assert path.read_bytes() == before
    assert path.stat().st_mtime_ns == touched
    assert not (engine.settings.definitions / "layouts").exists()


def test_a_change_is_written_by_the_canonical_writer(engine: Engine, site: Guard) -> None:
    seen = opened(site)
    draft = {**seen["draft"], "exit_on": ["unsubscribed"]}

    answer = save(site, dict(reversed(draft.items())), if_match=seen["etag"])

    assert answer.json()["etag"] != seen["etag"]
    assert (engine.settings.definitions / "hello.json").read_text() == written(draft)
    assert ask(site, "GET", "/api/campaigns").json()["campaigns"][0]["changed"]


def test_moving_boxes_changes_the_layout_and_nothing_else(engine: Engine, site: Guard) -> None:
    path, layout = (engine.settings.definitions / name for name in ("hello.json", "layouts/hello.json"))
    before, seen = path.read_bytes(), opened(site)

    moved = save(site, seen["draft"], {"pause": [10, -20], "bait": [0, 0], "gone": [1, 1]}, if_match=seen["etag"])

    assert path.read_bytes() == before
    assert layout.read_text() == '{\n  "bait": [0, 0],\n  "pause": [10, -20]\n}\n'
    assert opened(site)["boxes"] == {"bait": [0, 0], "pause": [10, -20]}
    assert save(site, seen["draft"], {}, if_match=moved.json()["etag"]).status_code == 200
    assert not layout.exists()


def test_who_has_not_seen_the_last_change_gets_it_shown_instead_of_losing_it(engine: Engine, site: Guard) -> None:
    seen = opened(site)
    theirs = {**CAMPAIGN, "exit_on": ["converted"]}
    (engine.settings.definitions / "hello.json").write_text(written(theirs))

    answer = save(site, {**seen["draft"], "exit_on": ["bounced"]}, if_match=seen["etag"])

    assert answer.status_code == 409
    assert '-  "exit_on": ["converted"],' in answer.json()["diff"]
    assert '+  "exit_on": ["bounced"],' in answer.json()["diff"]
    assert answer.json()["theirs"]["draft"] == theirs
    assert (engine.settings.definitions / "hello.json").read_text() == written(theirs)


def test_a_file_that_was_deleted_meanwhile_is_a_conflict_too(engine: Engine, site: Guard) -> None:
    seen = opened(site)
    (engine.settings.definitions / "hello.json").unlink()

    assert save(site, seen["draft"], if_match=seen["etag"]).json()["theirs"] is None
    assert save(site, seen["draft"], if_none_match="*").status_code == 200


def test_a_new_campaign_is_written_and_never_over_another(engine: Engine, site: Guard) -> None:
    draft = {"campaign": "fresh", "start": "", "nodes": {}}

    assert save(site, draft, name="fresh").status_code == 428
    assert save(site, draft, name="fresh", if_none_match="*").status_code == 200
    assert save(site, draft, name="fresh", if_none_match="*").status_code == 409
    assert (engine.settings.definitions / "fresh.json").read_text() == written(draft)


@pytest.mark.parametrize(
    "name",
    ["schema", "Hello", "..", "..%2Fhello", "%2e%2e%2fhello", "hello.json", "a%00b", "CON", "", "a" * 65, "链接"],
)
def test_no_other_file_can_be_opened_or_written(engine: Engine, site: Guard, name: str) -> None:
    before = sorted(path for path in engine.settings.home.rglob("*") if path.suffix == ".json")

    assert ask(site, "GET", f"/api/campaigns/{name}/status").status_code == 404
    assert save(site, {"campaign": "hello"}, name=name, if_none_match="*").status_code in (404, 405)
    assert sorted(path for path in engine.settings.home.rglob("*") if path.suffix == ".json") == before


def test_links_are_neither_opened_nor_written_through(engine: Engine, site: Guard, tmp_path: Path) -> None:
    outside = tmp_path / "outside.json"
    outside.write_text("{}")
    (engine.settings.definitions / "linked.json").symlink_to(outside)

    assert ask(site, "GET", "/api/campaigns/linked").status_code == 404
    assert save(site, {"campaign": "linked"}, name="linked", if_none_match="*").status_code == 422
    assert outside.read_text() == "{}"


@pytest.mark.parametrize(
    "boxes", [{"bait": [1.5, 2]}, {"bait": [1]}, {"bait": ["1", 2]}, {"bait": [1e9, 0]}, {"B": [1, 2]}]
)
def test_boxes_stand_on_whole_pixels(site: Guard, boxes: Any) -> None:
    assert save(site, CAMPAIGN, boxes, if_match=opened(site)["etag"]).status_code == 422


def test_a_campaign_keeps_its_name(site: Guard) -> None:
    assert save(site, {**CAMPAIGN, "campaign": "other"}, if_match=opened(site)["etag"]).status_code == 422
