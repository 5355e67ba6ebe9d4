"""Kill the process at every labelled point, start again, and compare with a run that was left alone."""

from __future__ import annotations

import os
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

ALL = os.environ.get("NURTURE_TEST_PROFILE") == "nightly"
SESSIONS = 4
SIDE_BY_SIDE = 3
TRIES = 4
"""How many commits a delivery makes depends on a race of sessions, and how often a lease is renewed on the clock; who
missed the last one knows when it was, and tries again."""


@dataclass(frozen=True)
class Undisturbed:
    paths: dict[tuple[str, str], list[tuple[str, str | None]]]
    facts: dict[str, Any]
    passed: dict[str, int]
    """How often each crash point is passed."""

    def occurrences(self, point: str, store: str) -> list[int]:
        """The first, the seventh and the last, as far as there are so many. On PostgreSQL, where a life takes three times
        as long, the first alone is for the day."""
        last = self.passed[point]
        wanted = (1, 7, last) if store == "sqlite" or ALL else (1,)
        return sorted({number for number in wanted if number <= last})


Databases = Callable[[bool], str]
"""A new database; True: with its tables."""


STORES = ("sqlite", "postgresql")


@pytest.fixture(params=STORES)
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
    # One message takes so long that its lease is renewed, again and again.
    slow = Fault("dot", delay=0.5)
    with running(Catcher(faults=[put_off, slow])) as catcher:
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
                assert occurrence > 1, f"nobody passes {point}"
                # Some are passed more or less often, as it happens: then a little before the last.
                occurrence = max(1, killed.passed()[point] * (TRIES - attempt) // TRIES)
                continue
            with killed.engine() as engine:
                check(engine, catcher, sessions=SESSIONS)
                assert paths(engine) == undisturbed.paths
                assert facts(engine) == undisturbed.facts
            return
    pytest.fail(f"the last {point} was missed {TRIES} times")


@pytest.mark.parametrize("point", crashpoints.POINTS)
def test_killed_there_nothing_is_lost_and_nothing_is_sent_twice(
    point: str, databases: Databases, tmp_path: Path, undisturbed: Undisturbed, request: pytest.FixtureRequest
) -> None:
    store = request.node.callspec.params["databases"]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        for done in [
            pool.submit(kill, tmp_path / str(occurrence), databases, point, occurrence, undisturbed)
            for occurrence in undisturbed.occurrences(point, store)
        ]:
            done.result()


def test_every_point_is_passed_and_there_are_at_least_a_hundred_and_fifty_kills(undisturbed: Undisturbed) -> None:
    for store in STORES:
        assert all(0 not in undisturbed.occurrences(point, store) for point in crashpoints.POINTS)
    kills = [
        (store, point, each)
        for store in STORES
        for point in crashpoints.POINTS
        for each in undisturbed.occurrences(point, store)
    ]

    assert len(kills) >= 150


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
