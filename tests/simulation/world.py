"""An installation whose clock, post office, disk and workers are ours.

The engine, the store's SQL and the decisions are the real ones. A transaction is one atomic step, as it is under SQLite;
between two of them, and at each step of the channel, `World.gate` may stop, kill or overtake whoever works.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from nurture.channels.base import Ambiguous, Channel, Message, NotSent, Refused, Sent, Verdict
from nurture.engine import Engine, Incoming, delivering
from nurture.engine import engine as engines
from nurture.engine.plans import Plans
from nurture.identity import LeadRef, lead_key, normalise_email
from nurture.moving import KEEP, Running
from nurture.registry import channel_types
from nurture.settings import Settings
from nurture.store import Store
from nurture.store.database import Tx, from_micros, micros
from nurture.store.touches import next_pending, next_recovery
from nurture.testing import moment
from tests.simulation.invariants import Accepted, Broken, Watch
from tests.simulation.loop import Loop

__all__ = ["LEASE", "MONDAY", "Killed", "World", "running"]

MONDAY = moment("2 Mar 09:00")
LEASE = timedelta(seconds=60)
PATIENCE = 20_000
"""Gates that one run may pass; beyond them it goes round in circles."""
HEARTBEATS = 300
"""In so many, each at the next due moment, everything comes to rest."""


class Killed(BaseException):
    """This process is no more."""


class _Cursor(sqlite3.Cursor):
    @property
    def cursor(self) -> _Cursor:
        """Where `Tx` expects the driver's own cursor."""
        return self


class _Raw:
    """As much of SQLAlchemy's connection as `Tx` and the segments use, without its cost."""

    dialect = SQLiteDialect_pysqlite(paramstyle="qmark")

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db

    def exec_driver_sql(self, statement: str, values: Any = ()) -> _Cursor:
        cursor = self.db.cursor(_Cursor)
        return cursor.executemany(statement, values) if isinstance(values, list) else cursor.execute(statement, values)

    def execute(self, statement: Any) -> Any:
        compiled = statement.compile(dialect=self.dialect, compile_kwargs={"render_postcompile": True})
        rows = self.db.execute(str(compiled), [compiled.params[name] for name in compiled.positiontup]).fetchall()
        return SimpleNamespace(scalars=lambda: [row[0] for row in rows])


class SimulatedStore(Store):
    """The store in memory, by hand: what it can do is the real one's SQL, when it does it is up to us."""

    def __init__(self, world: World, template: sqlite3.Connection) -> None:
        super().__init__("sqlite://")
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        template.backup(self.db)
        self.world = world
        self._tx = Tx(_Raw(self.db), False)  # type: ignore[arg-type]  # it is used like a connection
        self._inside = False

    @contextmanager
    def read(self) -> Iterator[Tx]:
        if not self._inside:
            self.world.gate("read")
        yield self._tx

    @contextmanager
    def write(self, *, durable: bool = False) -> Iterator[Tx]:
        if self._inside:
            yield self._tx
            return
        self.world.gate("write")
        self._inside = True
        self.db.execute("SAVEPOINT work")
        try:
            yield self._tx
            self.world.watch.commit(durable=durable, now=micros(self.world.now))
        except BaseException:
            self.db.execute("ROLLBACK TO work")
            raise
        finally:
            self.db.execute("RELEASE work")
            self._inside = False

    @contextmanager
    def looking(self) -> Iterator[Tx]:
        """For the harness: no gate."""
        yield self._tx


