"""From any earlier version's tables to this one's, by Alembic. Killed half-way, it starts again from where it was."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from nurture.crashpoints import crash_point

if TYPE_CHECKING:
    from nurture.store.database import Store, Tx

__all__ = ["HEAD", "NewerDatabase", "migrate"]

HEAD = "0010"
"""The newest revision; a test compares it with the scripts."""
LOCK = 7_316_201
"""An arbitrary number, the same everywhere: PostgreSQL's advisory lock for migrations."""


class NewerDatabase(Exception):
    """This database was made by a newer version of the program. Upgrade the program, or restore a backup."""


def migrate(store: Store) -> None:
    """Upgrade to HEAD in one transaction. A second process waits, then finds nothing to do."""
    if _stamp(store) == HEAD:
        return
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    with store.write(durable=True) as tx:
        if tx.postgresql:
            tx.rows("SELECT pg_advisory_xact_lock(?)", LOCK)
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
        config.attributes["connection"] = tx.connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise NewerDatabase(f"{NewerDatabase.__doc__} ({error})") from error
        crash_point("migrate.upgraded")
        _first_words(tx)
        crash_point("migrate.committing")
    crash_point("migrate.committed")


def _first_words(tx: Tx) -> None:
    """What a new database knows about itself."""
    tx.run("INSERT INTO changes (number) SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM changes)")
    tx.run(
        "INSERT INTO installation (key, value) VALUES ('secret', ?) ON CONFLICT (key) DO NOTHING",
        secrets.token_hex(32),
    )


def _stamp(store: Store) -> str | None:
    with store.read() as tx:
        if not sa.inspect(tx.connection).has_table("alembic_version"):
            return None
        value = tx.value("SELECT version_num FROM alembic_version")
        return None if value is None else str(value)
