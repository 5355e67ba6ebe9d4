"""One campaign with two leads in it, and somebody who asks the canvas's API."""

from __future__ import annotations

import asyncio
import json
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from nurture import canonical
from nurture.engine import Engine
from nurture.registry import node_types
from nurture.web.guard import Guard
from tests.web.installing import installed

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)
CAMPAIGN: dict[str, Any] = {
    "campaign": "hello",
    "title": {"zh": "你好", "en": "Hello"},
    "time_zone": "Asia/Shanghai",
    "start": "bait",
    "nodes": {
        "bait": {"type": "send_content", "channel": "email", "content": "paper", "next": "pause"},
        "pause": {"type": "wait", "for": "3 hours", "next": "parts"},
        "parts": {"type": "split", "arms": {"9": 50, "1": 50}, "next": "end"},
    },
}
MAIL = "Subject: A paper\n\nHello. {{ postal_address }} [Unsubscribe]({{ unsubscribe_url }})\n"
JSON = {"content-type": "application/json"}


def written(campaign: dict[str, Any]) -> str:
    return canonical.write(campaign, node_types())


def installation(tmp_path: Path) -> AbstractContextManager[Engine]:
    """An installation with one campaign, published, in which Ada and Bob wait."""
    files = {
        "definitions/hello.json": written(CAMPAIGN),
        "definitions/schema.json": "{}",
        "content/paper/email.en.md": MAIL,
        "leads.csv": "email,name,consent\nada@example.com,Ada,yes\nbob@example.com,Bob,yes\n",
    }
    return installed(tmp_path, files, now=NOW)


def ask(
    site: Guard, method: str, path: str, *, body: Any = None, data: bytes | None = None, **headers: str
) -> httpx.Response:
    async def asked() -> httpx.Response:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=site), base_url="http://127.0.0.1:8765"
        ) as client:
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            if body is not None:
                return await client.request(method, path, content=json.dumps(body), headers={**JSON, **given})
            return await client.request(method, path, content=data, headers=given)

    return asyncio.run(asked())


def opened(site: Guard, name: str = "hello") -> dict[str, Any]:
    answer = ask(site, "GET", f"/api/campaigns/{name}")
    assert answer.status_code == 200
    return dict(answer.json())
