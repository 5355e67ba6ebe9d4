"""The databases that other tests stand on."""

from __future__ import annotations

from nurture.store import Store


def test_every_kind_of_database_takes_the_same_tables(database_url: str) -> None:
    with Store(database_url) as store:
        store.migrate()
        with store.write() as tx:
            tx.run("INSERT INTO installation (key, value) VALUES (?, ?)", "hello", "world")
        with store.read() as tx:
            found = tx.rows("SELECT value FROM installation WHERE key = ?", "hello")

    assert [tuple(row) for row in found] == [("world",)]


def test_two_connections_meet_in_one_database(shared_database_url: str) -> None:
    with Store(shared_database_url) as one, Store(shared_database_url) as other:
        one.migrate()
        with one.write() as tx:
            tx.run("INSERT INTO installation (key, value) VALUES (?, ?)", "hello", "world")
        with other.read() as tx:
            found = tx.value("SELECT count(*) FROM installation WHERE key = ?", "hello")

    assert found == 1
