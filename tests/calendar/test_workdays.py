from datetime import UTC, date, datetime

import pytest

from nurture.calendar import Calendar, Duration
from nurture.workdays import announced, countries, workdays

MADE_UP_2026 = ["2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"]
"""Weekend days that were worked in China in 2026, as the State Council announced in November 2025."""


@pytest.mark.parametrize("day", MADE_UP_2026)
def test_a_weekend_that_makes_up_for_a_holiday_is_worked(day):
    assert date.fromisoformat(day).weekday() >= 5
    assert not workdays("CN")(date.fromisoformat(day))


def test_no_other_weekend_of_2026_is_worked():
    worked = [
        day.isoformat()
        for day in map(date.fromordinal, range(date(2026, 1, 1).toordinal(), date(2027, 1, 1).toordinal()))
        if day.weekday() >= 5 and not workdays("CN")(day)
    ]

    assert worked == MADE_UP_2026


@pytest.mark.parametrize(
    "day", ["2026-02-16", "2026-02-17", "2026-02-20", "2026-02-23", "2026-10-07", "2027-02-08", "2027-10-01"]
)
def test_a_holiday_is_off_on_a_weekday(day):
    assert date.fromisoformat(day).weekday() < 5
    assert workdays("CN")(date.fromisoformat(day))


def test_a_year_that_is_not_announced_yet_has_its_statutory_holidays_and_says_so():
    assert announced(2026)
    assert not announced(2031)
    assert workdays("CN")(date(2031, 10, 1))


def test_workdays_count_over_spring_festival():
    china = Calendar("Asia/Shanghai", workdays("CN"))
    thursday = datetime(2026, 2, 12, 2, tzinfo=UTC)

    # Friday 13, Saturday 14 (made up), then Tuesday 24 when the holidays are over.
    assert china.after(Duration.parse("3 workdays"), thursday) == datetime(2026, 2, 24, 2, tzinfo=UTC)


def test_the_same_country_gives_an_equal_calendar():
    assert Calendar("UTC", workdays("DE")) == Calendar("UTC", workdays("DE"))


@pytest.mark.parametrize("country", ["", "XX", "cn", "CHN", "China", "US-CA"])
def test_an_unknown_country_is_a_key_error(country):
    assert country not in countries()
    with pytest.raises(KeyError):
        workdays(country)
