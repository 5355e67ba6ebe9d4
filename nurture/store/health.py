"""What `nurture doctor` asks the database about itself. Nothing is created and nothing is changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

from nurture.store.database import Store, Tx
from nurture.store.migrations import HEAD

__all__ = [
    "exists",
    "has_wal_reset_bug",
    "overdue",
    "overdue_messages",
    "revision",
    "sqlite_version",
    "switched_off",
    "up_to_date",
]

WAL_RESET_BUG = ((3, 7, 0), (3, 51, 2))
"""The first and the last version of SQLite in which a checkpoint may, very rarely, lose what another one wrote."""


def exists(url: str) -> bool:
    """Whether there is anything to look at; a server is asked by asking it."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return True
    return parsed.database not in (None, "", ":memory:") and Path(str(parsed.database)).is_file()


def revision(store: Store) -> str | None:
    """The revision of its tables; None where there are none."""
    with store.read() as tx:
        table = (
            "SELECT 1 FROM information_schema.tables WHERE table_name = 'alembic_version'"
            if tx.postgresql
            else "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
        )
        return None if tx.value(table) is None else str(tx.value("SELECT version_num FROM alembic_version"))


def up_to_date(found: str | None) -> bool:
    """Whether the tables are those of this program."""
    return found == HEAD


def sqlite_version(tx: Tx) -> str | None:
    """Such as `3.45.1`; None on PostgreSQL."""
    return None if tx.postgresql else str(tx.value("SELECT sqlite_version()"))


def has_wal_reset_bug(version: str) -> bool:
    first, last = WAL_RESET_BUG
    return first <= tuple(int(part) for part in version.split(".")[:3]) <= last


def switched_off(tx: Tx, *settings: str) -> list[str]:
    """Which of these settings of PostgreSQL are off here; none on SQLite."""
    if not tx.postgresql:
        return []
    asked = tx.rows("SELECT name FROM pg_settings WHERE setting = 'off' AND name IN {many}", list(settings))
    return sorted(name for (name,) in asked)


def overdue(tx: Tx, *, before: int) -> list[Any]:
    """(campaign, number of leads, the longest due, the node of one of those) of what should have been looked at;
    paused campaigns may wait."""
    found = tx.rows(
        "SELECT e.campaign, COUNT(*), MIN(e.due_at) FROM enrollments e JOIN campaigns c ON c.campaign = e.campaign"
        " WHERE e.status = 'waiting' AND e.due_at < ? AND c.paused_at IS NULL GROUP BY 1 ORDER BY 1",
        before,
    )
    first = "SELECT MIN(node) FROM enrollments WHERE campaign = ? AND status = 'waiting' AND due_at = ?"
    return [(*row, tx.value(first, row[0], row[2])) for row in found]


def overdue_messages(tx: Tx, *, before: int) -> list[Any]:
    """(campaign, number of messages, the longest due) of what should have been tried; paused campaigns may wait, and
    what a rest or a rate cap holds back is late on purpose."""
    return tx.rows(
        "SELECT v.campaign, COUNT(*), MIN(t.due_at) FROM touches t JOIN versions v ON v.id = t.version_id"
        " JOIN campaigns c ON c.campaign = v.campaign"
        " WHERE t.state = 'pending' AND t.due_at < ? AND c.paused_at IS NULL"
        " AND t.channel NOT IN (SELECT channel FROM paces WHERE domain = '' AND (rests > 0 OR open_at > ?))"
        " GROUP BY 1 ORDER BY 1",
        before,
        before,
    )
