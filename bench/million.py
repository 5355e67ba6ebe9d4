"""A million leads through workload W, to the end, on one database: `python -m bench.million PLACE [--leads N]`.

PLACE is a folder (SQLite lives in it) or a `postgresql://` address of an empty database with `--notes FOLDER`. The run
takes its time: start it with nohup. It tells what it does every half minute, and may be killed at any moment: the same
command goes on where it was, because every part of it is one that the engine does not do twice.

In the end it asks whether anybody was lost or written to twice, by the tables and by the channel's own list of what it
was handed, and decides every lead's journal again. Exit status 1 when something is not as it should be.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import Any, BinaryIO

from bench import walked, workload
from bench.measure import surroundings
from bench.places import size
from bench.workload import CAMPAIGN, MOMENTS, START
from nurture.channels.base import Message, Sent, Verdict
from nurture.engine import Engine, Incoming
from nurture.identity import LeadRef
from nurture.store import Store

EVERY = 30
"""Seconds between two words about how far it is."""
PAGE = 5_000


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.million", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("place", help="a folder, or postgresql://...")
    parser.add_argument("--notes", type=Path, help="folder for the list of what was sent (default: PLACE)")
    parser.add_argument("--leads", type=int, default=1_000_000)
    parser.add_argument("--no-render", action="store_true", help="with mails of one line")
    asked = parser.parse_args()
    postgres = asked.place.startswith("postgres")
    if postgres and asked.notes is None:
        parser.error("--notes FOLDER says where the list of what was sent goes")
    notes = asked.notes or Path(asked.place)
    notes.mkdir(parents=True, exist_ok=True)
    run = Run(asked.place if postgres else f"sqlite:///{notes.resolve()}/nurture.db", notes, asked.leads)
    told = run.whole(render=not asked.no_render)
    print(json.dumps(told, ensure_ascii=False, indent=2))
    return 0 if told["as it should be"] else 1


class Run:
    """One run, however often it was begun: what it spent is kept in `spent.json`."""

    def __init__(self, url: str, notes: Path, leads: int) -> None:
        self.url = url
        self.leads = leads
        self.sent = notes / "sent.txt"
        self._spent = notes / "spent.json"
        self.spent: dict[str, float] = json.loads(self._spent.read_text()) if self._spent.exists() else {}
        self.handed = 0
        self._doing = ""

    def whole(self, *, render: bool) -> dict[str, Any]:
        with self._telling():
            with self._part("seed"), Store(self.url) as store:
                seed(store, self.leads)
            with walked.opened(self.url, render=render) as engine, self.sent.open("ab", buffering=0) as listed:
                vars(engine)["_house"] = replace(engine._house, channel=lambda name: Listing(self, listed))
                self._walk(engine)
            with walked.opened(self.url, render=render) as engine:
                return self._look_back(engine)

    def _walk(self, engine: Engine) -> None:
        with self._part("enroll"):
            walked.publish(engine)
            walked.enroll(engine)
        for moment in MOMENTS:
            with self._part("tick"):
                engine.tick(moment, until=moment)
            with self._part("hear"):
                engine.hear(sdr_answers(engine, moment), now=moment)
            with self._part("tick"):
                engine.tick(moment, until=moment)

    def _look_back(self, engine: Engine) -> dict[str, Any]:
        """What came out, and whether it is what had to come out."""
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
        got, want = workload.counted(engine.store), workload.expected(self.leads)
        status = engine.status(CAMPAIGN, now=MOMENTS[-1])
        with engine.store.read() as tx:
            unfinished = tx.value("SELECT COUNT(*) FROM enrollments WHERE status <> 'ended'")
            twice = tx.value(
                "SELECT COUNT(*) FROM (SELECT 1 FROM touches GROUP BY lead_id HAVING COUNT(*) <> 2) AS odd"
            )
            ambiguous = tx.value("SELECT COUNT(*) FROM touches WHERE state = 'ambiguous'")
        lines, different = listed_twice(self.sent)
        with self._part("replay"):
            replayed = engine.replay()
        walking = sum(self.spent.get(part, 0.0) for part in ("enroll", "tick", "hear"))
        return {
            "leads": self.leads,
            "seconds": {part: round(seconds, 1) for part, seconds in self.spent.items()},
            "lead-steps/s": round(want.lead_steps / walking),
            "peak MB": round(memory),
            "bytes on disk": size(self.url),
            "bytes a lead": round(size(self.url) / self.leads),
            "counted": asdict(got),
            "unfinished": unfinished,
            "leads without exactly two messages": twice,
            "handed over": lines,
            "handed over twice": lines - different,
            "conserved": status["conserved"],
            "replayed": replayed.leads,
            "replayed otherwise": len(replayed.different),
            "ambiguous": ambiguous,
            "as it should be": replace(got, sends=got.sends + ambiguous) == want
            and not (unfinished or twice or replayed.different)
            and lines == different
            and got.sends <= lines <= got.sends + ambiguous
            and replayed.leads == self.leads
            and bool(status["conserved"]),
            **surroundings(),
        }

    @contextmanager
    def _part(self, name: str) -> Iterator[None]:
        self._doing = name
        began = perf_counter()
        try:
            yield
        finally:
            self.spent[name] = self.spent.get(name, 0.0) + perf_counter() - began
            self._spent.write_text(json.dumps(self.spent))

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """A line on stderr every half minute, by a thread of its own."""
        done = threading.Event()
        began = perf_counter()

        def tell() -> None:
            while not done.wait(EVERY):
                memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
                print(
                    f"{perf_counter() - began:6.0f} s  {self._doing:8} {self.handed:10,} handed over  "
                    f"peak {memory:,} KB",
                    file=sys.stderr,
                    flush=True,
                )

        teller = threading.Thread(target=tell, daemon=True)
        teller.start()
        try:
            yield
        finally:
            done.set()
            teller.join()


class Listing(walked.NoOp):
    """Takes everything, and keeps a list of it that owes nothing to the engine's tables."""

    def __init__(self, run: Run, listed: BinaryIO) -> None:
        self._run = run
        self._listed = listed

    async def hand_over(self, message: Message, may_start: Callable[[], Awaitable[bool]]) -> Verdict:
        verdict = await super().hand_over(message, may_start)
        if isinstance(verdict, Sent):
            self._listed.write(f"{message.key}\n".encode())
            self._run.handed += 1
        return verdict


