"""Named places at which a test may kill this process, to prove that nothing is lost there.

The names are the harness's contract: a test asserts that those in the code are exactly those exercised.
"""

from __future__ import annotations

import os
import signal

__all__ = ["POINTS", "arm", "crash_point", "remaining"]

POINTS = (
    "tick.claimed",
    "tick.decided",
    "tick.committing",
    "tick.committed",
    "deliver.claimed",
    "deliver.postponed",
    "deliver.recipient_named",
    "deliver.intent_committing",
    "deliver.intent_committed",
    "deliver.handed_over",
    "deliver.settling",
    "deliver.settled",
    "enroll.committing",
    "enroll.committed",
    "import.committing",
    "import.committed",
    "hear.committing",
    "publish.committing",
)

_armed: dict[str, int] = {}


def arm(where: str) -> None:
    """`POINT:N`: die, as by SIGKILL, when POINT is passed for the Nth time. ValueError for a name nobody passes."""
    point, _, occurrence = where.partition(":")
    if point not in POINTS:
        raise ValueError(f"there is no crash point '{point}'; there are: {', '.join(POINTS)}")
    _armed[point] = int(occurrence or 1)


def remaining() -> dict[str, int]:
    """How often each armed point may still be passed."""
    return dict(_armed)


def crash_point(name: str) -> None:
    """Pass here. Costs a look into an empty dictionary unless a test armed it."""
    if not _armed or name not in _armed:
        return
    _armed[name] -= 1
    if _armed[name] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
