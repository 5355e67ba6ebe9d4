"""Stopping between batches. A run that is cancelled or stopped lets the batch under way finish, then ends."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from nurture.engine.stopping import Stop

__all__ = ["Brake", "brake"]


class Brake:
    """Holds SIGTERM back until `check` is asked, which is where nothing is half done.

    The store survives a kill at any line; but a message that was on its way when its process ended stays ambiguous for
    good, and a person has to look at it. Stopping between batches spares them that.
    """

    def __init__(self, stop: Stop | None = None) -> None:
        self.pulled = False
        self._stop = stop
        self._usual = signal.getsignal(signal.SIGTERM)

    def pull(self, *_: object) -> None:
        """A handler for SIGTERM: remember it, and let nothing new be begun. The second one ends the run as usual."""
        again, self.pulled = self.pulled, True
        if self._stop is not None:
            self._stop.ask()
        if again:
            self.check()

    def check(self) -> None:
        """Nothing is half done here: if SIGTERM came meanwhile, do now what it usually does (Prefect: end the run)."""
        if self.pulled:
            self.pulled = False
            signal.signal(signal.SIGTERM, self._usual)
            signal.raise_signal(signal.SIGTERM)


@contextmanager
def brake(stop: Stop | None = None) -> Iterator[Brake]:
    """A brake for the time of a `with` block; outside of the main thread, where signals do not arrive, it never pulls.

    Only around real work: while the handler is ours, Prefect takes a run that a person cancels for a crashed one.
    """
    held = Brake(stop)
    if threading.current_thread() is not threading.main_thread():
        yield held
        return
    signal.signal(signal.SIGTERM, held.pull)
    try:
        yield held
        held.check()
    finally:
        signal.signal(signal.SIGTERM, held._usual)
