"""Named places at which a test may kill this process, or do something else, to prove that nothing is lost there.

The names are the harness's contract: a test asserts that those in the code are exactly those exercised.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

__all__ = ["POINTS", "arm", "crash_point", "disarm", "remaining"]

POINTS = (
    "tick.enlisting",
    "tick.claiming",
    "tick.claimed",
    "tick.gathered",
    "tick.decided",
    "tick.committing",
    "tick.committed",
    "tick.leaving",
    "deliver.recovering",
    "deliver.turns_taking",
    "deliver.turns_taken",
    "deliver.claiming",
    "deliver.claimed",
    "deliver.postponed",
    "deliver.connected",
    "deliver.recipient_named",
    "deliver.intent_committing",
    "deliver.intent_committed",
    "deliver.data_allowed",
    "deliver.message_written",
    "deliver.handed_over",
    "deliver.lease_renewing",
    "deliver.lease_renewed",
    "deliver.fault_noting",
    "deliver.fault_noted",
    "deliver.settling",
    "deliver.settled",
    "enroll.scanning",
    "enroll.committing",
    "enroll.committed",
    "import.opening",
    "import.opened",
    "import.taken",
    "import.committing",
    "import.committed",
    "import.finishing",
    "import.finished",
    "backfill.imported",
    "backfill.history_committing",
    "backfill.history_committed",
    "backfill.rejects_written",
    "hear.committing",
    "hear.committed",
    "weigh.committing",
    "weigh.committed",
    "pause.committing",
    "pause.committed",
    "publish.committing",
    "publish.committed",
    "migrate.upgraded",
    "migrate.committing",
    "migrate.committed",
    "move.committing",
    "move.committed",
)
"""`ROOM.doing` lies inside a transaction or right before one ends, `ROOM.done` right after."""

_armed: dict[str, int] = {}
_acts: dict[str, Callable[[], object]] = {}


def die() -> None:
    """As by a kill from outside: nothing is tidied up."""
    os.kill(os.getpid(), signal.SIGKILL)


def arm(where: str, act: Callable[[], object] = die) -> None:
    """`POINT:N`: do this when POINT is passed for the Nth time. ValueError for a name nobody passes."""
    point, _, occurrence = where.partition(":")
    if point not in POINTS:
        raise ValueError(f"there is no crash point '{point}'; there are: {', '.join(POINTS)}")
    _armed[point] = int(occurrence or 1)
    _acts[point] = act


def disarm() -> None:
    """Nothing happens anywhere any more."""
    _armed.clear()
    _acts.clear()


def remaining() -> dict[str, int]:
    """How often each armed point may still be passed."""
    return dict(_armed)


def crash_point(name: str) -> None:
    """Pass here. Costs a look into an empty dictionary unless a test armed it."""
    if not _armed or name not in _armed:
        return
    _armed[name] -= 1
    if _armed[name] == 0:
        _acts[name]()
