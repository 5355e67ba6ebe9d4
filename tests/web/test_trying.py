"""A draft tried out from the canvas: one lead, a crowd, a message; and what is done about leads from there."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from nurture.crowd import Crowd, forecast
from nurture.engine import Engine, watching
from nurture.web.guard import Guard
from nurture.web.live import Live
from tests.web.scene import CAMPAIGN, MAIL, NOW, ask

ROOT = Path(__file__).resolve().parents[2]

ASKING: dict[str, Any] = {
    "campaign": "hello",
    "time_zone": "Asia/Shanghai",
    "start": "bait",
    "nodes": {
        "bait": {"type": "send_content", "content": "paper", "next": "viewed"},
        "viewed": {"type": "check_response", "within": "3 days", "next": {"yes": "to_sdr", "no": "parts"}},
        "parts": {"type": "split", "arms": {"a": 50, "b": 50}, "next": "end"},
        "to_sdr": {"type": "route", "to": "sdr", "next": "end"},
    },
}


def rehearsed(site: Guard, **story: Any) -> dict[str, Any]:
    return dict(ask(site, "POST", "/api/rehearse", body={"draft": ASKING, "story": story}).json())


def test_one_lead_is_walked_through_by_what_is_chosen_for_it(site: Guard) -> None:
    silent = rehearsed(site)
    keen = rehearsed(site, happens={"bait": "viewed after 2 hours", "to_sdr": "accepted after 1 hour"})

    assert silent["path"] == ["bait: sent", "viewed: no", "parts: a"]
    assert keen["path"] == ["bait: sent", "viewed: yes", "to_sdr: accepted"]
    assert keen["steps"][1]["because"].startswith("viewed at")
    assert keen["choices"]["to_sdr"] == ["accepted", "returned"]
    assert keen["choices"]["parts"] == ["a", "b"]
    assert {"viewed", "clicked", "refused"} <= set(keen["choices"]["bait"])


def test_a_draft_or_a_choice_with_errors_is_not_lived(site: Guard) -> None:
    broken = ask(site, "POST", "/api/rehearse", body={"draft": {**ASKING, "start": "x"}, "story": {}})
    impossible = ask(site, "POST", "/api/rehearse", body={"draft": ASKING, "story": {"happens": {"bait": "purple"}}})

    assert broken.status_code == impossible.status_code == 422
    assert broken.json()["problems"][0]["code"] == "E_START"
    assert impossible.json()["problems"][0]["where"] == "/try/happens/bait"


def test_the_crowd_of_the_canvas_is_that_of_nurture_simulate(engine: Engine, site: Guard) -> None:
    asked = {"draft": ASKING, "leads": 200, "seed": 7, "rates": {"viewed": 0.4, "accepted": 0.5}, "tags": {}}
    told = ask(site, "POST", "/api/simulate", body=asked).json()
    plan = engine.ready("hello", now=NOW).plan

    assert told["leads"] == sum(told["ended"].values()) == 200
    assert sum(told["sends_per_day"].values()) == told["messages"] == 200
    assert sum(told["handoffs_per_week"].values()) == told["nodes"]["to_sdr"]["entered"] > 50
    assert told["days_to_end"]["half"] <= told["days_to_end"]["nine_of_ten"] <= told["days_to_end"]["slowest"]
    again = ask(site, "POST", "/api/simulate", body={**asked, "draft": CAMPAIGN}).json()
    assert again == forecast(plan, Crowd(7, asked["rates"], {}), 200)


@pytest.mark.parametrize(
    "wrong",
    [{"leads": 0}, {"leads": 5001}, {"rates": {"viewed": 2}}, {"rates": {"purple": 0.1}}, {"tags": {"a": "x"}}],
)
def test_a_crowd_that_cannot_be_is_refused_with_the_reason(site: Guard, wrong: dict[str, Any]) -> None:
    answer = ask(site, "POST", "/api/simulate", body={"draft": ASKING, **wrong})

    assert answer.status_code == 422
    assert answer.json()["error"]


def test_how_leads_have_answered_is_taken_from_history(engine: Engine, site: Guard) -> None:
    assert ask(site, "GET", "/api/campaigns/hello/rates").json() == {"sent": 2, "handoffs": 0, "rates": {}}
    with engine.store.write() as tx:
        tx.run("UPDATE touches SET state = 'sent' WHERE lead_id = 1")
        tx.run("UPDATE touches SET state = 'refused' WHERE lead_id = 2")
        for kind, id in (("viewed", "a"), ("viewed", "b"), ("clicked", "c")):
            tx.run(
                "INSERT INTO signals (lead_id, kind, at, heard_at, campaign, node, external_id)"
                " VALUES (1, ?, 0, 0, 'hello', 'bait', ?)",
                kind,
                id,
            )

    assert watching.shares(engine.store, "hello") == {
        "sent": 1,
        "handoffs": 0,
        "rates": {"clicked": 1.0, "refused": 0.5, "viewed": 1.0},
    }


def test_a_message_is_shown_as_a_lead_would_read_it(engine: Engine, site: Guard) -> None:
    (engine.settings.content / "paper/email.en.md").write_text(MAIL.replace("Hello", "Hello {{ lead.name }}"))
    asked = "/api/preview{}?content=paper&channel=email&language=en"

    told = ask(site, "GET", asked.format("") + "&lead=ada@example.com").json()
    page = ask(site, "GET", asked.format("/page") + "&lead=ada@example.com")

    assert (told["subject"], told["languages"], told["trouble"]) == ("A paper", ["en"], "")
    assert "Hello Ada." in told["text"]
    assert "Hello Ada." in page.text
    assert "x-frame-options" not in page.headers
    assert "sandbox" in page.headers["content-security-policy"]
    assert ask(site, "GET", asked.format("") + "&lead=eve@example.com").status_code == 404
    assert "no content" in ask(site, "GET", "/api/preview?content=x&channel=email").json()["trouble"]


def test_every_message_that_is_shipped_can_be_previewed(engine: Engine, site: Guard) -> None:
    shutil.copytree(ROOT / "content", engine.settings.home / "content", dirs_exist_ok=True)
    shipped = {tuple(file.relative_to(ROOT / "content").parts) for file in (ROOT / "content").glob("*/*.zh.*")}
    kinds = {(name, file.partition(".")[0]) for name, file in shipped if not file.startswith("form.")}
    troubles = {
        kind: ask(site, "GET", f"/api/preview?content={kind[0]}&channel={kind[1]}&language=zh").json()["trouble"]
        for kind in kinds
    }

    assert len(kinds) > 20
    assert {kind: trouble for kind, trouble in troubles.items() if trouble} == {}


def test_a_mail_that_is_previewed_names_nobody_else(site: Guard) -> None:
    page = ask(site, "GET", "/api/preview/page?content=paper&channel=email", x_forwarded_for="1.2.3.4")

    assert page.status_code == 404


def test_a_campaign_is_paused_and_resumed_from_the_canvas(engine: Engine, site: Guard) -> None:
    assert ask(site, "POST", "/api/campaigns/hello/pause", body={}).json() == {"paused": True}
    assert engine.status("hello", now=NOW)["campaigns"][0]["paused"]
    assert ask(site, "POST", "/api/campaigns/hello/resume", body={}).json() == {"paused": False}
    assert not engine.status("hello", now=NOW)["campaigns"][0]["paused"]
    assert ask(site, "POST", "/api/campaigns/hello/pause", data=b"{}").status_code == 415


def test_stuck_leads_are_tried_again_all_of_them_or_one(engine: Engine, site: Guard) -> None:
    with engine.store.write() as tx:
        tx.run("UPDATE enrollments SET status = 'stuck', reason = 'broken', due_at = NULL")
    [cause] = watching.live(engine, "hello", now=NOW)["causes"]  # type: ignore[index]  # it was published

    assert (cause["node"], cause["cause"], cause["leads"]) == ("pause", "broken", 2)
    assert ask(site, "POST", "/api/campaigns/hello/retry", body={"node": "bait"}).json() == {"retried": 0}
    assert ask(site, "POST", "/api/campaigns/hello/retry", body={"lead": "ada@example.com"}).json() == {"retried": 1}
    assert ask(site, "POST", "/api/campaigns/hello/retry", body={"node": "pause"}).json() == {"retried": 1}
    assert ask(site, "POST", "/api/campaigns/hello/retry", body={"lead": "x@y.zz"}).status_code == 404


# --- live --------------------------------------------------------------------------------------------------------


def told_within(seconds: float, newer: Any, seen: int) -> tuple[int, Any]:
    """The next snapshot, as soon as the reader has it."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        number, told = newer(seen)
        if told:
            return number, json.loads(told)
        time.sleep(0.01)
    raise AssertionError("nothing new was told")


def test_all_who_watch_share_one_reader_that_rests_when_nobody_does() -> None:
    looks: list[str] = []

    def read(campaign: str) -> int:
        looks.append(campaign)
        return len(looks)

    live = Live(read)
    with live.watching("hello") as first, live.watching("hello") as second:
        number, told = told_within(5, first, 0)
        assert told_within(5, second, 0) == (number, told) == (1, 1)
        assert told_within(5, first, number) == (2, 2)
        assert live.streams == 2
    assert live.streams == 0
    until = time.monotonic() + 5
    while live._thread is not None and time.monotonic() < until:
        time.sleep(0.01)
    assert live._thread is None


def test_what_cannot_be_read_is_told_and_read_again() -> None:
    answers = iter([RuntimeError("locked"), {"here": 1}])

    def read(campaign: str) -> Any:
        answer = next(answers, {"here": 1})
        if isinstance(answer, Exception):
            raise answer
        return answer

    with Live(read).watching("hello") as newer:
        number, told = told_within(5, newer, 0)
        assert told == {"error": "RuntimeError"}
        assert told_within(5, newer, number)[1] == {"here": 1}
