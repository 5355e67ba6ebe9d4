"""The node keeps the contract, and does what its marketers expect."""

import json

from nurture_webinar import InviteToWebinar

from nurture.testing import check_node_type, heard, message, snap

SETTINGS = {"webinar": {"topic": "lead scoring", "starts": "2026-04-21T14:00+08:00"}, "content": "webinar_invitation"}
NODE = InviteToWebinar.model_validate_json(json.dumps(SETTINGS))


def test_the_node_keeps_the_contract():
    over = {"topic": "long ago", "starts": "2026-01-01T09:00Z"}

    check_node_type(InviteToWebinar, SETTINGS, {**SETTINGS, "answer_within": "3 days"}, {**SETTINGS, "webinar": over})


def test_who_registers_in_time_is_tagged_with_the_topic():
    invited = [message("here", sent="6 Apr 09:00")]

    decision = NODE.decide(snap(now="8 Apr 10:00", touches=invited, signals=[heard("registered", "8 Apr 09:59")]))

    assert (decision.outcome, decision.effects[0].add) == ("registered", ("lead scoring",))


def test_a_registration_after_five_workdays_comes_too_late():
    invited = [message("here", sent="6 Apr 09:00")]

    decision = NODE.decide(snap(now="13 Apr 09:00", touches=invited, signals=[heard("registered", "13 Apr 09:00")]))

    assert (decision.outcome, decision.because) == ("not_registered", "no registration until 13 Apr 09:00")


def test_nobody_is_invited_to_what_has_begun():
    decision = NODE.decide(snap(now="21 Apr 06:00"))

    assert decision.because == "lead scoring had begun already"
