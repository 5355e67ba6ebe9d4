"""What it costs the engine that somebody watches: W with a canvas open on its campaign, against W alone.

The watcher is what it is in earnest: a `nurture web` process of its own, and a client of its own with one open event
stream of the campaign's page. Only ticks are timed. Which of the two runs comes first changes from pair to pair, and the
processor time of the ticking process is noted beside the seconds, because others may be at work on the machine.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from time import perf_counter, process_time
from typing import NamedTuple

from bench import walked, workload
from bench.measure import Pair
from bench.places import Place
from nurture.engine import Engine
from nurture.settings import Settings
from nurture.store import Store

__all__ = ["against_nobody"]

_pairs = count()


class Walk(NamedTuple):
    """The ticks of one run of W."""

    wall: float
    processor: float
    """Seconds of the ticking process."""
    web: float
    """Processor seconds of the process that shows it."""
    told: int
    """Snapshots that the watcher got."""


def against_nobody(place: Place, leads: int) -> Pair:
    """The seconds of W's ticks while somebody watches, and while nobody does."""
    if next(_pairs) % 2:
        alone = _walked(place, leads, watched=False)
        ours = _walked(place, leads, watched=True)
    else:
        ours = _walked(place, leads, watched=True)
        alone = _walked(place, leads, watched=False)
    notes = {
        "ratio of processor time": ours.processor / alone.processor,
        "processor seconds of the tick": ours.processor,
        "of nurture web": ours.web,
        "snapshots told": float(ours.told),
    }
    return Pair(ours.wall, alone.wall, notes)


def _walked(place: Place, leads: int, *, watched: bool) -> Walk:
    with place() as url:
        with Store(url) as store:
            workload.seed(store, leads)
        with walked.opened(url) as engine:
            walked.enroll(engine)
            if not watched:
                took = _ticks(engine)
                done = Walk(*took, 0.0, 0)
            else:
                with _canvas(engine.settings) as (port, process), _watcher(port) as told:
                    before = _processor(process.pid)
                    took = _ticks(engine)
                    done = Walk(*took, _processor(process.pid) - before, told.value)
        with Store(url) as store:
            if workload.counted(store) != workload.expected(leads):
                raise AssertionError("this run does not count: the numbers are not those of the workload")
        if watched and not done.told:
            raise AssertionError("this run does not count: nobody was told anything")
        return done


def _ticks(engine: Engine) -> tuple[float, float]:
    """Seconds and processor seconds of all of W's ticks; what the SDR answers comes between them."""
    wall = processor = 0.0
    for moment in workload.MOMENTS:
        for answers in (False, True):
            if answers:
                engine.hear(walked.sdr_answers(engine, moment), now=moment)
            began, spent = perf_counter(), process_time()
            engine.tick(moment, until=moment)
            wall += perf_counter() - began
            processor += process_time() - spent
    return wall, processor


@contextmanager
def _canvas(settings: Settings) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """`nurture web` on the engine's installation: its port and its process."""
    surroundings = {
        **os.environ,
        "NURTURE_HOME": str(settings.home),
        "NURTURE_DATABASE_URL": settings.database,
        "NURTURE_SECRET_KEY": settings.secret_key,
    }
    command = [sys.executable, "-m", "nurture.cli", "web", "--port", "0"]
    with subprocess.Popen(command, env=surroundings, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            said = process.stderr.readline()
            yield int(said.split("http://127.0.0.1:")[1].split()[0]), process
        finally:
            process.terminate()


@contextmanager
def _watcher(port: int) -> Iterator[Synchronized[int]]:
    """A client with the event stream of W's page open, from the first snapshot on; counts what it is told."""
    spawning = multiprocessing.get_context("spawn")
    told, first = spawning.Value("i", 0), spawning.Event()
    process = spawning.Process(target=_watch, args=(port, told, first), daemon=True)
    process.start()
    try:
        if not first.wait(60):
            raise AssertionError("the canvas tells nothing")
        yield told
    finally:
        process.terminate()
        process.join()


def _watch(port: int, told: Synchronized[int], first: Event) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/campaigns/{workload.CAMPAIGN}/live") as stream:
        for line in stream:
            if line.startswith(b"data:"):
                told.value += 1
                first.set()


def _processor(pid: int) -> float:
    """Processor seconds of a process so far, as the system counts them."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
