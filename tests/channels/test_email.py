"""E-mail: one intent, one message; sessions that are used again; passwords that are never said in clear."""

from __future__ import annotations

import asyncio
import re
import ssl
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest

from nurture.channels.base import Ambiguous, Message, NotSent, Refused, Rendered, Sent
from nurture.channels.email import Email
from nurture.channels.smtp import Patience
from nurture.testing.smtp import Catcher, Fault

Make = Callable[..., Message]


async def yes() -> bool:
    return True


async def no() -> bool:
    return False


# -- the intent -----------------------------------------------------------------------------------------------------


def test_the_intent_is_asked_for_after_the_recipient_is_accepted_and_before_the_message(
    scene: Any, message: Make
) -> None:
    async def story(catcher: Catcher, channel: Email) -> list[str]:
        said: list[str] = []

        async def may_start() -> bool:
            said.extend(heard.line.split()[0] for heard in catcher.heard)
            return True

        await channel.hand_over(message(), may_start)
        return said

    assert scene.play(story) == ["EHLO", "MAIL", "RCPT"]


def test_a_recipient_who_is_refused_needs_no_intent(scene: Any, message: Make) -> None:
    async def story(catcher: Catcher, channel: Email) -> Any:
        async def never() -> bool:
            raise AssertionError("nobody may ask")

        return await channel.hand_over(message(), never)

    verdict = scene.play(story, Fault("rcpt", say="550 5.1.1 no such user"))

    assert isinstance(verdict, Refused)


def test_a_message_withdrawn_at_the_last_moment_is_taken_back_and_the_session_goes_on(
    each_scene: Any, message: Make
) -> None:
    async def story(catcher: Catcher, channel: Email) -> Any:
        first = await channel.hand_over(message(1), no)
        second = await channel.hand_over(message(2), yes)
        return first, second, catcher.messages, catcher.sessions

    first, second, messages, sessions = each_scene.play(story)

    assert isinstance(first, NotSent)
    assert first.because == "withdrawn"
    assert isinstance(second, Sent)
    assert [caught.to for caught in messages] == [("lead2@example.org",)]
    assert sessions == 1


@pytest.mark.parametrize("late", ["at the answer", "after DATA"])
def test_a_message_that_cannot_begin_within_30_seconds_of_its_intent_is_taken_back(
    scene: Any, message: Make, late: str
) -> None:
    """S40: the process was stopped in between, and another one may have recovered the lead."""
    clock = [1000.0]
    asked: list[float] = []

    def elapsed() -> float:
        asked.append(clock[0])
        if late == "after DATA" and len(asked) == 2:
            clock[0] += 31
        return clock[0]

    async def story(catcher: Catcher, channel: Email) -> Any:
        async def may_start() -> bool:
            if late == "at the answer":
                clock[0] += 31
            return True

        return await channel.hand_over(message(), may_start), catcher.messages

    scene.channel["elapsed"] = elapsed
    verdict, messages = scene.play(story)

    assert isinstance(verdict, NotSent)
    assert verdict.because == "withdrawn"
    assert messages == []


def test_an_engine_that_fails_to_commit_the_intent_sends_nothing(scene: Any, message: Make) -> None:
    async def story(catcher: Catcher, channel: Email) -> Any:
        async def broken() -> bool:
            raise RuntimeError("disk full")

        with pytest.raises(RuntimeError, match="disk full"):
            await channel.hand_over(message(1), broken)
        return await channel.hand_over(message(2), yes), len(catcher.messages)

    verdict, accepted = scene.play(story)

    assert isinstance(verdict, Sent)
    assert accepted == 1


def test_being_cancelled_passes_through_and_breaks_the_session(scene: Any, message: Make) -> None:
    async def story(catcher: Catcher, channel: Email) -> Any:
        started = asyncio.Event()

        async def slow() -> bool:
            started.set()
            await asyncio.Event().wait()
            return True

        task = asyncio.create_task(channel.hand_over(message(1), slow))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await channel.hand_over(message(2), yes), catcher.sessions, len(catcher.messages)

    verdict, sessions, accepted = scene.play(story)

    assert isinstance(verdict, Sent)
    assert (sessions, accepted) == (2, 1)


# -- sessions -------------------------------------------------------------------------------------------------------


def test_many_messages_share_few_sessions_and_each_has_one_recipient(each_scene: Any, message: Make) -> None:
    async def story(catcher: Catcher, channel: Email) -> Any:
        verdicts = await asyncio.gather(*(channel.hand_over(message(n), yes) for n in range(60)))
        return verdicts, catcher.messages, catcher.sessions

    verdicts, messages, sessions = each_scene.play(story)

    assert all(isinstance(verdict, Sent) for verdict in verdicts)
    assert sorted(caught.to[0] for caught in messages) == sorted(f"lead{n}@example.org" for n in range(60))
    assert all(len(caught.to) == 1 for caught in messages)
    assert sessions <= 4