class Post(Channel):
    """The post office of the world that is simulated."""

    name: ClassVar[str] = "post"
    evidence: ClassVar[frozenset[str]] = frozenset({"viewed", "clicked", "replied", "submitted"})
    world: ClassVar[World]

    @classmethod
    def open(cls, settings: Settings, secret: bytes) -> Post:
        post = cls()
        post.sessions = cls.world.sessions
        return post

    def address(self, lead: Mapping[str, object]) -> str | None:
        email = lead.get("email")
        return email if isinstance(email, str) else None

    async def hand_over(self, message: Message, may_start: Callable[[], Awaitable[bool]]) -> Verdict:
        world = self.world
        weather = world.weather.pop(0) if world.weather else "fine"
        if world.outage or weather == "no connection":
            return NotSent("connection", "nobody answers")
        if weather == "login refused":
            return NotSent("sender", "who are you?", timedelta(minutes=10))
        if not await may_start():
            return NotSent("withdrawn", "not allowed any more")
        world.gate("first byte")
        if weather == "greylisted":
            return NotSent("greylisted", "come back later")
        if weather == "hard bounce":
            return Refused("hard_bounce", "no such user")
        if weather == "bad content":
            return Refused("bad_content", "we do not like it")
        if weather == "cut before the end":
            return Ambiguous("the line went dead")
        world.watch.accept(Accepted(message.message_id, message.key, message.rendered.text))
        world.gate("accepted")
        return Ambiguous("the answer never came") if weather == "cut after the end" else Sent()


WEATHER = (
    *("fine", "no connection", "login refused", "greylisted", "hard bounce", "bad content"),
    *("cut before the end", "cut after the end"),
)


class World:
    """One installation in memory. `build` fills it once; `rewind` takes it back to where `mark` was called."""

    def __init__(self, *, cap: str = "none", quiet: str = "none", sessions: int = 2) -> None:
        self._home = tempfile.TemporaryDirectory(prefix="nurture-simulated-")
        self.home = Path(self._home.name)
        self.settings = Settings(
            home=self.home, database_url="sqlite://", quiet_hours=quiet, frequency_cap=cap, language="en",
            secret_key="simulated", lease_seconds=int(LEASE.total_seconds()), batch=2,
        )  # fmt: skip
        self.now = MONDAY
        self.wall = micros(MONDAY)
        self.sessions = sessions
        self.weather: list[str] = []
        self.outage = False
        self.on_gate: Callable[[str], None] = lambda what: None
        self.passed = 0
        self.watch = Watch(micros, self.settings.frequency_cap)
        self.store = SimulatedStore(self, _template())
        self.watch.db = self.store.db
        self.watch.wall = lambda: self.wall
        self.plans = Plans(self.store)
        self._engines: dict[int, Engine] = {}
        self._marked: tuple[Any, ...] | None = None

    # Workers and time

    def engine(self, worker: int = 1) -> Engine:
        """The engine as this worker has it. What it keeps between two verbs says nothing about leads."""
        found = self._engines.get(worker)
        if found is None:
            found = self._engines[worker] = Engine(self.settings, self.store)
            found.plans = self.plans
            found._worker = worker
        return found

    def gate(self, what: str) -> None:
        """Whoever works passes here: before each transaction, and at each step of the channel."""
        self.passed += 1
        if self.passed > PATIENCE:
            raise Broken("I8 progress: it goes round in circles")
        self.on_gate(what)

    def pass_time(self, by: timedelta) -> None:
        self.now += by
        self.wall += by // timedelta(microseconds=1)

    def die(self, worker: int) -> None:
        """What the next process on this host does about a dead one."""
        from nurture.store import workers

        with self.store.write() as tx:
            workers._free(tx, [worker])

    # Building

    def content(self, text: str, name: str = "hello") -> None:
        folder = self.home / "content" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "post.en.txt").write_text(text)

    def campaign(self, definition: Mapping[str, Any], running: Running = KEEP) -> int:
        """Publish it; the id of the version."""
        folder = self.home / "definitions"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{definition['campaign']}.json"
        path.write_text(json.dumps(definition))
        return self.engine().publish([path], now=self.now, running=running)[0].id

    def lead(self, name: str, *, zone: str | None = None, tags: tuple[str, ...] = (), **fields: Any) -> LeadRef:
        email = f"{name}@example.com"
        key = normalise_email(email).key
        with self.store.write() as tx:
            lead = tx.value(
                "INSERT INTO leads (key, email, email_key, basis, time_zone, fields, created_at, change)"
                " VALUES (?, ?, ?, 'contract', ?, ?, ?, ?) RETURNING id",
                lead_key("email", key), email, key, zone, json.dumps(fields), micros(self.now), micros(self.now),
            )  # fmt: skip
            tx.many("INSERT INTO tags (lead_id, tag, at) VALUES (?, ?, 0)", [(lead, tag) for tag in tags])
        return LeadRef("email", key)

    def hear(self, kind: str, lead: LeadRef, *, at: datetime | None = None, **more: Any) -> None:
        self.engine(9).hear([Incoming(kind, lead, at or self.now, **more)], now=self.now)

    # Going back

    def mark(self) -> None:
        """From here on, `rewind` comes back to this moment."""
        self._home.cleanup()  # what is published is in the store
        self.store.db.execute("BEGIN")
        self._marked = (self.now, self.wall, self.watch.kept())
        self.passed = 0

    def rewind(self) -> None:
        assert self._marked is not None
        self.store.db.execute("ROLLBACK")
        self.store.db.execute("BEGIN")
        self.now, self.wall, kept = self._marked
        self.watch.back_to(kept)
        self.weather.clear()
        self.outage, self.passed = False, 0
        self.on_gate = lambda what: None

    def settle(self, days: int = 120) -> None:
        """Faults have stopped: everything runs to its end, and everything is looked at."""
        self.on_gate = lambda what: None
        self.weather.clear()
        self.outage = False
        engine = self.engine(8)
        for name in engine.campaigns():
            engine.resume(name, now=self.now, despite="looked into")
        self.pass_time(2 * LEASE)
        end = self.now + timedelta(days=days)
        for _ in range(HEARTBEATS):
            engine.tick(self.now)
            following = self._next_due()
            if following is None or following > micros(end):
                break
            self.now = max(self.now, from_micros(following))
            self.wall += LEASE // timedelta(microseconds=1)
        else:
            raise Broken(f"I8 progress: not at rest after {HEARTBEATS} heartbeats")
        self.watch.check_end(engine, self.now)

    def _next_due(self) -> int | None:
        with self.store.looking() as tx:
            leads = tx.value("SELECT MIN(due_at) FROM enrollments WHERE status = 'waiting'")
            times = [leads, next_pending(tx, now=micros(self.now)), next_recovery(tx)]
        return min((time for time in times if time is not None), default=None)

    def close(self) -> None:
        self.store.db.close()
        self.store.close()
        self._home.cleanup()


