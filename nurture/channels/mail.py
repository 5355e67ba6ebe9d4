"""One mail, from its parts to the octets on the wire.

Built by hand, because the standard library takes 1 to 5 ms a mail and lets some of what must not pass (NUL, endless
lines) through. The structure is fixed, every octet beyond ASCII is encoded, and the head is checked after it was built.
"""

from __future__ import annotations

import hmac
import re
from binascii import b2a_base64, b2a_qp
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from nurture.channels.base import Message
from nurture.channels.headers import BadHeader, Mailbox, clean_header, header, mailbox, named_mailbox, one_line, phrase
from nurture.identity import letters

if TYPE_CHECKING:
    from nurture.channels.dkim import Signer

__all__ = ["Letter", "Sender", "build", "message_id"]

MOST_LINE = 998
BASE64_LINE = 76

_message_id = re.compile(r"[A-Za-z0-9._+-]{1,200}@[A-Za-z0-9.-]{1,253}").fullmatch
_url = re.compile(r"https?://[!-;=?-~]+").fullmatch
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def message_id(secret: bytes | str, key: str, domain: str) -> str:
    """The Message-ID of a message, without angle brackets: the same for every attempt, and opaque without the secret.

    Raises `ValueError` for an empty secret: whoever reads a mail could then derive everybody's.
    """
    raw = secret.encode() if isinstance(secret, str) else secret
    if not raw:
        raise ValueError("a Message-ID needs a secret key")
    digest = hmac.digest(raw, f"message-id:{key}".encode(), "sha256")[:20]
    return f"v1.{letters(digest)}@{domain}"


