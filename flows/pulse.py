"""Whether a heartbeat is alive on this machine: it writes to a file. Prefect cannot tell, a killed run stays `Running`."""

from __future__ import annotations

import os
import time
from pathlib import Path

__all__ = ["Pulse", "prefect_home"]

EVERY = 5.0
"""Seconds between two beats that are written down."""
SILENT = 20.0
"""Seconds without a beat after which we look whether its process is still there."""
STUCK = 900.0
"""Seconds without a beat after which it is given up even if its process is there."""


def prefect_home(home: Path) -> Path:
    """Prefect's own folder below the marketer's."""
    return (home / ".prefect").resolve()


class Pulse:
    """The heartbeat's sign of life, for whoever starts a new one when it stops."""

    def __init__(self, home: Path) -> None:
        self._file = prefect_home(home) / "pulse"
        self._last = float("-inf")

    def beat(self) -> None:
        """Be alive; cheap enough to be called in any loop."""
        if time.monotonic() - self._last >= EVERY:
            self._last = time.monotonic()
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_text(str(os.getpid()))

    def felt(self) -> bool:
        """Whether a heartbeat is alive: it beat a moment ago, or its process is there and busy with a large backlog."""
        try:
            age = time.time() - self._file.stat().st_mtime
            process = int(self._file.read_text() or 0)
        except (FileNotFoundError, ValueError):
            return False
        return age < SILENT or (age < STUCK and _runs(process))

    def forget(self) -> None:
        """There is no heartbeat, and there has been none."""
        self._file.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (OSError, OverflowError):
        return False
    return process > 0
