"""`send_content` and `check_response`: from asking for a message to knowing whether it was answered."""

import json
from datetime import timedelta

import pytest

from nodes.check_response import CheckResponse
from nodes.send_content import SendContent
from nodes.tag import Tag
from nurture import Calendar, Go, Problem, Send, Wait
from nurture.testing import click, heard, message, moment, reply, snap, view
from nurture.workdays import workdays


def made(node_type, **settings):
    return node_type.model_validate_json(json.dumps(settings))


SEND = made(SendContent, content="bait")


def test_entering_asks_for_the_message_and_waits_for_its_verdict():
    answer = SEND.decide(snap("6 Mar 09:30"))

    assert answer == Wait(
        moment("21 Mar 09:30"), effects=(Send("email", "bait"),), because="waiting for email to take it"
    )


@pytest.mark.parametrize("state", ["pending", "sending", "awaiting_confirmation"])
def test_a_message_on_its_way_is_not_asked_for_again(state):
    answer = SEND.decide(
        snap("7 Mar 09:30", entered="6 Mar 09:30", touches=[message("here", asked="6 Mar 09:30", state=state)])
    )

    assert answer == Wait(moment("21 Mar 09:30"), because="waiting for email to take it")


@pytest.mark.parametrize(("now", "until"), [("21 Mar 09:30", "22 Mar 09:30"), ("1 May 10:00", "2 May 09:30")])
def test_without_a_verdict_it_is_looked_at_once_a_day(now, until):
    answer = SEND.decide(snap(now, entered="6 Mar 09:30", touches=[message("here", asked="6 Mar 09:30")]))

    assert answer.until == moment(until)


@pytest.mark.parametrize(
    ("touch", "outcome", "because"),
    [
        (message("here", sent="6 Mar 10:00"), "sent", "sent by email"),
        (message("here", sent="6 Mar 10:00", state="ambiguous"), "sent", "sent by email (nobody can know for certain)"),
        (message("here", unsent="6 Mar 10:00", because="no address"), "unsent", "never sent: no address"),
        (message("here", unsent="6 Mar 10:00", state="cancelled"), "unsent", "never sent: cancelled"),
    ],
)
def test_a_verdict_is_a_way_out(touch, outcome, because):
    assert SEND.decide(snap("6 Mar 10:00", entered="6 Mar 09:30", touches=[touch])) == Go(outcome, because=because)


def test_another_nodes_message_is_not_this_ones():
    answer = SEND.decide(snap(touches=[message("elsewhere", sent="5 Mar 10:00")]))

    assert len(answer.effects) == 1


def test_the_settings_of_a_message_reach_its_effect():
    node = made(
        SendContent, channel="wechat", content="bait", purpose="service", on_unknown="retry", expires_after="5 workdays"
    )

    assert node.contents() == (("wechat", "bait"),)
    (effect,) = node.decide(snap()).effects
    assert effect == Send("wechat", "bait", "service", timedelta(days=7), "retry")


# --- check_response ----------------------------------------------------------------------------------------------

SENT = message("bait", sent="5 Mar 09:00", asked="4 Mar 22:00")
LATER = message("later", sent="6 Mar 09:00")
WITHIN = made(CheckResponse, to="bait", within="1 day")
LOOKING_BACK = made(CheckResponse, to="bait")


@pytest.mark.parametrize(
    ("signal", "now", "because"),
    [
        pytest.param(view("5 Mar 11:00"), "5 Mar 11:00", "viewed at 5 Mar 11:00, 2 hours after it was sent", id="at once"),
        pytest.param(reply("6 Mar 08:59"), "9 Mar 09:30", "replied at 6 Mar 08:59, 23 hours after it was sent", id="given in time, heard of too late, still counts"),
        pytest.param(click("5 Mar 09:00"), "9 Mar 09:30", "clicked at 5 Mar 09:00, less than a minute after it was sent", id="in the same moment"),
        pytest.param(click("5 Mar 09:01", to="bait"), "9 Mar 09:30", "clicked at 5 Mar 09:01, 1 minute after it was sent", id="to exactly this message"),
    ],
)  # fmt: skip
def test_a_response_in_time_is_a_yes(signal, now, because):
    answer = WITHIN.decide(snap(now, entered="5 Mar 09:00", touches=[SENT], signals=[signal]))

    assert answer == Go("yes", because=because)


