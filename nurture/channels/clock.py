"""Real time, for deadlines that must hold even while a process sleeps."""

from __future__ import annotations

import time

__all__ = ["elapsed"]


def elapsed() -> float:
    """Seconds on a clock that nobody sets, and that goes on while the machine sleeps where the system has one."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()
