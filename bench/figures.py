"""The figures, each with its reference and its goal."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from time import perf_counter

from bench import bare_import, bare_smtp, floor, knocking, sink, walked, watched, workload
from bench.measure import Figure, Pair
from bench.places import Place, postgres, postgres_answers, size, sqlite
from nurture.store import Store
from nurture.store.database import micros

CONNECTIONS = 8
"""As many as the e-mail channel opens by itself."""


def figures(*, full: bool) -> list[Figure]:
    """All of them; `full` takes the sizes the goals speak of, a million leads among them."""
    leads = 20_000 if full else 5_000
    many = 1_000_000 if full else 100_000
    watchable = 100_000 if full else 20_000

    def no_postgres() -> str:
        return "" if postgres_answers() else "PostgreSQL (NURTURE_TEST_POSTGRES)"

    steps = "lead-steps/s"
    return [
        Figure(
            "w-sqlite", "W, no-op channel, SQLite", "the hand-written batch loop", steps, 0.5, "higher",
            lambda: against_floor(sqlite, leads, render=True), leads,
        ),
        Figure(
            "w-sqlite-bare", "W without rendering, SQLite", "the hand-written batch loop", steps, 0.5, "higher",
            lambda: against_floor(sqlite, leads, render=False), leads,
        ),
        Figure(
            "w-postgres", "W, no-op channel, PostgreSQL, one worker", "the hand-written batch loop", steps, 0.5, "higher",
            lambda: against_floor(postgres, leads, render=True), leads, missing=no_postgres,
        ),
        Figure(
            # Enough batches for two to share: of five, one of them would get three.
            "w-postgres-two", "W, no-op channel, PostgreSQL, two workers", "one worker", steps, 1.6, "higher",
            lambda: two_workers(20_000), 20_000, missing=no_postgres,
        ),
        Figure(
            "w-smtp", "W over SMTP to a sink on loopback", "bare aiosmtplib, as many connections", "messages/s", 0.8,
            "higher", lambda: over_smtp(leads // 5), leads // 5,
        ),
        Figure(
            "import", "import of leads from CSV, SQLite", "csv, validation, executemany upsert", "rows/s", 0.5, "higher",
            lambda: imported(many), many,
        ),
        Figure(
            "idle-tick", f"a tick with {many:,} leads waiting and none due", "with 1,000", "ms", 1.5, "lower",
            lambda: idle_tick(many), many,
        ),
        Figure(
            "growth", f"cost per lead in W with {many:,} leads", "with 10,000", "ms", 1.3, "lower",
            lambda: growth(many), many,
        ),
        Figure(
            "bytes", "bytes on disk per lead after W, SQLite", "the hand-written batch loop", "bytes", 3.0, "lower",
            lambda: bytes_on_disk(leads), leads,
        ),
        Figure(
            "web", "requests of leads answered, events stored, per second of the server's processor time", "what is asked",
            "requests/s", 1.0, "higher", lambda: knocking.answered(10_000),
        ),
        Figure(
            "web-flood", "a tick over 2,000 leads in a flood of 2,000 requests a second", "in peace", "ms", 1.5, "lower",
            lambda: knocking.flooded(2_000), knocking.LEADS,
        ),
        Figure(
            "live", "ticks of W while somebody watches it on the canvas, SQLite", "while nobody does", "s", 1.05, "lower",
            lambda: watched.against_nobody(sqlite, watchable), watchable,
        ),
        Figure(
            "live-postgres", "ticks of W while somebody watches it on the canvas, PostgreSQL", "while nobody does", "s",
            1.05, "lower", lambda: watched.against_nobody(postgres, watchable), watchable, missing=no_postgres,
        ),
        Figure(
            "help", "nurture --help", "python -c pass", "s", 0.5, "lower", start_up, difference=True,
        ),
    ]  # fmt: skip


def run(place: Place, leads: int, walk: Callable[[str], float], measure: Callable[[str], int] | None = None) -> float:
    """Lead-steps per second (or what `measure` says of the database) of one run in a database of its own."""
    with place() as url:
        with Store(url) as store:
            workload.seed(store, leads)
        seconds = walk(url)
        with Store(url) as store:
            got = workload.counted(store)
        want = workload.expected(leads)
        if got != want:
            raise AssertionError(f"this run does not count: {got} instead of {want}")
        return measure(url) if measure else got.lead_steps / seconds


def against_floor(place: Place, leads: int, *, render: bool) -> Pair:
    return Pair(
        ours=run(place, leads, lambda url: walked.walk(url, render=render)),
        reference=run(place, leads, lambda url: floor.walk(url, leads, render=render)),
    )


def two_workers(leads: int) -> Pair:
    return Pair(
        ours=run(postgres, leads, lambda url: walked.walk_together(url, workers=2)),
        reference=run(postgres, leads, lambda url: walked.walk_together(url, workers=1)),
    )


def over_smtp(leads: int) -> Pair:
    outgoing = bare_smtp.messages(leads)
    with sink.running() as port:
        smtp = f"smtp://127.0.0.1:{port}"
        lead_steps = workload.expected(leads).lead_steps
        rate = run(sqlite, leads, lambda url: walked.walk(url, smtp=smtp))
        return Pair(
            ours=rate * len(outgoing) / lead_steps,
            reference=len(outgoing) / bare_smtp.send(port, outgoing, connections=CONNECTIONS),
        )


def imported(leads: int) -> Pair:
    """Each in a process of its own, so that the memory is its own."""
    with bare_import.leads_file(leads) as file:
        ours, memory = bare_import.in_a_process("ours", file)
        reference, bare_memory = bare_import.in_a_process("bare", file)
    return Pair(leads / ours, leads / reference, {"MB": memory, "MB of the reference": bare_memory})


def idle_tick(many: int) -> Pair:
    return Pair(ours=waiting_tick(many), reference=waiting_tick(1_000))


def waiting_tick(leads: int) -> float:
    """Milliseconds of a tick while all leads wait: the median of many."""
    with sqlite() as url:
        with Store(url) as store:
            workload.seed(store, leads)
        with walked.opened(url, render=False) as engine:
            walked.publish(engine)
            walked.enroll(engine)
            due = micros(workload.START + timedelta(days=1))
            # All of them wait from here on; how they came to wait is not what is measured.
            with engine.store.write() as tx:
                tx.run("UPDATE enrollments SET due_at = ?", due)
            engine.tick(workload.START)
            taken = []
            for _ in range(50):
                began = perf_counter()
                engine.tick(workload.START)
                taken.append(perf_counter() - began)
    return sorted(taken)[len(taken) // 2] * 1_000


def growth(many: int) -> Pair:
    return Pair(ours=per_lead(many), reference=per_lead(10_000))


def per_lead(leads: int) -> float:
    """Milliseconds per lead in W."""
    lead_steps = workload.expected(leads).lead_steps
    rate = run(sqlite, leads, walked.walk)
    return lead_steps / rate / leads * 1_000


def bytes_on_disk(leads: int) -> Pair:
    return Pair(
        ours=run(sqlite, leads, walked.walk, size) / leads,
        reference=run(sqlite, leads, lambda url: floor.walk(url, leads), size) / leads,
    )


def start_up() -> Pair:
    def seconds(*command: str) -> float:
        began = perf_counter()
        subprocess.run([sys.executable, *command], stdout=subprocess.DEVNULL, check=True)
        return perf_counter() - began

    # The first start reads from the disk; the second is what people wait for every day.
    program = "import sys; sys.argv = ['nurture', '--help']; from nurture.cli import main; sys.exit(main())"
    with ThreadPoolExecutor(1) as alone:
        alone.submit(seconds, "-c", program).result()
    return Pair(ours=seconds("-c", program), reference=seconds("-c", "pass"))
