"""May this message go out now? Asked in the light of all that is known at that moment; pure, like a node's `decide`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple

from nurture.calendar import Calendar, SendWindow

__all__ = [
    "PAUSED_UNTIL",
    "RHYTHM",
    "RHYTHMS",
    "Allow",
    "Cap",
    "Circumstances",
    "Defer",
    "QuietHours",
    "Refuse",
    "Wishes",
    "may_send",
]


@dataclass(frozen=True, slots=True)
class Allow:
    """Now."""


ALLOW = Allow()


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


RHYTHMS: Mapping[str, Cap] = {
    "weekly": Cap(1, timedelta(days=7)),
    "monthly": Cap(1, timedelta(days=30)),
}
"""How much less often a lead may ask to be written to."""
RHYTHM, PAUSED_UNTIL = "mail_rhythm", "mail_paused_until"
"""The fields of a lead that hold what it has asked for."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a lead has asked of us, short of opting out."""

    paused_until: datetime | None = None
    rhythm: str | None = None

    @classmethod
    def of(cls, fields: Mapping[str, object]) -> Wishes:
        """From a lead's fields. What is no wish that there is, such as a text from an old import, is none."""
        rhythm, until = fields.get(RHYTHM), fields.get(PAUSED_UNTIL)
        moment = None
        if isinstance(until, str):
            try:
                moment = datetime.fromisoformat(until)
            except ValueError:
                moment = None
        if moment is not None and moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return cls(moment, rhythm if isinstance(rhythm, str) and rhythm in RHYTHMS else None)


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


class Circumstances(NamedTuple):
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
    wishes: Wishes = Wishes()
    no_consent: str = ""
    """Why the person's consent does not cover marketing."""


def may_send(
    about: Circumstances, *, now: datetime, cap: Cap | None, quiet: QuietHours | None
) -> Allow | Defer | Refuse:
    """Consent first, then people, then the clock, then the cap. A message that nothing forbids any more goes out.

    Whoever waits is told until when, on the lead's own clock.
    """
    if now >= about.expires:
        return Refuse("expired: it could not be sent in time")
    if about.suppressed is not None:
        return Refuse(f"suppressed: the address has {about.suppressed}")
    if not about.marketing:
        return ALLOW
    if about.no_consent:
        return Refuse(f"no_consent: {about.no_consent}")
    if about.owner is not None:
        return Defer(about.expires, f"held while {about.owner} works with this lead", "held")
    paused = about.wishes.paused_until
    if paused is not None and paused > now:
        return Defer(paused, f"the lead asked for a pause until {paused:%d %b %Y}")
    opens = about.calendar.open_at(about.window, now) if about.window is not None else now
    if opens > now:
        return Defer(opens, f"outside the campaign's send window, until {about.calendar.say(opens)}")
    if about.window is None and quiet is not None:
        opens = quiet.end_of(now, about.calendar)
        if opens > now:
            return Defer(opens, f"quiet hours where the lead lives, until {about.calendar.say(opens)}")
    if cap is not None:
        recent = [at for at in about.started if at > now - cap.period]
        if len(recent) >= cap.messages:
            free = recent[-cap.messages] + cap.period
            count = f"{len(recent)} message{'s' if len(recent) > 1 else ''}"
            hours = f"{cap.period // timedelta(hours=1)} hours"
            return Defer(free, f"frequency cap: {count} in the last {hours}, until {about.calendar.say(free)}")
    rhythm = RHYTHMS.get(about.wishes.rhythm or "")
    if rhythm is not None and any(at > now - rhythm.period for at in about.started):
        return Defer(about.started[-1] + rhythm.period, f"the lead asked for less: {about.wishes.rhythm}")
    return ALLOW
