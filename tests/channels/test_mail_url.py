"""`NURTURE_SMTP_URL`: what it may say, and that a password neither leaves in clear nor shows up in an error."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nurture.channels.base import Message, NotSent, Refused, Sent
from nurture.channels.email import Email, MailUrl, email_channel
from nurture.channels.files import Files
from nurture.channels.mail import Sender
from nurture.settings import Settings

Make = Callable[..., Message]


async def yes() -> bool:
    return True


async def no() -> bool:
    return False


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://127.0.0.1:1025", {"host": "127.0.0.1", "port": 1025, "starttls": False, "sessions": 8}),
        ("smtp://localhost", {"port": 25, "starttls": False}),
        ("smtp://relay.example.com", {"port": 587, "starttls": True}),
        ("smtp://relay.example.com?starttls=0", {"port": 25, "starttls": False}),
        (
            "smtp://me:p%40ss@relay.example.com:2525?sessions=3",
            {"user": "me", "password": "p@ss", "starttls": True, "sessions": 3},
        ),
        ("smtp://me:pass@127.0.0.1", {"starttls": True}),
        ("smtp://me:pass@127.0.0.1:1025?insecure=1", {"starttls": False, "insecure": True}),
        ("smtps://me:pass@relay.example.com", {"port": 465, "starttls": False}),
        ("smtp://[::1]:1025", {"host": "::1", "starttls": False}),
        (
            "smtp://localhost?from=news%40example.com&hello=mta.example.com",
            {"sender": "news@example.com", "hello": "mta.example.com"},
        ),
        ("file:///var/mails/out", {"folder": Path("/var/mails/out")}),
        ("file:///tmp/a%20b", {"folder": Path("/tmp/a b")}),
    ],
)
def test_a_mail_url_is_understood(url: str, expected: dict[str, Any]) -> None:
    found = MailUrl.parse(url)

    assert {name: getattr(found, name) for name in expected} == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://relay.example.com",
        "smtp://",
        "smtp:///dir",
        "smtp://relay.example.com/path",
        "smtp://relay.example.com:notaport",
        "smtp://relay.example.com?sesions=3",
        "smtp://relay.example.com?sessions=0",
        "smtp://relay.example.com?sessions=many",
        "smtp://relay.example.com?starttls=yes",
        "smtp://me:hunter2@relay.example.com?starttls=0",
        "smtp://me:hunter2@127.0.0.1?starttls=0",
        "smtp://me:hunter2@relay.example.com?insecure=1",
        "smtp://relay.example.com?insecure=1",
        "smtp://me:hunter2@[bad",
        "file://host/dir",
        "file:///",
        "file:relative",
        "smtp://localhost?hello=not a name",
        "smtp://localhost?from=nobody",
    ],
)
def test_a_mail_url_that_is_wrong_is_told_in_a_sentence_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match=r"\w+ \w+") as raised:
        email_channel(url, sender="news@example.com")

    assert "hunter2" not in str(raised.value)


def test_no_password_shows_up_when_a_channel_is_printed() -> None:
    assert "hunter2" not in repr(MailUrl.parse("smtps://me:hunter2@relay.example.com"))


def test_the_settings_open_the_channel_they_ask_for(tmp_path: Path) -> None:
    relay = Email.open(Settings(smtp_url="smtp://127.0.0.1:1025?sessions=2"), b"secret")
    folder = Email.open(Settings(home=tmp_path), b"secret")

    assert isinstance(relay, Email)
    assert relay.sessions == 2
    assert isinstance(folder, Files)
    assert (
        folder.address({"email": "ada@example.org"}) == relay.address({"email": "ada@example.org"}) == "ada@example.org"
    )
    assert folder.address({"email": ""}) is relay.address({}) is None


# -- mails as files -------------------------------------------------------------------------------------------------


def files(folder: Path) -> Files:
    return Files(folder, Sender.parse("News <news@example.com>"))


def test_a_mail_becomes_one_file_named_by_its_message_id(tmp_path: Path, message: Make) -> None:
    channel = files(tmp_path / "new" / "outbox")
    verdict = asyncio.run(channel.hand_over(message(), yes))
    asyncio.run(channel.hand_over(message(), yes))
    (written,) = (tmp_path / "new" / "outbox").iterdir()
    read = email.message_from_bytes(written.read_bytes(), policy=email.policy.default)

    assert isinstance(verdict, Sent)
    assert written.name == message().message_id.partition("@")[0] + ".eml"
    assert read["subject"] == "Hello"
    assert read["message-id"] == f"<{message().message_id}>"


def test_a_mail_that_is_withdrawn_or_refused_leaves_no_file(tmp_path: Path, message: Make) -> None:
    channel = files(tmp_path)

    withdrawn = asyncio.run(channel.hand_over(message(), no))
    refused = asyncio.run(channel.hand_over(message(to="nobody"), yes))
    bad = asyncio.run(channel.hand_over(message(name="a\0b"), yes))

    assert isinstance(withdrawn, NotSent)
    assert isinstance(refused, Refused)
    assert isinstance(bad, Refused)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../evil@example.com", "a/b@example.com", "..@example.com/../x", "a\0@example.com"])
def test_no_message_id_leads_out_of_the_folder(tmp_path: Path, message: Make, name: str) -> None:
    verdict = asyncio.run(files(tmp_path / "outbox").hand_over(message(message_id=name), yes))

    assert isinstance(verdict, Refused)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_not_sent(tmp_path: Path, message: Make) -> None:
    (tmp_path / "file").write_text("")

    verdict = asyncio.run(files(tmp_path / "file").hand_over(message(), yes))

    assert isinstance(verdict, NotSent)
    assert verdict.because == "connection"
