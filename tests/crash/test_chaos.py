"""The short form of chaos; `python -m tests.crash.chaos` is the long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Postgres
from tests.crash.chaos import chaos
from tests.crash.cluster import cluster

pytestmark = pytest.mark.slow


def test_a_database_that_is_restarted_again_and_again_loses_nothing_that_was_acknowledged(
    postgres: Postgres, tmp_path: Path
) -> None:
    assert postgres.reachable() == "", "where there is a server, its programs are installed"
    with cluster() as server:
        seen = chaos(4, 1, tmp_path / "town", server, hearers=3, tickers=2)

    assert seen.restarts >= 1
    assert seen.acknowledged > 0
    assert (seen.missing, seen.duplicates) == (0, 0)
