"""The pages that mails point to: what they show, what they change, and to whom they answer at all."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import httpx
import pytest

from nurture import tokens
from nurture.engine import Engine
from nurture.identity import LeadRef
from nurture.web.app import app
from nurture.web.guard import Guard
from tests.web.installing import installed

MONDAY = datetime(2026, 3, 2, 2, tzinfo=UTC)
LATER = datetime(2026, 3, 2, 6, tzinfo=UTC)
CAMPAIGN: dict[str, Any] = {
    "campaign": "hello",
    "exit_on": ["unsubscribed"],
    "time_zone": "Asia/Shanghai",
    "start": "bait",
    "nodes": {
        "bait": {"type": "send_content", "channel": "email", "content": "paper", "next": "pause"},
        "pause": {"type": "wait", "for": "3 days", "next": "end"},
    },
}
MAIL = """Subject: A paper

Hello {{ lead.name|default("friend") }}, [in a browser]({{ view_url }}).

{{ postal_address }} · [Unsubscribe]({{ unsubscribe_url }})
"""
LEADS = "email,name\nada@example.com,<script>alert(1)</script>\n"
EVERYWHERE = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An installation in which Ada has got one mail."""
    files = {
        "definitions/hello.json": json.dumps(CAMPAIGN),
        "content/paper/email.en.md": MAIL,
        "leads.csv": LEADS,
    }
    with installed(tmp_path, files, now=MONDAY) as opened:
        yield opened


@pytest.fixture
def site(engine: Engine) -> Guard:
    return app(engine, lambda: LATER)


def ask(site: Guard, method: str, path: str, *, host: str = "127.0.0.1:8765", body: bytes = b"") -> httpx.Response:
    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app=site)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8765") as client:
            return await client.request(method, path, headers={"host": host}, content=body)

    return asyncio.run(asked())


def links(engine: Engine) -> dict[str, str]:
    """The paths in the mail that Ada got: to unsubscribe, and to view it."""
    [file] = (engine.settings.home / "outbox").glob("*.eml")
    mail = message_from_bytes(file.read_bytes(), policy=policy.default)
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]  # a mail of ours has a plain part
    unsubscribe = re.search(r"<https://mail\.example\.com(/unsubscribe/[\w-]+)>", str(mail["List-Unsubscribe"]))
    view = re.search(r"https://mail\.example\.com(/view/[\w-]+)", text)
    assert unsubscribe is not None
    assert view is not None
    return {"unsubscribe": unsubscribe[1], "view": view[1]}


def signals(engine: Engine) -> list[tuple[str, str, str | None]]:
    heard = engine.history(LeadRef.parse("ada@example.com"))["signals"]
    return [(signal["kind"], signal["at"], signal["node"]) for signal in heard]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_at_the_unsubscribe_page_changes_nothing(engine: Engine, site: Guard, method: str) -> None:
    answer = ask(site, method, links(engine)["unsubscribe"])

    assert answer.status_code == 200
    assert signals(engine) == []
    if method == "GET":
        assert "a…@example.com" in answer.text
        assert "退订" in answer.text
        assert "Unsubscribe" in answer.text
        assert "ada@" not in answer.text


def test_one_click_unsubscribes_at_once_and_twice_is_once(engine: Engine, site: Guard) -> None:
    path = links(engine)["unsubscribe"]

    answers = [ask(site, "POST", path, body=b"List-Unsubscribe=One-Click").status_code for _ in range(2)]
    engine.tick(LATER, until=LATER)

    assert answers == [200, 200]
    assert signals(engine) == [("unsubscribed", "2026-03-02T06:00:00Z", "bait")]
    assert engine.history(LeadRef.parse("ada@example.com"))["enrollments"][0]["reason"] == "exit:unsubscribed"
    assert engine.enroll("hello", now=LATER).not_enrolled.keys() <= {"suppressed:unsubscribed", "already_completed"}


def test_the_mail_is_shown_as_it_was_sent(engine: Engine, site: Guard) -> None:
    answer = ask(site, "GET", links(engine)["view"])

    assert answer.status_code == 200
    assert "&lt;script&gt;" in answer.text
    assert "<script" not in answer.text
    assert "sandbox" in answer.headers["content-security-policy"]
    assert signals(engine) == []


def test_a_token_is_good_for_its_purpose_only(engine: Engine, site: Guard) -> None:
    paths = links(engine)
    swapped = paths["view"].replace("/view/", "/unsubscribe/")

    assert ask(site, "POST", swapped).status_code == 404
    assert ask(site, "GET", paths["unsubscribe"].replace("/unsubscribe/", "/view/")).status_code == 404
    assert signals(engine) == []


def forged(engine: Engine) -> dict[str, str]:
    good = links(engine)["unsubscribe"].rpartition("/")[2]
    return {
        "flipped": ("A" if good[0] != "A" else "B") + good[1:],
        "truncated": good[:-4],
        "lengthened": f"{good}AAAA",
        "foreign": tokens.sign(b"another secret", "unsubscribe", "aaaa/bait/0"),
        "of a message that never was": tokens.sign(engine.secret, "unsubscribe", "aaaaaaaaaaaaaaaa/bait/0"),
        "no base64": "%E4%BD%A0%E5%A5%BD",
        "endless": "A" * 5000,
        "a path": "..%2F..%2Fetc",
    }


def test_every_bad_token_gets_the_same_page(engine: Engine, site: Guard) -> None:
    answers = {
        name: ask(site, method, f"/{page}/{token}")
        for name, token in forged(engine).items()
        for page, method in (("unsubscribe", "GET"), ("unsubscribe", "POST"), ("view", "GET"))
    }

    assert {answer.status_code for answer in answers.values()} == {404}
    assert len({answer.text for answer in answers.values()}) == 1
    assert signals(engine) == []


@pytest.mark.parametrize("path", ["unsubscribe", "view", "nothing"])
def test_every_answer_carries_the_security_headers(engine: Engine, site: Guard, path: str) -> None:
    answer = ask(site, "GET", links(engine).get(path, "/nothing"))

    assert EVERYWHERE.items() <= dict(answer.headers).items()
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src" not in policy


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8765", 200),
        ("localhost", 200),
        ("[::1]:8765", 200),
        ("mail.example.com", 200),
        ("MAIL.example.com:443", 200),
        ("evil.example", 421),
        ("mail.example.com.evil.example", 421),
        ("127.0.0.1.evil.example:8765", 421),
        ("", 421),
    ],
)
def test_only_our_own_names_are_answered(engine: Engine, site: Guard, host: str, status: int) -> None:
    answer = ask(site, "GET", links(engine)["unsubscribe"], host=host)

    assert answer.status_code == status
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_nothing_else_is_there(site: Guard) -> None:
    assert [ask(site, "GET", path).status_code for path in ("/docs", "/openapi.json", "/unsubscribe/", "/api")] == [
        404
    ] * 4
    assert ask(site, "DELETE", "/unsubscribe/x").status_code == 405
