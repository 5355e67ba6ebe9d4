"""Let time pass."""

from datetime import timedelta
from typing import ClassVar

from nurture import Go, Node, Settings, Snapshot, TimeOfDay, WaitDuration, Weekday, clock, day, invalid, setting
from nurture import Wait as Stay  # the answer and the node type share their name


class Until(Settings):
    weekday: Weekday | None = setting(None, en="Only on this day of the week", zh="星期几")
    at: TimeOfDay = setting(en="Time of day, such as 09:00", zh="时间，例如 09:00")


class UntilDate(Settings):
    field: str = setting(
        min_length=1, en="A field of the lead with a date such as 2026-03-31", zh="线索的日期字段，如 2026-03-31"
    )
    at: TimeOfDay = setting("09:00", en="Time of day, such as 09:00", zh="时间，例如 09:00")


class Wait(Node):
    """Wait for a while, until a time of day or a weekday, or until a date that the lead has."""

    zh: ClassVar[str] = "等待一段时间、等到某个时刻或星期几，或等到线索的某个日期。"
    title_zh: ClassVar[str] = "等待"
    waits: ClassVar[bool] = True

    for_: WaitDuration | None = setting(
        None, alias="for", en="How long, such as 3 days or 3 workdays", zh="时长，如 3 days、3 workdays"
    )
    until: Until | None = setting(None, en="The next time the lead's clock shows this", zh="线索当地时间下一次到达此刻")
    until_date: UntilDate | None = setting(
        None, en="A date from a field of the lead; a past one waits no more", zh="线索字段中的日期；已过则不再等待"
    )

    def model_post_init(self, _: object) -> None:
        if sum(way is not None for way in (self.for_, self.until, self.until_date)) != 1:
            raise invalid(
                "E_WAIT", "a wait has exactly one of `for`, `until` and `until_date`", 'such as "for": "3 days"'
            )

    def decide(self, snapshot: Snapshot) -> Go | Stay:
        calendar, entered = snapshot.calendar, snapshot.entered_at
        if self.for_:
            until = calendar.after(self.for_, entered)
        elif self.until:
            until = calendar.next_time(entered, time=clock(self.until.at), weekday=self.until.weekday)
        else:
            assert self.until_date is not None
            field = self.until_date.field
            date = snapshot.lead.get(field)
            if date is None:
                raise ValueError(f"{field} is not known, so nobody can tell how long to wait")
            until = calendar.on_date(day(date), clock(self.until_date.at))
            if until > entered + timedelta(days=366):
                raise ValueError(f"{field} is {date}, and a wait is 366 days at most")
        if snapshot.now < until:
            return Stay(until, because=f"until {calendar.say(until)} ({calendar.zone})")
        if until <= entered:
            return Go("next", because=f"{calendar.say(until)} was past already")
        return Go("next", because=f"waited {self.for_}" if self.for_ else f"waited until {calendar.say(until)}")
