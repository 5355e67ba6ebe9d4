from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.calendar import Calendar, Duration, SendWindow, time_zone

SHANGHAI = Calendar("Asia/Shanghai")
BERLIN = Calendar("Europe/Berlin")
NEW_YORK = Calendar("America/New_York")
OFFICE = SendWindow("workdays", "09:30", "18:00")
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))
ZONES = st.sampled_from(
    ["UTC", "Asia/Shanghai", "Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "Pacific/Chatham"]
)


def at(zone, text):
    return datetime.fromisoformat(text).replace(tzinfo=time_zone(zone)).astimezone(UTC)


@pytest.mark.parametrize(
    ("duration", "start", "end"),
    [
        pytest.param("3 days", "2026-03-06 09:00", "2026-03-09 09:00", id="days keep the time of day"),
        pytest.param("1 day", "2026-03-28 12:00", "2026-03-29 12:00", id="a day with 23 hours is a day"),
        pytest.param("24 hours", "2026-03-28 12:00", "2026-03-29 13:00", id="24 hours are 24 hours"),
        pytest.param("1 day", "2026-03-28 02:30", "2026-03-29 03:00", id="a skipped time is the first after the gap"),
        pytest.param("1 day", "2026-10-24 02:30", "2026-10-25 02:30", id="a time that comes twice is the first"),
        pytest.param("1 week", "2026-02-22 02:30", "2026-03-01 02:30", id="a week is seven days"),
        pytest.param("366 days", "2028-02-29 08:00", "2029-03-01 08:00", id="from a leap day into a common year"),
        pytest.param("1 workday", "2026-03-06 17:00", "2026-03-09 17:00", id="Friday and one workday is Monday"),
        pytest.param("1 workday", "2026-03-07 10:00", "2026-03-09 10:00", id="Saturday and one workday is Monday too"),
        pytest.param("5 workdays", "2026-03-06 17:00", "2026-03-13 17:00", id="five workdays are a week"),
        pytest.param("0 days", "2026-10-25 02:30", "2026-10-25 02:30", id="no time at all"),
    ],
)
def test_after(duration, start, end):
    assert BERLIN.after(Duration.parse(duration), at("Europe/Berlin", start)) == at("Europe/Berlin", end)


@pytest.mark.parametrize(
    ("after", "time_of_day", "weekday", "then"),
    [
        ("2026-03-06 08:59", time(9), None, "2026-03-06 09:00"),
        ("2026-03-06 09:00", time(9), None, "2026-03-07 09:00"),
        ("2026-03-06 09:01", time(9), "monday", "2026-03-09 09:00"),
        ("2026-03-09 09:00", time(9), "monday", "2026-03-16 09:00"),
        ("2026-03-09 08:00", None, "monday", "2026-03-16 00:00"),
        ("2026-03-29 01:00", time(2, 30), None, "2026-03-29 03:00"),
        ("2026-03-29 03:00", time(2, 30), None, "2026-03-30 02:30"),
    ],
)
def test_the_next_time_is_always_a_later_one(after, time_of_day, weekday, then):
    moment = BERLIN.next_time(at("Europe/Berlin", after), time=time_of_day, weekday=weekday)

    assert moment == at("Europe/Berlin", then)


def test_of_two_half_past_ones_only_the_first_counts():
    first = at("America/New_York", "2026-11-01 01:30")

    assert NEW_YORK.next_time(first - timedelta(minutes=1), time=time(1, 30)) == first
    assert NEW_YORK.next_time(first, time=time(1, 30)) == at("America/New_York", "2026-11-02 01:30")


def test_a_date_that_a_country_skipped_is_the_first_moment_after_it():
    apia = Calendar("Pacific/Apia")

    assert apia.on_date(date(2011, 12, 30), time(12)) == datetime(2011, 12, 30, 10, tzinfo=UTC)
    assert apia.local(apia.on_date(date(2011, 12, 30), time(12))).date() == date(2011, 12, 31)
    assert apia.after(Duration.parse("1 day"), at("Pacific/Apia", "2011-12-29 12:00")) == at(
        "Pacific/Apia", "2011-12-31 00:00"
    )


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        pytest.param("2026-03-06 09:29", "2026-03-06 09:30", id="before it opens"),
        pytest.param("2026-03-06 09:30", "2026-03-06 09:30", id="as it opens"),
        pytest.param("2026-03-06 17:59", "2026-03-06 17:59", id="just before it closes"),
        pytest.param("2026-03-06 18:00", "2026-03-09 09:30", id="as it closes before a weekend"),
        pytest.param("2026-03-07 12:00", "2026-03-09 09:30", id="on a Saturday"),
    ],
)
def test_a_message_leaves_when_the_window_is_open(moment, opens):
    assert SHANGHAI.open_at(OFFICE, at("Asia/Shanghai", moment)) == at("Asia/Shanghai", opens)


