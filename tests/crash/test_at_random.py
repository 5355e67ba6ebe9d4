"""The short form of kills at random times; `python -m tests.crash.at_random` is the long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Postgres
from tests.crash.at_random import databases, kill_at_random

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_four_workers_killed_at_random_lose_nothing_and_send_nothing_twice(
    store: str, postgres: Postgres, tmp_path: Path
) -> None:
    assert postgres.reachable() == ""
    with databases(store, tmp_path) as new:
        figures = kill_at_random(30, 1, tmp_path, new)

    assert figures.kills >= 30
    assert (figures.lost, figures.duplicates) == (0, 0)
