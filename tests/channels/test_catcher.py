"""The mail server on loopback: its log is the truth, so it had better be true."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nurture.channels.base import Message, Sent
from nurture.channels.email import email_channel
from nurture.testing.smtp import Catcher, Fault, read_faults, running

Make = Callable[..., Message]


async def yes() -> bool:
    return True


def talk(port: int, *lines: bytes) -> bytes:
    """Say these lines one after the other, as a person with telnet would; all that was answered."""
    heard = b""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        heard += connection.recv(4096)
        for line in lines:
            connection.sendall(line)
            heard += connection.recv(4096)
    return heard


def test_a_message_is_in_the_log_before_it_is_acknowledged(tmp_path: Path, message: Make) -> None:
    log = tmp_path / "mails.jsonl"

    async def story() -> Any:
        async with Catcher(log=log, faults=[Fault("dot", say="", then="reset", accept=True)]) as catcher:
            channel = email_channel(catcher.url, sender="news@example.com")
            await channel.hand_over(message(), yes)
            await channel.hand_over(message(2), yes)
            await channel.close()
            return catcher.accepted

    accepted = asyncio.run(story())
    lines = [json.loads(line) for line in log.read_text().splitlines()]

    assert accepted == len(lines) == 2
    assert lines[0]["message_id"] == message().message_id
    assert lines[0]["from"] == "news@example.com"
    assert lines[0]["to"] == ["lead1@example.org"]
    assert lines[0]["headers"]["subject"] == ["Hello"]
    assert set(lines[0]) == {"at", "session", "from", "to", "message_id", "size", "headers"}


def test_only_a_dot_on_a_line_of_its_own_ends_a_message() -> None:
    """S35, and the smuggling sequences of CVE-2024-27305: a bare LF ends nothing."""
    with running(Catcher()) as catcher:
        talk(
            catcher.port,
            b"HELO x\r\n",
            b"MAIL FROM:<a@example.com>\r\n",
            b"RCPT TO:<b@example.com>\r\n",
            b"DATA\r\n",
            b"Subject: x\r\n\r\none\n.\nMAIL FROM:<evil@example.com>\r\n..two\r\n.\r.\nthree.\r\n.\r\n",
            b"QUIT\r\n",
        )

    (caught,) = catcher.messages
    assert caught.raw == b"Subject: x\r\n\r\none\n.\nMAIL FROM:<evil@example.com>\r\n.two\r\n\r.\nthree.\r\n"


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        ((b"NONSENSE\r\n",), b"500"),
        ((b"RCPT TO:<a@example.com>\r\n",), b"503"),
        ((b"HELO x\r\n", b"DATA\r\n"), b"503"),
        ((b"MAIL FROM:a@example.com\r\n",), b"501"),
        ((b"STARTTLS\r\n",), b"502"),
        ((b"NOOP\r\n",), b"250"),
    ],
)
def test_it_answers_nonsense_as_a_server_does(lines: tuple[bytes, ...], answer: bytes) -> None:
    with running(Catcher()) as catcher:
        heard = talk(catcher.port, *lines)

    assert heard.split(b"\r\n")[-2].startswith(answer)


def test_faults_come_when_their_turn_comes(message: Make) -> None:
    faults = [Fault("rcpt", say="450 later", skip=1, times=2)]

    async def story() -> list[bool]:
        async with Catcher(faults=faults) as catcher:
            channel = email_channel(catcher.url, sender="news@example.com")
            verdicts = [await channel.hand_over(message(n), yes) for n in range(5)]
            await channel.close()
            return [isinstance(verdict, Sent) for verdict in verdicts]

    assert asyncio.run(story()) == [True, False, False, True, True]


def test_it_can_tell_others_about_a_message_before_it_answers(message: Make) -> None:
    """F16: a click may be heard before our own "sent" is written down."""
    told: list[str] = []

    async def story() -> bool:
        async with Catcher(on_message=lambda caught: told.append(caught.message_id)) as catcher:
            channel = email_channel(catcher.url, sender="news@example.com")
            await channel.hand_over(message(), yes)
            await channel.close()
            return catcher.copies(message().message_id) == 1

    assert asyncio.run(story())
    assert told == [message().message_id]


@pytest.mark.slow
def test_it_runs_in_a_process_of_its_own(tmp_path: Path, message: Make) -> None:
    log, faults = tmp_path / "mails.jsonl", tmp_path / "faults.json"
    faults.write_text('[{"at": "mail", "say": "451 4.3.0 later", "times": 1}]')
    command = [sys.executable, "-m", "nurture.testing.smtp", "--port", "0", "--log", str(log), "--faults", str(faults)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        where = json.loads(process.stdout.readline())

        async def story() -> list[bool]:
            channel = email_channel(where["url"], sender="news@example.com")
            verdicts = [await channel.hand_over(message(n), yes) for n in range(2)]
            await channel.close()
            return [isinstance(verdict, Sent) for verdict in verdicts]

        sent = asyncio.run(story())
        process.terminate()

    assert process.returncode == 0
    assert sent == [False, True]
    assert len(log.read_text().splitlines()) == 1


@pytest.mark.parametrize("text", ["[{}]", '[{"at": "nowhere"}]', '[{"at": "mail", "sya": "x"}]', "[1]", "{"])
def test_faults_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_faults(text)
