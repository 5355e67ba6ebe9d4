"""The canvas's API: the problems of `nurture check`, the numbers of `nurture status`, and nobody else's hands."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from nurture import Condition, Go, Node, Settings, Snapshot, setting
from nurture.engine import Engine
from nurture.registry import node_types
from nurture.web import forms
from nurture.web.guard import Guard
from tests.web.scene import CAMPAIGN, JSON, NOW, ask, opened, written

# --- the list --------------------------------------------------------------------------------------------------


def test_the_list_says_how_each_campaign_is_doing(engine: Engine, site: Guard) -> None:
    [row] = ask(site, "GET", "/api/campaigns").json()["campaigns"]

    assert row == {
        "name": "hello",
        "campaign": "hello",
        "title": CAMPAIGN["title"],
        "nodes": 3,
        "state": "running",
        "problems": {"errors": 0, "warnings": 0},
        "changed": False,
        "entered": 2,
        "inside": 2,
        "due_today": 2,
        "stuck": 0,
        "last_run": "2026-03-02T02:00:00Z",
        "ended": {},
    }


def test_a_campaign_without_its_file_is_still_listed(engine: Engine, site: Guard) -> None:
    (engine.settings.definitions / "hello.json").unlink()
    engine.pause("hello", now=NOW)

    [row] = ask(site, "GET", "/api/campaigns").json()["campaigns"]

    assert (row["name"], row["campaign"], row["state"], row["inside"]) == (None, "hello", "paused", 2)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"campaign": 1, "nodes": []}', '{"a": NaN}', "\x00"])
def test_a_broken_file_is_listed_with_its_problems_and_opens_with_them(engine: Engine, site: Guard, text: str) -> None:
    (engine.settings.definitions / "hello.json").write_text(text)

    rows = ask(site, "GET", "/api/campaigns").json()["campaigns"]

    assert rows[0]["problems"]["errors"] > 0
    assert opened(site)["problems"][0]["severity"] == "error"


# --- types -----------------------------------------------------------------------------------------------------


def test_palette_and_forms_come_from_the_types_alone(site: Guard) -> None:
    told = ask(site, "GET", "/api/types").json()
    types = {one["type"]: one for one in told["types"]}

    assert set(types) == set(node_types())
    assert types["wait"]["title"] == {"en": "Wait", "zh": "等待"}
    assert types["send_content"]["kind"] == "message"
    assert types["split"]["varies"]
    fields = {f"{name}.{field['name']}": field for name, one in types.items() for field in one["fields"]}
    assert {name: field["kind"] for name, field in fields.items()} == {
        "check.when": "condition",
        "check_response.to": "node",
        "check_response.evidence": "texts",
        "check_response.within": "duration",
        "check_response.confidence": "choice",
        "end.reason": "text",
        "route.to": "choice",
        "route.team": "text",
        "route.sla": "duration",
        "route.again_after": "duration",
        "score.points": "integer",
        "send_content.channel": "text",
        "send_content.content": "text",
        "send_content.purpose": "choice",
        "send_content.on_unknown": "choice",
        "send_content.expires_after": "duration",
        "set_field.field": "text",
        "set_field.value": "scalar",
        "split.arms": "shares",
        "switch.cases": "groups",
        "tag.add": "texts",
        "tag.remove": "texts",
        "wait.for": "duration",
        "wait.until": "group",
        "wait.until_date": "group",
    }
    assert fields["send_content.content"]["words"] == ["paper"]
    assert all(field["help"]["en"] and field["help"]["zh"] for field in fields.values())


class Nest(Settings):
    deeper: Nest | None = setting(None, en="")


class Strange(Node):
    """A stranger's type, with settings that no type of ours has."""

    many: tuple[tuple[int, int], ...] = setting(en="")
    nest: Nest = setting(en="")
    maybe: Condition | None = setting(None, en="")
    sure: bool = setting(en="")

    def ways_out(self) -> tuple[str, ...]:
        raise RuntimeError("nobody knows")

    def decide(self, snapshot: Snapshot) -> Go:
        return Go("next")


def test_a_strangers_type_gets_a_form_too() -> None:
    [shown] = forms.palette({"strange": Strange}, {})

    assert [field["kind"] for field in shown["fields"]] == ["list", "group", "condition", "boolean"]
    assert forms.ways_out({"x": {"type": "strange"}, "y": {"type": "unheard_of"}, "z": 1}, {"strange": Strange}) == {
        "x": None,
        "y": None,
        "z": None,
    }


# --- checking --------------------------------------------------------------------------------------------------


