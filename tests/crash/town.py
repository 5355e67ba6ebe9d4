"""A small installation to be killed: a campaign with three messages, a dozen leads, answers, opt-outs and a bounce."""

from __future__ import annotations

import json
import multiprocessing
import signal
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nurture.engine import Engine
from nurture.identity import LeadRef
from nurture.settings import Settings
from nurture.testing.smtp import Catcher
from tests.crash.child import type_commands

# The programs are imported once and forked from a process without threads: a kill costs a second, not five.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.crash.child", "nurture.engine.engine"])

CAMPAIGN = {
    "campaign": "town",
    "exit_on": ["unsubscribed", "bounced"],
    "start": "mark",
    "nodes": {
        "mark": {"type": "tag", "add": ["seen"], "next": "first"},
        "first": {"type": "send_content", "channel": "email", "content": "hello", "next": "answered"},
        "answered": {
            "type": "check_response",
            "to": "first",
            "within": "3 days",
            "next": {"yes": "second", "no": "third"},
        },
        "second": {"type": "send_content", "channel": "email", "content": "hello", "next": "hand"},
        "hand": {"type": "route", "to": "sdr", "sla": "2 days", "next": "end"},
        "third": {"type": "send_content", "channel": "email", "content": "hello", "next": "nap"},
        "nap": {"type": "wait", "for": "2 days", "next": "points"},
        "points": {"type": "score", "points": -1, "next": "pool"},
        "pool": {"type": "route", "to": "pool"},
    },
}
MAIL = """Subject: Hello

Hello {{ lead.name | default("you") }}. Stop: {{ unsubscribe_url }} {{ postal_address }}
"""
START, END = "2026-03-02T09:00:00Z", "2026-04-02T09:00:00Z"
LEADS = 12


@dataclass(frozen=True)
class Town:
    """The installation in a folder of its own."""

    home: Path
    database_url: str
    smtp_url: str

    def build(self) -> None:
        (self.home / "definitions").mkdir(parents=True)
        (self.home / "definitions" / "town.json").write_text(json.dumps(CAMPAIGN))
        (self.home / "content" / "hello").mkdir(parents=True)
        (self.home / "content" / "hello" / "email.en.md").write_text(MAIL)
        rows = "".join(f"lead{n}@example.com,Lead {n}\n" for n in range(LEADS))
        (self.home / "leads.csv").write_text("email,name\n" + rows)
        signals = [
            {"kind": "replied", "lead": f"lead{n}@example.com", "campaign": "town", "node": "first", "at": at}
            for n, at in ((1, "2026-03-03T10:00:00Z"), (2, "2026-03-04T10:00:00Z"), (3, "2026-03-05T08:00:00Z"))
        ]
        signals += [
            {"kind": "unsubscribed", "lead": "lead4@example.com", "at": "2026-03-03T11:00:00Z"},
            {"kind": "unsubscribed", "lead": "lead5@example.com", "at": "2026-03-06T11:00:00Z"},
            {"kind": "accepted", "lead": "lead1@example.com", "at": "2026-03-05T12:00:00Z"},
        ]
        (self.home / "signals.jsonl").write_text("".join(json.dumps(signal) + "\n" for signal in signals))

    def commands(self) -> list[list[str]]:
        """What an operator would type, in order. Any of them may be killed and typed again."""
        return [
            ["backfill", "town", "leads.csv", "--basis", "customers", "--now", START],
            ["tick", "--now", START, "--until", "2026-03-02T09:30:00Z"],
            ["signal", "--file", "signals.jsonl", "--now", "2026-03-02T10:00:00Z"],
            ["tick", "--now", "2026-03-02T10:00:00Z", "--until", END],
        ]

    def live(self, *, crash: str = "", count: Path | None = None) -> bool:
        """Everything from import to the last day. Says whether a kill happened; what was killed is typed again."""
        first = self._type(crash, count)
        if first == 0:
            return False
        assert first == -signal.SIGKILL, f"ended with {first}:\n{self._log()}"
        again = self._type("", None)
        assert again == 0, f"after the kill it ended with {again}:\n{self._log()}"
        return True

    def _type(self, crash: str, count: Path | None) -> int | None:
        environment = {
            "NURTURE_HOME": str(self.home),
            "NURTURE_DATABASE_URL": self.database_url,
            "NURTURE_SMTP_URL": self.smtp_url,
            "NURTURE_SENDER": "town@example.com",
            "NURTURE_POSTAL_ADDRESS": "1 Main Street",
            "NURTURE_BATCH": "5",
        }
        done = str(self.home / "done")
        process = PROCESSES.Process(
            target=type_commands,
            args=(environment, str(self.home), self.commands(), done, crash, str(count or "")),
        )
        process.start()
        process.join(120)
        return process.exitcode

    def _log(self) -> str:
        return (self.home / "typed.log").read_text()[-3000:]

    def engine(self) -> Engine:
        return Engine.open(Settings(home=self.home, database_url=self.database_url, smtp_url=self.smtp_url))


def paths(engine: Engine) -> dict[str, list[tuple[str, str | None]]]:
    """Every lead's path through the campaign."""
    found = {}
    for n in range(LEADS):
        told = engine.history(LeadRef("email", f"lead{n}@example.com"))
        assert len(told["enrollments"]) == 1, told["enrollments"]
        found[f"lead{n}"] = [(step["node"], step["outcome"]) for step in told["enrollments"][0]["steps"]]
    return found


def check(engine: Engine, catcher: Catcher, *, sessions: int) -> Counter[str]:
    """Nothing lost, nothing twice, by the mail server's own log. Says how many touches ended in each state."""
    from datetime import UTC, datetime

    told: dict[str, Any] = engine.status(now=datetime(2026, 4, 2, 9, tzinfo=UTC))
    assert told["conserved"]
    (campaign,) = told["campaigns"]
    assert campaign["entered"] == LEADS
    assert sum(campaign["ended"].values()) == LEADS, campaign
    copies = Counter(message.message_id for message in catcher.messages)
    assert set(copies.values()) <= {1}, "a message was accepted twice"
    states: Counter[str] = Counter()
    with engine.store.read() as tx:
        touches = tx.rows("SELECT state, message_id FROM touches")
    for state, message_id in touches:
        states[state] += 1
        if state == "sent":
            assert copies[message_id] == 1, "a message that counts as sent never arrived"
        elif state != "ambiguous":
            assert message_id not in copies or state == "sending", f"a {state} message was accepted"
    assert states["ambiguous"] <= sessions, "more messages in doubt than there were open sessions"
    assert set(copies) <= {message_id for _, message_id in touches}, "a message that no touch knows was accepted"
    replayed = engine.replay()
    assert (replayed.leads, replayed.different) == (LEADS, [])
    return states
