"""Transactions: all or nothing, and durable where that is promised."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from nurture.store import Store
from nurture.store.database import chunks, from_micros, micros
from tests.store.scene import Scene

TAG = "INSERT INTO tags (lead_id, tag, at) VALUES (?, ?, ?)"


def write_and_stumble(scene: Scene) -> None:
    with scene.store.write() as tx:
        tx.run(TAG, 1, "b", 0)
        raise ZeroDivisionError


def test_a_moment_comes_back_to_the_microsecond() -> None:
    for moment in (datetime(2026, 3, 2, 9, 30, 1, 999_999, UTC), datetime(1969, 12, 31, 23, 59, 59, 1, UTC)):
        assert from_micros(micros(moment)) == moment


def test_items_come_in_lists_of_at_most_so_many() -> None:
    assert list(chunks(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert list(chunks([], 2)) == []


def test_what_raises_is_taken_back(scene: Scene) -> None:
    with pytest.raises(ZeroDivisionError):
        write_and_stumble(scene)

    assert scene.rows("SELECT * FROM tags") == []


def test_statements_say_the_same_to_each_store(scene: Scene) -> None:
    with scene.store.write() as tx:
        inserted = tx.many(TAG, [(1, "100%", 0), (2, "it's", 0), (3, "王", 0)])
        changed = tx.run("UPDATE tags SET at = ? WHERE lead_id IN {many} AND tag LIKE '1%'", 7, [1, 2])

        assert (inserted, changed) == (3, 1)
        assert tx.many(TAG, []) == 0
        assert [
            tuple(row) for row in tx.rows("SELECT tag, at FROM tags WHERE lead_id IN {many} ORDER BY 1", [1, 3])
        ] == [
            ("100%", 7),
            ("王", 0),
        ]
        assert tx.rows("SELECT tag FROM tags WHERE lead_id IN {many}", []) == []
        assert tx.row("SELECT 1 FROM tags WHERE lead_id = 9") is None
        assert tx.value("SELECT tag FROM tags WHERE tag IN {many}", ["it's"]) == "it's"


def test_rows_that_are_written_at_once_are_written_as_they_are(scene: Scene) -> None:
    odd = ['"quoted"', "back\\slash", "{braces, commas}", "NULL", "", "100%", "王 😀", "two\nlines", None]
    rows = [(f"lead{n}", text, None, n - 4) for n, text in enumerate(odd)]
    with scene.store.write() as tx:
        inserted = tx.at_once(
            "INSERT INTO leads (key, owner, language, score, created_at) VALUES (?, ?, ?, ?, 0) ON CONFLICT DO NOTHING",
            rows,
        )
        changed = tx.at_once(
            "UPDATE leads SET email = ?, score = score + ? WHERE key = ? AND score > ?",
            [(f"it's {n}", 10, f"lead{n}", 0) for n in range(len(odd))],
        )

        assert (inserted, changed) == (9, 4)
    assert scene.rows("SELECT key, owner, language FROM leads ORDER BY id") == [row[:3] for row in rows]
    assert scene.rows("SELECT email, score FROM leads ORDER BY id")[3:6] == [(None, -1), (None, 0), ("it's 5", 11)]


def test_a_rehearsal_sees_what_it_writes_and_keeps_nothing_of_it(scene: Scene) -> None:
    with scene.store.rehearse():
        with scene.store.write() as tx:
            tx.run(TAG, 1, "a", 0)
        with pytest.raises(ZeroDivisionError):
            write_and_stumble(scene)
        assert scene.rows("SELECT tag FROM tags") == [("a",)]

    assert scene.rows("SELECT tag FROM tags") == []


def test_an_intent_is_on_the_disk_before_it_is_told_and_the_rest_may_be_a_moment_late(shared_database_url: str) -> None:
    with Store(shared_database_url) as store:
        store.migrate()
        asked = "SHOW synchronous_commit" if store.postgresql else "PRAGMA synchronous"
        found = []
        for durable in (True, False, True):
            with store.write(durable=durable) as tx:
                found.append(tx.value(asked))

    assert found == (["on", "off", "on"] if store.postgresql else [2, 1, 2])


def test_a_reader_sees_one_moment(sqlite_url: str) -> None:
    scene = Scene(sqlite_url)
    with scene.store.read() as before:
        assert before.value("SELECT COUNT(*) FROM tags") == 0
        with Store(sqlite_url) as other, other.write() as tx:
            tx.run(TAG, 1, "a", 0)

        assert before.value("SELECT COUNT(*) FROM tags") == 0
    assert scene.value("SELECT COUNT(*) FROM tags") == 1
    scene.close()


def test_opening_a_store_creates_no_file(tmp_path: Path) -> None:
    Store(f"sqlite:///{tmp_path / 'nurture.db'}").close()

    assert list(tmp_path.iterdir()) == []
