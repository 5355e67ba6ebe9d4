"""A house for every test of the engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.house import House, Post, post_office


@pytest.fixture
def post() -> Iterator[type[Post]]:
    with post_office() as office:
        yield office


@pytest.fixture
def house(tmp_path: Path, database_url: str, post: type[Post]) -> Iterator[House]:
    """On each kind of store in turn; when the test is over, the numbers must add up and the journal must replay."""
    built = House(tmp_path, database_url)
    yield built
    assert built.status("1 Jan 2027 00:00")["conserved"]
    assert built.engine.replay().different == []
    built.engine.close()
