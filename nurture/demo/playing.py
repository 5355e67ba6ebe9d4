"""The weeks themselves: virtual time passes, mails go out by SMTP, people answer when they please."""

from __future__ import annotations

import csv
import heapq
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from nurture import tokens
from nurture.demo.behaviour import Answer, Notes, ask_people, asked_of, need_of, notes_of, respond, respond_by_wechat
from nurture.demo.people import Person, write_csv
from nurture.demo.visiting import Gate, Mail, has_gateway
from nurture.engine.engine import Engine
from nurture.leads import LeadOptions
from nurture.store.database import from_micros
from nurture.store.reports import open_handoffs
from nurture.testing.smtp import Caught

__all__ = ["CAMPAIGN", "Playing", "Seen", "Today"]

CAMPAIGN = "welcome"
BEIJING = ZoneInfo("Asia/Shanghai")
LOOKS = (time(9, 45), time(12), time(15), time(18), time(22))
"""When in a day what has happened is heard of."""
LONGEST = timedelta(weeks=30)


@dataclass(frozen=True, slots=True)
class Seen:
    """A mail, as its reader finds it."""

    to: str
    node: str
    date: datetime
    raw: bytes


@dataclass(frozen=True, slots=True)
class Scan:
    """A gateway opens everything in a mail."""


@dataclass(frozen=True, slots=True)
class Today:
    """How far things are."""

    at: datetime
    week: int
    mails: int
    notices: int
    heard: int
    reached: int
    """Leads that got a mail."""
    answered: int
    out: int
    entered: int