class Sender(NamedTuple):
    """Who writes: also the address in the envelope, to which bounces return."""

    mailbox: Mailbox
    name: str = ""
    reply_to: Mailbox | None = None
    signer: Signer | None = None
    """Where the relay does not sign."""

    @classmethod
    def parse(cls, address: str, name: str = "", reply_to: str = "") -> Sender:
        """From `ada@example.com` or `Ada <ada@example.com>`. Raises `BadAddress` or `BadHeader`."""
        written, box = named_mailbox(address)
        clean_header(name or written, "sender's name")
        return cls(box, name or written, mailbox(reply_to) if reply_to else None)

    def head(self) -> str:
        """The lines of the head that are the same for every mail."""
        lines = f"From: {_named(self.name, self.mailbox)}\r\n"
        if self.reply_to is not None:
            lines += f"Reply-To: {self.reply_to}\r\n"
        return lines + "MIME-Version: 1.0\r\n"


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail, ready for the wire."""

    sender: Mailbox
    to: Mailbox
    raw: bytes
    """Head and body with CRLF line ends, no line over 998 octets; dots are not stuffed yet."""


def build(message: Message, sender: Sender, head: str | None = None) -> Letter:
    """The mail for this message. `head` is `sender.head()`, for callers that build many.

    Raises `BadAddress` or `BadHeader` for what must not go out; nothing is repaired.
    """
    to = mailbox(message.to)
    rendered = message.rendered
    if not rendered.subject.strip():
        raise BadHeader("the mail has no subject")
    if not rendered.text and not rendered.html:
        raise BadHeader("the mail has no body")
    if not _message_id(message.message_id):
        raise BadHeader("the Message-ID is not one")
    intended = head if head is not None else sender.head()
    if message.reply_to and sender.reply_to is not None:
        # An answer that finds its message is worth more than one that goes to the usual place.
        intended = intended.replace(f"Reply-To: {sender.reply_to}\r\n", "")
    lines = [
        f"Date: {_date(message.date)}\r\nMessage-ID: <{message.message_id}>\r\n",
        intended,
        f"To: {_named(message.name, to)}\r\n",
        header("Subject", rendered.subject),
    ]
    names = ["Date", "Message-ID", *_names(intended), "To", "Subject"]
    if message.reply_to:
        lines.append(f"Reply-To: {mailbox(message.reply_to, local_host=True)}\r\n")
        names.append("Reply-To")
    if message.unsubscribe_url:
        if not _url(message.unsubscribe_url) or len(message.unsubscribe_url) > 900:
            raise BadHeader("the unsubscribe address is not an http address")
        by_mail = (
            f",\r\n <mailto:{mailbox(message.unsubscribe_mail, local_host=True)}?subject=unsubscribe>"
            if message.unsubscribe_mail
            else ""
        )
        lines.append(
            f"List-Unsubscribe: <{message.unsubscribe_url}>{by_mail}\r\n"
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
        )
        names += ["List-Unsubscribe", "List-Unsubscribe-Post"]
    kind, body = _body(rendered.text, rendered.html, message.message_id)
    lines.append(kind)
    names += _names(kind)
    finished = "".join(lines)
    _check(finished, names)
    # Only a peer that speaks SMTPUTF8 is given a head beyond ASCII, and only for an address that needs it.
    envelope = mailbox(message.return_path, local_host=True) if message.return_path else sender.mailbox
    raw = finished.encode() + b"\r\n" + body
    # Signed last: what is added after a signature breaks it.
    return Letter(envelope, to, raw if sender.signer is None else sender.signer.sign(raw))


def _check(head: str, names: list[str]) -> None:
    """The head reads back as exactly the headers that were meant, whatever went into it."""
    found = []
    for line in head.split("\r\n")[:-1]:
        if len(line) > MOST_LINE or "\n" in line or "\r" in line:
            raise BadHeader("a line of the head is too long or broken")
        if line[:1] != " ":
            found.append(line.partition(":")[0])
    if found != names:
        raise BadHeader("the head does not read back as it was written")


def _names(lines: str) -> list[str]:
    return [line.partition(":")[0] for line in lines.split("\r\n") if line and line[0] != " "]


def _named(name: str, box: Mailbox) -> str:
    name = one_line(name, "name").strip()
    return f"{phrase(name)}\r\n <{box}>" if len(name) > 20 else f"{phrase(name)} <{box}>" if name else str(box)


def _date(moment: datetime) -> str:
    at = moment.astimezone(UTC)
    # strftime follows the locale; a head does not.
    return (
        f"{_DAYS[at.weekday()]}, {at.day:02d} {_MONTHS[at.month - 1]} {at.year:04d}"
        f" {at.hour:02d}:{at.minute:02d}:{at.second:02d} +0000"
    )


# -- body -----------------------------------------------------------------------------------------------------------


def _body(text: str, html: str, unique: str) -> tuple[str, bytes]:
    """Content headers of the whole, and its body."""
    if text and html:
        # "=_" stands in no line of quoted-printable or base64, so the border cannot occur in a part.
        border = f"=_{unique.partition('@')[0][-32:]}"
        text_kind, text_body = _part("plain", text)
        html_kind, html_body = _part("html", html)
        # The line end before a border belongs to the border, hence the empty lines after the bodies.
        body = (
            f"--{border}\r\n{text_kind}\r\n".encode(),
            text_body,
            f"\r\n--{border}\r\n{html_kind}\r\n".encode(),
            html_body,
            f"\r\n--{border}--\r\n".encode(),
        )
        return f'Content-Type: multipart/alternative;\r\n boundary="{border}"\r\n', b"".join(body)
    return _part("html", html) if html else _part("plain", text)


def _part(subtype: str, content: str) -> tuple[str, bytes]:
    """Content headers and encoded body, which ends with a line end. Bare CR and LF are line ends."""
    if "\r" in content:
        content = content.replace("\r\n", "\n").replace("\r", "\n")
    if not content.endswith("\n"):
        content += "\n"
    try:
        raw = content.encode()
    except UnicodeEncodeError as error:
        raise BadHeader(f"the mail holds half a character, U+{ord(content[error.start]):04X}") from None
    # Mostly ASCII stays readable as quoted-printable; for Chinese base64 is a third the size.
    if len(raw) - len(content) < len(raw) // 6:
        # Given LF and not CRLF: with CRLF it leaves a space at the end of a line bare, and relays strip those.
        return _kind(subtype, "quoted-printable"), b2a_qp(raw, istext=True).replace(b"\n", b"\r\n")
    raw = raw.replace(b"\n", b"\r\n")
    encoded = b2a_base64(raw, newline=False)
    lines = [encoded[start : start + BASE64_LINE] for start in range(0, len(encoded), BASE64_LINE)]
    return _kind(subtype, "base64"), b"\r\n".join(lines) + b"\r\n"


def _kind(subtype: str, encoding: str) -> str:
    return f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n"
