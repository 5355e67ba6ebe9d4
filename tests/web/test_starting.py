"""Letting leads in from the canvas: dry runs here, real ones elsewhere, and nobody else's hands."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nurture.engine import Engine
from nurture.web.app import app
from nurture.web.guard import Guard
from nurture.web.here import Here
from nurture.web.runs import Runs
from tests.web.fake_runs import FakeRuns
from tests.web.runs_exam import RunsExam
from tests.web.scene import NOW, ask, installation

BYTES = {"content-type": "application/octet-stream"}
CY = "email,name,consent\ncy@example.com,Cy,yes\ndi@example.com,Di,\n"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with installation(tmp_path) as opened:
        yield opened


@pytest.fixture
def fake() -> FakeRuns:
    return FakeRuns()


@pytest.fixture
def site(engine: Engine, fake: FakeRuns) -> Guard:
    return app(engine, lambda: NOW, runs=fake)


class TestTheFake(RunsExam):
    @pytest.fixture
    def runs(self) -> Runs:
        return FakeRuns()

    @pytest.fixture
    def asked(self) -> dict[str, Any]:
        return {"campaign": "hello", "dry_run": True}


class TestThisProcess(RunsExam):
    @pytest.fixture
    def runs(self, engine: Engine) -> Runs:
        (engine.settings.home / "more.csv").write_text(CY)
        engine.import_leads(engine.settings.home / "more.csv", now=NOW)
        with engine.store.write() as tx:
            tx.run("UPDATE leads SET basis = 'fair'")
        return Here(engine.settings, lambda: NOW)

    @pytest.fixture
    def asked(self) -> dict[str, Any]:
        return {"campaign": "hello", "dry_run": True}


# --- the page --------------------------------------------------------------------------------------------------


def begun(site: Guard, *, dry_run: bool, kind: str = "backfill", **more: Any) -> dict[str, Any]:
    body = {"kind": kind, "values": {}, "dry_run": dry_run, "where": "elsewhere", "click": f"c{dry_run}", **more}
    answer = ask(site, "POST", "/api/campaigns/hello/runs", body=body)
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


def end_of(site: Guard, run: dict[str, Any]) -> dict[str, Any]:
    until = time.monotonic() + 30
    while run["state"] in ("waiting", "running"):
        assert time.monotonic() < until
        time.sleep(0.02)
        run = ask(site, "GET", f"/api/campaigns/hello/runs/{run['where']}/{run['id']}").json()
    return run


def test_the_forms_come_with_what_there_is_to_choose(engine: Engine, site: Guard) -> None:
    (engine.settings.definitions / "segments").mkdir()
    (engine.settings.definitions / "segments/north.json").write_text('{"field": "region", "op": "is", "value": "n"}')
    (engine.settings.home / "crm").mkdir()
    (engine.settings.home / "crm/wide.xlsx").write_bytes(b"")
    (engine.settings.home / "rejects").mkdir(exist_ok=True)
    (engine.settings.home / "rejects/old.csv").write_text("")

    told = ask(site, "GET", "/api/campaigns/hello/runs").json()

    assert told["offers"]["file"] == ["leads.csv", "crm/wide.xlsx"]
    assert told["offers"]["audience"] == ["whom the campaign is for", "north"]
    assert told["elsewhere"] == {"answers": True, "name": "Elsewhere", "remedy": "elsewhere up", "why": ""}
    assert set(told["forms"]["backfill"]["properties"]) > {"file", "audience", "basis", "pace"}


def test_a_dry_run_is_done_here_and_changes_nothing(engine: Engine, site: Guard, fake: FakeRuns) -> None:
    (engine.settings.home / "more.csv").write_text(CY)
    before = engine.status(now=NOW)

    run = end_of(site, begun(site, dry_run=True, values={"file": "more.csv"}))

    assert (run["where"], run["state"], run["message"]) == ("here", "done", "")
    counts = dict(run["counts"])
    assert (counts["read"], counts["new"], counts["enrolled"], counts["placed: bait"]) == (2, 2, 1, 1)
    assert fake.asked == []
    assert engine.status(now=NOW) == before


def test_the_real_one_is_asked_of_whoever_does_it_with_the_name_of_the_campaign(site: Guard, fake: FakeRuns) -> None:
    run = begun(site, dry_run=False, values={"file": "leads.csv", "campaign": "another", "dry_run": True})

    assert fake.asked == [("backfill", {"file": "leads.csv", "campaign": "hello", "dry_run": False})]
    assert (run["where"], run["url"]) == ("elsewhere", "http://127.0.0.1:1/run-0")
    assert dict(end_of(site, run)["counts"])["enrolled"] == 3
    assert [run["id"] for run in ask(site, "GET", "/api/campaigns/hello/runs").json()["runs"]] == [run["id"]]


def test_where_nobody_else_answers_the_page_says_so_and_it_is_done_here(
    engine: Engine, site: Guard, fake: FakeRuns
) -> None:
    fake.answers = False
    (engine.settings.home / "more.csv").write_text(CY)

    told = ask(site, "GET", "/api/campaigns/hello/runs").json()
    assert (told["elsewhere"]["answers"], told["elsewhere"]["remedy"]) == (False, "elsewhere up")
    assert set(told["forms"]) == {"run-campaign", "backfill"}
    body = {"kind": "backfill", "values": {}, "dry_run": False, "where": "elsewhere", "click": "c"}
    assert ask(site, "POST", "/api/campaigns/hello/runs", body=body).status_code == 503

    run = end_of(site, begun(site, dry_run=False, where="here", values={"file": "more.csv"}))
    assert run["state"] == "done", run
    assert engine.status("hello", now=NOW)["campaigns"][0]["entered"] == 3


def test_virtual_time_is_not_lived_in_the_process_that_answers_leads(site: Guard) -> None:
    body = {
        "kind": "backfill",
        "values": {"until": "2026-04-01T00:00:00Z"},
        "dry_run": False,
        "where": "here",
        "click": "c",
    }
    answer = ask(site, "POST", "/api/campaigns/hello/runs", body=body)

    assert (answer.status_code, "virtual time" in answer.json()["error"]) == (422, True)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"values": {"basis": ["x"]}}, 400),
        ({"values": {"basis": "x" * 10_001}}, 400),
        ({"values": {"file": "../../etc/passwd.csv"}, "dry_run": True}, 202),
        ({"values": {"pace": -1}, "dry_run": True}, 422),
        ({"values": {"now": "2026-03-02T10:00:00"}, "dry_run": True}, 422),
        ({"kind": "wipe"}, 422),
        ({"click": ""}, 400),
        ({"click": "线"}, 400),
        ({"where": "moon"}, 404),
        ({"dry_run": "no"}, 400),
    ],
)
def test_odd_questions_get_an_answer(site: Guard, change: dict[str, Any], status: int) -> None:
    body = {"kind": "backfill", "values": {}, "dry_run": False, "where": "here", "click": "c", **change}
    answer = ask(site, "POST", "/api/campaigns/hello/runs", body=body)

    assert answer.status_code == status, answer.text
    if status == 202:
        run = end_of(site, answer.json())
        assert (run["state"], "Nurture folder" in run["message"]) == ("failed", True)


def test_a_run_of_another_campaign_is_not_shown(site: Guard, fake: FakeRuns) -> None:
    other = fake.start("backfill", {"campaign": "other", "dry_run": True}, click="x")

    assert ask(site, "GET", f"/api/campaigns/hello/runs/elsewhere/{other.id}").status_code == 404


# --- uploads ---------------------------------------------------------------------------------------------------


def test_a_file_is_kept_whole_and_never_over_another(engine: Engine, site: Guard) -> None:
    def sent(text: str) -> str:
        answer = ask(site, "PUT", "/api/leads-files/spring.csv", data=text.encode(), **BYTES)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["file"])

    first, again, other = sent(CY), sent(CY), sent("email\n")

    assert first == again == "leads/spring.csv"
    assert other.startswith("leads/spring-")
    assert (engine.settings.home / first).read_text() == CY
    assert (engine.settings.home / other).read_text() == "email\n"
    assert sorted(file.name for file in (engine.settings.home / "leads").iterdir()) == sorted([first[6:], other[6:]])
    assert set(ask(site, "GET", "/api/campaigns/hello/runs").json()["offers"]["file"]) >= {first, other}


@pytest.mark.parametrize(
    "name",
    ["leads.exe", ".csv", ".hidden.csv", "%2e%2e%2fout.csv", "a%2fb.csv", "a%5cb.csv", "a%00.csv", f"{'x' * 100}.csv"],
)
def test_a_name_that_leads_elsewhere_is_not_taken(engine: Engine, site: Guard, name: str) -> None:
    before = sorted(engine.settings.home.rglob("*.csv"))

    assert ask(site, "PUT", f"/api/leads-files/{name}", data=b"x", **BYTES).status_code in (404, 405, 422)
    assert sorted(engine.settings.home.rglob("*.csv")) == before


def test_what_is_empty_or_too_large_leaves_nothing(
    engine: Engine, site: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nurture.web.uploads.MOST_BYTES", 10)

    assert ask(site, "PUT", "/api/leads-files/a.csv", data=b"", **BYTES).status_code == 422
    assert ask(site, "PUT", "/api/leads-files/a.csv", data=b"x" * 11, **BYTES).status_code == 413
    assert list((engine.settings.home / "leads").iterdir()) == []


# --- whose hands -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/campaigns/hello/runs"),
        ("POST", "/api/campaigns/hello/runs"),
        ("GET", "/api/campaigns/hello/runs/here/x"),
        ("PUT", "/api/leads-files/a.csv"),
    ],
)
@pytest.mark.parametrize(
    ("stranger", "status"),
    [
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"x_forwarded_for": "198.51.100.7"}, 404),
        ({"host": "mail.example.com"}, 404),
    ],
)
def test_nobody_elses_page_starts_anything(
    engine: Engine, site: Guard, fake: FakeRuns, method: str, path: str, stranger: dict[str, str], status: int
) -> None:
    body = {"kind": "backfill", "values": {}, "dry_run": False, "where": "elsewhere", "click": "c"}
    sent: dict[str, Any] = {"data": b"x", **BYTES} if method == "PUT" else {"body": body} if method == "POST" else {}

    assert ask(site, method, path, **sent, **stranger).status_code == status
    assert fake.asked == []
    assert not (engine.settings.home / "leads").exists()


def test_a_form_of_another_site_cannot_be_sent(site: Guard, fake: FakeRuns) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        assert ask(site, "POST", "/api/campaigns/hello/runs", data=b"{}", content_type=kind).status_code == 415
        assert ask(site, "PUT", "/api/leads-files/a.csv", data=b"x", content_type=kind).status_code == 415
    assert fake.asked == []
