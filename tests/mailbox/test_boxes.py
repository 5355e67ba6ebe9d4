"""Mailboxes: a real IMAP server, and a maildir."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nurture.mailbox import BadMailbox, MailboxDown, open_box
from nurture.mailbox.boxes import Position
from nurture.mailbox.mail import MOST_BYTES
from tests.mailbox.dovecot import Dovecot
from tests.mailbox.letters import plain


@pytest.fixture
def dovecot() -> Iterator[Dovecot]:
    if why := Dovecot.missing():
        pytest.skip(why)
    # Not below pytest's folders: their paths are longer than a socket's may be.
    with tempfile.TemporaryDirectory(prefix="nurture-imap-") as folder:
        server = Dovecot(Path(folder))
        yield server
        server.close()


def test_new_mails_come_in_their_order_each_once_and_stay_as_they_were(dovecot: Dovecot) -> None:
    for n in (1, 2, 3):
        dovecot.deliver(plain(subject=f"mail {n}"), f"100000000{n}.M1.here")
    box = open_box(dovecot.url)

    first = box.fetch(Position(), 2)
    second = box.fetch(first.position, 2)
    dovecot.deliver(plain(subject="mail 4"), "1000000004.M1.here")
    third = box.fetch(second.position, 2)
    nothing = box.fetch(third.position, 2)
    box.close()
    again = open_box(dovecot.url)
    resumed = again.fetch(first.position, 9)
    again.close()

    assert [mail.raw.split(b"Subject: ")[1][:6] for mail in (*first.mails, *second.mails, *third.mails)] == [
        b"mail 1", b"mail 2", b"mail 3", b"mail 4",
    ]  # fmt: skip
    assert nothing.mails == []
    assert nothing.position == third.position
    assert [mail.number for mail in resumed.mails] == [3, 4]
    assert abs((first.mails[0].arrived - datetime.now(UTC)).total_seconds()) < 3600
    # Nothing was marked as seen: Dovecot would have written an S behind the name.
    assert [path.name for path in dovecot.maildir.glob("*/*.here*") if path.name.endswith("S")] == []


def test_a_box_that_was_made_anew_is_read_from_its_beginning(dovecot: Dovecot) -> None:
    dovecot.deliver(plain(), "1000000001.M1.here")
    box = open_box(dovecot.url)

    found = box.fetch(Position("another", 400), 10)
    box.close()

    assert [mail.number for mail in found.mails] == [1]


def test_of_a_mail_without_end_only_the_beginning_is_fetched(dovecot: Dovecot) -> None:
    dovecot.deliver(plain() + b"x" * 78 + b"\r\n" + b"more of it\r\n" * 200_000, "1000000001.M1.here")
    box = open_box(dovecot.url)

    (mail,) = box.fetch(Position(), 10).mails
    box.close()

    assert len(mail.raw) == MOST_BYTES


def test_a_wrong_password_and_a_dead_server_are_said_without_the_password(dovecot: Dovecot) -> None:
    with pytest.raises(MailboxDown, match=r"imap://reader@127\.0\.0\.1:\d+/INBOX") as wrong:
        open_box(dovecot.url.replace("%40%20home", "wrongword")).fetch(Position(), 1)
    with pytest.raises(MailboxDown, match="no folder"):
        open_box(dovecot.url.replace("INBOX", "Elsewhere")).fetch(Position(), 1)
    box = open_box(dovecot.url)
    dovecot.close()
    with pytest.raises(MailboxDown):
        box.fetch(Position(), 1)

    assert "wrongword" not in str(wrong.value)


def test_a_maildir_is_read_from_new_and_left_as_seen(tmp_path: Path) -> None:
    for name in ("new", "cur", "tmp"):
        (tmp_path / name).mkdir()
    for n in (2, 1, 3):
        (tmp_path / "new" / f"{n}.here").write_bytes(plain(subject=f"mail {n}"))
    (tmp_path / "new" / ".hidden").write_bytes(b"no mail")
    box = open_box(f"maildir://{tmp_path}")

    found = box.fetch(Position(), 2)
    before = box.fetch(Position(), 2)
    box.done(found.mails)
    box.done(found.mails)
    after = box.fetch(found.position, 2)

    assert [mail.name for mail in found.mails] == [mail.name for mail in before.mails] == ["1.here", "2.here"]
    assert [mail.name for mail in after.mails] == ["3.here"]
    assert sorted(path.name for path in (tmp_path / "cur").iterdir()) == ["1.here:2,S", "2.here:2,S"]


def test_a_maildir_that_is_not_there_is_down(tmp_path: Path) -> None:
    with pytest.raises(MailboxDown, match="cannot be read"):
        open_box(f"maildir://{tmp_path}/nowhere").fetch(Position(), 1)


@pytest.mark.parametrize(
    "url",
    [
        "pop3://u:p@host/", "imap://u:p@mail.example.com/INBOX", "imaps://host/INBOX", "imaps://u:p@host/INBOX?x=1",
        'imaps://u:p@host/IN"BOX', "imaps://u:p@host/IN%0d%0aBOX", "imaps://u:p@host:port/", "maildir://host/mail",
        "maildir:///", "imaps://u:pa/ss@host:993/INBOX",
    ],
)  # fmt: skip
def test_a_url_that_cannot_be_meant_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(BadMailbox) as refused:
        open_box(url)

    assert "p@" not in str(refused.value)