@cache
def _template() -> sqlite3.Connection:
    """A database with the tables and nothing in them."""
    copy = sqlite3.connect(":memory:")
    with Store("sqlite://") as store:
        store.migrate()
        raw = store.engine.raw_connection()
        raw.driver_connection.backup(copy)  # type: ignore[union-attr]  # it is open
        raw.close()
    return copy


@contextmanager
def running(world: World) -> Iterator[World]:
    """The engine's clock, event loop and post office are this world's as long as this lasts."""

    def wait(seconds: float) -> None:
        world.gate("wait")
        world.wall += int(seconds * 1_000_000) + LEASE // timedelta(microseconds=1) // 4

    def deliver(self: delivering.Delivery, now: datetime) -> delivering.Delivered:
        return Loop().run(self.drain(now))

    Post.world = world
    known = channel_types()
    before = (engines.wall, engines.time, delivering.Delivery.run)
    known["post"] = Post
    engines.wall = lambda: world.wall
    engines.time = SimpleNamespace(monotonic=lambda: world.wall / 1e6, sleep=wait)  # type: ignore[assignment]  # as used
    delivering.Delivery.run = deliver  # type: ignore[method-assign]  # its loop opens sockets
    try:
        yield world
    finally:
        engines.wall, engines.time, delivering.Delivery.run = before  # type: ignore[method-assign]  # as it was
        del known["post"]
