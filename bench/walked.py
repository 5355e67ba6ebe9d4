"""Workload W on the engine, through the doors that everybody uses."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter
from typing import ClassVar

from bench.workload import BATCH, CAMPAIGN, CLOSING, DEFINITION, LINKS, MOMENTS, START, SUBJECT, WAIT, variant
from nurture.channels.base import Channel, Message, NotSent, Sent, Verdict
from nurture.channels.email import Email
from nurture.engine import Engine, Incoming
from nurture.identity import LeadRef
from nurture.settings import Settings

MARKDOWN = (
    f"Subject: {SUBJECT}\n\n"
    "Hello {{ lead.name }},\n\n"
    + variant("{}")
    + "\n\nFor {{ lead.company }} and others in {{ lead.industry }} we put together:\n\n"
    + "".join(f"- [Read more about {link}](https://www.example.com/read/{link}?from=mail)\n" for link in LINKS)
    + f"\n{CLOSING}\n\n[Unsubscribe]({{{{ unsubscribe_url }}}}) · {{{{ postal_address }}}}\n"
)
"""W's mail as a marketer writes it here; the links stand one by one, because content loops over lists of the lead only."""
BARE = "Subject: hello\n\nHello. {{ unsubscribe_url }} {{ postal_address }}\n"


class NoOp(Channel):
    """Takes everything, and asks before it does, as a channel must."""

    name: ClassVar[str] = "email"
    evidence: ClassVar[frozenset[str]] = Email.evidence
    sessions = BATCH

    @classmethod
    def open(cls, settings: Settings, secret: bytes) -> NoOp:
        return cls()

    def address(self, lead: Mapping[str, object]) -> str | None:
        return str(lead["email"])

    async def hand_over(self, message: Message, may_start: Callable[[], Awaitable[bool]]) -> Verdict:
        return Sent() if await may_start() else NotSent("withdrawn", "")


@contextmanager
def opened(url: str, *, render: bool = True, smtp: str = "") -> Iterator[Engine]:
    """An installation with W's campaign and content; without `smtp`, its e-mail channel does nothing."""
    with tempfile.TemporaryDirectory(prefix="nurture-bench-home-") as folder:
        home = Path(folder)
        (home / "definitions").mkdir()
        (home / "definitions" / f"{CAMPAIGN}.json").write_text(json.dumps(DEFINITION))
        for content in ("intro", "deep", "swap"):
            (home / "content" / content).mkdir(parents=True)
            (home / "content" / content / "email.en.md").write_text(MARKDOWN if render else BARE)
        settings = Settings(
            home=home,
            database_url=url,
            smtp_url=smtp,
            secret_key="bench",
            sender="team@example.com",
            rate_cap="none",
            domain_rate_cap="none",
            postal_address="1 Example Street",
            language="en",
        )
        with Engine.open(settings) as engine:
            if not smtp:
                vars(engine)["_house"] = replace(engine._house, channel=lambda name: NoOp())
            yield engine


def walk(url: str, *, render: bool = True, smtp: str = "") -> float:
    """All seeded leads from enrolling to the last one routed; says how many seconds it took."""
    with opened(url, render=render, smtp=smtp) as engine:
        publish(engine)
        began = perf_counter()
        enroll(engine)
        for moment in MOMENTS:
            step(engine, moment)
        return perf_counter() - began


def publish(engine: Engine) -> None:
    engine.publish(engine.campaign_files(), now=START)


def enroll(engine: Engine) -> None:
    engine.enroll(CAMPAIGN, now=START)


def step(engine: Engine, moment: datetime) -> None:
    """Everything that is due by this moment, and the SDR's answers to it."""
    # With `until`, time is virtual: it stands still while the work is done.
    engine.tick(moment, until=moment)
    engine.hear(sdr_answers(engine, moment), now=moment)
    engine.tick(moment, until=moment)


def sdr_answers(engine: Engine, moment: datetime) -> list[Incoming]:
    """An accepted for every open hand-off."""
    with engine.store.read() as tx:
        waiting = tx.rows(
            "SELECT l.email_key FROM handoffs h JOIN leads l ON l.id = h.lead_id WHERE h.state = 'open' ORDER BY l.id"
        )
    return [
        Incoming("accepted", LeadRef("email", email), moment, CAMPAIGN, "to_sdr", f"accepted-{email}")
        for (email,) in waiting
    ]


# --- several workers -------------------------------------------------------------------------------------------


def walk_together(url: str, *, workers: int) -> float:
    """W on several processes: the seconds of their ticks. Enrolling and the SDR's answers are not theirs."""
    with opened(url) as engine, hired(url, workers) as pipes:
        publish(engine)
        enroll(engine)
        tick_all(pipes, START - WAIT)  # nothing is due, but from here on everything is imported
        spent = 0.0
        for moment in MOMENTS:
            spent += tick_all(pipes, moment)
            engine.hear(sdr_answers(engine, moment), now=moment)
            spent += tick_all(pipes, moment)
        return spent


def tick_all(pipes: list[Connection], moment: datetime) -> float:
    """Let all workers tick until none of them finds anything; says how many seconds that took."""
    began = perf_counter()
    looked = 1
    while looked:
        for pipe in pipes:
            pipe.send(moment)
        looked = sum(pipe.recv() for pipe in pipes)
    return perf_counter() - began


@contextmanager
def hired(url: str, workers: int) -> Iterator[list[Connection]]:
    """Processes with an engine each, on the other ends of these pipes."""
    spawning = multiprocessing.get_context("spawn")
    pipes, processes = [], []
    for _ in range(workers):
        ours, theirs = spawning.Pipe()
        process = spawning.Process(target=work, args=(url, theirs), daemon=True)
        process.start()
        pipes.append(ours)
        processes.append(process)
    try:
        yield pipes
    finally:
        for pipe in pipes:
            pipe.close()
        for process in processes:
            process.join()


def work(url: str, pipe: Connection) -> None:
    """Tick whenever a moment comes in; answer with how much was found."""
    with opened(url) as engine, contextlib.suppress(EOFError):
        while True:
            moment = pipe.recv()
            report = engine.tick(moment, until=moment)
            pipe.send(report.looked + report.sent)
