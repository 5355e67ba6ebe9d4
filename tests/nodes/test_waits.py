"""`wait` and `route`: nodes that hold a lead for a time of their own choosing."""

import json

import pytest
from pydantic import ValidationError

from nodes.route import Route
from nodes.wait import Wait
from nurture import Calendar, Go, effects
from nurture import Wait as Stay
from nurture.testing import heard, moment, snap


def wait(**settings):
    return Wait.model_validate_json(json.dumps(settings))


def route(**settings):
    return Route.model_validate_json(json.dumps(settings))


@pytest.mark.parametrize(
    ("settings", "until", "because"),
    [
        ({"for": "90 minutes"}, "6 Mar 11:00", "until 6 Mar 11:00 (UTC)"),
        ({"for": "3 days"}, "9 Mar 09:30", "until 9 Mar 09:30 (UTC)"),
        ({"for": "3 workdays"}, "11 Mar 09:30", "until 11 Mar 09:30 (UTC)"),
        ({"until": {"at": "09:00"}}, "7 Mar 09:00", "until 7 Mar 09:00 (UTC)"),
        ({"until": {"at": "10:00"}}, "6 Mar 10:00", "until 6 Mar 10:00 (UTC)"),
        ({"until": {"weekday": "monday", "at": "10:00"}}, "9 Mar 10:00", "until 9 Mar 10:00 (UTC)"),
        ({"until_date": {"field": "renewal"}}, "31 Mar 09:00", "until 31 Mar 09:00 (UTC)"),
        ({"until_date": {"field": "renewal", "at": "18:30"}}, "31 Mar 18:30", "until 31 Mar 18:30 (UTC)"),
    ],
)
def test_how_long_a_lead_waits(settings, until, because):
    lead = {"renewal": "2026-03-31"}

    assert wait(**settings).decide(snap("6 Mar 09:30", lead=lead)) == Stay(moment(until), because=because)
    late = snap("1 Jun 00:00", entered="6 Mar 09:30", lead=lead)
    assert wait(**settings).decide(late).outcome == "next"
    assert wait(**settings).decide(snap(until, entered="6 Mar 09:30", lead=lead)).outcome == "next"


def test_a_wait_is_measured_from_its_entry_on_the_leads_own_clock():
    scene = {"entered": "6 Mar 00:30", "time_zone": "Asia/Shanghai"}

    assert (
        wait(until={"at": "09:00"}).decide(snap("6 Mar 00:40", **scene)).because == "until 6 Mar 09:00 (Asia/Shanghai)"
    )
    assert wait(until={"at": "09:00"}).decide(snap("6 Mar 01:00", **scene)) == Go(
        "next", because="waited until 6 Mar 09:00"
    )


def test_a_wait_ends_with_its_length_as_the_reason():
    assert wait(**{"for": "3 days"}).decide(snap("20 Mar 09:30", entered="6 Mar 09:30")) == Go(
        "next", because="waited 3 days"
    )


def test_a_date_that_was_past_on_entering_waits_no_more_and_says_so():
    answer = wait(until_date={"field": "renewal"}).decide(snap("6 Mar 09:30", lead={"renewal": "2026-03-01"}))

    assert answer == Go("next", because="1 Mar 09:00 was past already")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "renewal is not known"),
        ("", "renewal is not known"),
        ("soon", "not a date"),
        (20260331, "not a date"),
        ("31.03.2026", "not a date"),
        ("2027-06-01", "366 days at most"),
    ],
)
def test_a_date_that_nobody_knows_is_no_way_out(value, words):
    with pytest.raises(ValueError, match=words):
        wait(until_date={"field": "renewal"}).decide(snap(lead={"renewal": value}))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"for": "3 days", "until": {"at": "09:00"}},
        {"for": "0 minutes"},
        {"for": "367 days"},
        {"for": "P3D"},
        {"for": 3},
        {"for_": "3 days"},
        {"until": {}},
        {"until": {"weekday": "monday"}},
        {"until": {"weekday": "Mon", "at": "09:00"}},
        {"until": {"at": "9am"}},
        {"until": {"at": "09:00", "zone": "UTC"}},
        {"until_date": {"at": "09:00"}},
        {"until_date": {"field": ""}},
    ],
)
def test_a_wait_that_makes_no_sense_is_refused(settings):
    with pytest.raises(ValidationError):
        wait(**settings)


