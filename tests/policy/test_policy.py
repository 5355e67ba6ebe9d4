"""May this message go out now?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from nurture import Calendar, SendWindow
from nurture.policy import Allow, Cap, Circumstances, Defer, QuietHours, Refuse, may_send
from nurture.testing import moment

NOON = moment("4 Mar 12:00")
WINDOW = SendWindow("workdays", "09:30", "18:00")


def ask(now: str = "4 Mar 12:00", **about: Any) -> Allow | Defer | Refuse:
    known: dict[str, Any] = {
        "marketing": True,
        "expires": moment("18 Mar 12:00"),
        "suppressed": None,
        "owner": None,
        "started": [],
        "calendar": Calendar(),
        "window": None,
    }
    return may_send(
        Circumstances(**{**known, **about}), now=moment(now), cap=Cap(), quiet=QuietHours.parse("21:00-08:00")
    )


def test_what_nothing_forbids_goes_out() -> None:
    assert ask() == Allow()


def test_a_suppressed_address_is_never_written_to_even_for_service() -> None:
    assert isinstance(ask(suppressed="unsubscribed", marketing=False), Refuse)


def test_a_message_nobody_could_send_in_time_is_given_up() -> None:
    assert ask("18 Mar 12:00") == Refuse("expired: it could not be sent in time")


def test_marketing_holds_its_tongue_while_sdr_works_with_the_lead() -> None:
    held = ask(owner="sdr")

    assert isinstance(held, Defer)
    assert (held.what, held.until) == ("held", moment("18 Mar 12:00"))
    assert ask(owner="sdr", marketing=False) == Allow()


@pytest.mark.parametrize(
    ("now", "until"),
    [
        pytest.param("4 Mar 08:00", "4 Mar 09:30", id="before it opens"),
        pytest.param("6 Mar 18:00", "9 Mar 09:30", id="closed on Friday evening, open on Monday"),
        pytest.param("7 Mar 12:00", "9 Mar 09:30", id="no work on Saturday"),
    ],
)
def test_a_send_window_puts_a_message_off_and_never_drops_it(now: str, until: str) -> None:
    answer = ask(now, window=WINDOW)

    assert isinstance(answer, Defer)
    assert answer.until == moment(until)


def test_the_window_is_on_the_leads_clock() -> None:
    shanghai = Calendar("Asia/Shanghai")

    assert ask("4 Mar 02:00", window=WINDOW, calendar=shanghai) == Allow()
    assert ask("4 Mar 12:00", window=WINDOW, calendar=shanghai) == Defer(
        moment("5 Mar 01:30"), "outside the campaign's send window, until 5 Mar 09:30"
    )


@pytest.mark.parametrize(("now", "until"), [("4 Mar 23:00", "5 Mar 08:00"), ("4 Mar 07:59", "4 Mar 08:00")])
def test_nobody_is_written_to_at_night(now: str, until: str) -> None:
    assert ask(now) == Defer(moment(until), f"quiet hours where the lead lives, until {until}")


def test_one_marketing_message_a_day_and_person() -> None:
    answer = ask(started=[moment("3 Mar 15:00")])

    assert isinstance(answer, Defer)
    assert answer.until == moment("4 Mar 15:00")
    assert answer.because == "frequency cap: 1 message in the last 24 hours, until 4 Mar 15:00"
    assert ask(started=[NOON - timedelta(days=1)]) == Allow()


@pytest.mark.parametrize("text", ["", "1", "one per day", "0 per 1 day", "1 per 1 moon"])
def test_a_cap_nobody_can_read_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="1 per 1 day"):
        Cap.parse(text)


def test_caps_and_quiet_hours_can_be_switched_off() -> None:
    assert Cap.parse("none") is None
    assert Cap.parse("3 per 7 days") == Cap(3, timedelta(days=7))
    assert QuietHours.parse("none") is None
