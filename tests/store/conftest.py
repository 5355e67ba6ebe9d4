"""One set of tests, three stores: in memory, SQLite in a file, PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.store.scene import Scene


@pytest.fixture
def scene(database_url: str) -> Iterator[Scene]:
    built = Scene(database_url)
    yield built
    built.close()


@pytest.fixture
def postgres_scene(postgres_url: str) -> Iterator[Scene]:
    """Where two transactions can be open at once."""
    built = Scene(postgres_url)
    yield built
    built.close()