def listed_twice(path: Path) -> tuple[int, int]:
    """(lines, different lines) of a list that may be longer than memory."""
    ordered = subprocess.run(["sort", "-u", str(path)], stdout=subprocess.PIPE, check=True)  # noqa: S607  # coreutils'
    with path.open("rb") as file:
        lines = sum(1 for _ in file)
    return lines, ordered.stdout.count(b"\n")


def seed(store: Store, leads: int) -> None:
    """W's leads, unless they are there."""
    store.migrate()
    with store.read() as tx:
        there = tx.value("SELECT COUNT(*) FROM leads")
    if there == 0:
        workload.seed(store, leads)
    elif there != leads:
        raise SystemExit(f"there are {there:,} leads already; take another place, or --leads {there}")


def sdr_answers(engine: Engine, moment: datetime) -> Iterator[Incoming]:
    """An accepted for every open hand-off, read some thousand at a time."""
    after = 0
    while True:
        with engine.store.read() as tx:
            found = tx.rows(
                "SELECT h.lead_id, l.email_key FROM handoffs h JOIN leads l ON l.id = h.lead_id"
                " WHERE h.state IN ('open', 'accepted') AND h.state = 'open' AND h.lead_id > ?"
                " ORDER BY h.lead_id LIMIT ?",
                after,
                PAGE,
            )
        if not found:
            return
        for _, email in found:
            yield Incoming("accepted", LeadRef("email", email), moment, CAMPAIGN, "to_sdr", f"accepted-{email}")
        after = found[-1][0]


if __name__ == "__main__":
    assert MOMENTS[0] == START
    sys.exit(main())
