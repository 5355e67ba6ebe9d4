"""Kill the process at every labelled point, start again, and compare with a run that was left alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from threading import Lock
from typing import Any

import pytest

from nurture import crashpoints
from nurture.testing.smtp import Catcher, Fault, running
from tests.conftest import Postgres
from tests.crash.scene import FAULTS
from tests.crash.town import Town, check, facts, paths

SESSIONS = 4
SIDE_BY_SIDE = 3
TRIES = 4
"""How many commits a delivery makes depends on a race of sessions; who missed the last one knows when it was, and tries again."""


@dataclass(frozen=True)
class Undisturbed:
    paths: dict[tuple[str, str], list[tuple[str, str | None]]]
    facts: dict[str, Any]
    passed: dict[str, int]
    """How often each crash point is passed."""

    def occurrences(self, point: str) -> list[int]:
        """The first, the seventh and the last, as far as there are so many."""
        last = self.passed[point]
        return sorted({number for number in (1, 7, last) if number <= last})


Databases = Callable[[bool], str]
"""A new database; True: with its tables."""


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Databases]:
    """As many databases of one kind as are asked for."""
    if request.param == "sqlite":
        numbers = count()
        yield lambda _: f"sqlite:///{tmp_path / f'town{next(numbers)}.db'}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    made: list[str] = []
    alone = Lock()

    def new(furnished: bool) -> str:
        # One at a time: the first makes the template, and Alembic is not made for threads.
        with alone:
            url = server.clone() if furnished else server.empty()
            made.append(url)
        return url

    yield new
    for url in made:
        server.drop(url)


@contextmanager
def town(home: Path, database_url: str) -> Iterator[tuple[Town, Catcher]]:
    put_off = Fault("mail", say="451 4.3.0 try again later", times=FAULTS)
    with running(Catcher(faults=[put_off])) as catcher:
        made = Town(home, database_url, f"{catcher.url}?sessions={SESSIONS}")
        made.build()
        yield made, catcher


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """A run that nobody kills."""
    home = tmp_path_factory.mktemp("undisturbed")
    with town(home / "town", f"sqlite:///{home / 'town.db'}") as (quiet, catcher):
        assert not quiet.live()
        with quiet.engine() as engine:
            assert check(engine, catcher, sessions=SESSIONS)["ambiguous"] == 0
            return Undisturbed(paths(engine), facts(engine), quiet.passed())


def kill(home: Path, databases: Databases, point: str, occurrence: int, undisturbed: Undisturbed) -> None:
    """One life with one kill, and what must hold afterwards."""
    for attempt in range(TRIES):
        with town(home / str(attempt), databases(not point.startswith("migrate."))) as (killed, catcher):
            if not killed.live(crash=f"{point}:{occurrence}"):
                assert occurrence > 7, f"nobody passes {point} {occurrence} times"
                # Some are passed more or less often, as it happens: then a little before the last.
                occurrence = max(7, killed.passed()[point] * (TRIES - attempt) // TRIES)
                continue
            with killed.engine() as engine:
                check(engine, catcher, sessions=SESSIONS)
                assert paths(engine) == undisturbed.paths
                assert facts(engine) == undisturbed.facts
            return
    pytest.fail(f"the last {point} was missed {TRIES} times")


@pytest.mark.parametrize("point", crashpoints.POINTS)
def test_killed_there_nothing_is_lost_and_nothing_is_sent_twice(
    point: str, databases: Databases, tmp_path: Path, undisturbed: Undisturbed
) -> None:
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        for done in [
            pool.submit(kill, tmp_path / str(occurrence), databases, point, occurrence, undisturbed)
            for occurrence in undisturbed.occurrences(point)
        ]:
            done.result()


def test_every_point_is_passed_and_there_are_at_least_a_hundred_and_fifty_kills(undisturbed: Undisturbed) -> None:
    kills = [(point, each) for point in crashpoints.POINTS for each in undisturbed.occurrences(point)]

    assert {point for point, _ in kills} == set(crashpoints.POINTS)
    assert 2 * len(kills) >= 150


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
