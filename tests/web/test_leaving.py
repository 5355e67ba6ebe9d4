"""Leads that are taken out and campaigns that are deleted from the canvas: with a reason, and never silently."""

from __future__ import annotations

import pytest

from nurture.engine import Engine
from nurture.web.guard import Guard
from tests.web.scene import NOW, ask, opened

REMOVE = "/api/campaigns/hello/remove"


def test_one_lead_is_taken_out_with_a_reason_that_its_story_tells(engine: Engine, site: Guard) -> None:
    answer = ask(site, "POST", REMOVE, body={"lead": "ada@example.com", "reason": " a customer already "})

    assert answer.json() == {"campaign": "hello", "node": "pause"}
    [enrollment] = ask(site, "GET", "/api/history?lead=ada@example.com").json()["enrollments"]
    assert (enrollment["status"], enrollment["reason"]) == ("ended", "removed")
    assert enrollment["steps"][-1]["because"] == "taken out by hand: a customer already"
    assert engine.status(None, now=NOW)["conserved"]
    assert ask(site, "POST", REMOVE, body={"lead": "ada@example.com", "reason": "again"}).status_code == 409


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"lead": "ada@example.com"}, 400),
        ({"lead": "ada@example.com", "reason": " "}, 422),
        ({"lead": "ada@example.com", "reason": "x" * 1001}, 413),
        ({"lead": "eve@example.com", "reason": "x"}, 404),
    ],
)
def test_nobody_is_taken_out_without_a_name_and_a_reason(site: Guard, body: dict[str, str], status: int) -> None:
    assert ask(site, "POST", REMOVE, body=body).status_code == status


def test_no_other_site_takes_a_lead_out_or_deletes_a_campaign(site: Guard) -> None:
    body = {"lead": "ada@example.com", "reason": "x"}

    assert ask(site, "POST", REMOVE, body=body, origin="https://evil.example").status_code == 403
    assert ask(site, "DELETE", "/api/campaigns/hello", body={}, origin="https://evil.example").status_code == 403


def test_a_campaign_with_leads_inside_is_not_deleted_and_says_how_many(engine: Engine, site: Guard) -> None:
    etag = f'"{opened(site)["etag"]}"'

    refused = ask(site, "DELETE", "/api/campaigns/hello", body={}, if_match=etag)

    assert refused.status_code == 409
    assert refused.json()["error"].startswith("2 leads are inside hello, so it is not deleted: publish a version")
    assert (engine.settings.definitions / "hello.json").is_file()


def test_a_campaign_with_nobody_inside_is_deleted_by_who_has_seen_it(engine: Engine, site: Guard) -> None:
    for lead in ("ada", "bob"):
        ask(site, "POST", REMOVE, body={"lead": f"{lead}@example.com", "reason": "over"})
    etag = f'"{opened(site)["etag"]}"'

    assert ask(site, "DELETE", "/api/campaigns/hello", body={}).status_code == 428
    assert ask(site, "DELETE", "/api/campaigns/hello", body={}, if_match='"old"').status_code == 409
    assert ask(site, "DELETE", "/api/campaigns/hello", body={}, if_match=etag).json() == {"deleted": "hello"}
    assert not (engine.settings.definitions / "hello.json").exists()
    assert ask(site, "DELETE", "/api/campaigns/hello", body={}, if_match=etag).status_code == 404
