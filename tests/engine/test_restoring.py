"""A backup that was put back sends nothing twice by itself, and a person decides with proof at hand."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import make_url

from nurture import tokens
from nurture.engine import Engine, Incoming
from nurture.engine.checkup import checkup
from nurture.engine.recognising import OtherSecret, PutBack, put_back
from nurture.engine.restoring import by_log, by_word, ids_in, opt_outs_in, review
from nurture.identity import LeadRef
from nurture.settings import Settings
from nurture.store import Store, beats
from nurture.testing import moment
from nurture.testing.smtp import Catcher, running
from tests.conftest import Postgres

CAMPAIGN = {
    "campaign": "c",
    "start": "first",
    "exit_on": ["unsubscribed"],
    "nodes": {
        "first": {"type": "send_content", "channel": "email", "content": "hello", "next": "rest"},
        "rest": {"type": "wait", "for": "20 minutes", "next": "second"},
        "second": {"type": "send_content", "channel": "email", "content": "hello", "next": "end"},
    },
}
BACKUP, LOSS, BACK = moment("2 Mar 10:05"), moment("2 Mar 10:50"), moment("2 Mar 11:05")


@dataclass
class Town:
    """Ten leads; half of them entered before the backup, half after it. All had both mails, and Ada opted out, by the loss."""

    settings: Settings
    catcher: Catcher
    log: list[str]
    """What the web server wrote down."""

    def engine(self) -> Engine:
        return Engine.open(self.settings)

    def copies(self) -> Counter[int]:
        """How many messages the server took how often."""
        return Counter(Counter(message.message_id for message in self.catcher.messages).values())

    def ids(self) -> list[str]:
        return [f"relay: accepted <{message.message_id.strip('<>')}> queued" for message in self.catcher.messages]


def refs(numbers: range) -> list[LeadRef]:
    return [LeadRef("email", f"lead{n}@example.com") for n in numbers]


@pytest.fixture
def catcher() -> Iterator[Catcher]:
    with running(Catcher()) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def town(request: pytest.FixtureRequest, tmp_path: Path, catcher: Catcher) -> Iterator[Town]:
    """Everything has happened, and the backup lies where the database was."""
    server: Postgres | None = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    url = server.empty() if server else f"sqlite:///{tmp_path / 'nurture.db'}"
    settings = Settings(
        home=tmp_path, database_url=url, smtp_url=catcher.url, quiet_hours="none", frequency_cap="none", language="en",
        postal_address="1 Example Road",
    )  # fmt: skip
    (tmp_path / "definitions").mkdir()
    (tmp_path / "definitions" / "c.json").write_text(json.dumps(CAMPAIGN))
    (tmp_path / "content" / "hello").mkdir(parents=True)
    (tmp_path / "content" / "hello" / "email.en.md").write_text(
        "Subject: Hello\n\nHello {{ lead.email }}. {{ postal_address }} [Unsubscribe]({{ unsubscribe_url }})\n"
    )
    leads = "email,consent\n" + "".join(f"lead{n}@example.com,yes\n" for n in range(10))
    (tmp_path / "leads.csv").write_text(leads)
    with Engine.open(settings) as engine:
        engine.import_leads(tmp_path / "leads.csv", now=moment("2 Mar 10:00"))
        engine.publish([tmp_path / "definitions" / "c.json"], now=moment("2 Mar 10:00"))
        engine.enroll("c", leads=refs(range(3)), now=moment("2 Mar 10:00"))
        engine.tick(moment("2 Mar 10:00"))
        engine.enroll("c", leads=refs(range(3, 5)), now=BACKUP)
        back_up(url, tmp_path)
        engine.tick(BACKUP, until=moment("2 Mar 10:06"))
        engine.enroll("c", leads=refs(range(5, 10)), now=moment("2 Mar 10:20"))
        key = engine.history(refs(range(1))[0])["enrollments"][0]["key"]
        opt_out = tokens.sign(engine.secret, "unsubscribe", f"{key}/first/0")
        engine.tick(moment("2 Mar 10:06"), until=LOSS)
        engine.hear([Incoming("unsubscribed", refs(range(1))[0], LOSS)], now=LOSS)
    assert len(catcher.messages) == 20
    restored = put_in_place(url, tmp_path, server)
    log = [f'127.0.0.1:5 - "POST /unsubscribe/{opt_out} HTTP/1.1" 200', '"POST /unsubscribe/AAAAAAAAAAAAAAAAAAAAAAAA"']
    yield Town(settings.model_copy(update={"database_url": restored}), catcher, log)
    if server:
        server.drop(url)
        server.drop(restored)


def back_up(url: str, folder: Path) -> None:
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(folder / "nurture.db")) as connection:
            connection.execute(f"VACUUM INTO '{folder / 'backup'}'")
    else:
        dumped = subprocess.run([program("pg_dump"), plain(url)], capture_output=True, check=True).stdout
        (folder / "backup").write_bytes(dumped)


def put_in_place(url: str, folder: Path, server: Postgres | None) -> str:
    if server is None:
        for left in folder.glob("nurture.db*"):
            left.unlink()
        shutil.copy(folder / "backup", folder / "nurture.db")
        return url
    fresh = server.empty()
    subprocess.run([program("psql"), "-q", "-f", str(folder / "backup"), plain(fresh)], capture_output=True, check=True)
    return fresh


def program(name: str) -> str:
    found = [str(path) for path in Path("/usr/lib/postgresql").glob(f"*/bin/{name}")]
    return shutil.which(name) or max(found)


def plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def test_a_backup_that_was_put_back_is_refused(town: Town) -> None:
    with town.engine() as engine, pytest.raises(PutBack, match="backup that was put back"):
        engine.tick(BACK)

    assert town.copies() == {1: 20}
    [found] = [found for found in checkup(town.settings, now=BACK) if found.check == "restored"]
    assert (found.state, found.hint) == ("alarm", "`nurture restore` shows what is held, and lets you decide")


def test_with_the_relays_log_everybody_gets_every_message_once(town: Town) -> None:
    with town.engine() as engine:
        engine.enroll("c", leads=refs(range(5, 10)), now=BACK)
        assert opt_outs_in(engine, town.log, now=BACK) == 1
        held = review(engine, now=BACK)
        assert sum(one["leads"] for one in held["due"]) == 10
        decided = by_log(engine, ids_in(town.ids()), now=BACK)
        engine.tick(BACK, until=moment("2 Mar 12:00"))
        status = engine.status(now=BACK)

    # The second mails to those who entered before the backup and have not opted out, and the first ones to all others.
    assert (decided.counted_as_sent, decided.going_out) == (2 + 2 + 2 + 5, 0)
    assert town.copies() == {1: 20}
    assert status["campaigns"][0]["ended"] == {"completed": 9, "exit:unsubscribed": 1}
    assert status["conserved"]


def test_a_message_that_the_log_does_not_know_goes_out(town: Town) -> None:
    lost = town.catcher.messages.pop()
    with town.engine() as engine:
        engine.enroll("c", leads=refs(range(5, 10)), now=BACK)
        by_log(engine, ids_in(town.ids()), now=BACK)
        engine.tick(BACK, until=moment("2 Mar 12:00"))

    assert town.copies() == {1: 20}
    assert town.catcher.messages[-1].message_id == lost.message_id


def test_where_nobody_can_say_what_is_held_counts_as_sent(town: Town) -> None:
    with town.engine() as engine:
        # With the time at which they had entered: so their later messages are held, too.
        engine.enroll("c", leads=refs(range(5, 10)), now=moment("2 Mar 10:20"))
        decided = by_word(engine, left=True, now=BACK)
        engine.tick(BACK, until=moment("2 Mar 12:00"))
        [*_, last] = engine.history(refs(range(4, 5))[0])["touches"]

    assert town.copies() == {1: 20}
    assert decided.counted_as_sent == 17
    assert (last["state"], last["because"]) == ("ambiguous", "it may have left between the backup and the restore")


def test_who_says_that_nothing_had_left_has_it_sent(town: Town) -> None:
    with town.engine() as engine:
        by_word(engine, left=False, now=BACK)
        engine.tick(BACK, until=moment("2 Mar 12:00"))

    assert town.copies()[2] == 7


def test_a_database_that_is_put_back_under_a_running_program_starts_nothing_more(town: Town) -> None:
    store = Store(town.settings.database)
    with store.read() as tx:
        name = beats.name_of(tx)
    store.beats = beats.Beats(Path(town.settings.home) / "elsewhere", name)
    store.beats.write(dict.fromkeys(range(16), 10000))

    with store.write(durable=True):
        pass

    assert put_back(store) is not None
    store.close()


def test_a_backup_in_the_same_place_is_known_by_its_beats(town: Town) -> None:
    with Store(town.settings.database) as store, store.write() as tx:
        beats.settle_here(tx)

    with town.engine() as engine, pytest.raises(PutBack, match=r"it ends at .*, and this installation went on until"):
        engine.tick(BACK)


def test_what_was_decided_once_is_decided(town: Town) -> None:
    with town.engine() as engine:
        by_word(engine, left=True, now=BACK)

    with town.engine() as engine:
        assert put_back(engine.store) is None
        engine.tick(BACK)


def test_an_installation_that_nobody_put_back_is_left_alone(tmp_path: Path, database_url: str) -> None:
    settings = Settings(home=tmp_path, database_url=database_url)
    for _ in range(3):
        with Engine.open(settings) as engine:
            with engine.store.write(durable=True):
                pass
            assert put_back(engine.store) is None
            assert engine.tick(BACK).looked == 0


def test_a_new_database_where_another_one_was_is_nobodys_backup(tmp_path: Path, sqlite_url: str) -> None:
    settings = Settings(home=tmp_path, database_url=sqlite_url)
    for _ in range(2):
        with Engine.open(settings) as engine:
            with engine.store.write(durable=True):
                pass
            engine.tick(BACK)
        os.remove(tmp_path / "nurture.db")


def test_a_copy_elsewhere_sends_nothing(tmp_path: Path, sqlite_url: str) -> None:
    with Engine.open(Settings(home=tmp_path, database_url=sqlite_url)) as engine, engine.store.write(durable=True):
        pass
    (tmp_path / "staging").mkdir()
    shutil.copy(tmp_path / "nurture.db", tmp_path / "staging" / "nurture.db")

    with (
        Engine.open(Settings(home=tmp_path / "staging")) as engine,
        pytest.raises(PutBack, match="is not beside it"),
    ):
        engine.tick(BACK)


def test_another_secret_on_the_same_database_is_refused(tmp_path: Path, database_url: str) -> None:
    (tmp_path / "leads.csv").write_text("email,consent\nada@example.com,yes\n")
    before = Settings(home=tmp_path, database_url=database_url, secret_key="first")
    with Engine.open(before) as engine:
        store = engine.store
        engine.import_leads(tmp_path / "leads.csv", now=BACK)
        engine.hear([Incoming("unsubscribed", LeadRef("email", "ada@example.com"), BACK)], now=BACK)
        dump = store.read
        with dump() as tx:
            assert not any("first" in str(row) for row in tx.rows("SELECT value FROM installation"))

    if database_url == "sqlite://":
        return
    with pytest.raises(OtherSecret, match="nobody who opted out would be recognised: set the one that was used"):
        Engine.open(Settings(home=tmp_path, database_url=database_url, secret_key="second"))
    [found] = [
        found
        for found in checkup(Settings(home=tmp_path, database_url=database_url), now=BACK)
        if found.check == "secret" and found.state == "alarm"
    ]
    assert "NURTURE_SECRET_KEY" in found.what
    Engine.open(before).close()


def test_a_secret_may_be_set_as_long_as_nothing_depends_on_it(tmp_path: Path, sqlite_url: str) -> None:
    Engine.open(Settings(home=tmp_path, database_url=sqlite_url)).close()

    Engine.open(Settings(home=tmp_path, database_url=sqlite_url, secret_key="mine")).close()
