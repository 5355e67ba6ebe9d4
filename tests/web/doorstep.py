"""An installation whose mails are followed, with one mail that has left; and whoever knocks at its door."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import httpx
from standardwebhooks.webhooks import Webhook

from nurture.engine import Engine
from nurture.engine.weighing import weigh
from nurture.identity import LeadRef
from nurture.web.app import app
from nurture.web.lead.buffer import Buffer
from tests.evidence.patterns import CHROME
from tests.web.installing import installed

MONDAY = datetime(2026, 3, 2, 2, tzinfo=UTC)
LATER = datetime(2026, 3, 2, 3, tzinfo=UTC)
ADA = LeadRef.parse("ada@example.com")
SECRET = "whsec_c2VjcmV0IG9mIHRoZSBjcm0gc3lzdGVt"
CAMPAIGN: dict[str, Any] = {
    "campaign": "hello",
    "exit_on": ["unsubscribed"],
    "time_zone": "Asia/Shanghai",
    "start": "bait",
    "nodes": {
        "bait": {"type": "send_content", "channel": "email", "content": "paper", "next": "asks"},
        "asks": {
            "type": "check_response",
            "to": "bait",
            "evidence": ["clicked", "submitted"],
            "within": "3 days",
            "next": {"yes": "hot", "no": "end"},
        },
        "hot": {"type": "tag", "add": ["hot"], "next": "end"},
    },
}
MAIL = """Subject: A paper

Hello {{ lead.name|default("friend") }}, [in a browser]({{ view_url }}).

[Read it](https://www.example.com/paper?a=1&b=2), [come](https://www.example.com/course),
[for you](https://www.example.com/for/{{ lead.name|default("you") }}), or [answer five questions]({{ form_url }}).

{{ postal_address }} · [Unsubscribe]({{ unsubscribe_url }}) · [Less often]({{ preferences_url }})
"""
FORM = {
    "title": "Five <b>questions</b>",
    "intro": "Ninety seconds.\n\nNo more.",
    "thanks": "Thank you!",
    "tags": ["answered"],
    "fields": [
        {"name": "budget", "label": "Budget", "type": "choice", "required": True,
         "choices": ["none yet", {"value": "now", "label": "This year", "tags": ["hot budget"]}]},
        {"name": "team", "label": "Your team", "type": "text"},
        {"name": "people", "label": "How many?", "type": "number"},
        {"name": "topics_liked", "label": "Topics", "type": "choices", "choices": ["a", "b"]},
        {"name": "call", "label": "Shall we call?", "type": "yes_no"},
        {"name": "since", "label": "Since", "type": "date"},
        {"name": "why", "label": "Why", "type": "long_text"},
    ],
}  # fmt: skip
TOPICS = {"about:nurture": {"zh": "线索孵化", "en": "Lead nurture"}, "about:events": {"zh": "活动", "en": "Events"}}


class Doorstep:
    """The site, a clock that can be turned, and short ways to knock."""

    def __init__(self, engine: Engine, *, leads_only: bool = False) -> None:
        self.engine = engine
        self.now = LATER
        self.buffer = Buffer(engine.store)
        self.site = app(engine, lambda: self.now, self.buffer, leads_only=leads_only)

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        agent: str = CHROME,
    ) -> httpx.Response:
        """One request, from one place. A path of a link in a mail may be its whole address."""
        path = path.removeprefix("https://mail.example.com")
        given = {"host": "mail.example.com", "user-agent": agent, **(headers or {})}

        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.site, client=("192.0.2.10", 4000))
            async with httpx.AsyncClient(transport=transport, base_url="https://mail.example.com") as client:
                return await client.request(method, path, headers=given, content=body)

        return asyncio.run(asked())

    def submit(self, path: str, **values: str | list[str]) -> httpx.Response:
        body = httpx.QueryParams(values)
        return self.ask(
            "POST", path, body=str(body).encode(), headers={"content-type": "application/x-www-form-urlencoded"}
        )

    def tell(self, *events: dict[str, Any], id: str = "1", at: datetime | None = None, **more: Any) -> httpx.Response:
        """A call of the CRM's, properly signed, with whatever is to be wrong with it in `more`."""
        data = more.get("data", json.dumps({"events": list(events)}).encode())
        sent_at = at or self.now
        headers = {
            "content-type": "application/json",
            "webhook-id": id,
            "webhook-timestamp": str(int(sent_at.timestamp())),
            "webhook-signature": Webhook(more.get("secret", SECRET)).sign(id, sent_at, data.decode("utf-8", "replace")),
            **more.get("headers", {}),
        }
        return self.ask("POST", more.get("path", "/hook/crm"), body=more.get("sent", data), headers=headers)

    def after(self, **span: float) -> None:
        """What was asked for is stored, time passes, and what can be judged by then is heard."""
        self.buffer.flush()
        self.now += timedelta(**span)
        weigh(self.engine.store, now=self.now)

    def heard(self) -> list[tuple[str, str, str | None]]:
        """(kind, confidence, node) of all that Ada did."""
        signals = self.engine.history(ADA)["signals"]
        return [(signal["kind"], signal["confidence"], signal["node"]) for signal in signals]

    def lead(self) -> dict[str, Any]:
        return dict(self.engine.history(ADA)["lead"])

    def links(self) -> dict[str, str]:
        """What stands in Ada's mail: address by what it is for."""
        [file] = (self.engine.settings.home / "outbox").glob("*.eml")
        mail = message_from_bytes(file.read_bytes(), policy=policy.default)
        html = mail.get_body(("html",)).get_content()  # type: ignore[union-attr]  # a mail of ours has an HTML part
        found = {"html": html, "text": mail.get_body(("plain",)).get_content()}  # type: ignore[union-attr]  # and a text
        found["picture"] = re.findall(r'<img src="([^"]+)"', html)[-1]
        found["trap"] = re.findall(r'href="([^"]+/t/[^"]+)"', html)[0]
        for name, words in {"paper": "Read it", "course": "come", "form": "answer five questions", "for": "for you",
                            "view": "in a browser", "preferences": "Less often"}.items():  # fmt: skip
            found[name] = re.findall(rf'href="([^"]+)"[^>]*>{words}', html)[0]
        found["unsubscribe"] = re.findall(r"<(https://[^>]+)>", str(mail["List-Unsubscribe"]))[0]
        return found


@contextmanager
def doorstep(home: Path, *, leads_only: bool = False, **settings: Any) -> Iterator[Doorstep]:
    files = {
        "definitions/hello.json": json.dumps(CAMPAIGN),
        "content/paper/email.en.md": MAIL,
        "content/paper/form.en.json": json.dumps(FORM),
        "content/topics.json": json.dumps(TOPICS),
        "leads.csv": "email,name,wechat,language\nada@example.com,Ada,oADA1234,en\n",
    }
    chosen = {"hooks": f"crm:{SECRET}", "wechat_token": "wx-token", **settings}
    with installed(home, files, now=MONDAY, **chosen) as engine:
        yield Doorstep(engine, leads_only=leads_only)
