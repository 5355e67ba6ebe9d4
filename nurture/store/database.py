"""Connections and transactions.

Statements are written once, with `?` for a parameter and `IN {many}` for a list of them. Both stores hold the same
tables; what differs between the two is in this file and in `migrations/`.
"""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.pool import StaticPool

if TYPE_CHECKING:
    from nurture.store.beats import Beats

__all__ = [
    "UNWRITABLE",
    "Store",
    "Tx",
    "chunks",
    "from_micros",
    "gone",
    "insist",
    "micros",
    "unavailable",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
BUSY_SECONDS = 60
T = TypeVar("T")


# The moments of a batch are few and come again and again: their conversion is remembered.
@lru_cache(maxsize=65_536)
def micros(moment: datetime) -> int:
    """A moment as the tables hold it: microseconds since 1970 UTC."""
    return (moment - _EPOCH) // _MICROSECOND


@lru_cache(maxsize=65_536)
def from_micros(value: int) -> datetime:
    return _EPOCH + timedelta(microseconds=value)


UNWRITABLE = (
    sa.exc.DataError,
    sa.exc.InterfaceError,
    sa.exc.ProgrammingError,
    OverflowError,
    UnicodeEncodeError,
)
"""A value that no column takes: the row's own fault, whatever else is in the batch."""
TIMES_TO_INSIST = 8
PATIENCE = 30.0
"""Seconds for which we go on asking a database that went away: a restart, a failover, an operator who ends sessions."""
ASK_AGAIN = 0.2
"""Seconds between two tries."""


def gone(error: BaseException) -> bool:
    """Whether the database went away or takes nobody now. A commit that got this for an answer may have happened."""
    if isinstance(error, sa.exc.TimeoutError):
        return True  # no connection in the pool came free
    if not isinstance(error, sa.exc.DBAPIError):
        return False
    code = getattr(error.orig, "sqlstate", None)
    if code is None:
        # The driver of PostgreSQL gives no code when there is nobody to give one. SQLite has no sessions that end.
        return error.connection_invalidated or (
            isinstance(error, sa.exc.OperationalError) and type(error.orig).__module__.startswith("psycopg")
        )
    # 08 connection, 57 operator intervention, 25P03 idle in a transaction for too long, 53300 too many connections.
    return code[:2] in ("08", "57") or code in ("25P03", "53300")


def unavailable(error: BaseException) -> bool:
    """Whether the trouble is the database's own and may pass: it is gone, locked, full, read-only. Whoever has all the
    time in the world waits; nothing was started without a commit, so nothing is lost meanwhile."""
    if gone(error):
        return True
    if not isinstance(error, sa.exc.DBAPIError):
        return False
    if isinstance(error.orig, sqlite3.Error):
        # The low byte is the kind of trouble, the others say more about it.
        return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF in _PASSES
    # 53 resources, such as the disk; 58 the system below; 25006 read-only, as a standby is before it is promoted.
    code = getattr(error.orig, "sqlstate", None) or ""
    return code[:2] in ("53", "58") or code == "25006"


_PASSES = frozenset(
    {
        sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN,
    }
)  # fmt: skip


def insist(operation: Callable[[], T]) -> T:
    """Run a whole transaction until its outcome is known.

    Again at once when PostgreSQL had to break a circle of waiting or could not keep it in order: nothing was written
    then. Again for `PATIENCE` seconds when the database went away, which may have been after the commit: so `operation`
    must find out by reading what is done already.
    """
    disorder, until = 0, None
    while True:
        try:
            return operation()
        except (sa.exc.DBAPIError, sa.exc.TimeoutError) as error:
            if getattr(getattr(error, "orig", None), "sqlstate", None) in ("40001", "40P01"):
                disorder += 1
                if disorder >= TIMES_TO_INSIST:
                    raise
                continue
            until = time.monotonic() + PATIENCE if until is None else until
            if not gone(error) or time.monotonic() >= until:
                raise
            time.sleep(ASK_AGAIN)


class Tx:
    """One transaction. Parameters are positional; a list goes where the statement says `IN {many}`."""

    __slots__ = ("connection", "postgresql")

    def __init__(self, connection: Connection, postgresql: bool) -> None:
        self.connection = connection
        self.postgresql = postgresql

    def rows(self, statement: str, *parameters: Any) -> list[Any]:
        """All rows that the statement answers with, as tuples."""
        sql, values = self._bind(statement, parameters)
        result = self.connection.exec_driver_sql(sql, values)
        # The driver's own rows: SQLAlchemy's would cost more than the query, a thousand times a batch.
        return list(result.cursor.fetchall())

    def row(self, statement: str, *parameters: Any) -> Any | None:
        """The first row, or None."""
        found = self.rows(statement, *parameters)
        return found[0] if found else None

    def value(self, statement: str, *parameters: Any) -> Any:
        """The first column of the first row, or None."""
        found = self.row(statement, *parameters)
        return found[0] if found else None

    def run(self, statement: str, *parameters: Any) -> int:
        """Run it and say how many rows it changed."""
        sql, values = self._bind(statement, parameters)
        return self.connection.exec_driver_sql(sql, values).rowcount

    def many(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> int:
        """Run it once for each row of parameters, in one go, and say how many rows it changed."""
        if not rows:
            return 0
        return self.connection.exec_driver_sql(_spoken(statement, self.postgresql), list(rows)).rowcount

    def hold_still(self) -> None:
        """From here on all statements see one moment. Comes first in a transaction; in SQLite it is so anyway."""
        if self.postgresql:
            self.connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")

    def at_once(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> int:
        """As `many`, for an INSERT or UPDATE whose rows do not meet: no two of them change the same row.

        PostgreSQL gets one statement for all of them, which costs it a third of one for each.
        """
        if not self.postgresql or len(rows) < 2:
            return self.many(statement, rows)
        columns = list(zip(*rows, strict=True))
        types = tuple(map(_array_type, columns))
        arrays = tuple(_array(column) for column, type in zip(columns, types, strict=True) if type)
        return self.connection.exec_driver_sql(_in_bulk(statement, types), arrays).rowcount

    def _bind(self, statement: str, parameters: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
        written = _array if self.postgresql else _json_list
        bound = tuple([written(p) if isinstance(p, list) else p for p in parameters])
        return _spoken(statement, self.postgresql), bound


def _json_list(values: list[Any]) -> str:
    return f"[{','.join(map(str, values))}]" if values and values[0].__class__ is int else json.dumps(values)


# The driver writes arrays entry by entry, in Python, which would take longer than the query that reads them.


def _array(values: Sequence[Any]) -> str:
    """Numbers or texts, and NULLs among them, as PostgreSQL reads an array."""
    if all(value.__class__ is int for value in values):
        return f"{{{','.join(map(str, values))}}}"
    return "{" + ",".join(["NULL" if value is None else _quoted(str(value)) for value in values]) + "}"


def _quoted(text: str) -> str:
    if '"' in text or "\\" in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _array_type(values: Sequence[Any]) -> str:
    """What PostgreSQL calls these; '' when all of them are NULL."""
    for value in values:
        if value is not None:
            return {int: "bigint", float: "double precision"}.get(value.__class__, "text")
    return ""


@lru_cache(maxsize=512)
def _in_bulk(statement: str, types: tuple[str, ...]) -> str:
    """The statement for all rows at once: they come as one array for each column, and `?` is a column of theirs."""
    *texts, last = _spoken(statement, True).split("%s")
    named = "".join(f"{text}{f'v.c{n}' if types[n] else 'NULL'}" for n, text in enumerate(texts)) + last
    given = [n for n, type in enumerate(types) if type]
    arrays = ", ".join(f"%s::{types[n]}[]" for n in given)
    source = f"unnest({arrays}) AS v({', '.join(f'c{n}' for n in given)})"
    if values := _values(named):
        return f"{values[1]}SELECT {values[2]} FROM {source}{values[3]}"
    where = _where(named)
    assert where is not None, "an UPDATE of many rows says WHERE"
    before = named[: where.start()]
    return f"{before}{',' if ' FROM ' in before else ' FROM'} {source}{named[where.start() :]}"


_values = re.compile(r"(.*?)\bVALUES \(([^()]*)\)(.*)", re.DOTALL).fullmatch
_where = re.compile(r"\sWHERE\s").search


@lru_cache(maxsize=512)
def _spoken(statement: str, postgresql: bool) -> str:
    """The statement in the store's own dialect."""
    if postgresql:
        return (
            statement.replace("%", "%%")
            .replace("IN {many}", "= ANY(%s)")
            .replace("?", "%s")
            .replace("{skip_locked}", "FOR UPDATE SKIP LOCKED")
            .replace("{for_update}", "FOR UPDATE")
            .replace("{for_share}", "FOR SHARE OF c")
        )
    return (
        statement.replace("IN {many}", "IN (SELECT value FROM json_each(?))")
        .replace("{skip_locked}", "")
        .replace("{for_update}", "")
        .replace("{for_share}", "")
    )


class Store:
    """The database. `write` is a transaction that no other writer can slip into; `read` sees one moment."""

    def __init__(self, url: str) -> None:
        """`sqlite://` (in memory), `sqlite:///path` or `postgresql://...`; nothing is created until `migrate`."""
        self.url = _driver(make_url(url))
        self.postgresql = self.url.get_backend_name() == "postgresql"
        self.in_memory = not self.postgresql and self.url.database in (None, "", ":memory:")
        options: dict[str, Any] = {}
        if self.postgresql:
            options["pool_pre_ping"] = True
        else:
            options["connect_args"] = {"check_same_thread": False, "timeout": BUSY_SECONDS}
            if self.in_memory:
                options["poolclass"] = StaticPool
        self._outer: Connection | None = None
        self.beats: Beats | None = None
        """What counts durable commits, in here and outside; whoever opens an installation sets it."""
        self.engine = sa.create_engine(self.url, **options)
        if not self.postgresql:
            sa.event.listen(self.engine, "connect", _prepare_sqlite)
            sa.event.listen(self.engine, "begin", _begin_sqlite)

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """A transaction that only reads."""
        if self._outer is not None:
            yield Tx(self._outer, self.postgresql)
            return
        with self.engine.connect() as connection, connection.begin(), self._alone(connection):
            yield Tx(connection, self.postgresql)

    @contextmanager
    def write(self, *, durable: bool = False) -> Iterator[Tx]:
        """A transaction that writes. `durable`: on the disk before it returns, whatever happens to the machine.

        Without it, a killed process loses nothing and a power cut may take back the last commits, in order.
        """
        if self._outer is not None:
            with self._outer.begin_nested():
                yield Tx(self._outer, self.postgresql)
            return
        with self.engine.connect() as connection:
            connection = connection.execution_options(nurture_write=True, nurture_durable=durable)
            with connection.begin(), self._alone(connection):
                if self.postgresql and not durable:
                    connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
                tx = Tx(connection, self.postgresql)
                beat = self.beats.count(tx) if durable and self.beats else 0
                yield tx
            if durable and self.beats:
                self.beats.remember(beat)

    @contextmanager
    def _alone(self, connection: Connection) -> Iterator[None]:
        """In memory there is one connection: what is asked for inside a transaction takes part in it."""
        if not self.in_memory:
            yield
            return
        self._outer = connection
        try:
            yield
        finally:
            self._outer = None

    @contextmanager
    def rehearse(self) -> Iterator[None]:
        """Whatever is written inside is seen inside, and taken back at the end: for dry runs, by one thread alone."""
        with self.engine.connect() as connection:
            connection = connection.execution_options(nurture_write=True)
            outer = connection.begin()
            self._outer = connection
            try:
                yield
            finally:
                self._outer = None
                outer.rollback()

    def migrate(self) -> None:
        """Bring the tables to this version of the program. Safe to call by several processes at once."""
        from nurture.store.migrations import migrate

        migrate(self)

    def close(self) -> None:
        self.engine.dispose()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _driver(url: URL) -> URL:
    if url.drivername in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    return url


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver's own BEGIN is deferred and comes late; ours is explicit (`_begin_sqlite`).
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    cursor.execute("PRAGMA cache_size = -65536")
    # The log is written back when it holds 16 MB: a batch changes hundreds of pages, the same ones again and again.
    cursor.execute("PRAGMA wal_autocheckpoint = 4000")
    cursor.execute("PRAGMA temp_store = MEMORY")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if not options.get("nurture_write"):
        connection.exec_driver_sql("BEGIN")
        return
    level = "FULL" if options.get("nurture_durable") else "NORMAL"
    if connection.info.get("synchronous", "NORMAL") != level:
        connection.exec_driver_sql(f"PRAGMA synchronous = {level}")
        connection.info["synchronous"] = level
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def chunks(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """The items in lists of at most `size`."""
    held: list[Any] = []
    for item in items:
        held.append(item)
        if len(held) == size:
            yield held
            held = []
    if held:
        yield held
