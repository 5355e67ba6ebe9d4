"""A database that is locked, full, read-only or breaks connections: nothing leaves without its intent, and it goes on after."""

from __future__ import annotations

import resource
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from nurture.channels.base import Message
from nurture.identity import LeadRef
from nurture.store import database
from nurture.store.database import unavailable
from tests.conftest import Postgres
from tests.engine.house import MONDAY, House, Post
from tests.engine.test_life import ASK

END = "20 Mar 09:00"
WHOLE = ["bait: sent", "seen: no", "swap: sent", "pool: None", "pool"]
LEADS = 12


def furnish(house: House, many: int = LEADS) -> list[LeadRef]:
    """Leads who are about to get a message each."""
    house.campaign(ASK)
    leads = [house.lead(f"lead{n}@example.com") for n in range(many)]
    house.enter(*leads)
    return leads


@pytest.fixture
def on_sqlite(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """Whoever waits for a lock gives up soon."""
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.2)
    house = House(tmp_path, sqlite_url, lease_seconds=1)
    yield house
    assert house.status("1 Jan 2027 00:00")["conserved"]
    assert house.engine.replay().different == []
    with house.engine.store.read() as tx:
        assert tx.value("PRAGMA quick_check") == "ok"
    house.engine.close()


@contextmanager
def locked(house: House) -> Iterator[Callable[[], None]]:
    """Another program holds the file's write lock, until it is told to let go."""
    file = house.engine.store.url.database or ""
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")

        def let_go() -> None:
            if other.in_transaction:
                other.execute("ROLLBACK")

        yield let_go


def fails(house: House, now: str = "2 Mar 09:00") -> sa.exc.DBAPIError:
    """A tick that ends with what the database said."""
    with pytest.raises(sa.exc.DBAPIError) as told:
        house.tick(now)
    return told.value


def test_a_file_that_another_program_has_locked_stops_the_tick_and_loses_nothing(
    on_sqlite: House, post: type[Post]
) -> None:
    leads = furnish(on_sqlite)

    with locked(on_sqlite):
        error = fails(on_sqlite)
        assert unavailable(error), error
        assert post.sent == []
    on_sqlite.tick(MONDAY, END)

    assert [on_sqlite.path(lead) for lead in leads] == [WHOLE] * LEADS
    assert len(post.sent) == 2 * LEADS


def test_a_lock_that_is_given_up_in_time_is_waited_for(
    on_sqlite: House, post: type[Post], monkeypatch: pytest.MonkeyPatch
) -> None:
    leads = furnish(on_sqlite)
    on_sqlite.engine.close()
    monkeypatch.setattr(database, "BUSY_SECONDS", 60)
    patient = House(on_sqlite.home, str(on_sqlite.engine.settings.database_url))

    with locked(patient) as let_go:
        # However late it comes, it comes in time: the file is waited for much longer.
        waiting = threading.Timer(0.3, let_go)
        waiting.start()
        patient.tick(MONDAY, END)
        waiting.join()

    assert [patient.path(lead) for lead in leads] == [WHOLE] * LEADS
    patient.engine.close()


def test_a_lock_between_intent_and_verdict_leaves_doubt_and_never_a_second_copy(
    on_sqlite: House, post: type[Post]
) -> None:
    leads = furnish(on_sqlite)
    held = []

    def lock(_: Message) -> None:
        if not held:
            holding = locked(on_sqlite)
            held.append((holding, holding.__enter__()))

    post.started.append(lock)
    assert unavailable(fails(on_sqlite))
    held[0][0].__exit__(None, None, None)
    on_sqlite.tick(MONDAY, END)

    copies = [message.message_id for message in post.sent]
    assert len(copies) == len(set(copies)) == 2 * LEADS
    states = [touch["state"] for lead in leads for touch in on_sqlite.engine.history(lead)["touches"]]
    assert set(states) == {"sent", "ambiguous"}
    assert states.count("ambiguous") <= post.sessions
    assert [on_sqlite.path(lead) for lead in leads] == [WHOLE] * LEADS


