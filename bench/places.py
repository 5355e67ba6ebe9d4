"""Databases that are there for one run."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

POSTGRES = os.environ.get("NURTURE_TEST_POSTGRES") or "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"

Place = Callable[[], AbstractContextManager[str]]
"""Makes the URL of a new, empty database."""

_numbers = count()


@contextmanager
def sqlite() -> Iterator[str]:
    """A file in a temporary folder: on a disk, as in earnest."""
    with tempfile.TemporaryDirectory(prefix="nurture-bench-") as folder:
        yield f"sqlite:///{folder}/nurture.db"


@contextmanager
def postgres() -> Iterator[str]:
    """A database of its own on the server of the tests."""
    name = f"nurture_bench_{os.getpid()}_{next(_numbers)}"
    url = make_url(POSTGRES).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
        try:
            yield url.set(database=name).render_as_string(hide_password=False)
        finally:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def postgres_answers() -> bool:
    try:
        psycopg.connect(make_url(POSTGRES).set(drivername="postgresql").render_as_string(hide_password=False)).close()
    except psycopg.OperationalError:
        return False
    return True


def size(url: str) -> int:
    """Bytes on disk, everything written back."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        import sqlite3

        assert parsed.database is not None
        with sqlite3.connect(parsed.database) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return Path(parsed.database).stat().st_size
    with psycopg.connect(parsed.set(drivername="postgresql").render_as_string(hide_password=False)) as connection:
        found = connection.execute("SELECT pg_database_size(current_database())").fetchone()
        assert found is not None
        return int(found[0])
