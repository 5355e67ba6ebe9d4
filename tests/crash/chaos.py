"""PostgreSQL restarted without warning, again and again, under sixteen writers.

    python -m tests.crash.chaos --seconds 60 --json figures.jsonl

Twelve of them hear signals, one a transaction, and note which were acknowledged; for each commit without an answer they
read again what became of it. Four are workers that tick through a month with a real mail server. At the end everything
that was acknowledged is there, and every message was sent once or is recorded as ambiguous.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from nurture.engine import Engine
from nurture.engine.hearing import Incoming
from nurture.identity import LeadRef
from nurture.settings import Settings
from nurture.store import database
from nurture.testing.smtp import Catcher, running
from tests.crash import scene
from tests.crash.at_random import END, SESSIONS, START, settle, work
from tests.crash.cluster import Cluster, cluster
from tests.crash.town import PROCESSES, begin, check_messages, end_of, paths

__all__ = ["Chaos", "chaos", "main"]

HEARERS, TICKERS, LEADS = 12, 4, 40


@dataclass
class Chaos:
    """What has been seen."""

    restarts: int = 0
    acknowledged: int = 0
    missing: int = 0
    """Acknowledged, and not there at the end: must be 0."""
    unknown: int = 0
    """Commits that got no answer."""
    had_committed: int = 0
    """Of these, those that turned out to have happened."""
    sent: int = 0
    ambiguous: int = 0
    duplicates: int = 0
    seconds: float = 0.0


def hear(environment: dict[str, str], number: int, until: float, tell: Connection) -> None:
    """One writer: hears signals of its own until the time is over, and tells what came of each."""
    os.environ.update(environment)
    # Whoever insists would never see a commit without an answer; here they are counted.
    database.PATIENCE = 0.0
    acknowledged: list[str] = []
    unknown = had_committed = 0
    engine = _patiently(lambda: Engine.open(Settings()))
    n = 0
    while time.time() < until:
        name = f"{number}/{n}"
        said = Incoming("visited", LeadRef("email", f"lead{n % LEADS}@example.com"), START, id=name)
        try:
            engine.hear([said], now=START)
        except sa.exc.DBAPIError:
            unknown += 1
            found = _patiently(lambda said=said: engine.hear([said], now=START))  # type: ignore[misc]
            had_committed += found.known
        acknowledged.append(name)
        n += 1
    engine.store.close()
    tell.send((acknowledged, unknown, had_committed))


def _patiently(ask: Any) -> Any:
    until = time.monotonic() + 60
    while True:
        try:
            return ask()
        except sa.exc.DBAPIError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def chaos(
    seconds: float, seed: int, home: Path, server: Cluster, *, hearers: int = HEARERS, tickers: int = TICKERS
) -> Chaos:
    """So long under fire. Raises AssertionError when something was lost, or came twice."""
    began = time.monotonic()
    chance = random.Random(seed)
    scene.build(home)
    seen = Chaos()
    with running(Catcher()) as catcher:
        environment = scene.environment(home, server.url, f"{catcher.url}?sessions={SESSIONS}")
        settings = Settings(home=home, database_url=server.url, smtp_url=environment["NURTURE_SMTP_URL"])
        with Engine.open(settings) as engine:
            settle(engine, home, LEADS)
        # The process that all others are forked from imports everything first.
        first = PROCESSES.Process(target=int)
        first.start()
        first.join(120)
        until = time.time() + seconds
        answers = []
        hearing, others = [], []
        for number in range(hearers):
            here, there = PROCESSES.Pipe(duplex=False)
            hearing.append(PROCESSES.Process(target=hear, args=(environment, number, until, there)))
            answers.append(here)
            others.append(there)
        with ThreadPoolExecutor(hearers + tickers) as pool:
            ticking = [pool.submit(_tick, environment) for _ in range(tickers)]
            for hearer in hearing:
                hearer.start()
            for there in others:
                # Ours are closed, so that one which dies is noticed.
                there.close()
            told = [pool.submit(answer.recv) for answer in answers]
            while time.time() < until - 1:
                time.sleep(chance.uniform(1, 3))
                server.restart()
                seen.restarts += 1
            acknowledged: set[str] = set()
            for answer in told:
                names, unknown, had_committed = answer.result(90)
                acknowledged |= set(names)
                seen.unknown += unknown
                seen.had_committed += had_committed
            for ticker in ticking:
                ticker.result(200)
        for hearer in hearing:
            hearer.join(30)
            assert hearer.exitcode == 0
        with Engine.open(settings) as engine:
            engine.tick(START, until=END + timedelta(days=1))
            with engine.store.read() as tx:
                stored = {row[0] for row in tx.rows("SELECT external_id FROM signals")}
            seen.acknowledged, seen.missing = len(acknowledged), len(acknowledged - stored)
            status = engine.status(now=END)
            assert status["conserved"]
            for campaign in status["campaigns"]:
                assert sum(campaign["ended"].values()) == campaign["entered"], campaign
            assert len({email for email, campaign in paths(engine) if campaign == "town"}) == LEADS
            # Every worker may have had all its sessions open at every restart, at most.
            states = check_messages(engine, catcher, doubts=tickers * SESSIONS * seen.restarts)
        copies = Counter(message.message_id for message in catcher.messages)
        seen.duplicates = sum(number - 1 for number in copies.values())
        seen.sent, seen.ambiguous = states["sent"], states["ambiguous"]
    seen.seconds = time.monotonic() - began
    return seen


def _tick(environment: dict[str, str]) -> None:
    here, there = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=work, args=(environment, there))
    begin(process)
    there.close()
    here.recv()
    ended = end_of(process, 300)
    assert ended == 0, f"a worker ended with {ended}"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash.chaos")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--part", default="1/1", help="i/n: the seed, and what the figures are filed under")
    parser.add_argument("--json", type=Path, help="append the figures to this file")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="nurture-chaos-") as folder, cluster() as server:
        seen = chaos(given.seconds, int(given.part.partition("/")[0]), Path(folder) / "town", server)
    line = json.dumps({"what": "restarts of PostgreSQL", "part": given.part, **vars(seen)})
    print(line)
    if given.json:
        with given.json.open("a") as file:
            file.write(line + "\n")
    return 0 if seen.missing == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