# --- route -----------------------------------------------------------------------------------------------------

HANDED = {"entered": "6 Mar 09:30", "node": "to_sdr"}
ANSWERS = ("accepted", "returned")


def test_a_hand_over_says_by_when_an_answer_is_due():
    answer = route(to="sdr", team="north").decide(snap("6 Mar 09:30", node="to_sdr"))

    assert answer == Stay(
        moment("10 Mar 09:30"),
        ANSWERS,
        (effects.Route("sdr", "north", answer_by=moment("10 Mar 09:30")),),
        because="sdr north may answer until 10 Mar 09:30",
    )


@pytest.mark.parametrize(
    ("signals", "outcome", "because"),
    [
        ([heard("accepted", "6 Mar 10:00")], "accepted", "accepted by sales at 6 Mar 10:00"),
        (
            [heard("returned", "6 Mar 10:00", reason="no budget")],
            "returned",
            "returned by sales at 6 Mar 10:00: no budget",
        ),
        (
            [heard("returned", "6 Mar 11:00"), heard("accepted", "6 Mar 10:00")],
            "accepted",
            "accepted by sales at 6 Mar 10:00",
        ),
        (
            [heard("accepted", "10 Mar 09:29", to="to_sdr", campaign="campaign")],
            "accepted",
            "accepted by sales at 10 Mar 09:29",
        ),
        ([heard("accepted", "6 Mar 09:30")], "accepted", "accepted by sales at 6 Mar 09:30"),
        ([], "unanswered", "no answer of sales within 2 workdays"),
        ([heard("accepted", "10 Mar 09:30")], "unanswered", "no answer of sales within 2 workdays"),
        ([heard("accepted", "6 Mar 09:29")], "unanswered", "no answer of sales within 2 workdays"),
        ([heard("accepted", "6 Mar 10:00", campaign="other")], "unanswered", "no answer of sales within 2 workdays"),
        ([heard("accepted", "6 Mar 10:00", to="elsewhere")], "unanswered", "no answer of sales within 2 workdays"),
        ([heard("replied", "6 Mar 10:00")], "unanswered", "no answer of sales within 2 workdays"),
    ],
)
def test_the_first_answer_in_time_is_the_way_out(signals, outcome, because):
    answer = route(to="sales").decide(snap("1 Apr 00:00", **HANDED, signals=signals))

    assert answer == Go(outcome, because=because)


def test_the_pool_takes_the_lead_back_and_says_when_it_may_come_again():
    answer = route(to="pool", again_after="30 days").decide(snap("6 Mar 09:30"))

    assert answer == Go(
        None,
        (effects.Route("pool", eligible=moment("5 Apr 09:30")),),
        because="back to the pool, and may come again from 5 Apr 09:30",
    )
    assert route(to="pool").decide(snap()) == Go(None, (effects.Route("pool"),), because="back to the pool")


def test_the_ways_out_depend_on_who_gets_the_lead():
    assert route(to="sdr").ways_out() == route(to="sales").ways_out() == ("accepted", "returned", "unanswered")
    assert route(to="pool").ways_out() == ()


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"to": "marketing"},
        {"to": "pool", "sla": "2 days"},
        {"to": "pool", "team": "north"},
        {"to": "sdr", "again_after": "30 days"},
        {"to": "sdr", "sla": "0 days"},
        {"to": "sdr", "team": ""},
    ],
)
def test_a_hand_over_that_makes_no_sense_is_refused(settings):
    with pytest.raises(ValidationError):
        route(**settings)


def test_an_sla_in_workdays_skips_the_leads_weekend():
    calendar = Calendar("Asia/Shanghai")

    answer = route(to="sdr", sla="1 workday").decide(snap("6 Mar 09:30", node="to_sdr", calendar=calendar))

    assert answer.until == moment("9 Mar 09:30")
