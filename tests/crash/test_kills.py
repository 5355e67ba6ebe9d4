"""Kill the process at every labelled point, start again, and compare with a run that was left alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from nurture import crashpoints
from nurture.testing.smtp import Catcher, running
from tests.crash.town import Town, check, paths

SESSIONS = 4


@pytest.fixture
def catcher() -> Iterator[Catcher]:
    with running(Catcher()) as server:
        yield server


def town(home: Path, database_url: str, catcher: Catcher) -> Town:
    made = Town(home, database_url, f"{catcher.url}?sessions={SESSIONS}")
    made.build()
    return made


@dataclass(frozen=True)
class Undisturbed:
    paths: dict[str, list[tuple[str, str | None]]]
    passed: dict[str, int]
    """How often each crash point is passed."""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """A run that nobody kills."""
    home = tmp_path_factory.mktemp("undisturbed")
    with running(Catcher()) as server:
        quiet = town(home / "town", f"sqlite:///{home / 'town.db'}", server)
        assert not quiet.live(count=home / "passed")
        lines = (line.split() for line in (home / "passed").read_text().splitlines())
        with quiet.engine() as engine:
            assert check(engine, server, sessions=SESSIONS)["ambiguous"] == 0
            return Undisturbed(paths(engine), {point: int(times) for point, times in lines})


@pytest.mark.parametrize("when", ["first", "last"])
@pytest.mark.parametrize("point", crashpoints.POINTS)
def test_killed_there_nothing_is_lost_and_nothing_is_sent_twice(
    point: str, when: str, shared_database_url: str, catcher: Catcher, tmp_path: Path, undisturbed: Undisturbed
) -> None:
    killed = town(tmp_path / "town", shared_database_url, catcher)
    occurrence = 1 if when == "first" else undisturbed.passed[point]

    assert killed.live(crash=f"{point}:{occurrence}"), f"nobody passes {point} {occurrence} times"

    with killed.engine() as engine:
        check(engine, catcher, sessions=SESSIONS)
        assert paths(engine) == undisturbed.paths


def test_the_points_in_the_code_are_those_that_are_exercised() -> None:
    code = Path(crashpoints.__file__).parent
    passed = {
        name
        for path in code.rglob("*.py")
        if path.name != "crashpoints.py"
        for call in re.findall(r"crash_point\(([^)]*)\)", path.read_text())
        for name in re.findall(r'"([a-z_.]+)"', call)
    }

    assert passed == set(crashpoints.POINTS)
