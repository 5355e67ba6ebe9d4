"""The gate: a search that finds no bug of ours would find no bug of anybody's."""

from __future__ import annotations

import pytest

from tests.simulation.hunting import hunt
from tests.simulation.seeded import BUGS, Bug

pytestmark = pytest.mark.slow


def test_there_are_enough_bugs() -> None:
    assert len({bug.name for bug in BUGS}) >= 15


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_seeded_bug_is_found(bug: Bug) -> None:
    with bug.seeded():
        found = hunt(bug.by)

    assert found, f"nobody notices that {bug.name}"
