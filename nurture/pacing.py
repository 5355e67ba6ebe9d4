"""How fast a channel may go, and when it had better rest. Pure: it is told the time, and what happened.

All times are microseconds. A `Pace` is kept in the store, one for each channel as a whole and one for each domain that it
has lately written to, and whoever works shares it.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

__all__ = ["GOOD_FOR", "Pace", "Rate"]

SECOND = 1_000_000
MINUTE = 60 * SECOND
GOOD_FOR = 5 * SECOND
"""So long after its turn was given a message may still begin. Caps are reckoned on a minute and this."""
PROBE = MINUTE
"""After so long without a verdict somebody else may try whether the rest is over."""
IN_A_ROW = 3
"""So many faults, with nothing taken in between, are no accident."""
FIRST_REST, LONGEST_REST = 5 * MINUTE, 30 * MINUTE
IN_QUEUE = SECOND // 10
"""Between two messages that wait for the same domain, where no cap says more."""


@dataclass(frozen=True, slots=True)
class Rate:
    """At most so many messages in any minute, wherever one lets the minute begin."""

    messages: int

    @classmethod
    def parse(cls, text: str) -> Rate | None:
        """`"600 per minute"` or `"none"`. ValueError says what it should be."""
        if text.strip().lower() == "none":
            return None
        count, _, unit = text.partition(" per ")
        if not (count.strip().isascii() and count.strip().isdigit()) or unit.strip() != "minute" or int(count) < 1:
            raise ValueError(f"a rate cap is like '600 per minute' or 'none', not {text!r}")
        return cls(int(count))

    @property
    def burst(self) -> int:
        """So many at once, after a silence."""
        return max(1, self.messages // 10)

    @property
    def spacing(self) -> int:
        """Between two messages, in the long run: with a burst before them, a minute still holds no more than the cap."""
        return -(-(MINUTE + GOOD_FOR) // (self.messages - self.burst + 1))

    @property
    def lead(self) -> int:
        """How far the allotted turns may be ahead of the clock."""
        return (self.burst - 1) * self.spacing


@dataclass(slots=True)
class Pace:
    """How it goes with one channel as a whole, or towards one domain."""

    free_at: int = 0
    """Up to here the turns are given away, evenly spaced."""
    open_at: int = 0
    """Before this nothing starts: it rests, somebody is trying, or all turns are given away."""
    faults: int = 0
    """In a row, with nothing taken in between."""
    rests: int = 0
    """Which rest in a row it is in; 0: none."""
    probing: int = 0
    """1: the rest is over, and one message tries."""
    since: int | None = None
    """When the first of these rests began."""
    because: str | None = None
    queue_to: int = 0
    """The last turn that was promised to somebody who waits."""
    queue_place: int = 0
    """Who is last among those."""
    head_to: int = 0
    """The last turn that was promised again, to those of the queue who were called and could not go."""
    head_place: int = 0
    """Who is last among those."""

    # -- turns --------------------------------------------------------------------------------------------------

    def ready(self, rate: Rate | None, now: int, most: int) -> int:
        """How many may start now, at most `most`."""
        if self.open_at > now:
            return 0
        if self.rests:
            return min(1, most)
        if rate is None:
            return most
        ahead = now + rate.lead - max(self.free_at, now)
        return max(0, min(most, ahead // rate.spacing + 1))

    def take(self, rate: Rate | None, now: int) -> None:
        """One starts now. The first one after a rest goes alone."""
        if self.rests:
            self.probing, self.open_at = 1, now + PROBE
        if rate is not None:
            self.free_at = max(self.free_at, now) + rate.spacing

    def close_when_spent(self, rate: Rate | None, now: int) -> None:
        """When hardly a turn is left, wait for half a burst of them: looking for each alone would be all we do."""
        enough = max(1, rate.burst // 2) if rate is not None else 0
        if rate is not None and not self.rests and self.ready(rate, now, enough) < enough:
            self.open_at = max(self.open_at, self.free_at - rate.lead + (enough - 1) * rate.spacing)

    def turn(self, rate: Rate | None, place: int, now: int) -> int:
        """0: now, and the turn is taken. Else when its turn comes: a lower `place` goes first."""
        in_head = self.head_to > now and place <= self.head_place
        in_queue = self.queue_to > now and place <= self.queue_place
        called = in_head if self.head_to > now else in_queue or self.queue_to <= now
        if called and self.ready(rate, now, 1):
            self.take(rate, now)
            return 0
        step = rate.spacing if rate is not None else IN_QUEUE
        earliest = max(now + 1, self.open_at, self.free_at - (rate.lead if rate is not None else 0))
        if in_head:
            return earliest
        if in_queue:
            self.head_to, self.head_place = max(self.head_to + step, earliest), max(self.head_place, place)
            return self.head_to
        self.queue_to, self.queue_place = max(self.queue_to + step, earliest), place
        return self.queue_to

    # -- rests --------------------------------------------------------------------------------------------------

    def fault(self, because: str, now: int, *, at_once: bool, pause: int = 0, key: str = "") -> bool:
        """Something went wrong. True when this begins a rest where there was none."""
        if self.rests and not self.probing:
            return False  # an echo: it had begun before the rest did
        self.faults += 1
        if not (at_once or self.rests or self.faults >= IN_A_ROW):
            return False
        began = not self.rests
        self.rests += 1
        self.probing = 0
        self.since = now if began else self.since
        self.because = because
        usual = min(FIRST_REST * 2 ** min(self.rests - 1, 10), LONGEST_REST)
        # Spread a little, so that senders who were shut out together do not come back together.
        spread = int.from_bytes(blake2b(f"{key}/{self.rests}".encode(), digest_size=2).digest(), "big")
        self.open_at = now + max(pause, usual + usual * spread // 65536 // 4)
        return began

    def heal(self) -> bool:
        """A message was taken. True when that ends a rest."""
        if self.rests and not self.probing:
            return False  # it had begun before the rest did
        ended = bool(self.rests)
        if ended:
            self.open_at = 0
        self.faults = self.rests = self.probing = 0
        self.since = self.because = None
        return ended

    def gave_up(self, now: int) -> None:
        """The one that was to try did not start: another may."""
        if self.probing:
            self.probing, self.open_at = 0, now
