"""May this message go out now? Asked in the light of all that is known at that moment; pure, like a node's `decide`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from nurture.calendar import Calendar, SendWindow

__all__ = ["Allow", "Cap", "Circumstances", "Defer", "QuietHours", "Refuse", "may_send"]


@dataclass(frozen=True, slots=True)
class Allow:
    """Now."""


@dataclass(frozen=True, slots=True)
class Defer:
    """Later: ask again at `until`."""

    until: datetime
    because: str
    what: str = "deferred"
    """`deferred` (clock and caps) or `held` (somebody works with the lead)."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Never."""

    because: str


@dataclass(frozen=True, slots=True)
class Cap:
    """At most so many marketing messages to one person in any such time, over all campaigns."""

    messages: int = 1
    period: timedelta = timedelta(days=1)

    @classmethod
    def parse(cls, text: str) -> Cap | None:
        """`"1 per 1 day"`, `"3 per 7 days"` or `"none"`. ValueError says what it should be."""
        if text.strip().lower() == "none":
            return None
        count, _, period = text.partition(" per ")
        amount, _, unit = period.strip().partition(" ")
        hours = {"hour": 1, "hours": 1, "day": 24, "days": 24}.get(unit)
        if not count.strip().isdigit() or not amount.isdigit() or hours is None or int(count) < 1 or int(amount) < 1:
            raise ValueError(f"a frequency cap is like '1 per 1 day', '3 per 7 days' or 'none', not {text!r}")
        return cls(int(count), timedelta(hours=hours * int(amount)))


@dataclass(frozen=True, slots=True)
class QuietHours:
    """The hours of a lead's day in which nobody is written to; may run over midnight."""

    start: time
    end: time

    @classmethod
    def parse(cls, text: str) -> QuietHours | None:
        """`"21:00-08:00"` or `"none"`. ValueError says what it should be."""
        if text.strip().lower() == "none":
            return None
        try:
            start, end = (time.fromisoformat(part.strip()) for part in text.split("-"))
        except ValueError:
            raise ValueError(f"quiet hours are like '21:00-08:00' or 'none', not {text!r}") from None
        return None if start == end else cls(start, end)

    def end_of(self, moment: datetime, calendar: Calendar) -> datetime:
        """The first instant from `moment` on that is not quiet in this calendar's zone; `moment` itself if it is not."""
        local = calendar.local(moment).time()
        over_midnight = self.end < self.start
        quiet = (local >= self.start or local < self.end) if over_midnight else self.start <= local < self.end
        return calendar.next_time(moment, time=self.end, weekday=None) if quiet else moment


@dataclass(frozen=True, slots=True)
class Circumstances:
    """All that bears on one message."""

    marketing: bool
    expires: datetime
    suppressed: str | None
    """Why the address may not be written to."""
    owner: str | None
    """Who works with the lead: sdr or sales."""
    started: Sequence[datetime]
    """When this person's recent marketing messages were started, oldest first."""
    calendar: Calendar
    """In the lead's zone."""
    window: SendWindow | None


def may_send(
    about: Circumstances, *, now: datetime, cap: Cap | None, quiet: QuietHours | None
) -> Allow | Defer | Refuse:
    """Consent first, then people, then the clock, then the cap. A message that nothing forbids any more goes out."""
    if now >= about.expires:
        return Refuse("expired: it could not be sent in time")
    if about.suppressed is not None:
        return Refuse(f"suppressed: the address has {about.suppressed}")
    if not about.marketing:
        return Allow()
    if about.owner is not None:
        return Defer(about.expires, f"held while {about.owner} works with this lead", "held")
    opens = about.calendar.open_at(about.window, now) if about.window is not None else now
    if opens > now:
        return Defer(opens, "outside the campaign's send window")
    if about.window is None and quiet is not None:
        opens = quiet.end_of(now, about.calendar)
        if opens > now:
            return Defer(opens, "quiet hours where the lead lives")
    if cap is not None:
        recent = [at for at in about.started if at > now - cap.period]
        if len(recent) >= cap.messages:
            free = recent[-cap.messages] + cap.period
            return Defer(free, f"frequency cap: {len(recent)} message(s) already in this time")
    return Allow()
