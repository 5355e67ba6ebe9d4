"""Whatever goes wrong between us and the relay, the verdict is what the relay knows to be true.

The numbers are those of the SMTP test list in the reliability requirements.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from nurture.channels.base import Ambiguous, NotSent, Refused, Sent, Verdict
from nurture.testing.smtp import Fault

FOR_EVER = None


def fault(at: Any, say: str | None = None, **more: Any) -> Fault:
    return Fault(at, say=say, times=more.pop("times", FOR_EVER), **more)


def word(verdict: Verdict) -> str:
    match verdict:
        case Sent():
            return "sent"
        case Ambiguous():
            return "ambiguous"
        case NotSent(because) | Refused(because):
            return because


def true_to(verdict: Verdict, copies: int) -> bool:
    """The verdict says what the server's log says, or admits that it does not know."""
    return copies == 1 if isinstance(verdict, Sent) else copies <= 1 if isinstance(verdict, Ambiguous) else copies == 0


BEFORE_A_SESSION = {
    "S01 a silent banner": (fault("connect", "", then="silence"), "connection"),
    "S02 a banner of 421": (fault("connect", "421 4.3.2 busy"), "connection"),
    "S03 a banner of 554": (fault("connect", "554 5.7.1 go away", then="close"), "sender"),
    "S04 a banner of garbage": (fault("connect", "\x00\xffHTTP/1.1 400", then="close"), "connection"),
    "S04 a connection closed at once": (fault("connect", "", then="close"), "connection"),
    "S06 dropped at EHLO": (fault("ehlo", "", then="reset"), "connection"),
    "S06 silent at EHLO": (fault("ehlo", "", then="silence"), "connection"),
    "S06 EHLO and HELO both refused": (fault("ehlo", "500 what", then="close"), "sender"),
    "S31 a greeting without end": (fault("ehlo", "250-x\r\n" * 20_000 + "250 x"), "connection"),
}

BEFORE_THE_MESSAGE = {
    "S08 MAIL 451": (fault("mail", "451 4.3.0 later"), "temporary"),
    "S09 MAIL 552": (fault("mail", "552 5.3.4 too big"), "too_large"),
    "S10 MAIL dropped": (fault("mail", "", then="reset"), "connection"),
    "S10 MAIL silent": (fault("mail", "", then="silence"), "connection"),
    "S10 MAIL garbage": (fault("mail", "gnarf"), "connection"),
    "S08 MAIL 550, the sender is not wanted": (fault("mail", "550 5.1.8 bad sender"), "sender"),
    "S08 MAIL 530, log in first": (fault("mail", "530 5.7.0 log in"), "sender"),
    "S08 MAIL answered with a 354": (fault("mail", "354 go on"), "temporary"),
    "S11 RCPT 450 greylist": (fault("rcpt", "450 4.7.1 greylisted, try again in 300 seconds"), "greylisted"),
    "S11 RCPT 450 without more": (fault("rcpt", "450 try later"), "greylisted"),
    "S11 RCPT 451 greylist": (fault("rcpt", "451 4.7.1 Greylisting in action"), "greylisted"),
    "S11 RCPT 452, the mailbox is full": (fault("rcpt", "452 4.2.2 full"), "temporary"),
    "S12 RCPT 550 5.1.1": (fault("rcpt", "550 5.1.1 no such user"), "hard_bounce"),
    "S12 RCPT 550 in old words": (fault("rcpt", "550 no such user here"), "hard_bounce"),
    "S12 RCPT 556 5.1.10, a null MX": (fault("rcpt", "556 5.1.10 no mail here"), "hard_bounce"),
    "S13 RCPT 550 5.7.1": (fault("rcpt", "550 5.7.1 policy"), "standing"),
    "S13 RCPT 554 blocked, in old words": (fault("rcpt", "554 blocked, see spamhaus"), "standing"),
    "S13 RCPT 550 relaying denied": (fault("rcpt", "550 relaying denied"), "standing"),
    "S14 RCPT 421": (fault("rcpt", "421 4.7.0 too many"), "busy"),
    "S14 RCPT dropped": (fault("rcpt", "", then="close"), "connection"),
    "S14 RCPT garbage": (fault("rcpt", "\x1b[31mred\x1b[0m"), "connection"),
    "S14 RCPT multi-line": (fault("rcpt", "550-5.1.1 no\r\n550 5.1.1 really no"), "hard_bounce"),
    "S16 DATA 451": (fault("data", "451 4.3.0 later"), "temporary"),
    "S16 DATA 554": (fault("data", "554 5.5.1 no valid recipients"), "temporary"),
    "S16 DATA dropped before 354": (fault("data", "", then="reset"), "connection"),
    "S16 DATA silent": (fault("data", "", then="silence"), "connection"),
    "S16 DATA answered 250": (fault("data", "250 what"), "temporary"),
}

