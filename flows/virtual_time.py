"""Tests with a clock of their own. While an installation lives in another time, the heartbeat, which lives in ours, rests.

Otherwise it would see the leads of a test that plays in March, find that it is November, and hurry them to the end.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from flows.pulse import prefect_home

__all__ = ["VirtualTime"]

NEAR = timedelta(hours=1)
"""A moment as near as this is the present, for instance one that a person typed."""


class VirtualTime:
    """Whether this installation lives in another time; begins with a run that says so, ends with one that does not."""

    def __init__(self, home: Path) -> None:
        self._file = prefect_home(home) / "virtual-time"

    @property
    def on(self) -> bool:
        return self._file.exists()

    def enter(self, moment: datetime | None, clock: datetime) -> None:
        """A run is about to write as of `moment`; None for the present. `clock` is the real time."""
        if moment is None or abs(moment - clock) < NEAR:
            self.leave()
        else:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_text(moment.isoformat())

    def leave(self) -> None:
        """The present again."""
        self._file.unlink(missing_ok=True)
