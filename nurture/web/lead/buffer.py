"""Requests wait here for a moment, so that a thousand of them are one transaction. Bounded: what is too much is counted.

Nobody is told that a request was stored: a picture or a redirect promises nothing. What promises something (an opt-out,
a form, a webhook) does not come through here.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence

from nurture.store import Store, hits
from nurture.store.database import insist
from nurture.store.hits import NewHit

__all__ = ["Buffer"]

MOST = 50_000
"""Requests that may wait at once: some ten megabytes."""
BATCH = 2_000
EVERY = 0.25
"""Seconds between two transactions."""
MINUTE = 60_000_000
MOST_A_MESSAGE, MOST_A_SOURCE = 60, 1_200
"""Requests a minute that are kept for one message, and from one place: more of them tell nothing new."""
MOST_COUNTED = 50_000


class Buffer:
    """Takes requests from any thread; `flush` writes them. `dropped` counts by reason what was not kept."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.dropped: Counter[str] = Counter()
        self._waiting: list[NewHit] = []
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._minute = 0
        self._counts: Counter[str] = Counter()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def add(self, hit: NewHit) -> bool:
        """Whether it is kept."""
        with self._lock:
            reason = self._too_much(hit)
            if reason:
                self.dropped[reason] += 1
                return False
            self._waiting.append(hit)
            return True

    def _too_much(self, hit: NewHit) -> str:
        if len(self._waiting) >= MOST:
            return "full"
        minute = hit.at // MINUTE
        if minute != self._minute:
            self._minute = minute
            self._counts.clear()
        message = f"{hit.enrollment}/{hit.node}/{hit.n}"
        for key, most, reason in ((message, MOST_A_MESSAGE, "message"), (hit.source, MOST_A_SOURCE, "source")):
            if self._counts[key] >= most:
                return reason
        if len(self._counts) < MOST_COUNTED:
            self._counts[message] += 1
            self._counts[hit.source] += 1
        return ""

    def flush(self) -> int:
        """Store what waits, durably; says how many that were. What could not be stored goes on waiting."""
        stored = 0
        with self._flushing:
            while batch := self._take():
                try:
                    insist(lambda batch=batch: self._store(batch))  # type: ignore[misc]  # bound now
                except BaseException:
                    with self._lock:
                        self._waiting[:0] = batch
                    raise
                stored += len(batch)
        return stored

    def _take(self) -> list[NewHit]:
        with self._lock:
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
        return batch

    def _store(self, batch: Sequence[NewHit]) -> None:
        with self.store.write(durable=True) as tx:
            hits.take(tx, batch)

    def start(self) -> None:
        """Flush by itself from now on, in a thread of its own, until `close`."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="hits", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(EVERY):
            try:
                self.flush()
            except Exception:  # noqa: BLE001  # a database that is away comes back; until then they wait, bounded
                self.dropped["tried again"] += 1

    def close(self) -> None:
        """Write what waits, and stop."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self.flush()
