"""A small installation with a post office that keeps every message in a list."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from nurture.channels.base import Channel, Message, NotSent, Sent, Verdict
from nurture.engine import Engine, Incoming
from nurture.identity import LeadRef, lead_key, normalise_email
from nurture.registry import channel_types, node_types
from nurture.settings import Settings
from nurture.store.database import micros
from nurture.testing import moment

MONDAY = moment("2 Mar 09:00")


class Post(Channel):
    """Takes every message; a test may put something in its way."""

    name: ClassVar[str] = "post"
    evidence: ClassVar[frozenset[str]] = frozenset({"viewed", "clicked", "replied"})
    sessions = 4
    sent: ClassVar[list[Message]] = []
    verdicts: ClassVar[list[Verdict]] = []
    """What comes next instead of `Sent`, after the intent."""
    before: ClassVar[list[Callable[[Message], None]]] = []
    """Called before the intent is asked for."""
    started: ClassVar[list[Callable[[Message], None]]] = []
    """Called between the intent and the verdict."""

    @classmethod
    def open(cls, settings: Settings, secret: bytes) -> Post:
        return cls()

    def address(self, lead: Mapping[str, object]) -> str | None:
        email = lead.get("email")
        return email if isinstance(email, str) else None

    async def hand_over(self, message: Message, may_start: Callable[[], Awaitable[bool]]) -> Verdict:
        for disturb in type(self).before:
            disturb(message)
        if not await may_start():
            return NotSent("withdrawn", "not allowed any more")
        for disturb in type(self).started:
            disturb(message)
        verdict = type(self).verdicts.pop(0) if type(self).verdicts else Sent()
        if isinstance(verdict, Sent):
            type(self).sent.append(message)
        return verdict


@contextmanager
def post_office() -> Iterator[type[Post]]:
    """The post channel, installed and empty."""
    Post.sent, Post.verdicts, Post.before, Post.started = [], [], [], []
    channel_types()["post"] = Post
    try:
        yield Post
    finally:
        del channel_types()["post"]


class House:
    """An engine in a folder, and short ways to do what tests do."""

    def __init__(self, home: Path, database_url: str, **settings: Any) -> None:
        self.home = home
        (home / "definitions").mkdir(parents=True, exist_ok=True)
        known = {"quiet_hours": "none", "frequency_cap": "none", "language": "en", **settings}
        self.settings = Settings(home=home, database_url=database_url, **known)
        self.engine = Engine.open(self.settings)
        for name in ("hello", "again"):
            self.write(f"{name} {{{{ lead.name | default('you') }}}} {{{{ unsubscribe_url }}}}", name)

    def write(self, text: str, content: str) -> None:
        """A piece of content for the post."""
        folder = self.home / "content" / content
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "post.en.txt").write_text(text)

    def campaign(self, nodes: Mapping[str, Any], *, name: str = "c", now: datetime = MONDAY, **more: Any) -> Path:
        """Write and publish a campaign that starts at the first node."""
        path = self.home / "definitions" / f"{name}.json"
        path.write_text(json.dumps({"campaign": name, **more, "start": next(iter(nodes)), "nodes": nodes}))
        self.engine.publish([path], now=now)
        return path

    def lead(self, email: str = "ada@example.com", *, basis: str | None = "contract", **fields: Any) -> LeadRef:
        """A lead in the store."""
        tags = fields.pop("tags", ())
        columns = {
            "consent": None,
            "time_zone": None,
            **{k: fields.pop(k) for k in ("consent", "time_zone") if k in fields},
        }
        key = normalise_email(email).key
        with self.engine.store.write() as tx:
            lead = tx.value(
                "INSERT INTO leads (key, email, email_key, basis, consent, time_zone, fields, created_at, change)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
                lead_key("email", key), email, key, basis, columns["consent"], columns["time_zone"],
                json.dumps(fields), micros(MONDAY), micros(MONDAY),
            )  # fmt: skip
            tx.many("INSERT INTO tags (lead_id, tag, at) VALUES (?, ?, ?)", [(lead, tag, 0) for tag in tags])
        return LeadRef("email", key)

    def enter(self, *leads: LeadRef, name: str = "c", now: str | datetime = MONDAY) -> dict[str, Any]:
        return self.engine.enroll(name, leads=leads, now=moment(now)).as_json()

    def tick(self, now: str | datetime, until: str | datetime | None = None) -> dict[str, Any]:
        """A tick in virtual time: at `now`, or from there to `until`."""
        return self.engine.tick(moment(now), until=moment(until or now)).as_json()

    def hear(self, kind: str, lead: LeadRef, at: str, *, now: str | None = None, **more: Any) -> None:
        self.engine.hear([Incoming(kind, lead, moment(at), **more)], now=moment(now or at))

    def path(self, lead: LeadRef, enrollment: int = -1) -> list[str]:
        """What happened: `node: outcome`, and where the lead stands or how it ended."""
        told = self.engine.history(lead)["enrollments"][enrollment]
        steps = [f"{step['node']}: {step['outcome']}" for step in told["steps"]]
        return [*steps, f"at {told['node']}" if told["status"] != "ended" else told["reason"]]

    def touch(self, lead: LeadRef, number: int = -1) -> dict[str, Any]:
        touches: list[dict[str, Any]] = self.engine.history(lead)["touches"]
        return touches[number]

    def status(self, now: str | datetime = MONDAY) -> dict[str, Any]:
        return self.engine.status(now=moment(now))


__all__ = ["MONDAY", "House", "Post", "node_types", "post_office"]
