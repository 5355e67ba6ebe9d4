"""When a message that did not leave is tried again."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import blake2b

from nurture.channels.base import NotSent
from nurture.store.touches import Outbound

__all__ = ["retry_at"]

FIRST = timedelta(minutes=5)
LONGEST = timedelta(hours=4)


def retry_at(touch: Outbound, verdict: NotSent, now: datetime) -> datetime:
    """Five minutes, then twice as long each time up to four hours, spread a little so that no wave comes back whole.

    There is no last attempt: a message is given up when it expires, so an outage burns nobody's chances.
    """
    if verdict.because == "withdrawn":
        return now + timedelta(seconds=30)
    wait = verdict.retry_after or min(FIRST * 2 ** min(touch.attempts, 10), LONGEST)
    spread = int.from_bytes(blake2b(f"{touch.key}/{touch.attempts}".encode(), digest_size=2).digest(), "big") / 65536
    return now + wait * (1 + spread / 4)
