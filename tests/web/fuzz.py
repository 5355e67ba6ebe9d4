"""Requests by chance at everything that the internet may reach: nothing breaks, nothing changes.

`python -m tests.web.fuzz --requests 100000 [--part 1/10] [--tokens 1000000]` is the long form, for the night.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from tests.web.doorstep import Doorstep, doorstep
from tests.web.test_tracking import guessed

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get", "\u00e9", "")
PAGES = (
    "o",
    "c",
    "t",
    "unsubscribe",
    "view",
    "preferences",
    "form",
    "hook",
    "wechat",
    "api/campaigns",
    "api/history",
    "editor",
    "",
)
KINDS = (
    "application/x-www-form-urlencoded", "application/json", "text/plain", "multipart/form-data; boundary=x", "", "text/xml", "\u00ff",
)  # fmt: skip
PIECES = (
    "../", "%2e%2e/", "..\\", "%00", "%0d%0aSet-Cookie:a=b", "//evil.example", "javascript:alert(1)", "<script>", "{{7*7}}", "'",
    '" OR 1=1--', "\u202e", "A" * 500, "é", "🐍", "%ff", "?", "#", "/", ".", "-", "_", "null", "1e999", "[]", "${x}", "a.b", "b.",
)  # fmt: skip
BODIES = (
    b"", b"budget=now", b"rhythm=weekly&pause=7", b"List-Unsubscribe=One-Click", b'{"events": []}', b"[" * 2_000, b"\xff\xfe\x00",
    b"<xml><Content>TD</Content></xml>", b"<!DOCTYPE x><x/>", b"a=1&" * 300, b"%" * 500, b'{"kind": "unsubscribed", "lead": "ada@example.com"}',
)  # fmt: skip


def by_chance(chance: random.Random, tokens: list[str]) -> dict[str, Any]:
    """One request: often nearly right, which is where holes are."""
    token = chance.choice(tokens)
    match chance.randrange(7):
        case 0:
            at = chance.randrange(len(token))
            token = token[:at] + chance.choice("ABCxyz019-_.") + token[at + 1 :] + chance.choice(("", "A"))
        case 1:
            token = token[: chance.randrange(len(token))]
        case 2:
            token = "".join(chance.choice(PIECES) for _ in range(chance.randrange(5)))
        case 3:
            token = chance.randbytes(chance.randrange(60)).hex()
        case 4:
            token = token + chance.choice(PIECES)
        case 5:
            token = chance.choice(("crm", "site", "crm/..", "CRM"))
        case _:
            token = "".join(reversed(token))
    headers = {
        "host": chance.choice(("mail.example.com", "127.0.0.1", "evil.example", "mail.example.com:443")),
        "content-type": chance.choice(KINDS),
        "user-agent": chance.choice(("", "curl/8", *PIECES)),
        "x-forwarded-for": chance.choice(("", "1.2.3.4", "::1", *PIECES)),
        "webhook-id": chance.choice(("", "1", *PIECES)),
        "webhook-timestamp": chance.choice(("", "0", "1772420400", "1e9", "-1", *PIECES)),
        "webhook-signature": chance.choice(("", "v1,AAAA", "v1", ", ,", *PIECES)),
    }
    query = chance.choice(("", "", "signature=x&timestamp=1&nonce=%ff", "lead=ada@example.com", "url=//evil.example"))
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "https", "root_path": "",
        "method": chance.choice(METHODS), "path": f"/{chance.choice(PAGES)}/{token}", "raw_path": b"/", "query_string": query.encode(),
        "headers": [(name.encode(), value.encode("utf-8", "replace")) for name, value in headers.items()],
        "client": ("192.0.2.1", 1), "server": ("mail.example.com", 443), "body": chance.choice(BODIES),
    }  # fmt: skip


STATE = (
    "leads",
    "tags",
    "signals",
    "suppressions",
    "enrollments",
    "steps",
    "touches",
    "field_writes",
    "hits",
    "versions",
    "campaigns",
)


def state(door: Doorstep) -> dict[str, list[Any]]:
    """All that a request could change."""
    door.buffer.flush()
    with door.engine.store.read() as tx:
        return {table: sorted(map(repr, tx.rows(f"SELECT * FROM {table}"))) for table in STATE}


def fuzzed(door: Doorstep, requests: int, seed: int) -> Counter[int]:
    """How often each status was answered."""
    chance = random.Random(seed)
    links = door.links()
    good = [
        links[name].rpartition("/")[2]
        for name in ("picture", "paper", "trap", "form", "view", "preferences", "unsubscribe")
    ]
    statuses: Counter[int] = Counter()

    async def all_of_them() -> None:
        while statuses.total() < requests:
            scope = by_chance(chance, good)
            body, started = scope.pop("body"), []

            async def receive(body: bytes = body) -> dict[str, Any]:
                return {"type": "http.request", "body": body, "more_body": False}

            async def send(message: Any, started: list[int] = started) -> None:
                if message["type"] == "http.response.start":
                    started.append(message["status"])

            # A page of another token than its own is what nearly right means; a right one would be a real request.
            if scope["path"].rpartition("/")[2] not in good:
                await door.site(scope, receive, send)
                statuses[started[0]] += 1

    asyncio.run(all_of_them())
    return statuses


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--part", default="1/1", help="which of how many, so that each fits ten minutes")
    parser.add_argument("--tokens", type=int, default=0, help="forged tokens in all, instead of requests")
    asked = parser.parse_args()
    part, parts = map(int, asked.part.split("/"))
    if asked.tokens:
        taken = guessed(asked.tokens // parts)
        print(f"{asked.tokens // parts:,} forged tokens: {taken} taken")
        return 1 if taken else 0
    with tempfile.TemporaryDirectory() as folder, doorstep(Path(folder)) as door:
        before = state(door)
        statuses = fuzzed(door, asked.requests // parts, seed=part)
        changed = [table for table, rows in state(door).items() if rows != before[table]]
    print(f"{statuses.total():,} requests: {dict(sorted(statuses.items()))}; changed: {changed or 'nothing'}")
    return 1 if changed or any(status >= 500 for status in statuses) else 0


if __name__ == "__main__":
    sys.exit(main())
