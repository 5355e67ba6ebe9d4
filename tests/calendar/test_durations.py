from datetime import timedelta

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from nurture.calendar import Duration, WaitDuration, clock, day, span


class Patience(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)

    long: Duration
    wait: WaitDuration | None = None


@pytest.mark.parametrize("text", ["1 minute", "90 minutes", "12 hours", "1 day", "3 days", "3 workdays", "2 weeks"])
def test_a_duration_is_written_back_as_it_was_read(text):
    assert str(Duration.parse(text)) == text
    assert (
        Patience.model_validate_json(f'{{"long": "{text}"}}').model_dump_json(exclude_unset=True)
        == f'{{"long":"{text}"}}'
    )


@pytest.mark.parametrize(
    "text",
    [
        "P3D",
        "3",
        "3d",
        "3days",
        "-1 days",
        "0.5 days",
        "3  days",
        " 3 days",
        "3 days ",
        "03 days",
        "3 Days",
        "three days",
        "3 months",
        "٣ days",
        "3 days\n",
        "1000000 days",
        "999999999999 days",
        "",
    ],
)
def test_another_spelling_is_refused_with_the_right_one(text):
    with pytest.raises(ValueError, match="such as '3 days'"):
        Duration.parse(text)


@pytest.mark.parametrize("value", ["3", "3.5", "true", "null", '["3 days"]', "{}"])
def test_a_duration_is_a_text(value):
    with pytest.raises(ValidationError, match="a duration is a text"):
        Patience.model_validate_json(f'{{"long": {value}}}')


@pytest.mark.parametrize("text", ["1 minute", "366 days", "8784 hours", "52 weeks", "261 workdays"])
def test_a_lead_may_wait_from_a_minute_to_366_days(text):
    assert Patience(long=Duration.parse("1 day"), wait=Duration.parse(text)).wait == Duration.parse(text)


@pytest.mark.parametrize(
    "text", ["0 minutes", "0 days", "367 days", "8785 hours", "53 weeks", "262 workdays", "999999 weeks"]
)
def test_no_lead_waits_shorter_or_longer(text):
    with pytest.raises(ValidationError, match="between 1 minute and 366 days"):
        Patience(long=Duration.parse("1 day"), wait=Duration.parse(text))


@pytest.mark.parametrize("text", ["24:00", "9:30", "09:60", "09:30:00", "0930", "09:30 ", "０９:30", ""])
def test_a_time_of_day_has_two_digits_each(text):
    with pytest.raises(ValueError, match="write it as '09:30'"):
        clock(text)


@pytest.mark.parametrize(
    "text", ["20260331", "2026-3-31", "2026-W10-1", "31.3.2026", "2026-02-30", "2026-03-31T10:00", 20260331, None]
)
def test_a_date_is_written_year_month_day(text):
    with pytest.raises(ValueError):
        day(text)


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(days=3, hours=23), "3 days"),
        (timedelta(hours=47), "47 hours"),
        (timedelta(hours=1, minutes=59), "1 hour"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(seconds=59), "less than a minute"),
        (timedelta(seconds=-5), "less than a minute"),
    ],
)
def test_a_length_is_said_in_words(length, words):
    assert span(length) == words
