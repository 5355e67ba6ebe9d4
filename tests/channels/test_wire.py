"""Replies belong to commands, in their order, whatever a server says and when."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from nurture.channels.base import Ambiguous, Message, NotSent, Refused, Sent
from nurture.channels.email import Email
from nurture.testing.smtp import Catcher, Fault

Make = Callable[..., Message]


async def yes() -> bool:
    return True


def test_sender_and_recipient_are_named_in_one_breath_where_the_server_allows_it(scene: Any, message: Make) -> None:
    """The intent still comes after the recipient was accepted, and before DATA."""

    async def story(catcher: Catcher, channel: Email) -> list[str]:
        said: list[str] = []

        async def may_start() -> bool:
            said.extend(heard.line.split()[0] for heard in catcher.heard)
            return True

        assert isinstance(await channel.hand_over(message(1), may_start), Sent)
        return [*said, "asked", *(heard.line.split()[0] for heard in catcher.heard[len(said) :])]

    assert scene.play(story) == ["EHLO", "MAIL", "RCPT", "asked", "DATA"]


@pytest.mark.parametrize(
    "early",
    [
        pytest.param(Fault("data", say="354 go on\r\n250 2.0.0 taken"), id="a yes to the message before the message"),
        pytest.param(Fault("rcpt", say="250 ok\r\n354 go on"), id="a go-ahead before it was asked for"),
        pytest.param(Fault("rcpt", say="250 ok\r\n421 4.4.2 too slow"), id="a goodbye while the intent is committed"),
    ],
)
def test_what_a_server_says_unasked_is_no_answer_to_anything(each_scene: Any, early: Fault) -> None:
    """A yes that came too early would be taken for the message's own."""
    verdict, copies = each_scene.send(early)

    assert isinstance(verdict, NotSent)
    assert copies == 0


def test_of_two_refusals_in_one_breath_the_first_one_counts_and_the_line_goes_on(scene: Any, message: Make) -> None:
    scene.channel["sessions"] = 1

    async def story(catcher: Catcher, channel: Email) -> Any:
        verdicts = [await channel.hand_over(message(n), yes) for n in range(3)]
        return verdicts, catcher.sessions

    (first, second, third), sessions = scene.play(
        story, Fault("mail", say="552 5.3.4 too big"), Fault("rcpt", say="550 5.1.1 nobody", skip=0)
    )

    assert isinstance(first, Refused)
    assert first.because == "too_large"
    assert isinstance(second, Refused)
    assert second.because == "hard_bounce"
    assert isinstance(third, Sent)
    assert sessions == 1


def test_a_reply_that_comes_in_crumbs_is_one_reply(each_scene: Any) -> None:
    verdict, copies = each_scene.send(Fault("rcpt", say="250-2.1.5 well\r\n250 2.1.5 fine", drip=0.001))

    assert isinstance(verdict, Sent)
    assert copies == 1


@contextmanager
def no_file_left() -> Iterator[None]:
    """Every descriptor that this process may open is open."""
    import resource

    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(name) for name in os.listdir("/proc/self/fd")) + 1
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest, usual[1]))
    held = []
    try:
        while True:
            try:
                held.append(os.dup(0))
            except OSError:
                break
        yield
    finally:
        for each in held:
            os.close(each)
        resource.setrlimit(resource.RLIMIT_NOFILE, usual)


def test_without_a_descriptor_left_nothing_is_sent_and_nothing_is_in_doubt(scene: Any, message: Make) -> None:
    """F30: bounded, and over as soon as there are some again."""
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("needs /proc")

    async def story(catcher: Catcher, channel: Email) -> Any:
        with no_file_left():
            poor = await asyncio.gather(*(channel.hand_over(message(n), yes) for n in range(6)))
        rich = await asyncio.gather(*(channel.hand_over(message(n), yes) for n in range(6)))
        return poor, rich, len(catcher.messages)

    poor, rich, accepted = scene.play(story)

    assert {type(verdict) for verdict in poor} == {NotSent}
    assert {verdict.because for verdict in poor} == {"connection"}
    assert {type(verdict) for verdict in rich} == {Sent}
    assert accepted == 6
    assert not any(isinstance(verdict, Ambiguous) for verdict in poor + rich)