@dataclass
class Playing:
    """One performance."""

    engine: Engine
    people: list[Person]
    home: Path
    start: datetime
    gate: Gate
    """Where people, gateways and other systems knock."""
    notices: list[dict[str, Any]]
    """Where WeChat's stand-in puts the messages it accepted."""
    seen: list[Seen] = field(default_factory=list)
    heard: int = 0
    opted_out: dict[str, datetime] = field(default_factory=dict)
    """Address to when we heard that it must not be written to any more."""
    answered: Counter[str] = field(default_factory=Counter)
    """Address to how often its owner reacted to anything."""
    acted: set[tuple[str, str]] = field(default_factory=set)
    """(address, node) of the mails to which a person reacted; no node for what came by WeChat, which names none."""
    scanned: int = 0
    """Requests of security gateways."""
    won: set[str] = field(default_factory=set)
    """Addresses of those whom sales accepted."""
    keep_all: bool = False
    """Keep every mail as a file, not only the first of each kind."""
    now: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.now = self.start
        self._by_email = {person.email: person for person in self.people}
        self._by_wechat = {person.wechat: person for person in self.people if person.wechat}
        self._agenda: list[tuple[datetime, int, Person, str, Answer | Notes | Scan, str, Mail | None]] = []
        self._number = itertools.count()
        self._read = self._noticed = 0
        self._asked: set[tuple[int, str]] = set()
        self._kept: set[str] = set()
        (self.home / "mails").mkdir(exist_ok=True)

    # -- what the servers and the doors do ----------------------------------------------------------------------

    def take(self, caught: Caught) -> None:
        """A mail has arrived. Called by the mail server, in its own thread."""
        date = parsedate_to_datetime(caught.headers["date"][0]).astimezone(UTC)
        node = self._node_of(caught.headers.get("list-unsubscribe", ("",))[0])
        self.seen.append(Seen(caught.to[0], node, date, caught.raw))
        person = self._by_email[caught.to[0]]
        name = f"{node or 'other'}.{person.language}" + (f".{person.email.partition('@')[0]}" if self.keep_all else "")
        if name not in self._kept:
            self._kept.add(name)
            (self.home / "mails" / f"{name}.eml").write_bytes(caught.raw)

    def _node_of(self, unsubscribe: str) -> str:
        """Which message this was: the link that stops them knows, and nobody else can make one."""
        token = unsubscribe.strip("<>").rpartition("/")[2]
        effect = tokens.read(self.engine.secret, "unsubscribe", token) if token else None
        return effect.split("/")[1] if effect else ""

    # -- the weeks ----------------------------------------------------------------------------------------------

    def open_the_doors(self) -> int:
        """Import everybody from a file, enroll them; says how many entered."""
        path = self.home / "leads.csv"
        write_csv(self.people, path)
        options = LeadOptions(basis="consent at the spring fair")
        report = self.engine.backfill(CAMPAIGN, path, options=options, now=self.start)
        return report.enrolled.enrolled

    def play(self, told: Callable[[Today], None]) -> None:
        """Until the last lead has come out."""
        plan = self.engine.ready(CAMPAIGN, now=self.start).plan
        asked = asked_of(plan)
        for stop in _stops(self.start):
            self.engine.tick(self.now, until=stop)
            self.now = stop
            self._people_read(asked)
            self._sdr_and_sales_look()
            self._hear_what_has_happened()
            if stop.astimezone(BEIJING).time() != LOOKS[-1]:
                continue
            today = self._today()
            told(today)
            if today.out == today.entered or stop - self.start > LONGEST:
                return

    def _today(self) -> Today:
        told = self.engine.status(CAMPAIGN, now=self.now)["campaigns"][0]
        week = (self.now - self.start).days // 7 + 1
        out, entered = sum(told["ended"].values()), told["entered"]
        reached = len({seen.to for seen in self.seen})
        return Today(
            self.now, week, len(self.seen), len(self.notices), self.heard, reached, len(self.answered), out, entered
        )

    def _people_read(self, asked: Mapping[str, tuple[str, ...]]) -> None:
        for seen in self.seen[self._read :]:
            person = self._by_email[seen.to]
            answers = respond(person, seen.node, asked.get(seen.node, ()), seen.date)
            if not answers and not has_gateway(person):
                continue
            mail = Mail.read(seen.raw)
            if has_gateway(person):
                self._later(seen.date + timedelta(seconds=2), person, "email", Scan(), seen.node, mail)
            for answer in answers:
                self.answered[person.email] += 1
                self.acted.add((person.email, seen.node))
                self._later(answer.at, person, "email", answer, seen.node, mail)
        # What was read need not be kept.
        self.seen[self._read :] = [replace(seen, raw=b"") for seen in self.seen[self._read :]]
        self._read = len(self.seen)
        for notice in self.notices[self._noticed :]:
            person = self._by_wechat[notice["touser"]]
            for answer in respond_by_wechat(person, notice["template_id"], self.now):
                self.answered[person.email] += 1
                self.acted.add((person.email, ""))
                self._later(answer.at, person, "wechat", answer, "")
        self._noticed = len(self.notices)

    def _sdr_and_sales_look(self) -> None:
        with self.engine.store.read() as tx:
            waiting = open_handoffs(tx, CAMPAIGN)
        for enrollment, node, to, _, opened_at, _, _, email in waiting:
            if (enrollment, node) in self._asked:
                continue
            self._asked.add((enrollment, node))
            person = self._by_email[email]
            answer = ask_people(person, node, to, from_micros(opened_at))
            if answer is None:
                continue
            self._later(answer.at, person, "email", answer, node)
            if answer.kind == "accepted" and to == "sales":
                self.won.add(email)
            elif answer.kind == "accepted":
                notes = notes_of(person, answer.at)
                self._later(notes.at, person, "email", notes, node)

    def _later(
        self, at: datetime, person: Person, by: str, what: Answer | Notes | Scan, node: str, mail: Mail | None = None
    ) -> None:
        heapq.heappush(self._agenda, (at, next(self._number), person, by, what, node, mail))

    def _hear_what_has_happened(self) -> None:
        notes: list[tuple[Person, Notes]] = []
        while self._agenda and self._agenda[0][0] <= self.now:
            at, _, person, by, what, node, mail = heapq.heappop(self._agenda)
            self.gate.now = at
            if isinstance(what, Notes):
                notes.append((person, what))
            elif isinstance(what, Scan):
                assert mail is not None
                self.scanned += self.gate.scan(person, mail)
            else:
                self.heard += 1
                self._act(person, by, what, node, mail)
        self.gate.flush()
        if notes:
            self._write_down(notes)

    def _act(self, person: Person, by: str, what: Answer, node: str, mail: Mail | None) -> None:
        """Somebody does something, in the way in which such a thing reaches us."""
        gate = self.gate
        if what.kind in ("unsubscribed", "complained"):
            self.opted_out.setdefault(person.email, self.now)
        if mail is not None and what.kind == "viewed":
            gate.look(person, mail)
        elif mail is not None and what.kind == "clicked":
            gate.click(person, mail, node)
        elif mail is not None and what.kind == "unsubscribed":
            gate.opt_out(mail)
        elif mail is not None and what.kind == "submitted" and mail.form:
            gate.fill_in(person, mail, {"need": need_of(person)})
        elif what.kind == "replied" and by == "wechat":
            gate.answer_by_wechat(person, "1")
        else:
            lead = person.email if by == "email" else f"wechat:{person.wechat}"
            to = {"campaign": CAMPAIGN, "node": node} if node else {}
            more = {"reason": what.reason} if what.reason else {}
            gate.told_by_the_site(kind=what.kind, lead=lead, at=what.at.isoformat(), **to, **more)

    def _write_down(self, notes: list[tuple[Person, Notes]]) -> None:
        """SDR notes come in as CRM notes do: a file, imported."""
        folder = self.home / "notes"
        folder.mkdir(exist_ok=True)
        path = folder / f"{self.now:%Y-%m-%d-%H%M}.csv"
        columns = ("email", "budget", "need", "team", "timing")
        with path.open("w", encoding="utf-8", newline="") as file:
            rows = csv.DictWriter(file, columns, restval="")
            rows.writeheader()
            rows.writerows({"email": person.email, **note.fields} for person, note in notes)
        self.engine.import_leads(path, now=self.now)


def _stops(start: datetime) -> Iterator[datetime]:
    """The moments at which the demo looks around, for ever."""
    day = start.astimezone(BEIJING).date()
    while True:
        for at in LOOKS:
            stop = datetime.combine(day, at, BEIJING).astimezone(UTC)
            if stop > start:
                yield stop
        day += timedelta(days=1)