def test_a_session_carries_a_hundred_messages_and_no_more(scene: Any, message: Make) -> None:
    scene.channel |= {"sessions": 1, "most_per_session": 10}

    async def story(catcher: Catcher, channel: Email) -> Any:
        for n in range(25):
            await channel.hand_over(message(n), yes)
        return [caught.session for caught in catcher.messages]

    assert scene.play(story) == [1] * 10 + [2] * 10 + [3] * 5


def test_a_server_that_ends_the_session_after_two_messages_still_gets_all(scene: Any, message: Make) -> None:
    """S29."""
    scene.channel["sessions"] = 1
    breaks = [Fault("mail", say="421 4.7.0 enough", skip=skip) for skip in (2, 4, 6)]

    async def story(catcher: Catcher, channel: Email) -> Any:
        verdicts = [await channel.hand_over(message(n), yes) for n in range(6)]
        return verdicts, [caught.to[0] for caught in catcher.messages]

    verdicts, recipients = scene.play(story, *breaks)

    assert all(isinstance(verdict, Sent) for verdict in verdicts)
    assert recipients == [f"lead{n}@example.org" for n in range(6)]


def test_one_session_that_hangs_does_not_hold_up_the_others(scene: Any, message: Make) -> None:
    """S30."""
    scene.channel |= {"sessions": 2, "patience": Patience(connect=5, command=1, dot=5, goodbye=0.1)}

    async def story(catcher: Catcher, channel: Email) -> Any:
        begun = asyncio.Event()

        async def begin() -> bool:
            begun.set()
            return True

        stuck = asyncio.create_task(channel.hand_over(message(0), begin))
        await begun.wait()
        others = [await channel.hand_over(message(n), yes) for n in range(1, 20)]
        return stuck.done(), others, await stuck

    was_done, others, stuck = scene.play(story, Fault("data", say="", then="silence"))

    assert not was_done
    assert all(isinstance(verdict, Sent) for verdict in others)
    assert isinstance(stuck, NotSent)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(Fault("quit", say="", then="silence"), id="S28 QUIT hangs"),
        pytest.param(Fault("quit", say="500 5.5.1 never"), id="S28 QUIT 500"),
        pytest.param(Fault("quit", say="", then="reset"), id="S28 QUIT reset"),
    ],
)
def test_a_bad_goodbye_changes_no_verdict(scene: Any, message: Make, wrong: Fault) -> None:
    async def story(catcher: Catcher, channel: Email) -> Any:
        verdict = await channel.hand_over(message(), yes)
        await channel.close()
        return verdict, len(catcher.messages)

    verdict, accepted = scene.play(story, wrong)

    assert isinstance(verdict, Sent)
    assert accepted == 1


def test_a_refused_reset_does_not_spoil_the_next_message(scene: Any, message: Make) -> None:
    scene.channel["sessions"] = 1
    wrong = (Fault("rcpt", say="550 5.1.1 nobody"), Fault("rset", say="500 5.5.1 what?"))

    async def story(catcher: Catcher, channel: Email) -> Any:
        return [await channel.hand_over(message(n), yes) for n in range(2)], len(catcher.messages)

    (refused, sent), accepted = scene.play(story, *wrong)

    assert isinstance(refused, Refused)
    assert isinstance(sent, Sent)
    assert accepted == 1


def test_the_same_message_again_has_the_same_message_id(scene: Any, message: Make) -> None:
    """S39: a resend by policy. The server sees two, and whoever looks can tell that they are one."""

    async def story(catcher: Catcher, channel: Email) -> Any:
        await channel.hand_over(message(), yes)
        await channel.hand_over(message(), yes)
        return [caught.raw for caught in catcher.messages]

    first, second = scene.play(story)

    assert first == second


# -- what the server can do -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "extensions",
    [
        pytest.param((), id="none"),
        pytest.param(("SIZE",), id="SIZE without a number"),
        pytest.param(("SIZE 0",), id="SIZE 0"),
        pytest.param(("SIZE -1", "SIZE lots"), id="SIZE that lies"),
        pytest.param(tuple(f"X-{n}" for n in range(2000)), id="two thousand"),
    ],
)
def test_whatever_the_server_offers_the_mail_is_plain_seven_bit(
    scene: Any, message: Make, extensions: tuple[str, ...]
) -> None:
    """S31."""
    scene.catcher["extensions"] = extensions
    chinese = message(rendered=Rendered("欢迎", "您好，王女士。\n", "<p>您好，王女士。</p>"), name="王芳")

    async def story(catcher: Catcher, channel: Email) -> Any:
        return await channel.hand_over(chinese, yes), catcher.messages

    verdict, messages = scene.play(story)

    assert isinstance(verdict, Sent)
    assert messages[0].raw.isascii()


