"""E-mail: one intent, one message; sessions that are used again; passwords that are never said in clear."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from nurture.channels.base import Message, NotSent, Refused, Sent
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
