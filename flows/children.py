"""Processes that we start, watch and stop, each with a log of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

__all__ = ["Child", "stop_all"]

PATIENCE = 5.0
"""Seconds a child gets to end by itself: a batch, and the goodbyes to its peers."""


class Child:
    """One of our processes, with all that it starts itself."""

    def __init__(self, name: str, module: str, *arguments: str, logs: Path) -> None:
        self.name = name
        self.log = logs / f"{name}.log"
        self._command = [sys.executable, "-m", "flows.lifeline", module, *arguments]
        self._process: subprocess.Popen[bytes] | None = None
        self._starts: list[float] = []

    def start(self) -> None:
        self._starts.append(time.monotonic())
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and modules
                self._command,
                stdin=subprocess.PIPE,  # the lifeline: closed by the system when we are gone
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C comes to us alone, and a signal to the group reaches all it started
            )

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def ended(self) -> bool:
        """It was started, and is no more."""
        return self._process is not None and self._process.poll() is not None

    @property
    def wait_before_restart(self) -> float:
        """Seconds until it may be started again: at once the first time, then ever slower, a minute at most."""
        recent = [at for at in self._starts if time.monotonic() - at < 300]
        delay = min(2.0 ** (len(recent) - 1) - 1, 60.0)
        return max(0.0, recent[-1] + delay - time.monotonic()) if recent else 0.0

    def ask_to_stop(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def wait(self, seconds: float) -> bool:
        """Whether it ended within this time."""
        if self._process is None:
            return True
        try:
            self._process.wait(max(0.0, seconds))
        except subprocess.TimeoutExpired:
            return False
        return True

    def last_words(self, lines: int = 12) -> str:
        """The end of its log."""
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            try:
                os.killpg(self._process.pid, number)
            except (ProcessLookupError, PermissionError):
                return


def stop_all(children: Sequence[Child], patience: float = PATIENCE) -> list[str]:
    """Stop them together; those still there after `patience` seconds are killed, and named in the answer."""
    for child in children:
        child.ask_to_stop()
    until = time.monotonic() + patience
    late = [child for child in children if not child.wait(until - time.monotonic())]
    for child in children:
        child.kill()  # also what a child started and left behind
    for child in late:
        child.wait(1.0)
    return [child.name for child in late]
