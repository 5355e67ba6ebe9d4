"""Four workers on one database, killed at random moments and started again, until a month of virtual time has passed.

    python -m tests.crash.at_random --kills 10000 --part 3/10 --store postgresql --json figures.jsonl

Part i of n makes its share of the kills, with seeds of its own. A town takes some dozens of them; then it is left to
end, and everything is compared: the mail server's own log with the outbox, the journal with the rows, the paths with
those of a town that was left alone.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from nurture.engine import Engine
from nurture.engine.hearing import Incoming
from nurture.identity import LeadRef
from nurture.leads import LeadOptions
from nurture.settings import Settings
from nurture.testing.smtp import Catcher, running
from tests.crash import scene
from tests.crash.town import PROCESSES, begin, check_messages, end_of, paths

__all__ = ["Figures", "kill_at_random", "main"]

WORKERS, SESSIONS, LEADS = 4, 4, 60
KILLS_A_TOWN = 40
REACH = 0.2
"""Seconds of work after which a worker is dead at the latest, while there are kills left."""
START, END = datetime.fromisoformat(scene.START), datetime.fromisoformat(scene.END)


@dataclass
class Figures:
    """What has been seen. `lost` and `duplicates` end the run, so they are 0 wherever figures are printed."""

    kills: int = 0
    towns: int = 0
    leads: int = 0
    sent: int = 0
    ambiguous: int = 0
    ambiguous_delivered: int = 0
    """Of the ambiguous, those that the mail server had taken."""
    lost: int = 0
    duplicates: int = 0
    seconds: float = 0.0

    def add(self, other: Figures) -> None:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


def work(environment: dict[str, str], ready: Connection) -> None:
    """One worker: ticks in virtual time until the month is over."""
    os.environ.update(environment)
    with Engine.open(Settings()) as engine:
        ready.send(True)
        engine.tick(START, until=END)


@dataclass
class Slot:
    """A place that a worker holds: when one is killed, the next one takes it."""

    environment: dict[str, str]
    chance: random.Random
    may_kill: Callable[[], bool]
    kills: int = 0

    def run(self) -> None:
        while True:
            here, there = PROCESSES.Pipe(duplex=False)
            process = PROCESSES.Process(target=work, args=(self.environment, there))
            begin(process)
            there.close()
            try:
                here.recv()
            except EOFError:
                raise AssertionError(f"a worker ended with {end_of(process, 60)} before its work") from None
            if self.may_kill() and end_of(process, self.chance.uniform(0, REACH)) is None:
                process.kill()
            ended = end_of(process, 300)
            if ended == 0:
                return
            assert ended == -signal.SIGKILL, f"a worker ended with {ended}"
            self.kills += 1


@dataclass
class Budget:
    """How many kills a town still takes."""

    left: int
    _taken: list[int] = field(default_factory=list)

    def take(self) -> bool:
        # `append` is one step, whatever the other threads do.
        self._taken.append(1)
        return len(self._taken) <= self.left


def settle(engine: Engine, home: Path, leads: int) -> None:
    """Leads into the campaigns, and what they will have said."""
    engine.publish([home / "definitions" / "town.json", home / "definitions" / "follow.json"], now=START)
    file = home / "many.csv"
    file.write_text("email,name\n" + "".join(f"lead{n}@example.com,Lead {n}\n" for n in range(leads)))
    engine.backfill("town", file, now=START, options=LeadOptions(basis="customers"), pace=max(leads // 6, 1))
    said = []
    for n in range(leads):
        ref = LeadRef("email", f"lead{n}@example.com")
        day = datetime.fromisoformat(f"2026-03-{4 + n % 9:02d}T10:00:00Z")
        if n % 3 == 0:
            said.append(Incoming("replied", ref, day, "town", "first"))
        elif n % 7 == 0:
            said.append(Incoming("unsubscribed", ref, day))
    engine.hear(said, now=START)


def live(
    home: Path, database_url: str, *, kills: int, chance: random.Random, leads: int = LEADS
) -> tuple[Figures, Any]:
    """One town, from its first day to its last. Raises AssertionError when something was lost, or came twice."""
    scene.build(home)
    with running(Catcher()) as catcher:
        environment = scene.environment(home, database_url, f"{catcher.url}?sessions={SESSIONS}")
        settings = Settings(home=home, database_url=database_url, smtp_url=environment["NURTURE_SMTP_URL"])
        with Engine.open(settings) as engine:
            settle(engine, home, leads)
        budget = Budget(kills)
        slots = [Slot(environment, random.Random(chance.random()), budget.take) for _ in range(WORKERS)]
        with ThreadPoolExecutor(WORKERS) as pool:
            for done in [pool.submit(slot.run) for slot in slots]:
                done.result()
        seen = Figures(kills=sum(slot.kills for slot in slots), towns=1, leads=leads)
        with Engine.open(settings) as engine:
            told = engine.status(now=END)
            assert told["conserved"]
            assert {each["campaign"]: each["entered"] for each in told["campaigns"]}["town"] == leads
            for campaign in told["campaigns"]:
                assert sum(campaign["ended"].values()) == campaign["entered"], campaign
            states = check_messages(engine, catcher, doubts=SESSIONS * seen.kills)
            with engine.store.read() as tx:
                doubtful = {row[0] for row in tx.rows("SELECT message_id FROM touches WHERE state = 'ambiguous'")}
            walked = paths(engine)
    accepted = Counter(message.message_id for message in catcher.messages)
    seen.sent, seen.ambiguous = states["sent"], states["ambiguous"]
    seen.ambiguous_delivered = len(doubtful & set(accepted))
    return seen, walked


Databases = Callable[[], str]


@contextmanager
def databases(store: str, folder: Path) -> Iterator[Databases]:
    """New databases of one kind, gone afterwards."""
    if store == "sqlite":
        numbers = iter(range(1_000_000))
        yield lambda: f"sqlite:///{folder / f'town{next(numbers)}.db'}"
        return
    from tests.conftest import POSTGRES, Postgres

    server = Postgres(POSTGRES, f"kills{os.getpid()}")
    made: list[str] = []

    def new() -> str:
        while made:
            server.drop(made.pop())
        made.append(server.clone())
        return made[-1]

    yield new
    for url in made:
        server.drop(url)
    server.close()


def kill_at_random(kills: int, seed: int, folder: Path, new: Databases) -> Figures:
    """So many kills in as many towns as they need."""
    began = time.monotonic()
    quiet, expected = live(folder / "quiet", new(), kills=0, chance=random.Random(seed))
    assert quiet.ambiguous == 0
    total = Figures()
    while total.kills < kills:
        chance = random.Random(f"{seed}/{total.towns}")
        seen, walked = live(
            folder / f"town{total.towns}", new(), kills=min(KILLS_A_TOWN, kills - total.kills), chance=chance
        )
        assert walked == expected, f"seed {seed}, town {total.towns}: some leads went another way"
        total.add(seen)
        if sys.stderr.isatty():
            print(total, file=sys.stderr)
    total.seconds = time.monotonic() - began
    return total


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash.at_random")
    parser.add_argument("--kills", type=int, default=10_000)
    parser.add_argument("--part", default="1/1", help="i/n: the i-th of n shares")
    parser.add_argument("--store", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--json", type=Path, help="append the figures to this file")
    given = parser.parse_args(arguments)
    part, parts = map(int, given.part.split("/"))
    share = given.kills * part // parts - given.kills * (part - 1) // parts
    with tempfile.TemporaryDirectory(prefix="nurture-kills-") as folder, databases(given.store, Path(folder)) as new:
        figures = kill_at_random(share, part, Path(folder), new)
    line = json.dumps({"what": f"random kills, {given.store}", "part": given.part, **vars(figures)})
    print(line)
    if given.json:
        with given.json.open("a") as file:
            file.write(line + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