def test_a_draft_gets_the_problems_of_nurture_check_and_the_ways_out_of_its_nodes(engine: Engine, site: Guard) -> None:
    draft = json.loads(json.dumps(CAMPAIGN))
    draft["nodes"]["bait"]["content"] = "papper"
    draft["nodes"]["parts"]["arms"] = {"a": 90}

    told = ask(site, "POST", "/api/check", body={"draft": draft}).json()

    assert told["ways"] == {"bait": ["sent", "unsent"], "pause": ["next"], "parts": None}
    assert {(one["where"], one["code"]) for one in told["problems"]} == {
        ("/nodes/bait/content", "E_CONTENT"),
        ("/nodes/parts/arms", "E_SPLIT"),
    }
    assert "did you mean 'paper'?" in [one.get("hint") for one in told["problems"]]
    (engine.settings.definitions / "hello.json").write_text(json.dumps(draft))
    assert [problem.what for problem in engine.check()] == [one["what"] for one in told["problems"]]


@pytest.mark.parametrize(
    ("headers", "data", "status"),
    [
        ({"content-type": "text/plain"}, b"{}", 415),
        ({"content-type": "application/x-www-form-urlencoded"}, b"draft=1", 415),
        ({"content-type": "multipart/form-data; boundary=x"}, b"", 415),
        ({}, b"{}", 415),
        (JSON, b"{", 400),
        (JSON, b"[]", 400),
        (JSON, b'{"draft": []}', 400),
        (JSON, b'{"draft": {"a": 1, "a": 2}}', 400),
        (JSON, b'{"draft": ' + b"[" * 100, 400),
        (JSON, b" " * 5_000_001, 413),
        ({**JSON, "origin": "https://evil.example"}, b"{}", 403),
        ({**JSON, "origin": "null"}, b"{}", 403),
        ({**JSON, "origin": "http://127.0.0.1:9999"}, b"{}", 403),
        ({**JSON, "sec-fetch-site": "cross-site"}, b"{}", 403),
        ({**JSON, "sec-fetch-site": "same-site"}, b"{}", 403),
        ({**JSON, "host": "mail.example.com"}, b"{}", 404),
        ({**JSON, "host": "evil.example"}, b"{}", 421),
        ({**JSON, "x-forwarded-for": "1.2.3.4"}, b"{}", 404),
    ],
)
def test_only_json_from_a_page_of_ours_is_heard(site: Guard, headers: dict[str, str], data: bytes, status: int) -> None:
    assert ask(site, "POST", "/api/check", data=data, **headers).status_code == status


@pytest.mark.parametrize(
    "path", ["/", "/campaign/hello", "/editor/editor.js", "/api/campaigns", "/api/types", "/api/history?lead=x@y.zz"]
)
def test_leads_that_come_through_the_proxy_find_no_canvas(site: Guard, path: str) -> None:
    assert ask(site, "GET", path, host="mail.example.com").status_code == 404
    assert ask(site, "GET", path, x_forwarded_for="1.2.3.4").status_code == 404
    assert ask(site, "GET", path, host="evil.example").status_code == 421


# --- watching --------------------------------------------------------------------------------------------------


def test_the_numbers_are_those_of_nurture_status(engine: Engine, site: Guard) -> None:
    told = ask(site, "GET", "/api/campaigns/hello/status").json()["status"]

    assert told == engine.status("hello", now=NOW + timedelta(minutes=1))["campaigns"][0]
    assert told["nodes"]["pause"]["here"] == 2


def test_a_draft_has_no_numbers_yet(engine: Engine, site: Guard) -> None:
    (engine.settings.definitions / "fresh.json").write_text(written({**CAMPAIGN, "campaign": "fresh"}))

    assert ask(site, "GET", "/api/campaigns/fresh/status").json() == {"status": None}


def test_who_stands_at_a_node_and_what_their_story_is(site: Guard) -> None:
    found = ask(site, "GET", "/api/campaigns/hello/nodes/pause/leads").json()

    assert [(lead["lead"], lead["name"], lead["status"]) for lead in found["leads"]] == [
        ("ada@example.com", "Ada", "waiting"),
        ("bob@example.com", "Bob", "waiting"),
    ]
    assert found["after"] is None
    story = ask(site, "GET", "/api/history?lead=ada@example.com").json()
    assert [step["node"] for step in story["enrollments"][0]["steps"]] == ["bait"]
    assert ask(site, "GET", "/api/history?lead=eve@example.com").status_code == 404
    assert ask(site, "GET", "/api/history?lead=%00").status_code == 404


# --- the page --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/", "/campaign/hello", "/editor/editor.js", "/editor/editor.css", "/editor/licences.txt"]
)
def test_the_page_and_its_files_run_nothing_that_is_not_ours(site: Guard, path: str) -> None:
    answer = ask(site, "GET", path)

    assert answer.status_code == 200
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    if answer.headers["content-type"].startswith("text/html"):
        assert "<script>" not in answer.text
        assert "style=" not in answer.text


@pytest.mark.parametrize("name", ["../app.py", "..%2F..%2Fapp.py", "nothing.js", "%2e%2e"])
def test_no_other_file_is_served(site: Guard, name: str) -> None:
    assert ask(site, "GET", f"/editor/{name}").status_code == 404
