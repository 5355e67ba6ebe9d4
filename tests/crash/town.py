"""A small installation to be killed, and what must hold when it has been."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from nurture.engine import Engine
from nurture.settings import Settings
from nurture.testing.smtp import Catcher
from tests.crash import scene
from tests.crash.child import type_commands
from tests.crash.scene import LEADS

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.crash.warm"])
_ONE_AT_A_TIME = threading.Lock()


def begin(process: BaseProcess) -> None:
    """Start it, from whatever thread: starting one also asks how all others are, and only one thread may read that."""
    with _ONE_AT_A_TIME:
        process.start()


def end_of(process: BaseProcess, seconds: float) -> int | None:
    """How it ended, if it does within so many seconds; from whatever thread."""
    wait([process.sentinel], seconds)
    with _ONE_AT_A_TIME:
        return process.exitcode


@dataclass(frozen=True)
class Town:
    """The installation in a folder of its own."""

    home: Path
    database_url: str
    smtp_url: str

    def build(self) -> None:
        scene.build(self.home)

    def live(self, *, crash: str = "") -> bool:
        """Everything from publishing to the last day. Says whether a kill happened; what was killed is typed again."""
        first = self._type(crash)
        if first == 0:
            return False
        assert first == -signal.SIGKILL, f"ended with {first}:\n{self._log()}"
        again = self._type("")
        assert again == 0, f"after the kill it ended with {again}:\n{self._log()}"
        return True

    def _type(self, crash: str) -> int | None:
        process = PROCESSES.Process(
            target=type_commands,
            args=(
                scene.environment(self.home, self.database_url, self.smtp_url),
                str(self.home),
                scene.commands(self.home),
                str(self.home / "done"),
                crash,
                str(self.home / "passed"),
            ),
        )
        process.start()
        process.join(120)
        return process.exitcode

    def passed(self) -> dict[str, int]:
        """How often the run that was not killed has passed each point."""
        lines = (line.split() for line in (self.home / "passed").read_text().splitlines())
        return {point: int(times) for point, times in lines}

    def _log(self) -> str:
        return (self.home / "typed.log").read_text()[-3000:]

    def engine(self) -> Engine:
        return Engine.open(Settings(home=self.home, database_url=self.database_url, smtp_url=self.smtp_url))


def paths(engine: Engine) -> dict[tuple[str, str], list[tuple[str, str | None]]]:
    """Every lead's path through every campaign that it is in, from one version into the next."""
    found: dict[tuple[str, str], list[tuple[str, str | None]]] = {}
    with engine.store.read() as tx:
        stands = Counter(tx.rows("SELECT lead_id, campaign FROM enrollments WHERE reason IS NULL OR reason <> 'moved'"))
        rows = tx.rows(
            "SELECT l.email, e.campaign, s.node, s.outcome FROM enrollments e JOIN leads l ON l.id = e.lead_id"
            " LEFT JOIN steps s ON s.enrollment_id = e.id ORDER BY l.email, e.campaign, e.entry, s.seq"
        )
    assert set(stands.values()) == {1}, "a lead is in a campaign twice"
    for email, campaign, node, outcome in rows:
        found.setdefault((email, campaign), []).append((node, outcome))
    return found


def facts(engine: Engine) -> dict[str, Any]:
    """What a kill must not change: leads, signals, versions and rejects, whatever their ids."""
    with engine.store.read() as tx:
        return {
            "leads": tx.rows("SELECT key, email, score, fields FROM leads ORDER BY key"),
            "tags": tx.rows("SELECT l.key, t.tag FROM tags t JOIN leads l ON l.id = t.lead_id ORDER BY 1, 2"),
            "signals": tx.rows(
                "SELECT l.key, s.kind, s.at, s.node FROM signals s JOIN leads l ON l.id = s.lead_id ORDER BY 1, 2, 3, 4"
            ),
            "versions": tx.rows("SELECT campaign, version, hash FROM versions ORDER BY 1, 2"),
            "campaigns": tx.rows("SELECT campaign FROM campaigns ORDER BY 1"),
            "rejects": sorted(
                file.read_bytes() for file in engine.settings.rejects.glob("*.csv") if "nobody" in file.read_text()
            )[:1],
            "history rejects": sorted(
                file.read_bytes() for file in engine.settings.rejects.glob("*.csv") if "stranger" in file.read_text()
            ),
        }


def check(engine: Engine, catcher: Catcher, *, sessions: int) -> Counter[str]:
    """Nothing lost, nothing twice, by the mail server's own log. Says how many touches ended in each state."""
    told: dict[str, Any] = engine.status(now=datetime.fromisoformat(scene.END))
    assert told["conserved"]
    assert {campaign["campaign"]: campaign["entered"] for campaign in told["campaigns"]}["town"] == 2 * LEADS
    for campaign in told["campaigns"]:
        assert sum(campaign["ended"].values()) == campaign["entered"], campaign
    return check_messages(engine, catcher, doubts=sessions)


def check_messages(engine: Engine, catcher: Catcher, *, doubts: int) -> Counter[str]:
    """The mail server's log against the outbox, and the journal against the rows. `doubts`: how many may be ambiguous."""
    copies = Counter(message.message_id for message in catcher.messages)
    assert set(copies.values()) <= {1}, "a message was accepted twice"
    states: Counter[str] = Counter()
    with engine.store.read() as tx:
        touches = tx.rows("SELECT state, message_id FROM touches WHERE past = 0")
        folded = tx.rows(
            "SELECT e.id, e.steps, COUNT(s.seq), COUNT(DISTINCT s.node) FROM enrollments e"
            " LEFT JOIN steps s ON s.enrollment_id = e.id GROUP BY e.id, e.steps"
        )
        enrolled = tx.value("SELECT COUNT(*) FROM enrollments")
    for state, message_id in touches:
        states[state] += 1
        if state == "sent":
            assert copies[message_id] == 1, "a message that counts as sent never arrived"
        elif state != "ambiguous":
            assert message_id not in copies, f"a {state} message was accepted"
    assert not states["sending"] + states["pending"], "a message has no verdict at the end"
    assert states["ambiguous"] <= doubts, "more messages in doubt than there were open sessions"
    assert set(copies) <= {message_id for _, message_id in touches}, "a message that no touch knows was accepted"
    for enrollment, steps, written, nodes in folded:
        # An exit is a step at the node where it happened.
        assert steps == written and written - nodes in (0, 1), f"enrollment {enrollment}: {steps}, {written}, {nodes}"  # noqa: PT018
    replayed = engine.replay()
    assert (replayed.leads, replayed.different) == (enrolled, [])
    return states
