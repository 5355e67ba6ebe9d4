"""How what people do reaches us: by the links in their mail, by their form, by the web site that calls our door.

And the security gateways of some companies, which follow every link of every mail before anybody has read it.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from hashlib import sha1
from html import unescape
from types import TracebackType
from typing import Any
from urllib.parse import urlencode, urlsplit

from standardwebhooks.webhooks import Webhook

from nurture.demo.people import Person, chance
from nurture.engine.engine import Engine
from nurture.web.app import app
from nurture.web.lead.buffer import Buffer

__all__ = ["HOOK", "WECHAT_TOKEN", "Gate", "Mail", "has_gateway"]

HOOK = "whsec_dGhlIHdlYiBzaXRlIG9mIHRoZSBkZW1v"
WECHAT_TOKEN = "demo-callback"  # noqa: S105  # the demo's own stand-in for WeChat
GATEWAYS = 0.3
"""The share of companies with one."""
AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 15_6) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
)
FORM = "application/x-www-form-urlencoded"
_href = re.compile(r'href="(http[^"]+)"')
_picture = re.compile(r'<img src="([^"]+/o/[^"]+)"')


def has_gateway(person: Person) -> bool:
    """Whether the mail of this person's company is looked through by a machine."""
    return chance(person.company, "gateway") < GATEWAYS


@dataclass(frozen=True, slots=True)
class Mail:
    """The addresses in a mail, as its reader's program sees them."""

    picture: str
    links: tuple[str, ...]
    """What may be followed to somewhere, in their order."""
    form: str
    trap: str
    unsubscribe: str

    @classmethod
    def read(cls, raw: bytes) -> Mail:
        mail = message_from_bytes(raw, policy=policy.default)
        part = mail.get_body(("html",))
        html = part.get_content() if part is not None else ""
        links = tuple(dict.fromkeys(unescape(link) for link in _href.findall(html)))
        picture = _picture.search(html)
        return cls(
            picture[1] if picture else "",
            tuple(link for link in links if "/c/" in link),
            next((link for link in links if "/form/" in link), ""),
            next((link for link in links if "/t/" in link), ""),
            str(mail["List-Unsubscribe"] or "").strip("<>").partition(">")[0],
        )

    def everything(self) -> Iterator[str]:
        """What a gateway opens."""
        yield from (link for link in (self.picture, *self.links, self.form, self.trap, self.unsubscribe) if link)


@dataclass
class Gate:
    """The endpoints of `nurture web`, and everybody who knocks there, each in its own time."""

    engine: Engine
    now: datetime
    requests: int = 0
    refused: list[str] = field(default_factory=list)
    """Answers that nobody expected."""

    def __enter__(self) -> Gate:
        self._buffer = Buffer(self.engine.store)
        self._site = app(self.engine, lambda: self.now, self._buffer, leads_only=True)
        self._loop = asyncio.Runner()
        self._calls = 0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.close()

    def flush(self) -> None:
        """What was asked for is stored now."""
        self._buffer.flush()

    # -- people ---------------------------------------------------------------------------------------------------

    def look(self, person: Person, mail: Mail) -> None:
        self._get(person, mail.picture)

    def click(self, person: Person, mail: Mail, node: str) -> None:
        links = mail.links or (mail.form or mail.picture,)
        self._get(person, links[int(chance(person.key, node, "which") * len(links))])

    def opt_out(self, mail: Mail) -> None:
        """One click in the mail program, which tells its own server: nothing is known of the person but the link."""
        self._ask("POST", mail.unsubscribe, b"List-Unsubscribe=One-Click", {"content-type": FORM}, "192.0.2.1")

    def fill_in(self, person: Person, mail: Mail, answers: Mapping[str, str]) -> None:
        self._get(person, mail.form)
        self._ask("POST", mail.form, urlencode(answers).encode(), {"content-type": FORM}, _place(person))

    def told_by_the_site(self, **event: Any) -> None:
        """The web site, the event tool and the SDR's own system tell what happens there."""
        self._calls += 1
        data, id = json.dumps(event), f"demo-{self._calls}"
        headers = {
            "content-type": "application/json",
            "webhook-id": id,
            "webhook-timestamp": str(int(self.now.timestamp())),
            "webhook-signature": Webhook(HOOK).sign(id, self.now, data),
        }
        self._ask("POST", "/hook/site", data.encode(), headers, "192.0.2.2")

    def answer_by_wechat(self, person: Person, words: str) -> None:
        self._calls += 1
        stamp = str(int(self.now.timestamp()))
        seal = sha1("".join(sorted((WECHAT_TOKEN, stamp, "demo"))).encode()).hexdigest()  # noqa: S324  # WeChat's rule
        xml = (
            f"<xml><FromUserName>{person.wechat}</FromUserName><CreateTime>{stamp}</CreateTime>"
            f"<MsgType>text</MsgType><Content>{words}</Content><MsgId>{self._calls}</MsgId></xml>"
        )
        self._ask("POST", f"/wechat?signature={seal}&timestamp={stamp}&nonce=demo", xml.encode(), {}, "192.0.2.3")

    # -- machines -------------------------------------------------------------------------------------------------

    def scan(self, person: Person, mail: Mail) -> int:
        """A gateway opens everything, one after the other; says how much that was."""
        opened = list(mail.everything())
        for link in opened:
            self._ask("GET", link, b"", {"user-agent": AGENTS[0]}, f"203.0.113.{1 + int(200 * chance(person.company))}")
            self.now += timedelta(seconds=0.4)
        return len(opened)

    def _get(self, person: Person, address: str) -> None:
        agent = AGENTS[int(chance(person.key, "agent") * len(AGENTS))]
        self._ask("GET", address, b"", {"user-agent": agent}, _place(person))

    def _ask(self, method: str, address: str, body: bytes, headers: Mapping[str, str], source: str) -> None:
        status = self._loop.run(self._asked(method, address, body, headers, source))
        self.requests += 1
        if status not in (200, 302, 404 if "/t/" in address else 200):
            self.refused.append(f"{method} {urlsplit(address).path[:14]}: {status}")

    async def _asked(self, method: str, address: str, body: bytes, headers: Mapping[str, str], source: str) -> int:
        """One request, spoken to the application as its server speaks."""
        parts = urlsplit(address)
        said: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            said.append(message)

        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": parts.path, "raw_path": parts.path.encode(), "query_string": parts.query.encode(), "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in {"host": "127.0.0.1", **headers}.items()],
            "client": (source, 0), "server": ("127.0.0.1", 80),
        }  # fmt: skip
        await self._site(scope, receive, send)
        return int(said[0]["status"])


def _place(person: Person) -> str:
    """The people of one office come from one address."""
    company, office = int(250 * chance(person.company, "place")), int(20 * chance(person.key, "office"))
    return f"198.51.{100 + office}.{1 + company}"