@contextmanager
def full(house: House) -> Iterator[None]:
    """No page more fits into the file."""
    engine = house.engine.store.engine
    engine.dispose()

    def limit(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # as many as there are, that is

    sa.event.listen(engine, "connect", limit)
    yield
    sa.event.remove(engine, "connect", limit)
    engine.dispose()


@contextmanager
def read_only(house: House) -> Iterator[None]:
    engine = house.engine.store.engine
    engine.dispose()

    def forbid(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA query_only = ON")

    sa.event.listen(engine, "connect", forbid)
    yield
    sa.event.remove(engine, "connect", forbid)
    engine.dispose()


@contextmanager
def no_room(house: House) -> Iterator[None]:
    """The system refuses to write beyond where the log ends now: a full disk in the middle of a commit."""
    log = Path(f"{house.engine.store.url.database}-wal")
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size + 20_000, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


@pytest.mark.parametrize("trouble", [full, read_only, no_room])
def test_while_nothing_can_be_written_nothing_leaves_and_when_it_can_all_goes_on(
    on_sqlite: House, post: type[Post], trouble: Callable[[House], contextmanager[None]]
) -> None:
    many = 150  # more than the tables' last pages have room for
    leads = furnish(on_sqlite, many)
    with trouble(on_sqlite):
        for hour in (9, 10, 11):
            error = fails(on_sqlite, f"2 Mar {hour:02}:00")
            assert unavailable(error), error
        with on_sqlite.engine.store.read() as tx:
            intents = {row[0] for row in tx.rows("SELECT message_id FROM touches WHERE started_at IS NOT NULL")}
        assert {message.message_id for message in post.sent} <= intents

    on_sqlite.tick("2 Mar 12:00", END)

    copies = [message.message_id for message in post.sent]
    assert len(copies) == len(set(copies)) == 2 * many
    assert [on_sqlite.path(lead)[-1] for lead in leads] == ["pool"] * many


@pytest.fixture
def on_postgres(postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr(database, "ASK_AGAIN", 0.0)
    house = House(tmp_path, postgres_url)
    yield house
    assert house.status("1 Jan 2027 00:00")["conserved"]
    assert house.engine.replay().different == []
    house.engine.close()


def test_an_operator_who_ends_all_sessions_again_and_again_stops_nobody(
    on_postgres: House, post: type[Post], postgres: Postgres, postgres_url: str
) -> None:
    leads = furnish(on_postgres)
    ended = []
    for moments in (post.before, post.started):
        moments.append(lambda _: ended.append(postgres.end_sessions(postgres_url)))

    on_postgres.tick(MONDAY, END)

    assert sum(ended) > 0
    assert [on_postgres.path(lead) for lead in leads] == [WHOLE] * LEADS
    assert [touch["state"] for lead in leads for touch in on_postgres.engine.history(lead)["touches"]] == ["sent"] * (
        2 * LEADS
    )
    assert len({message.message_id for message in post.sent}) == len(post.sent) == 2 * LEADS


def test_a_transaction_that_was_cut_off_for_doing_nothing_is_done_again(on_postgres: House, post: type[Post]) -> None:
    house = on_postgres
    lead = house.lead()
    tries = []

    def name() -> None:
        with house.engine.store.write() as tx:
            tries.append(1)
            tx.run("UPDATE leads SET owner = 'mia' WHERE email_key = ?", lead.key)
            if len(tries) == 1:
                # The session waits for its own end, which comes for idling while this one sleeps elsewhere.
                tx.run("SET LOCAL idle_in_transaction_session_timeout = '50ms'")
                with house.engine.store.read() as other:
                    other.run("SELECT pg_sleep(0.5)")

    database.insist(name)

    assert len(tries) == 2
    assert house.engine.history(lead)["lead"]["owner"] == "mia"
