"""A worker that is stopped (SIGSTOP) for longer than its lease, while another one takes over; then it goes on."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from nurture import crashpoints
from nurture.engine import Engine
from nurture.settings import Settings
from nurture.testing.smtp import Catcher, running
from tests.crash import scene
from tests.crash.at_random import END, SESSIONS, START, live, settle
from tests.crash.town import PROCESSES, check_messages, end_of, paths

pytestmark = pytest.mark.slow

LEADS = 12
LEASE = {"NURTURE_LEASE_SECONDS": "1"}
POINTS = (
    "tick.claimed:2", "tick.decided:2", "deliver.claimed:2", "deliver.recipient_named:3", "deliver.intent_committed:2",
    "deliver.data_allowed:3", "deliver.message_written:3", "deliver.handed_over:3",
)  # fmt: skip
"""Between two transactions, where nobody else has to wait for it."""


def stop_at(environment: dict[str, str], where: str, stopping: Connection) -> None:
    """One worker, which is stopped when it passes there, and goes on when it is told to."""
    os.environ.update(environment)

    def stop() -> None:
        stopping.send(True)
        os.kill(os.getpid(), signal.SIGSTOP)

    crashpoints.arm(where, act=stop)
    with Engine.open(Settings()) as engine:
        engine.tick(START, until=END)


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The paths of a town in which nobody is stopped."""
    home = tmp_path_factory.mktemp("quiet")
    return live(home / "town", f"sqlite:///{home / 'town.db'}", kills=0, chance=random.Random(0), leads=LEADS)[1]


@pytest.mark.parametrize("where", POINTS)
def test_whoever_was_away_for_longer_than_its_lease_writes_nothing_and_sends_nothing_twice(
    where: str, shared_database_url: str, tmp_path: Path, expected: Any
) -> None:
    home = tmp_path / "town"
    scene.build(home)
    with running(Catcher()) as catcher:
        smtp = f"{catcher.url}?sessions={SESSIONS}"
        environment = scene.environment(home, shared_database_url, smtp) | LEASE
        settings = Settings(home=home, database_url=shared_database_url, smtp_url=smtp, lease_seconds=1)
        with Engine.open(settings) as engine:
            settle(engine, home, LEADS)
        here, there = PROCESSES.Pipe(duplex=False)
        sleeper = PROCESSES.Process(target=stop_at, args=(environment, where, there))
        sleeper.start()
        there.close()
        assert here.recv()
        assert sleeper.pid is not None
        eventually(lambda: is_stopped(sleeper.pid))
        with Engine.open(settings) as other:
            other.tick(START, until=END)
            states = [c["ended"] for c in other.status(now=END)["campaigns"] if c["campaign"] == "town"]
            assert sum(states[0].values()) == LEADS
            os.kill(sleeper.pid, signal.SIGCONT)
            assert end_of(sleeper, 120) == 0
            check_messages(other, catcher, doubts=SESSIONS)
            assert paths(other) == expected


def eventually(ask: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not ask():
        assert time.monotonic() < until
        time.sleep(0.01)
