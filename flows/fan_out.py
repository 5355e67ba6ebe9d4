"""More hands for a large backlog: runs of their own, which claim disjoint batches by lease."""

from __future__ import annotations

import time
from datetime import datetime

import httpx
from prefect import get_run_logger
from prefect.deployments import run_deployment

from flows.asking import backlog, many_writers
from nurture.engine import Engine

__all__ = ["call_helpers", "helpers_for"]

EACH = 20_000
"""Enrollments that are worth the seconds which one more run takes to start."""
MOST = 4
AGAIN = 300.0
"""Seconds between two looks at the size of the backlog: those called have to come first."""

_called = float("-inf")


def helpers_for(due: int) -> int:
    """How many more runs are worth starting for so many due enrollments."""
    return min(due // EACH, MOST)


def call_helpers(engine: Engine, now: datetime) -> None:
    """Start runs that help with the backlog, where the store can take many writers at once."""
    global _called  # noqa: PLW0603  # one heartbeat a process
    if not many_writers(engine) or time.monotonic() - _called < AGAIN:
        return
    _called = time.monotonic()
    try:
        for _ in range(helpers_for(backlog(engine, now))):
            run_deployment("tick/tick", parameters={"once": True}, timeout=0, as_subflow=False)
    except httpx.HTTPError as problem:
        get_run_logger().warning("no helpers, Prefect does not answer: %s", type(problem).__name__)
