"""The floor: what an engineer would write by hand for workload W and nothing else, in batches, on the tables of Nurture.

It writes the rows that the engine writes (state, journal with reason and facts, touch with intent and verdict, hand-off)
and is as durable: an intent is on the disk before a message leaves. It knows the campaign by heart, has one worker, and
asks for nothing that W does not need: no leases, no suppressions, no caps, no owners, no time zones.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from datetime import timedelta
from hashlib import blake2b
from time import perf_counter
from typing import Any

import jinja2
import psycopg
from sqlalchemy.engine import make_url

from bench.workload import BATCH, CAMPAIGN, HTML, LINKS, MOMENTS, START, SUBJECT, TEXT
from nurture.store.database import micros

DAY = 86_400_000_000
WAITED = 3 * DAY
SLA = 2 * DAY
AGAIN = 30 * DAY
EXPIRES = 14 * DAY

# The columns of the store, in the words of both databases; `?` becomes `%s` on PostgreSQL.
DUE = """
SELECT e.id, e.key, e.lead_id, e.node, e.entered_at, e.steps, l.email, l.fields
FROM enrollments e JOIN leads l ON l.id = e.lead_id
WHERE e.campaign = ? AND e.status = 'waiting' AND e.due_at <= ? ORDER BY e.due_at, e.id LIMIT ?
"""
HEARD = "SELECT lead_id, id, node, at FROM signals WHERE at <= ? AND kind = 'clicked' AND lead_id IN {many}"
ENROLL = """
INSERT INTO enrollments (id, key, campaign, lead_id, entry, version_id, enrolled_at, node, entered_at, status, because,
    due_at) VALUES (?, ?, ?, ?, 1, ?, ?, 'nurtured', ?, 'waiting', 'enrolled', ?)
"""
MOVE = """
UPDATE enrollments SET node = ?, entered_at = ?, begun = 1, status = ?, reason = ?, because = ?, due_at = ?, steps = ?,
    ended_at = ?, eligible_at = ?, epoch = epoch + 1 WHERE id = ?
"""
STEP = """
INSERT INTO steps (enrollment_id, seq, node, entered_at, at, decided_at, outcome, because, effects, saw)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
TAG = "INSERT INTO tags (lead_id, tag, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
INTENT = """
INSERT INTO touches (enrollment_id, node, n, lead_id, version_id, channel, content, purpose, on_unknown, state,
    asked_at, due_at, expires_at, attempts, address_hash, message_id, started_at)
VALUES (?, ?, 0, ?, ?, 'email', ?, 'marketing', 'hold', 'sending', ?, ?, ?, 1, ?, ?, ?)
"""
VERDICT = (
    "UPDATE touches SET state = 'sent', settled_at = ?, because = '' WHERE enrollment_id = ? AND node = ? AND n = 0"
)
HAND_OVER = """
INSERT INTO handoffs (enrollment_id, node, lead_id, campaign, "to", opened_at, answer_by, state)
VALUES (?, 'to_sdr', ?, ?, 'sdr', ?, ?, 'open')
"""
OPEN = "SELECT enrollment_id, lead_id FROM handoffs WHERE state = 'open'"
ANSWER = """
INSERT INTO signals (lead_id, kind, at, heard_at, campaign, node, external_id)
VALUES (?, 'accepted', ?, ?, ?, 'to_sdr', ?)
"""
ACCEPT = "UPDATE handoffs SET state = 'accepted', answered_at = ? WHERE enrollment_id = ? AND node = 'to_sdr'"
WAKE = "UPDATE enrollments SET due_at = ?, heard = heard + 1 WHERE id = ?"

Send = Callable[[str, str, str, str], None]
"""(to, subject, html, text); returns when the channel took it."""


def no_op(to: str, subject: str, html: str, text: str) -> None:
    """The channel that takes everything."""


