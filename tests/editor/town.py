"""An installation in full life, so that every page has something to show: people on their way, some of them stuck, some
waiting for an SDR, a campaign that was changed since, and one with problems."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from hashlib import blake2b
from pathlib import Path

from nurture import canonical
from nurture.engine import Engine, Incoming
from nurture.identity import LeadRef
from nurture.leads import LeadOptions
from nurture.registry import node_types
from tests.editor.serving import NOW, settings

ROOT = Path(__file__).resolve().parents[2]
BEGAN = datetime(2026, 1, 22, 2, tzinfo=UTC)
PEOPLE = tuple(LeadRef("email", f"lead{n}@example.com") for n in range(36))
NAMES = (
    "王琳",
    "Ada Byron",
    "李思远",
    "Grace Hopper",
    "张雨桐",
    "Björn Lindqvist",
    "欧阳慧敏",
    "Maximiliane Oberhuber-Weissenfels",
)
TITLES = ("市场总监", "CEO", "IT 主管", "Head of Marketing")
FIRMS = ("云帆工业软件", "Engines Ltd", "华林智能制造（苏州）有限公司", "Northwind")
LINKS = {
    "unsubscribe": "/unsubscribe/", "preferences": "/preferences/", "form": "/form/", "view": "/view/",
}  # fmt: skip
BROKEN = {
    "campaign": "spring",
    "title": {"zh": "春季活动", "en": "Spring"},
    "start": "bait",
    "nodes": {
        "bait": {"type": "send_content", "content": "whitepapr", "next": "viewed"},
        "viewed": {"type": "check_response", "to": "bait", "within": "900 days", "evidence": ["viewed"], "next": {"yes": "hot"}},
        "hot": {"type": "tag", "add": [], "next": "nowhere"},
        "lost": {"type": "wait", "for": "2 weeks", "next": "end"},
    },
}  # fmt: skip
INBOUND = {
    "campaign": "inbound",
    "title": {"zh": "来电", "en": "Inbound"},
    "start": "handed",
    "nodes": {
        "handed": {"type": "route", "to": "sdr", "team": "inbound", "sla": "2 workdays", "next": "end"},
    },
}


def founded(home: Path) -> None:
    """The folder, and six weeks of life in it; in a thread of its own, because Playwright's loop runs in its caller's."""
    with ThreadPoolExecutor(1) as beside:
        beside.submit(_founded, home).result()


def _founded(home: Path) -> None:
    _built(home)
    with Engine.open(settings(home)) as engine:
        _lived(engine)


def _built(home: Path) -> None:
    for name in ("definitions", "content"):
        shutil.copytree(ROOT / name, home / name)
    for name, campaign in {"spring": BROKEN, "inbound": INBOUND}.items():
        (home / f"definitions/{name}.json").write_text(json.dumps(campaign), encoding="utf-8")
    rows = "".join(
        f"lead{n}@example.com,{NAMES[n % 8]},{FIRMS[n % 4]},{TITLES[n % 4]},{'zh' if n % 2 else 'en'},oLEAD{n:04},registered,yes\n"
        for n in range(len(PEOPLE))
    )
    head = "email,name,company,title,language,wechat,tags,consent\n"
    (home / "leads.csv").write_text(head + rows, encoding="utf-8")


def _lived(engine: Engine) -> None:
    """Six weeks of the welcome campaign; then it is changed, and not published yet."""
    home = engine.settings.home
    engine.publish([home / f"definitions/{name}.json" for name in ("welcome", "drip", "inbound")], now=BEGAN)
    engine.import_leads(home / "leads.csv", LeadOptions(basis="fair"), now=BEGAN)
    for day in range(39):
        now = BEGAN + timedelta(days=day)
        if today := PEOPLE[day : day + 1]:
            engine.enroll("welcome", leads=today, now=now)
        engine.tick(now, until=now)
        engine.hear(list(_answers(engine, PEOPLE[: day + 1], now)), now=now)
    engine.enroll("inbound", leads=PEOPLE[:5], now=NOW - timedelta(hours=3))
    engine.tick(NOW, until=NOW)
    with engine.store.write() as tx:
        tx.run(
            "UPDATE enrollments SET status = 'stuck', due_at = NULL, reason = 'content whitepaper: no such variable'"
            " WHERE status = 'waiting' AND id % 7 = 1"
        )
    _changed(home / "definitions/welcome.json")


def _answers(engine: Engine, people: Sequence[LeadRef], now: datetime) -> Iterator[Incoming]:
    """A third of the messages are answered, each when it has left and no sooner."""
    for lead in people:
        for touch in engine.history(lead)["touches"]:
            chance = blake2b(f"{lead}{touch['node']}".encode(), digest_size=1).digest()[0]
            if touch["state"] == "sent" and chance < 90:
                kind = ("viewed", "clicked", "replied", "submitted")[chance % 4]
                id = f"{lead}/{touch['node']}"
                yield Incoming(kind, lead, now, campaign=touch["campaign"], node=touch["node"], id=id)


def _changed(file: Path) -> None:
    """A node less, a node more, another wait and another wording: what a version's difference has to show."""
    campaign = json.loads(file.read_text(encoding="utf-8"))
    nodes = campaign["nodes"]
    del nodes["industry_case"], nodes["case_answered"]
    nodes["course_answered"]["next"]["no"] = "breathe_again"
    nodes["breathe_again"] = {
        "type": "wait",
        "title": {"zh": "缓一缓", "en": "A pause"},
        "for": "2 workdays",
        "next": "offline_event",
    }
    nodes["breathe"]["for"] = "3 workdays"
    file.write_text(canonical.write(campaign, node_types()), encoding="utf-8")


def links(home: Path) -> dict[str, str]:
    """Where the links of a mail lead, by what they are for."""
    found: dict[str, str] = {}
    for file in sorted((home / "outbox").glob("*.eml")):
        mail = message_from_bytes(file.read_bytes(), _class=EmailMessage, policy=policy.default)
        body = mail.get_body(("html",))
        text = body.get_content() if body else ""
        for name, start in LINKS.items():
            for link in re.findall(rf'href="https?://[^/"]+({start}[^"]+)"', text):
                found.setdefault(name, link)
    return found
