"""Three thousand requests by chance; a hundred thousand of them every night."""

from __future__ import annotations

from pathlib import Path

from tests.web.doorstep import doorstep
from tests.web.fuzz import fuzzed, state


def test_whatever_is_asked_nothing_breaks_and_nothing_changes(tmp_path: Path) -> None:
    with doorstep(tmp_path) as door:
        before = state(door)
        statuses = fuzzed(door, 3_000, seed=0)

        assert {status for status in statuses if status >= 500} == set()
        assert state(door) == before
        assert {404, 405, 401, 421} <= statuses.keys()
