"""Passwords are never said in clear, and what a peer says is kept short and harmless."""

from __future__ import annotations

import re
import ssl
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest

from nurture.channels.base import Ambiguous, Message, NotSent, Refused, Sent
from nurture.channels.email import Email
from nurture.testing.smtp import Catcher, Fault

Make = Callable[..., Message]


async def yes() -> bool:
    return True


# -- S32-S34: TLS and passwords ----------------------------------------------------------------------------------

USER, PASSWORD = "mailer", "correct horse battery"
LOGIN = {"user": USER, "password": PASSWORD}


def overheard(heard: list[Any]) -> str:
    return "\n".join(line.line for line in heard if not line.encrypted)


def assert_no_secret(text: str) -> None:
    for secret in (
        PASSWORD,
        b64encode(PASSWORD.encode()).decode(),
        b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode(),
    ):
        assert secret not in text


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "smtps"])
def test_a_password_is_said_after_the_line_is_secured(scene: Any, message: Make, implicit: bool) -> None:
    scene.encrypted = True
    scene.catcher |= {"users": {USER: PASSWORD}, "implicit_tls": implicit}
    scene.relay |= {**LOGIN, "starttls": not implicit, "implicit_tls": implicit}

    async def story(catcher: Catcher, channel: Email) -> Any:
        return await channel.hand_over(message(), yes), catcher.heard

    verdict, heard = scene.play(story)

    assert isinstance(verdict, Sent)
    assert "AUTH" not in overheard(heard)


@pytest.mark.parametrize(
    ("encrypted", "wrong", "because"),
    [
        pytest.param(False, (), "sender", id="S32 STARTTLS is missing"),
        pytest.param(True, (Fault("starttls", say="454 4.7.0 not now"),), "connection", id="S32 STARTTLS 454"),
        pytest.param(True, (Fault("starttls", say="500 5.5.1 what?"),), "sender", id="S32 STARTTLS 500"),
        pytest.param(True, (Fault("starttls", say="", then="reset"),), "connection", id="S32 STARTTLS dropped"),
        pytest.param(True, (Fault("starttls", say="220 go", then="close"),), "connection", id="S32 dropped after 220"),
        pytest.param(True, (Fault("starttls", say="220 go", then="silence"),), "connection", id="S32 silent after 220"),
    ],
)
def test_without_tls_no_password_is_said_and_no_mail_sent(
    scene: Any, message: Make, encrypted: bool, wrong: tuple[Fault, ...], because: str
) -> None:
    scene.encrypted = encrypted
    scene.catcher["users"] = {USER: PASSWORD}
    scene.relay |= {**LOGIN, "starttls": True}

    async def story(catcher: Catcher, channel: Email) -> Any:
        return await channel.hand_over(message(), yes), catcher.heard, catcher.messages

    verdict, heard, messages = scene.play(story, *wrong)

    assert isinstance(verdict, NotSent)
    assert verdict.because == because
    assert messages == []
    assert "AUTH" not in overheard(heard)
    assert_no_secret(overheard(heard))


def test_words_injected_before_tls_are_not_believed(scene: Any, message: Make) -> None:
    """S32: the plaintext after the 220 is forgotten, or the session is broken off; it never answers a later command."""
    scene.encrypted = True

    async def story(catcher: Catcher, channel: Email) -> Any:
        return await channel.hand_over(message(), yes), len(catcher.messages)

    verdict, accepted = scene.play(story, Fault("starttls", say="220 go\r\n250 injected"))

    assert isinstance(verdict, Sent) == (accepted == 1)
    assert not isinstance(verdict, Ambiguous)


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "smtps"])
@pytest.mark.parametrize("flaw", ["of nobody we trust", "for another host"])
def test_a_certificate_we_do_not_trust_stops_before_the_password(
    scene: Any, message: Make, make_certificate: Any, flaw: str, implicit: bool
) -> None:
    """S33."""
    server, client = make_certificate("127.0.0.2" if flaw == "for another host" else "127.0.0.1")
    scene.tls = server, ssl.create_default_context() if flaw == "of nobody we trust" else client
    scene.encrypted = True
    scene.catcher |= {"users": {USER: PASSWORD}, "implicit_tls": implicit}
    scene.relay |= {**LOGIN, "starttls": not implicit, "implicit_tls": implicit}

    async def story(catcher: Catcher, channel: Email) -> Any:
        return await channel.hand_over(message(), yes), catcher.heard

    verdict, heard = scene.play(story)

    assert isinstance(verdict, NotSent)
    assert verdict.because == "sender"
    assert_no_secret("\n".join(line.line for line in heard))


def test_a_refused_password_is_the_senders_fault_and_tried_once(scene: Any, message: Make) -> None:
    """S34. The server repeats what it heard, and we do not keep it."""
    scene.encrypted = True
    scene.catcher["users"] = {USER: "something else"}
    scene.relay |= LOGIN
    echo = b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()

    async def story(catcher: Catcher, channel: Email) -> Any:
        return await channel.hand_over(message(), yes), catcher.heard

    verdict, heard = scene.play(story, Fault("auth", say=f"535 5.7.8 {PASSWORD} or {echo} is wrong"))

    assert isinstance(verdict, NotSent)
    assert verdict.because == "sender"
    assert sum(line.line.startswith("AUTH") for line in heard) == 1
    assert_no_secret(verdict.detail)
    assert "535" in verdict.detail


# -- T25: what a peer says is kept short and harmless -----------------------------------------------------------


def test_what_a_peer_says_is_bounded_and_cannot_paint_the_terminal(scene: Any) -> None:
    verdict, _ = scene.send(Fault("rcpt", say="550 5.1.1 \x1b[31m<script>" + "x" * 5000))

    assert isinstance(verdict, Refused)
    assert len(verdict.detail) <= 500
    assert re.search(r"[\x00-\x1f\x7f-\x9f]", verdict.detail) is None


def test_a_peer_that_never_stops_talking_is_cut_off(scene: Any) -> None:
    verdict, copies = scene.send(Fault("rcpt", say="550-" + "x" * 10_000_000))

    assert isinstance(verdict, NotSent)
    assert verdict.because == "connection"
    assert copies == 0