IN_THE_MESSAGE = {
    "S16 354 and then dropped": (fault("body", then="reset"), "ambiguous"),
    "S17 dropped in the message": (fault("body", then="close"), "ambiguous"),
    "S17 silent in the message": (fault("body", then="silence"), "ambiguous"),
    "S18 dot 451": (fault("dot", "451 4.3.0 later"), "temporary"),
    "S19 dot 421": (fault("dot", "421 4.3.2 going down"), "busy"),
    "S20 dot 550": (fault("dot", "550 not wanted"), "policy"),
    "S20 dot 550 5.1.1": (fault("dot", "550 5.1.1 no such user"), "hard_bounce"),
    "S20 dot 550 5.6.0": (fault("dot", "550 5.6.0 malformed"), "bad_content"),
    "S20 dot 550 5.7.26": (fault("dot", "550-5.7.26 unauthenticated\r\n550 5.7.26 see DMARC"), "standing"),
    "S20 dot 550 5.7.515": (fault("dot", "550 5.7.515 access denied"), "standing"),
    "S20 dot 554 5.3.4": (fault("dot", "554 5.3.4 too big"), "too_large"),
    "S21 dot 552": (fault("dot", "552 5.2.2 full"), "temporary"),
    "S22 taken, then RST": (fault("dot", "", then="reset", accept=True), "ambiguous"),
    "S23 taken, then FIN": (fault("dot", "", then="close", accept=True), "ambiguous"),
    "S24 taken, then silence": (fault("dot", "", then="silence", accept=True), "ambiguous"),
    "S25 taken, then garbage": (fault("dot", "\x00\x00gnarf", accept=True), "ambiguous"),
    "S25 taken, then a 354": (fault("dot", "354 go on", accept=True), "ambiguous"),
    "S25 not taken, silence": (fault("dot", "", then="silence", accept=False), "ambiguous"),
    "S26 a late 250": (fault("dot", delay=0.15), "sent"),
    "S26 a dripping 250": (fault("dot", "250 ok", drip=0.01), "sent"),
    "S26 another yes": (fault("dot", "251 taken"), "sent"),
    "S27 250, then RST": (fault("dot", "250 taken", then="reset"), "sent"),
    "S28 250, then silence": (fault("dot", "250 taken", then="silence"), "sent"),
}


@pytest.mark.parametrize(("wrong", "expected"), BEFORE_A_SESSION.values(), ids=BEFORE_A_SESSION)
def test_what_goes_wrong_before_a_session_has_sent_nothing(each_scene: Any, wrong: Fault, expected: str) -> None:
    verdict, copies = each_scene.send(wrong)

    assert word(verdict) == expected
    assert isinstance(verdict, NotSent)
    assert copies == 0


@pytest.mark.parametrize("reused", [False, True], ids=["fresh", "reused"])
@pytest.mark.parametrize(("wrong", "expected"), BEFORE_THE_MESSAGE.values(), ids=BEFORE_THE_MESSAGE)
def test_what_goes_wrong_before_the_message_has_certainly_sent_nothing(
    each_scene: Any, wrong: Fault, expected: str, reused: bool
) -> None:
    verdict, copies = each_scene.send(wrong, reused=reused)

    assert word(verdict) == expected
    assert isinstance(verdict, NotSent | Refused)
    assert copies == 0


@pytest.mark.parametrize("reused", [False, True], ids=["fresh", "reused"])
@pytest.mark.parametrize(("wrong", "expected"), IN_THE_MESSAGE.values(), ids=IN_THE_MESSAGE)
def test_after_the_first_byte_only_a_reply_to_the_final_dot_tells(
    each_scene: Any, wrong: Fault, expected: str, reused: bool
) -> None:
    verdict, copies = each_scene.send(wrong, reused=reused)

    assert word(verdict) == expected
    assert true_to(verdict, copies)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(fault("mail", "421 4.4.2 idle too long", times=1), id="S29 421 at the next message"),
        pytest.param(fault("mail", "", then="close", times=1), id="the session was closed meanwhile"),
        pytest.param(fault("rcpt", "", then="reset", times=1), id="the session broke before the message"),
    ],
)
def test_a_session_that_ended_while_idle_costs_the_message_nothing(each_scene: Any, wrong: Fault) -> None:
    verdict, copies = each_scene.send(wrong, reused=True)

    assert word(verdict) == "sent"
    assert copies == 1


def test_a_greylisted_lead_is_tried_again_after_five_minutes_and_passes(scene: Any) -> None:
    verdict, _ = scene.send(fault("rcpt", "450 4.7.1 greylisted"))

    assert isinstance(verdict, NotSent)
    assert verdict.retry_after is not None
    assert verdict.retry_after >= timedelta(minutes=5)


def test_a_server_that_knows_only_helo_gets_its_mail(scene: Any) -> None:
    verdict, copies = scene.send(fault("ehlo", "500 5.5.1 what?"))

    assert word(verdict) == "sent"
    assert copies == 1


def test_a_port_where_nobody_listens_is_not_sent(scene: Any) -> None:
    """S05."""
    scene.relay["port"] = 9

    verdict, copies = scene.send()

    assert word(verdict) == "connection"
    assert copies == 0
