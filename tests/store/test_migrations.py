"""From nothing, or from an older version's tables, to this version's: all of it, or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from nurture.store import Store, installation, migrations
from nurture.store.migrations import HEAD, NewerDatabase
from nurture.store.schema import metadata
from tests.conftest import Postgres


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A database without tables."""
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        url = server.empty()
        with Store(url) as store:
            yield store
        server.drop(url)
        return
    with Store("sqlite://" if request.param == "memory" else f"sqlite:///{tmp_path / 'nurture.db'}") as store:
        yield store


def tables(store: Store) -> set[str]:
    with store.read() as tx:
        return set(inspect(tx.connection).get_table_names())


def test_the_scripts_build_what_the_code_describes(empty: Store) -> None:
    empty.migrate()

    with empty.read() as tx:
        context = MigrationContext.configure(tx.connection, opts={"compare_type": True, "compare_server_default": True})
        differences: Any = compare_metadata(context, metadata)

    assert differences == []


def test_the_partial_indexes_are_partial_in_both(empty: Store) -> None:
    # Alembic's comparison does not look at the conditions of indexes.
    empty.migrate()

    with empty.read() as tx:
        option = f"{tx.connection.dialect.name}_where"
        built = {
            index["name"]
            for table in metadata.tables
            for index in inspect(tx.connection).get_indexes(table)
            if option in index.get("dialect_options", {})
        }
        described = {
            index.name
            for table in metadata.tables.values()
            for index in table.indexes
            if index.dialect_kwargs.get(option) is not None
        }

    assert built == described
    assert "enrollments_one_active" in built


def test_the_newest_revision_is_the_one_the_program_knows() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent).replace("%", "%%"))

    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_migrating_twice_changes_nothing_and_keeps_the_secret(empty: Store) -> None:
    empty.migrate()
    with empty.read() as tx:
        secret = installation.secret(tx)

    empty.migrate()

    with empty.read() as tx:
        assert tx.rows("SELECT version_num FROM alembic_version") == [(HEAD,)]
        assert installation.secret(tx) == secret
        assert len(secret) == 32


def test_each_database_has_a_secret_of_its_own() -> None:
    secrets = set()
    for _ in range(2):
        with Store("sqlite://") as store:
            store.migrate()
            with store.read() as tx:
                secrets.add(installation.secret(tx))

    assert len(secrets) == 2


def test_a_database_of_a_newer_version_is_refused_and_left_alone(empty: Store) -> None:
    empty.migrate()
    with empty.write() as tx:
        tx.run("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(NewerDatabase, match="newer version of the program"):
        empty.migrate()

    with empty.read() as tx:
        assert tx.value("SELECT version_num FROM alembic_version") == "9999"


def test_a_migration_that_is_killed_leaves_nothing_behind(empty: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(migrations, "_first_words", lambda tx: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            empty.migrate()

    assert tables(empty) == set()

    empty.migrate()

    assert set(metadata.tables) < tables(empty)


def test_a_store_that_was_only_opened_has_made_no_tables(empty: Store) -> None:
    assert tables(empty) == set()


def test_of_two_processes_that_start_together_one_waits_for_the_other(empty: Store) -> None:
    if empty.in_memory:
        return  # there only one process can be
    url = empty.url.render_as_string(hide_password=False)

    def start(_: int) -> str:
        with Store(url) as store:
            store.migrate()
            with store.read() as tx:
                return installation.secret(tx).hex()

    with ThreadPoolExecutor(2) as pool:
        secrets = list(pool.map(start, range(2)))

    assert len(set(secrets)) == 1
