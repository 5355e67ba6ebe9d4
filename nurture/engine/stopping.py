"""Ending in order: nothing new is begun, what is on its way is finished, everything else stays in line."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["GRACE", "Stop", "at_sigterm"]

GRACE = 30.0
"""Seconds that messages on their way get to be finished."""


class Stop:
    """Whether somebody wants us to end. Asked between any two things that are done."""

    def __init__(self) -> None:
        self.asked = False
        self._when_asked: Callable[[], object] = lambda: None

    def ask(self) -> None:
        """May be called from a signal handler. For good: whoever was stopped is closed, not used again."""
        self.asked = True
        self._when_asked()

    @contextmanager
    def cut_off_after(self, seconds: float) -> Iterator[None]:
        """The task inside is cancelled when it has not ended so long after it was asked to; that is no error."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def begin() -> None:
            loop.call_later(seconds, task.cancel)

        self._when_asked = lambda: loop.call_soon_threadsafe(begin)
        try:
            yield
        except asyncio.CancelledError:
            if not self.asked:
                raise
        finally:
            self._when_asked = lambda: None


@contextmanager
def at_sigterm(stop: Stop) -> Iterator[None]:
    """The first SIGTERM asks to stop, the second one kills. Outside of the main thread signals do not arrive."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)

    def first(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        stop.ask()

    signal.signal(signal.SIGTERM, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