@pytest.mark.parametrize(
    "signal",
    [
        pytest.param(reply("6 Mar 09:00"), id="at the deadline"),
        pytest.param(reply("6 Mar 09:29"), id="after the deadline"),
        pytest.param(reply("5 Mar 08:59"), id="before it was handed over, though after it was planned"),
        pytest.param(reply("5 Mar 10:00", to="other"), id="to another message"),
        pytest.param(heard("replied", "5 Mar 10:00", campaign="other"), id="to another campaign"),
        pytest.param(heard("visited", "5 Mar 10:00"), id="that is no evidence"),
    ],
)
def test_no_response_in_time_is_a_no_at_the_deadline(signal):
    scene = {"entered": "5 Mar 09:00", "touches": [SENT], "signals": [signal]}

    assert WITHIN.decide(snap("6 Mar 09:30", **scene)) == Go(
        "no", because="not viewed or clicked or replied or submitted within 1 day"
    )
    assert WITHIN.decide(snap("6 Mar 08:59", **scene)) == Wait(
        moment("6 Mar 09:00"),
        wake_on=("viewed", "clicked", "replied", "submitted"),
        because="waiting for a response until 6 Mar 09:00",
    )


def test_a_click_may_be_heard_before_our_own_sent_is():
    touch = message("bait", asked="5 Mar 08:00", sent="5 Mar 09:00")
    started = type(touch)(
        touch.node, touch.channel, touch.content, "sent", touch.asked_at, moment("5 Mar 08:59"), touch.settled_at
    )

    answer = WITHIN.decide(snap("5 Mar 09:30", touches=[started], signals=[click("5 Mar 08:59", to="bait")]))

    assert answer == Go("yes", because="clicked at 5 Mar 08:59, less than a minute after it was sent")


@pytest.mark.parametrize("node", [WITHIN, LOOKING_BACK])
def test_what_was_never_sent_is_not_answered(node):
    touch = message("bait", unsent="5 Mar 09:00", because="hard bounce")

    answer = node.decide(snap("5 Mar 09:00", touches=[touch], signals=[reply("5 Mar 09:00")]))

    assert answer == Go("no", because="never sent: hard bounce")


def test_without_a_window_it_looks_back_and_answers_now():
    assert LOOKING_BACK.decide(snap("6 Mar 09:00", touches=[SENT])).outcome == "no"
    assert LOOKING_BACK.decide(snap("6 Mar 09:00", touches=[SENT], signals=[reply("5 Mar 12:00")])).outcome == "yes"
    assert LOOKING_BACK.decide(snap("5 Mar 08:00", touches=[SENT])) == Go("no", because="not sent yet")


def test_a_message_that_is_not_sent_yet_is_waited_for():
    answer = WITHIN.decide(snap("5 Mar 08:00", touches=[SENT]))

    assert answer == Wait(moment("6 Mar 08:00"), because="waiting for the message to be sent")


def test_by_default_the_last_message_is_meant():
    node = made(CheckResponse, within="1 day")

    answer = node.decide(
        snap("6 Mar 10:00", touches=[SENT, LATER], signals=[reply("6 Mar 08:00"), view("6 Mar 09:30")])
    )

    assert answer == Go("yes", because="viewed at 6 Mar 09:30, 30 minutes after it was sent")


def test_a_message_that_was_never_asked_for_is_no_no():
    with pytest.raises(LookupError, match="no message of bait"):
        WITHIN.decide(snap())


def test_the_window_is_counted_in_the_leads_days():
    node = made(CheckResponse, to="bait", within="1 workday")
    friday = message("bait", sent="13 Feb 03:00")
    china = Calendar("UTC", workdays("CN"))

    # The Saturday before Spring Festival is worked in China; a German lead has until Monday.
    assert node.decide(snap("13 Feb 04:00", touches=[friday], calendar=china)).until == moment("14 Feb 03:00")
    assert node.decide(snap("13 Feb 04:00", touches=[friday])).until == moment("16 Feb 03:00")


