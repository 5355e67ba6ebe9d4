"""Clock changes, in every zone that has a name, over ten years."""

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import available_timezones

import pytest

from nurture.calendar import Calendar, time_zone

FROM, TO = datetime(2021, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)
SECOND, WEEK = timedelta(seconds=1), timedelta(days=7)


def named(name):
    try:
        return time_zone(name) is not None
    except ValueError:
        return False


ZONES = sorted(filter(named, available_timezones()))


def changes(zone):
    """The moments at which the clock of this zone was, or will be, set."""
    moment = FROM
    while moment < TO:
        early, late = moment, moment + WEEK
        if early.astimezone(zone).utcoffset() != late.astimezone(zone).utcoffset():
            while late - early > SECOND:
                middle = early + (late - early) // SECOND // 2 * SECOND
                same = middle.astimezone(zone).utcoffset() == early.astimezone(zone).utcoffset()
                early, late = (middle, late) if same else (early, middle)
            yield late
        moment += WEEK


def test_there_are_zones_to_test():
    assert len(ZONES) > 400
    assert len(list(changes(time_zone("Europe/Berlin")))) == 20
    assert {"Asia/Shanghai", "Australia/Lord_Howe", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "UTC"} <= set(ZONES)


@pytest.mark.parametrize("letter", sorted({name[:3] for name in ZONES}))
def test_a_skipped_time_is_the_first_after_the_gap_and_a_double_one_is_the_first(letter):
    for name in (name for name in ZONES if name.startswith(letter)):
        zone, calendar = time_zone(name), Calendar(name)
        for change in changes(zone):
            before = (change - SECOND).astimezone(zone).utcoffset()
            after = change.astimezone(zone).utcoffset()
            midway = (change + (before + after) / 2).replace(tzinfo=None)
            expected = change if after > before else (midway - before).replace(tzinfo=UTC)

            assert calendar.on_date(midway.date(), midway.time()) == expected, name
            just_before = (change + min(before, after) - SECOND).replace(tzinfo=None)
            assert (
                calendar.local(calendar.on_date(just_before.date(), just_before.time())).replace(tzinfo=None)
                == just_before
            )


@pytest.mark.parametrize(
    "name", ["Europe/Berlin", "America/Havana", "Africa/Casablanca", "Australia/Lord_Howe", "Asia/Shanghai"]
)
@pytest.mark.parametrize("at", [time(0), time(2, 30), time(23, 59)])
def test_a_daily_time_comes_once_a_day_whatever_the_clocks_do(name, at):
    calendar, moment = Calendar(name), datetime(2026, 1, 1, tzinfo=UTC)
    days = []
    while len(days) < 366:
        moment = calendar.next_time(moment, time=at)
        days.append(calendar.local(moment).date())

    assert all(later - earlier == timedelta(days=1) for earlier, later in pairwise(days))
