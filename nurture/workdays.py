"""Which days are off in a country, with the weekends that are worked to make up for a holiday.

The data is that of the `holidays` package. What it knows of China: the swaps of workdays and days off that the State
Council announces each autumn for the year to come. The year after the last announcement (see `announced`) has its
statutory holidays, but no day is swapped yet; update the package when the announcement is out.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import lru_cache

import holidays

__all__ = ["announced", "countries", "workdays"]


@lru_cache(maxsize=1)
def countries() -> frozenset[str]:
    """The two-letter codes (ISO 3166) that `workdays` knows."""
    return frozenset(code for code in holidays.list_supported_countries(include_aliases=False) if len(code) == 2)


@lru_cache(maxsize=64)
def workdays(country: str) -> Callable[[date], bool]:
    """Tells whether a day is off in this country; raises KeyError for an unknown one.

    The same country gives the same function, so that calendars compare equal.
    """
    if country not in countries():
        raise KeyError(country)
    known = holidays.country_holidays(country)

    @lru_cache(maxsize=4096)
    def day_off(day: date) -> bool:
        return not known.is_working_day(day)

    return day_off


def announced(year: int) -> bool:
    """Whether China's swaps for this year are in the data; for `nurture doctor`, each autumn."""
    return any(day.year == year for day in holidays.country_holidays("CN", years=year).weekend_workdays)
