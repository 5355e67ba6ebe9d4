"""What the small town consists of: campaigns, leads with and without a past, signals, and what an operator types."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from nurture.store import Store, hits
from nurture.store.database import micros

__all__ = ["END", "FAULTS", "LEADS", "START", "build", "commands", "environment", "visit"]

CAMPAIGN: dict[str, Any] = {
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
NEWER = {**CAMPAIGN, "nodes": {**CAMPAIGN["nodes"], "nap": {"type": "wait", "for": "1 day", "next": "points"}}}
"""Published while everybody waits for an answer; they move along."""
FOLLOW: dict[str, Any] = {
    "campaign": "follow",
    "entry": {"when": {"field": "tags", "op": "has", "value": "seen"}, "mode": "continuous"},
    "start": "rest",
    "nodes": {
        "rest": {"type": "wait", "for": "1 days", "next": "more"},
        "more": {"type": "score", "points": 5, "next": "end"},
    },
}
PUBLISHED = 7
"""Campaigns that nobody enters: each is one transaction of publishing."""
MAIL = """Subject: Hello

Hello {{ lead.name | default("you") }}. Stop: {{ unsubscribe_url }} {{ postal_address }}
"""
# Before the quiet hours are over: each morning's first messages are put off until eight.
START, SOON, HEARD, END = "2026-03-02T06:00:00Z", "2026-03-02T08:30:00Z", "2026-03-02T10:00:00Z", "2026-04-02T09:00:00Z"
HOUR = 3_600_000_000
LEADS = 14
FAULTS = 8
"""So many recipients are put off by the relay before it takes them."""
VISITS = 8
"""Requests for what is in the mails, an hour apart: each is judged by itself."""


def build(home: Path) -> None:
    """Put it into an empty folder."""
    (home / "definitions").mkdir(parents=True)
    (home / "definitions" / "town.json").write_text(json.dumps(CAMPAIGN))
    (home / "newer.json").write_text(json.dumps(NEWER))
    (home / "definitions" / "follow.json").write_text(json.dumps(FOLLOW))
    for n in range(PUBLISHED):
        nap = {"type": "wait", "for": f"{n + 1} days", "next": "end"}
        small = {"campaign": f"small{n}", "start": "nap", "nodes": {"nap": nap}}
        (home / "definitions" / f"small{n}.json").write_text(json.dumps(small))
    (home / "content" / "hello").mkdir(parents=True)
    (home / "content" / "hello" / "email.en.md").write_text(MAIL)
    rows = [f"lead{n}@example.com,Lead {n}" for n in range(LEADS)] + ["nobody,Nobody", "lead1@example.com,Lead 1"]
    (home / "leads.csv").write_text("\n".join(["email,name", *rows]) + "\n")
    (home / "history.csv").write_text("\n".join(_history()) + "\n")
    (home / "signals.jsonl").write_text("".join(json.dumps(signal) + "\n" for signal in _signals()))


def _history() -> list[str]:
    """Some have had the first mail, one of them has answered; lines about people whom nobody knows are rejected."""
    past = [f"lead{n}@example.com,first,sent,2026-02-2{n - 8}T10:00:00Z" for n in range(8, 14)]
    past += ["lead9@example.com,first,replied,2026-02-22T10:00:00Z", "lead10@example.com,,visited,2026-02-23T10:00:00Z"]
    strangers = [f"stranger{n}@example.com,first,sent,2026-02-20T10:00:00Z" for n in range(8)]
    return ["lead,node,kind,at", *(line for pair in zip(past, strangers, strict=True) for line in pair)]


def _signals() -> list[dict[str, str]]:
    said = [
        ("replied", 1, "2026-03-03T10:00:00Z"),
        ("replied", 2, "2026-03-04T10:00:00Z"),
        ("replied", 3, "2026-03-05T08:00:00Z"),
        ("visited", 6, "2026-03-03T12:00:00Z"),
        ("visited", 7, "2026-03-04T12:00:00Z"),
    ]
    signals = [
        {"kind": kind, "lead": f"lead{n}@example.com", "campaign": "town", "node": "first", "at": at}
        for kind, n, at in said
    ]
    signals += [
        {"kind": "unsubscribed", "lead": "lead4@example.com", "at": "2026-03-05T11:00:00Z"},
        {"kind": "unsubscribed", "lead": "lead5@example.com", "at": "2026-03-08T11:00:00Z"},
        {"kind": "accepted", "lead": "lead1@example.com", "at": "2026-03-05T12:00:00Z"},
    ]
    return signals


def visit(store: Store) -> None:
    """People open the mails they got, one after the other."""
    with store.write() as tx:
        keys = tx.rows(
            "SELECT e.key FROM enrollments e JOIN leads l ON l.id = e.lead_id"
            " WHERE e.campaign = 'town' AND e.status <> 'ended' ORDER BY l.email LIMIT ?",
            VISITS,
        )
        at = micros(datetime.fromisoformat(HEARD))
        hits.take(
            tx,
            [
                hits.NewHit(key, "first", 0, "viewed", "", at + n * HOUR, f"192.0.2.{n}", "Mozilla/5.0")
                for n, (key,) in enumerate(keys)
            ],
        )


def commands(home: Path) -> list[list[str]]:
    """What an operator would type, in order. Any of them may be killed and typed again."""
    small = [["publish", str(home / "definitions" / f"small{n}.json"), "--now", START] for n in range(PUBLISHED)]
    return [
        *small,
        ["publish", str(home / "definitions" / "follow.json"), "--now", START],
        [*"backfill town leads.csv --history history.csv --basis customers --pace 2 --now".split(), START],
        ["tick", "--now", START, "--until", SOON],
        ["publish", "newer.json", "--running", "move", "--now", "2026-03-02T09:45:00Z"],
        ["signal", "--file", "signals.jsonl", "--now", HEARD],
        ["visit"],
        *(["pause", f"small{n}", "--now", HEARD] for n in range(4)),
        *(["resume", f"small{n}", "--now", HEARD] for n in range(4)),
        ["tick", "--now", HEARD, "--until", END],
    ]


def environment(home: Path, database_url: str, smtp_url: str) -> dict[str, str]:
    return {
        "NURTURE_HOME": str(home),
        "NURTURE_DATABASE_URL": database_url,
        "NURTURE_SMTP_URL": smtp_url,
        "NURTURE_SENDER": "town@example.com",
        "NURTURE_POSTAL_ADDRESS": "1 Main Street",
        "NURTURE_BATCH": "3",
    }