# --- what only the campaign shows ----------------------------------------------------------------------------------


SCANNER = heard("clicked", "6 Mar 10:01", to="bait", confidence="machine", because="5 links within 10 seconds")
NOBODY = heard("viewed", "6 Mar 10:02", to="bait", confidence="unknown", because="many recipients at once")


@pytest.mark.parametrize(
    ("least", "signals", "answer"),
    [
        (
            "human",
            [SCANNER, NOBODY],
            Go(
                "no",
                because="not clicked or viewed within 2 days; not counted: clicked by a machine"
                " (5 links within 10 seconds) and 1 more",
            ),
        ),
        (
            "human",
            [SCANNER, click("7 Mar 10:00", to="bait")],
            Go(
                "yes",
                because="clicked at 7 Mar 10:00, 24 hours after it was sent; not counted: clicked by a machine"
                " (5 links within 10 seconds)",
            ),
        ),
        (
            "unknown",
            [SCANNER, NOBODY],
            Go(
                "yes",
                because="viewed at 6 Mar 10:02, 2 minutes after it was sent; not counted: clicked by a machine"
                " (5 links within 10 seconds)",
            ),
        ),
        ("machine", [SCANNER, NOBODY], Go("yes", because="clicked at 6 Mar 10:01, 1 minute after it was sent")),
    ],
)
def test_a_person_counts_and_the_reason_says_who_did_not(least, signals, answer):
    node = made(CheckResponse, to="bait", evidence=["clicked", "viewed"], within="2 days", confidence=least)
    touches = [message("bait", sent="6 Mar 10:00")]

    assert node.decide(snap("8 Mar 10:00", entered="6 Mar 10:00", touches=touches, signals=signals)) == answer


class Spot:
    """A place in a campaign: `always` and `sometimes` lie before it."""

    node = "asks"

    def __init__(self, always=(), sometimes=()):
        self.always, self.sometimes = dict(always), {**dict(always), **dict(sometimes)}

    def always_before(self):
        return self.always

    def sometimes_before(self):
        return self.sometimes

    def channels(self):
        return {"email": frozenset({"viewed", "clicked", "replied"}), "sms": frozenset()}

    def error(self, code, what, hint="", at=""):
        return Problem("/nodes/asks" + at, code, what, hint)

    def warning(self, code, what, hint="", at=""):
        return Problem("/nodes/asks" + at, code, what, hint, "warning")

    def did_you_mean(self, word, among):
        return f"one of {', '.join(among)}"


BAIT = {"bait": SEND}
TAGGED = {"tagged": Tag(add=("x",))}


@pytest.mark.parametrize(
    ("settings", "spot", "found"),
    [
        ({"to": "bait"}, Spot(BAIT), []),
        ({}, Spot(BAIT), []),
        ({}, Spot(), [("E_RESPONSE", "/nodes/asks")]),
        ({}, Spot(sometimes=BAIT), [("E_RESPONSE", "/nodes/asks")]),
        ({"to": "bait"}, Spot(sometimes=BAIT), [("E_RESPONSE", "/nodes/asks/to")]),
        ({"to": "tagged"}, Spot(BAIT | TAGGED), [("E_RESPONSE", "/nodes/asks/to")]),
        ({"evidence": ["clicked", "attended"]}, Spot(BAIT), [("W_EVIDENCE", "/nodes/asks/evidence")]),
        ({"evidence": ["viewed"]}, Spot(BAIT), [("W_WEAK_EVIDENCE", "/nodes/asks/evidence")]),
        ({}, Spot({"sms": made(SendContent, channel="sms", content="x")}), [("W_EVIDENCE", "/nodes/asks/evidence")]),
        ({}, Spot({"odd": made(SendContent, channel="pigeon", content="x")}), []),
    ],
)
def test_the_check_needs_its_message_on_every_path(settings, spot, found):
    problems = list(made(CheckResponse, **settings).check(spot))

    assert [(problem.code, problem.where) for problem in problems] == found