def test_a_window_may_end_with_the_day_and_name_its_days():
    late = SendWindow(("saturday",), "20:00", "24:00")

    assert SHANGHAI.open_at(late, at("Asia/Shanghai", "2026-03-07 23:59")) == at("Asia/Shanghai", "2026-03-07 23:59")
    assert SHANGHAI.open_at(late, at("Asia/Shanghai", "2026-03-08 00:00")) == at("Asia/Shanghai", "2026-03-14 20:00")


def test_a_clock_set_back_over_midnight_opens_a_window_that_the_day_before_closed():
    havana = Calendar("America/Havana")
    evening = SendWindow("every day", "23:00", "24:00")
    second_half_past_midnight = at("America/Havana", "2026-11-01 00:30") + timedelta(hours=1)

    assert havana.open_at(evening, second_half_past_midnight) == at("America/Havana", "2026-11-01 23:00")


def test_a_window_in_a_calendar_without_workdays_is_an_error_and_not_an_endless_search():
    never = Calendar("UTC", lambda _: True)

    with pytest.raises(ValueError, match="not open"):
        never.open_at(OFFICE, datetime(2026, 3, 6, tzinfo=UTC))
    with pytest.raises(ValueError, match="no workday"):
        never.after(Duration.parse("1 workday"), datetime(2026, 3, 6, tzinfo=UTC))


@pytest.mark.parametrize(
    "shape",
    [
        {"days": "weekdays", "from": "09:30", "to": "18:00"},
        {"days": [], "from": "09:30", "to": "18:00"},
        {"days": ["Monday"], "from": "09:30", "to": "18:00"},
        {"days": "workdays", "from": "18:00", "to": "09:30"},
        {"days": "workdays", "from": "9:30", "to": "18:00"},
        {"days": "workdays", "from": 930, "to": "18:00"},
        {"days": 5, "from": "09:30", "to": "18:00"},
        {"days": "workdays", "from": "09:30"},
        {"days": "workdays", "from": "09:30", "to": "18:00", "zone": "UTC"},
    ],
)
def test_a_window_of_another_shape_is_refused(shape):
    with pytest.raises(ValueError):
        SendWindow.from_json(shape)


@pytest.mark.parametrize("days", ["workdays", "every day", ["monday", "friday"]])
def test_a_window_is_written_back_as_it_was_read(days):
    shape = {"days": days, "from": "09:30", "to": "24:00"}

    assert SendWindow.from_json(shape).as_json() == shape


@pytest.mark.parametrize(
    "name",
    [
        "CST",
        "EST",
        "PRC",
        "GMT+8",
        "UTC+8",
        "Asia/Beijing",
        "asia/shanghai ",
        "../etc/passwd",
        "/usr/share/zoneinfo/UTC",
        "right/Asia/Shanghai",
        "posix/Asia/Shanghai",
        "Asia/",
        "",
        "Asia/Shang\x00hai",
    ],
)
def test_a_zone_has_its_iana_name(name):
    with pytest.raises(ValueError, match="IANA name"):
        Calendar().in_zone(name)


def test_a_lead_without_a_zone_lives_by_the_campaigns_clock():
    assert SHANGHAI.in_zone(None) is SHANGHAI
    assert SHANGHAI.in_zone("Europe/Berlin") == BERLIN


def test_a_moment_is_said_on_the_leads_wall_in_every_locale():
    assert SHANGHAI.say(datetime(2026, 3, 6, 0, 59, tzinfo=UTC)) == "6 Mar 08:59"


@given(
    moment=MOMENTS,
    zone=ZONES,
    window=st.sampled_from(
        [OFFICE, SendWindow("every day", "00:00", "24:00"), SendWindow(("sunday",), "00:30", "03:00")]
    ),
)
def test_an_open_window_stays_and_a_closed_one_opens_later(moment, zone, window):
    calendar = Calendar(zone)
    opens = calendar.open_at(window, moment)

    assert opens >= moment
    assert calendar.open_at(window, opens) == opens


@given(
    moment=MOMENTS,
    zone=ZONES,
    unit=st.sampled_from(["minute", "hour", "day", "workday", "week"]),
    amount=st.integers(1, 300),
)
def test_what_comes_after_is_later_and_more_of_it_is_later_still(moment, zone, unit, amount):
    calendar = Calendar(zone)

    assert moment < calendar.after(Duration(amount, unit), moment) < calendar.after(Duration(amount + 1, unit), moment)
