"""SIGTERM: what is on its way is finished, everything else stays in line; a second one kills."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nurture.store import Store
from nurture.testing.smtp import Catcher, Fault, running

LEADS, START = 12, "2026-03-02T09:00:00Z"
CAMPAIGN = {
    "campaign": "town",
    "start": "hello",
    "nodes": {"hello": {"type": "send_content", "channel": "email", "content": "hello", "next": "end"}},
}
SESSIONS = 4
SLOW = Fault("dot", delay=1.0, times=None)


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


class Ticking:
    """A town whose first messages are on their way to a slow relay."""

    def __init__(self, home: Path, database_url: str, catcher: Catcher) -> None:
        self.home = home
        (home / "definitions").mkdir()
        (home / "definitions" / "town.json").write_text(json.dumps(CAMPAIGN))
        (home / "content" / "hello").mkdir(parents=True)
        letter = "Subject: Hi\n\nHi. {{ unsubscribe_url }} {{ postal_address }}\n"
        (home / "content" / "hello" / "email.en.txt").write_text(letter)
        (home / "leads.csv").write_text("email,language\n" + "".join(f"lead{n}@example.com,en\n" for n in range(LEADS)))
        self.catcher = catcher
        self.environment = os.environ | {
            "NURTURE_HOME": str(home), "NURTURE_DATABASE_URL": database_url,
            "NURTURE_SMTP_URL": f"{catcher.url}?sessions={SESSIONS}", "NURTURE_SENDER": "town@example.com",
            "NURTURE_POSTAL_ADDRESS": "1 Main Street", "NURTURE_QUIET_HOURS": "none",
        }  # fmt: skip
        self.type("backfill", "town", "leads.csv", "--basis", "customers", "--now", START).wait(120)
        catcher.misbehave(SLOW)
        self.process = self.type("tick", "--now", START)
        until(lambda: sum(heard.line == "DATA" for heard in catcher.heard) >= SESSIONS)

    def type(self, *command: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", "nurture.cli", *command], env=self.environment, cwd=self.home)

    def states(self) -> dict[str, int]:
        with Store(self.environment["NURTURE_DATABASE_URL"]) as store, store.read() as tx:
            return dict(tx.rows("SELECT state, COUNT(*) FROM touches GROUP BY state"))

    def finish(self) -> int:
        self.catcher.misbehave()
        return self.type("tick", "--now", START).wait(120)


@pytest.fixture
def ticking(tmp_path: Path, shared_database_url: str) -> Any:
    with running(Catcher()) as catcher:
        made = Ticking(tmp_path, shared_database_url, catcher)
        yield made
        made.process.kill()


def test_whoever_is_asked_to_end_finishes_what_is_on_its_way_and_nothing_is_in_doubt(ticking: Ticking) -> None:
    """F31."""
    ticking.process.send_signal(signal.SIGTERM)
    status = ticking.process.wait(60)
    states, accepted = ticking.states(), ticking.catcher.accepted

    assert status == 0
    assert states == {"sent": accepted, "pending": LEADS - accepted}
    assert 0 < accepted < LEADS
    assert ticking.finish() == 0
    assert ticking.states()["sent"] == LEADS
    assert ticking.catcher.accepted == LEADS


def test_whoever_is_asked_twice_ends_at_once_and_says_what_nobody_can_know(ticking: Ticking) -> None:
    ticking.process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    ticking.process.send_signal(signal.SIGTERM)
    status = ticking.process.wait(60)

    assert status == -signal.SIGTERM
    assert ticking.finish() == 0
    states = ticking.states()
    assert 0 < states["ambiguous"] <= SESSIONS
    assert states["sent"] + states["ambiguous"] == LEADS
    assert len({message.message_id for message in ticking.catcher.messages}) == ticking.catcher.accepted
