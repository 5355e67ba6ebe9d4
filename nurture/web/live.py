"""The numbers of a campaign as they change: one reader for all who watch, one snapshot shared among them.

However many pages are open, each campaign that anybody watches is read by one thread, and the more an answer costs
the longer that thread rests: a tick next to it must not notice.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Depends
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from starlette.exceptions import HTTPException

from nurture.engine import Engine, watching
from nurture.web.ours import from_a_page_of_ours
from nurture.web.studio import Studio

__all__ = ["Live", "router"]

SHORTEST_REST = 1.0
"""Seconds between two looks."""
REST = 40
"""So many times as long as a look takes, the reader rests: it has 2.5 % of a core at most."""
LOOK_IN = 0.25
"""Seconds after which a stream looks whether the reader has found something new. That costs no question."""
STILL_HERE = 15.0
"""Seconds after which a stream without news says that it is still there."""
MOST_STREAMS = 200


@dataclass(slots=True)
class _Watched:
    """One campaign that somebody watches."""

    watchers: int = 0
    number: int = 0
    """Of the newest snapshot; 0 before the first."""
    told: str = ""


class Live:
    """The one reader. `read` is a campaign's name to its numbers, as JSON knows them."""

    def __init__(self, read: Callable[[str], Any]) -> None:
        self._read = read
        self._watched: dict[str, _Watched] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def watching(self, campaign: str) -> Iterator[Callable[[int], tuple[int, str]]]:
        """While this is open the campaign is read. What it gives tells the newest snapshot, if it is newer than the
        number it is asked with: `(number, JSON)`, else that number and nothing."""
        with self._lock:
            watched = self._watched.setdefault(campaign, _Watched())
            watched.watchers += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="live", daemon=True)
                self._thread.start()
            self._wake.set()
        try:
            yield lambda seen: (watched.number, watched.told) if watched.number > seen else (seen, "")
        finally:
            with self._lock:
                watched.watchers -= 1
                if watched.watchers == 0:
                    del self._watched[campaign]
                self._wake.set()

    @property
    def streams(self) -> int:
        with self._lock:
            return sum(watched.watchers for watched in self._watched.values())

    def _run(self) -> None:
        while True:
            with self._lock:
                self._wake.clear()
                campaigns = list(self._watched.items())
                if not campaigns:
                    self._thread = None
                    return
            began = time.monotonic()
            for name, watched in campaigns:
                self._look(name, watched)
            rest = max(SHORTEST_REST, REST * (time.monotonic() - began))
            # Somebody new is served at once; those who go on watching wait until it is time.
            until = time.monotonic() + rest
            while (left := until - time.monotonic()) > 0 and not self._somebody_waits():
                self._wake.wait(left)
                self._wake.clear()

    def _somebody_waits(self) -> bool:
        with self._lock:
            return not self._watched or any(watched.number == 0 for watched in self._watched.values())

    def _look(self, name: str, watched: _Watched) -> None:
        try:
            told = json.dumps(self._read(name), ensure_ascii=False, separators=(",", ":"))
        except Exception as error:  # noqa: BLE001  # a database that is locked or gone for a moment: the next look tells
            told = json.dumps({"error": type(error).__name__})
        if told != watched.told:
            watched.told = told
            watched.number += 1


def router(engine: Engine, clock: Callable[[], datetime]) -> APIRouter:
    """`/api/campaigns/NAME/live`: an event stream, each event the whole snapshot; `null` before it was published."""
    made = APIRouter(prefix="/api", dependencies=[Depends(from_a_page_of_ours)])
    studio = Studio(engine)
    live = Live(lambda campaign: watching.live(engine, campaign, now=clock()))

    @made.get("/campaigns/{name}/live")
    async def stream(name: str) -> StreamingResponse:
        campaign = (await run_in_threadpool(studio.open, name)).campaign
        if live.streams >= MOST_STREAMS:
            raise HTTPException(503, "too many pages watch already")
        return StreamingResponse(_events(live, campaign), media_type="text/event-stream")

    return made


async def _events(live: Live, campaign: str) -> AsyncIterator[str]:
    with live.watching(campaign) as newer:
        seen, quiet = 0, 0.0
        yield "retry: 2000\n\n"
        while True:
            seen, told = newer(seen)
            if told:
                quiet = 0.0
                yield f"data: {told}\n\n"
            elif quiet >= STILL_HERE:
                quiet = 0.0
                yield ": still here\n\n"
            await asyncio.sleep(LOOK_IN)
            quiet += LOOK_IN