def test_a_message_too_large_for_the_server_is_refused_before_it_is_named(scene: Any, message: Make) -> None:
    scene.catcher["extensions"] = ("SIZE 1000",)

    async def story(catcher: Catcher, channel: Email) -> Any:
        large = message(1, rendered=Rendered("Hello", "x" * 2000))
        small = message(2, rendered=Rendered("Hello", "x"))
        return [await channel.hand_over(each, yes) for each in (large, small)], catcher.heard

    (large, small), heard = scene.play(story)

    assert isinstance(large, Refused)
    assert large.because == "too_large"
    assert isinstance(small, Sent)
    assert sum(line.line.startswith("MAIL") for line in heard) == 1


def test_an_address_beyond_ascii_goes_only_to_a_server_that_takes_it(scene: Any, message: Make) -> None:
    async def story(catcher: Catcher, channel: Email) -> Any:
        return await channel.hand_over(message(to="用户@例子.测试"), yes), catcher.messages

    with_it, messages = scene.play(story)
    scene.catcher["extensions"] = ("8BITMIME",)
    without, none = scene.play(story)

    assert isinstance(with_it, Sent)
    assert messages[0].to == ("用户@xn--fsqu00a.xn--0zwm56d",)
    assert isinstance(without, Refused)
    assert without.because == "unsupported"
    assert none == []


@pytest.mark.parametrize(
    "address",
    [
        "",
        "@",
        "ada",
        "ada@",
        "@example.org",
        "ada@localhost",
        "ada@b..com",
        "a..b@example.org",
        ".a@example.org",
        "a.@example.org",
        "ada@example.org,eve@example.org",
        "ada@example.org>\r\nRCPT TO:<eve@example.org",
        "ada@example.org\n",
        " ada@example.org",
        "Ada <ada@example.org>",
        "<ada@example.org>",
        '"a b"@example.org',
        "ada@[127.0.0.1]",
        "ada@127.0.0.1",
        "ada@-example.org",
        "ada@exam_ple.org",
        "ａda@example.org ",
        "a\u202eda@example.org",
        "a\0da@example.org",
        "a\ud800da@example.org",
        "ada@exa\u200bmple.org",
        "a" * 65 + "@example.org",
        "ada@" + "a" * 64 + ".org",
        "ada@" + "abcdefgh." * 30 + "org",
        "ada@example.org SIZE=1",
        "ada@xn--a.com\x00",
    ],
)
def test_an_address_that_is_not_one_is_refused_and_never_mended(scene: Any, message: Make, address: str) -> None:
    async def story(catcher: Catcher, channel: Email) -> Any:
        return await channel.hand_over(message(to=address), yes), catcher.heard

    verdict, heard = scene.play(story)

    assert isinstance(verdict, Refused)
    assert verdict.because == "bad_address"
    assert heard == []


# -- T01: nothing that a lead is called becomes a header ---------------------------------------------------------


@pytest.mark.parametrize("slot", ["name", "subject"])
@pytest.mark.parametrize(
    "char", [*map(chr, range(32)), "\x7f", "\x85", "\u2028", "\u2029", "\u202e", "\u2066", "\ud800"]
)
def test_no_control_character_makes_a_second_header(scene: Any, message: Make, slot: str, char: str) -> None:
    text = f"Ada{char}Bcc: eve@example.org"
    changed = message(name=text) if slot == "name" else message(rendered=Rendered(text, "Hello"))

    async def story(catcher: Catcher, channel: Email) -> Any:
        return await channel.hand_over(changed, yes), catcher.messages

    verdict, messages = scene.play(story)

    assert isinstance(verdict, Refused)
    assert verdict.because == "bad_content"
    assert messages == []


def test_a_line_break_from_a_spreadsheet_cell_becomes_a_space_in_a_name(scene: Any, message: Make) -> None:
    async def story(catcher: Catcher, channel: Email) -> Any:
        return await channel.hand_over(message(name="Ada\r\nLovelace"), yes), catcher.messages

    verdict, messages = scene.play(story)

    assert isinstance(verdict, Sent)
    assert messages[0].headers["to"] == ("Ada Lovelace <lead1@example.org>",)


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