class Sqlite:
    """The standard library's driver, told when to begin and how durable to be."""

    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA cache_size = -65536")

    def begin(self, *, durable: bool = False) -> None:
        self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        self._connection.execute("BEGIN IMMEDIATE")

    def rows(self, statement: str, *values: Any) -> list[Any]:
        bound = [json.dumps(value) if isinstance(value, list) else value for value in values]
        return self._connection.execute(
            statement.replace("IN {many}", "IN (SELECT value FROM json_each(?))"), bound
        ).fetchall()

    def many(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            self._connection.executemany(statement, rows)

    def commit(self) -> None:
        self._connection.execute("COMMIT")

    def close(self) -> None:
        self._connection.close()


class Postgres:
    """psycopg; many rows travel in one pipeline."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self._cursor = self._connection.cursor()

    def begin(self, *, durable: bool = False) -> None:
        self._cursor.execute("BEGIN")
        if not durable:
            self._cursor.execute("SET LOCAL synchronous_commit = off")

    def rows(self, statement: str, *values: Any) -> list[Any]:
        self._cursor.execute(_spoken(statement), values)
        return self._cursor.fetchall()

    def many(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            self._cursor.executemany(_spoken(statement), rows)

    def commit(self) -> None:
        self._cursor.execute("COMMIT")

    def close(self) -> None:
        self._connection.close()


def _spoken(statement: str) -> str:
    return statement.replace("IN {many}", "= ANY(%s)").replace("?", "%s")


class Renderer:
    """W's template, compiled once."""

    def __init__(self) -> None:
        pages = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
        plain = jinja2.Environment(autoescape=False, undefined=jinja2.StrictUndefined)  # noqa: S701  # text, not HTML
        self._subject = plain.from_string(SUBJECT)
        self._html = pages.from_string(HTML)
        self._text = plain.from_string(TEXT)

    def __call__(self, key: str, fields: str) -> tuple[str, str, str]:
        """(subject, html, text) for a lead with these fields (JSON)."""
        context = {
            "lead": json.loads(fields),
            "links": LINKS,
            "unsubscribe_url": f"https://www.example.com/u/{key}",
        }
        return self._subject.render(context), self._html.render(context), self._text.render(context)


def walk(url: str, leads: int, *, render: bool = True, send: Send = no_op) -> float:
    """W by hand, on a seeded database; says how many seconds it took."""
    parsed = make_url(url)
    postgres = parsed.get_backend_name() == "postgresql"
    plain = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
    db = Postgres(plain) if postgres else Sqlite(parsed.database or ":memory:")
    renderer = Renderer() if render else None
    version = _publish(db)
    began = perf_counter()
    for first in range(0, leads, BATCH):
        _enroll(db, range(first, min(first + BATCH, leads)), version)
    for moment in MOMENTS:
        now = micros(moment)
        while batch := db.rows(DUE, CAMPAIGN, now, BATCH):
            _look(db, batch, version, now, renderer, send)
        _sdr_answers(db, now)
        while batch := db.rows(DUE, CAMPAIGN, now, BATCH):
            _accepted(db, batch, now)
    spent = perf_counter() - began
    db.close()
    return spent


def _publish(db: Sqlite | Postgres) -> int:
    db.begin()
    db.many(
        "INSERT INTO versions (campaign, version, hash, definition, contents, published_at) VALUES (?, 1, ?, ?, ?, ?)",
        [(CAMPAIGN, "by hand", "{}", "{}", micros(START))],
    )
    [(version,)] = db.rows("SELECT id FROM versions WHERE campaign = ?", CAMPAIGN)
    db.many("INSERT INTO campaigns (campaign, current) VALUES (?, ?)", [(CAMPAIGN, version)])
    db.commit()
    return int(version)


def _enroll(db: Sqlite | Postgres, numbers: range, version: int) -> None:
    at = micros(START)
    db.begin()
    db.many(ENROLL, [(i + 1, _hash(f"{CAMPAIGN}/{i + 1}/1"), CAMPAIGN, i + 1, version, at, at, at) for i in numbers])
    db.commit()


class _Page:
    """What one look writes, collected row by row."""

    def __init__(self) -> None:
        self.steps: list[tuple[Any, ...]] = []
        self.moves: dict[int, tuple[Any, ...]] = {}
        self.tags: list[tuple[Any, ...]] = []
        self.intents: list[tuple[Any, ...]] = []
        self.hand_overs: list[tuple[Any, ...]] = []

    def write(self, db: Sqlite | Postgres) -> None:
        db.many(MOVE, list(self.moves.values()))
        db.many(STEP, self.steps)
        db.many(TAG, self.tags)
        db.many(INTENT, self.intents)
        db.many(HAND_OVER, self.hand_overs)


def _look(
    db: Sqlite | Postgres, batch: list[Any], version: int, now: int, renderer: Renderer | None, send: Send
) -> None:
    """Decide a batch, commit with the intents, send, commit the verdicts."""
    leads = [row[2] for row in batch]
    heard = {(lead, node): (id, at) for lead, id, node, at in db.rows(HEARD, now, leads)}
    page = _Page()
    to_send: list[tuple[str, Any, int]] = []
    for row in batch:
        id, key, lead, node, entered, seq, email, _ = row
        content, seq = _decide(page, id, lead, node, entered, seq, heard, now)
        if content:
            page.intents.append(
                (
                    id,
                    content,
                    lead,
                    version,
                    content,
                    now,
                    now,
                    now + EXPIRES,
                    _hash(email),
                    _hash(f"{key}/{content}/0"),
                    now,
                )
            )
            to_send.append((content, row, seq))
    db.begin(durable=bool(page.intents))
    page.write(db)
    db.commit()

    after = _Page()
    sent: list[tuple[Any, ...]] = []
    for content, (id, key, lead, _, _, _, email, fields), seq in to_send:
        send(email, *(renderer(key, fields) if renderer else ("", "", "")))
        sent.append((now, id, content))
        _was_sent(after, id, lead, content, seq, now)
    db.begin()
    db.many(VERDICT, sent)
    after.write(db)
    db.commit()


def _decide(
    page: _Page, id: int, lead: int, node: str, entered: int, seq: int, heard: dict[Any, Any], now: int
) -> tuple[str, int]:
    """Journal what is decided at this look; answers with the message to send, or '', and the number of steps."""

    def step(node: str, entered: int, outcome: str | None, because: str, effects: str | None, saw: str | None) -> None:
        nonlocal seq
        seq += 1
        page.steps.append((id, seq, node, entered, now, now, outcome, because, effects, saw))

    if node == "nurtured":
        step(node, entered, "next", "tags +nurture", '[["tag",{"add":["nurture"]}]]', None)
        page.tags.append((lead, "nurture", now))
        return _asked(page, id, "intro", seq, now)
    message = "intro" if node == "pause" else "swap"
    step(node, entered, "next", "waited 3 days", None, None)
    signal = heard.get((lead, message))
    saw = f'{{"touches":[["{message}","sent"]],"signals":["{signal[0] if signal else ""}"]}}'
    if signal:
        step(f"{message}_answered", now, "yes", f"clicked at {_say(signal[1])}", None, saw)
        if message == "swap":
            _hand_over(page, id, lead, seq, now)
            return "", seq
        step("engaged", now, "next", "tags +engaged", '[["tag",{"add":["engaged"]}]]', None)
        page.tags.append((lead, "engaged", now))
        return _asked(page, id, "deep", seq, now)
    step(f"{message}_answered", now, "no", "not clicked so far", None, saw)
    if message == "intro":
        return _asked(page, id, "swap", seq, now)
    eligible = now + AGAIN
    because = f"back to the pool, and may come again from {_say(eligible)}"
    step("to_pool", now, None, because, f'[["route",{{"to":"pool","eligible":"{_say(eligible)}"}}]]', None)
    page.moves[id] = ("to_pool", now, "ended", "pool", because, None, seq, now, eligible, id)
    return "", seq


def _asked(page: _Page, id: int, content: str, seq: int, now: int) -> tuple[str, int]:
    page.moves[id] = (
        content, now, "waiting", None, "waiting for email to take it", now + EXPIRES + DAY, seq, None, None, id
    )  # fmt: skip
    return content, seq


def _was_sent(page: _Page, id: int, lead: int, content: str, seq: int, now: int) -> None:
    saw = f'{{"touches":[["{content}","sent"]]}}'
    page.steps.append(
        (id, seq + 1, content, now, now, now, "sent", "sent by email", '[["send",{"channel":"email"}]]', saw)
    )
    if content == "deep":
        _hand_over(page, id, lead, seq + 1, now)
        return
    node = "pause" if content == "intro" else "pause_again"
    due = now + WAITED
    page.moves[id] = (node, now, "waiting", None, f"until {_say(due)} (UTC)", due, seq + 1, None, None, id)


def _hand_over(page: _Page, id: int, lead: int, seq: int, now: int) -> None:
    by = now + SLA
    page.hand_overs.append((id, lead, CAMPAIGN, now, by))
    page.moves[id] = ("to_sdr", now, "waiting", None, f"sdr may answer until {_say(by)}", by, seq, None, None, id)


def _sdr_answers(db: Sqlite | Postgres, now: int) -> None:
    """All open hand-offs are accepted: the signals from outside, stored and waking their leads."""
    waiting = db.rows(OPEN)
    for first in range(0, len(waiting), BATCH):
        some = waiting[first : first + BATCH]
        db.begin()
        db.many(ANSWER, [(lead, now, now, CAMPAIGN, f"accepted-{lead}") for _, lead in some])
        db.many(ACCEPT, [(now, id) for id, _ in some])
        db.many(WAKE, [(now, id) for id, _ in some])
        db.commit()


def _accepted(db: Sqlite | Postgres, batch: list[Any], now: int) -> None:
    page = _Page()
    because = f"accepted by sdr at {_say(now)}"
    for id, _, lead, node, entered, seq, _, _ in batch:
        effects = f'[["route",{{"to":"sdr","answer_by":"{_say(entered + SLA)}"}}]]'
        saw = f'{{"signals":["accepted-{lead}"]}}'
        page.steps.append((id, seq + 1, node, entered, now, now, "accepted", because, effects, saw))
        page.moves[id] = (node, entered, "ended", "completed", because, None, seq + 1, now, None, id)
    db.begin()
    page.write(db)
    db.commit()


def _hash(text: str) -> str:
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _say(at: int) -> str:
    return _said.get(at) or _said.setdefault(at, f"{START + timedelta(microseconds=at - micros(START)):%a %d %b %H:%M}")


_said: dict[int, str] = {}
