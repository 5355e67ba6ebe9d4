"""An event loop without a selector, sockets or a clock: it runs what is ready, and jumps to the next timer.

Deterministic, and a hundred times cheaper to make than a real one: the simulation makes one for each delivery.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any, TypeVar

__all__ = ["Loop"]

T = TypeVar("T")


class Loop(asyncio.AbstractEventLoop):
    """As much of an event loop as tasks, futures, `gather`, `sleep` and timers need."""

    def __init__(self) -> None:
        self._ready: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._number = count()
        self._time = 0.0
        self._tasks: list[asyncio.Task[Any]] = []

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run to the end. Whatever a callback raises ends the run, as the death of a process would."""
        outer = asyncio._get_running_loop()
        asyncio._set_running_loop(self)
        try:
            task = self.create_task(work)
            try:
                while not task.done():
                    self._once()
                return task.result()
            finally:
                self._clear()
        finally:
            asyncio._set_running_loop(outer)

    def _once(self) -> None:
        if not self._ready:
            when, _, timer = heapq.heappop(self._timers)
            self._time = max(self._time, when)
            handle: asyncio.Handle = timer
        else:
            handle = self._ready.popleft()
        if not handle.cancelled():
            handle._callback(*handle._args)  # type: ignore[attr-defined]  # `_run` would swallow what it raises

    def _clear(self) -> None:
        """Nothing is left behind half-run: the interpreter would complain at a time of its own choosing."""
        for task in self._tasks:
            if not task.done():
                task.cancel()
        while self._ready:
            try:
                self._once()
            except BaseException:  # the run has ended, and said why
                continue

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Any = None) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self._time + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., object], *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._number), handle))
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        return

    def create_task(self, coro: Any, **options: Any) -> Any:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, **options)
        self._tasks.append(task)
        return task

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def time(self) -> float:
        return self._time

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_exception_handler(self, context: Any) -> None:
        """The simulation looks at what came of it, not at who forgot to ask."""
