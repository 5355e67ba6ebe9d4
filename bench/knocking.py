"""How many requests for pictures and links a server answers, and what a flood of them does to a tick."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from bench import walked, workload
from bench.measure import Pair
from bench.places import sqlite
from nurture.engine import Engine
from nurture.evidence import SETTLE
from nurture.store import Store
from nurture.web.lead.tracking import PICTURE

CONNECTIONS = 16
LEADS = 2_000
TICKS = 15


def answered(requests: int) -> Pair:
    """Requests a second of the server's own processor time, events stored; against the thousand that is asked of it."""
    with sqlite() as url, installed(url) as engine, serving(url) as (port, pipe, _):
        paths = addresses(engine)
        knock(port, paths, requests // 10)
        before, began = spent(pipe), time.perf_counter()
        knock(port, paths, requests)
        seconds = time.perf_counter() - began
        used = spent(pipe) - before
        stored = settled(engine, requests)
    return Pair(
        requests / used,
        1_000.0,
        {"requests/s by the clock, client on the same machine": requests / seconds, "stored": stored},
    )


def flooded(rate: int) -> Pair:
    """Milliseconds of a tick that looks at two thousand leads, in a flood of so many requests a second, and in peace.

    Half of the requests carry tokens of ours, half are forged. They come from a process of their own, and for so long
    before the first tick is measured that the ticks also judge what came, at the rate at which it comes.
    """
    with sqlite() as url, installed(url) as engine:
        began = time.monotonic()
        with serving(url, began) as (port, pipe, _):
            paths = addresses(engine)
            worked = time.process_time()
            quiet = statistics.median(tick(engine, began) for _ in range(TICKS))
            quiet_work = (time.process_time() - worked) / TICKS
            with pouring(port, paths, rate) as answered:
                until = time.monotonic() + SETTLE.total_seconds() + 5
                while time.monotonic() < until:
                    tick(engine, began)
                    time.sleep(0.5)
                used, first, counted = spent(pipe), time.monotonic(), answered.value
                worked = time.process_time()
                ticks: list[float] = []
                while len(ticks) < TICKS:
                    ticks.append(tick(engine, began))
                    time.sleep(0.5)
                seconds, work = time.monotonic() - first, (time.process_time() - worked) / TICKS
                share, pace = (spent(pipe) - used) / seconds, (answered.value - counted) / seconds
    notes = {
        "requests/s answered meanwhile": pace,
        "the server's share of a core": share,
        "the slowest tick, ms": max(ticks) * 1_000,
        "processor time of a tick, ms": work * 1_000,
        "processor time of a tick in peace, ms": quiet_work * 1_000,
    }
    return Pair(statistics.median(ticks) * 1_000, quiet * 1_000, notes)


def tick(engine: Engine, began: float) -> float:
    """Seconds of a tick at which everybody has to be looked at, and nobody moves."""
    with engine.store.write() as tx:
        tx.run("UPDATE enrollments SET due_at = 0 WHERE status = 'waiting'")
    now, started = clock(began), time.perf_counter()
    engine.tick(now)
    return time.perf_counter() - started


def clock(began: float) -> datetime:
    """The time of the workload, which goes on while the flood does."""
    return workload.START + timedelta(seconds=time.monotonic() - began)


@contextmanager
def installed(url: str) -> Iterator[Engine]:
    """W's leads, each with its first mail."""
    with Store(url) as store:
        workload.seed(store, LEADS)
    with walked.opened(url, render=False) as engine:
        walked.publish(engine)
        walked.enroll(engine)
        engine.tick(workload.START)
        yield engine


def addresses(engine: Engine) -> list[bytes]:
    """The pictures of all mails."""
    with engine.store.read() as tx:
        keys = [row[0] for row in tx.rows("SELECT key FROM enrollments ORDER BY id")]
    return [f"/o/{engine.keys.sign('open', f'{key}/intro/0')}".encode() for key in keys]


def settled(engine: Engine, requests: int) -> float:
    """How many of the requests are stored, after the server has had a moment for its buffer."""
    most = 0.0
    for _ in range(40):
        time.sleep(0.25)
        with engine.store.read() as tx:
            most = float(tx.value("SELECT COUNT(*) FROM hits"))
        if most >= requests:
            break
    return most


# --- the server ------------------------------------------------------------------------------------------------


@contextmanager
def serving(url: str, began: float | None = None) -> Iterator[tuple[int, Connection, BaseProcess]]:
    """A server of its own process on this database: its port, and a pipe that tells its processor time. `began` is when
    the workload's time began to go on; without it, the server goes by the real time."""
    spawning = multiprocessing.get_context("spawn")
    ours, theirs = spawning.Pipe()
    process = spawning.Process(target=serve, args=(url, theirs, began), daemon=True)
    process.start()
    try:
        yield ours.recv(), ours, process
    finally:
        process.terminate()
        process.join()


def serve(url: str, pipe: Connection, began: float | None) -> None:
    import uvicorn

    from nurture.web.app import app

    with walked.opened(url, render=False) as engine:
        door = socket.create_server(("127.0.0.1", 0))
        site = app(engine, leads_only=True) if began is None else app(engine, lambda: clock(began), leads_only=True)
        server = uvicorn.Server(uvicorn.Config(site, log_level="error", access_log=False, server_header=False))
        pipe.send(door.getsockname()[1])

        def tell() -> None:
            with suppress(EOFError, OSError):
                while True:
                    pipe.recv()
                    pipe.send(sum(os.times()[:2]))

        threading.Thread(target=tell, daemon=True).start()
        server.run(sockets=[door])


def spent(pipe: Connection) -> float:
    pipe.send(None)
    return float(pipe.recv())


# --- the visitors ----------------------------------------------------------------------------------------------


def knock(port: int, paths: list[bytes], requests: int) -> None:
    """So many requests, as fast as they are answered. Each visitor comes from a place of its own."""

    async def all_of_them() -> None:
        await asyncio.gather(*(visit(port, paths, range(first, requests, CONNECTIONS)) for first in range(CONNECTIONS)))

    asyncio.run(all_of_them())


async def visit(port: int, paths: list[bytes], numbers: range) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for n in numbers:
        await ask(reader, writer, paths[n % len(paths)], n)
    writer.close()


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: bytes, n: int) -> None:
    writer.write(
        b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Mozilla/5.0 Chrome/140.0\r\nX-Forwarded-For: 10.%d.%d.1\r\n\r\n"
        % (path, n // 200 % 250, n % 200)
    )
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    await reader.readexactly(len(PICTURE))


@contextmanager
def pouring(port: int, paths: list[bytes], rate: int) -> Iterator[Any]:
    """A flood of so many requests a second, from a process of its own; what it yields counts the answers."""
    spawning = multiprocessing.get_context("spawn")
    answered = spawning.Value("q", 0)
    forged = [path[:-4] + b"AAAA" for path in paths]
    each = [path for pair in zip(paths, forged, strict=True) for path in pair]
    process = spawning.Process(target=pour, args=(port, each, rate, answered), daemon=True)
    process.start()
    try:
        yield answered
    finally:
        process.terminate()
        process.join()


def pour(port: int, paths: list[bytes], rate: int, answered: Any) -> None:
    """Each request at its time; who comes late does not wait for the next one."""

    async def one(first: int, began: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for n in range(first, 10**9, CONNECTIONS):
            early = began + n / rate - time.monotonic()
            if early > 0:
                await asyncio.sleep(early)
            await ask(reader, writer, paths[n % len(paths)], n)
            answered.value += 1

    async def all_of_them() -> None:
        began = time.monotonic()
        await asyncio.gather(*(one(first, began) for first in range(CONNECTIONS)))

    asyncio.run(all_of_them())
