"""A day without a relay, and then all of it: `python -m tests.engine.outage [--leads 100000] [--real]`.

Leads enter hour by hour while nobody answers at the other end; then somebody does. `--real` speaks SMTP to a server that
was not there and comes back; else the relay is a channel in memory, which is quick enough for many more.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
import tempfile
import time
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from nurture.channels.base import Channel, Message, NotSent, Sent, Verdict
from nurture.channels.email import Email
from nurture.engine import Engine
from nurture.pacing import MINUTE, Rate
from nurture.settings import Settings
from nurture.store.database import micros
from nurture.testing import moment
from nurture.testing.smtp import Catcher, running

__all__ = ["live_through"]

BEGAN = moment("2 Mar 00:00")
HOURS = 24
DOMAINS = ("qq.example", "gmail.example", "one.example", "two.example", "three.example")
CAMPAIGN = {
    "campaign": "outage",
    "start": "hello",
    "nodes": {"hello": {"type": "send_content", "channel": "email", "content": "hello", "next": "end"}},
}


class Memory(Channel):
    """A relay that is a switch and a counter."""

    name: ClassVar[str] = "email"
    evidence: ClassVar[frozenset[str]] = Email.evidence
    sessions = 8
    up: ClassVar[bool] = False
    tries: ClassVar[int] = 0
    taken: ClassVar[set[str]] = set()

    @classmethod
    def open(cls, settings: Settings, secret: bytes) -> Memory:
        relay = cls()
        relay.rate, relay.domain_rate = Rate.parse(settings.rate_cap), Rate.parse(settings.domain_rate_cap)
        return relay

    def address(self, lead: Mapping[str, object]) -> str | None:
        return str(lead["email"])

    def domain(self, address: str) -> str:
        return address.rpartition("@")[2]

    async def hand_over(self, message: Message, may_start: Callable[[], Awaitable[bool]]) -> Verdict:
        if not self.up:
            type(self).tries += 1
            return NotSent("connection", "nobody answers")
        if not await may_start():
            return NotSent("withdrawn", "not allowed")
        assert message.message_id not in self.taken, "a message came twice"
        self.taken.add(message.message_id)
        return Sent()


@contextmanager
def _engine(home: Path, *, cap: int, real: bool, port: int) -> Iterator[Engine]:
    (home / "definitions").mkdir()
    (home / "definitions" / "outage.json").write_text(json.dumps(CAMPAIGN))
    (home / "content" / "hello").mkdir(parents=True)
    (home / "content" / "hello" / "email.en.txt").write_text(
        "Subject: Hi\n\nHi. {{ unsubscribe_url }} {{ postal_address }}\n"
    )
    settings = Settings(
        home=home, database_url=f"sqlite:///{home}/nurture.db", smtp_url=f"smtp://127.0.0.1:{port}", language="en",
        sender="us@example.com", postal_address="1 Street", quiet_hours="none", frequency_cap="none", secret_key="outage",
        rate_cap=f"{cap} per minute", domain_rate_cap=f"{cap // 3} per minute",
    )  # fmt: skip
    with Engine.open(settings) as engine:
        if not real:
            vars(engine)["_house"] = replace(engine._house, channel=lambda name: Memory.open(settings, b""))
        engine.publish(engine.campaign_files(), now=BEGAN)
        yield engine


def _enter(engine: Engine, first: int, last: int, hour: int) -> None:
    at = BEGAN + timedelta(hours=hour)
    with engine.store.write() as tx:
        tx.many(
            "INSERT INTO leads (key, email, email_key, basis, fields, created_at, change) VALUES (?, ?, ?, 'contract', ?, ?, ?)",
            [
                (f"k{n}", to, to, json.dumps({"hour": hour}), micros(at), micros(at))
                for n in range(first, last)
                for to in [f"lead{n}@{DOMAINS[n % len(DOMAINS)]}"]
            ],
        )
    engine.enroll("outage", now=at, segment={"field": "hour", "op": "=", "value": hour})


def live_through(
    leads: int, *, cap: int, real: bool = False, told: Callable[[str], None] = lambda line: None
) -> dict[str, Any]:
    """The figures, each of which must hold; raises AssertionError for the first that does not."""
    Memory.up, Memory.tries, Memory.taken = False, 0, set()
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="nurture-outage-") as folder,
        _engine(Path(folder), cap=cap, real=real, port=port) as engine,
    ):
        for hour in range(HOURS):
            _enter(engine, leads * hour // HOURS, leads * (hour + 1) // HOURS, hour)
            engine.tick(BEGAN + timedelta(hours=hour), until=BEGAN + timedelta(hours=hour, minutes=59))
        told(f"the day is over after {time.monotonic() - began:.0f} s")
        with engine.store.read() as tx:
            states = tx.rows("SELECT state, MAX(attempts), COUNT(*) FROM touches GROUP BY state")
        assert states == [("pending", 0, leads)], f"an outage burns no attempt: {states}"
        back = BEGAN + timedelta(hours=HOURS)
        Memory.up = True
        with running(Catcher(port=port, keep=False)) if real else running(Catcher(keep=False)) as catcher:
            engine.tick(back, until=back + timedelta(days=1))
            taken = catcher.accepted if real else len(Memory.taken)
        with engine.store.read() as tx:
            rows = tx.rows(
                "SELECT t.started_at, t.asked_at, substr(l.email_key, instr(l.email_key, '@') + 1) FROM touches t"
                " JOIN leads l ON l.id = t.lead_id WHERE t.state = 'sent' ORDER BY t.started_at"
            )
            odd = tx.rows("SELECT state, COUNT(*) FROM touches WHERE state <> 'sent' GROUP BY 1")
    starts = [row[0] for row in rows]
    per_domain = {name: _most([row[0] for row in rows if row[2] == name]) for name in DOMAINS}
    figures = {
        "leads": leads,
        "sent": len(rows),
        "accepted by the relay": taken,
        "others": dict(odd),
        "cap": cap,
        "most in a minute": _most(starts),
        "cap of a domain": cap // 3,
        "most in a minute to a domain": max(per_domain.values()),
        "used of the cap": round(leads / (cap * max(1, (starts[-1] - starts[0])) / MINUTE), 2),
        "first half waited longer than second half": _waited(rows[: len(rows) // 2]) > _waited(rows[len(rows) // 2 :]),
        "seconds": round(time.monotonic() - began, 1),
    }
    assert (len(rows), taken, odd) == (leads, leads, []), figures
    assert figures["most in a minute"] <= cap, figures
    assert figures["most in a minute to a domain"] <= cap // 3, figures
    assert figures["first half waited longer than second half"], figures
    return figures


def _most(starts: list[int]) -> int:
    return max((bisect_left(starts, first + MINUTE) - n for n, first in enumerate(starts)), default=0)


def _waited(rows: list[Any]) -> float:
    """Hours after the beginning at which these were asked for, turned round: how long they have waited."""
    return -sum(asked for _, asked, _ in rows) / max(1, len(rows))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.engine.outage", description=__doc__)
    parser.add_argument("--leads", type=int, default=100_000)
    parser.add_argument("--cap", type=int, default=6000, help="e-mails a minute")
    parser.add_argument("--real", action="store_true", help="speak SMTP to a server that comes back")
    asked = parser.parse_args()
    print(
        json.dumps(
            live_through(asked.leads, cap=asked.cap, real=asked.real, told=lambda line: print(line, file=sys.stderr))
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
