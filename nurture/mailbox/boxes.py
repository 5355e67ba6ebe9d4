"""Where our mail comes in: a mailbox over IMAP, or a maildir. Looked at, and left as it is.

A box remembers nothing itself: whoever reads says up to where it was read before, and keeps the new position together
with what the mails have brought.
"""

from __future__ import annotations

import ipaddress
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

__all__ = ["BadMailbox", "Box", "MailboxDown", "Position", "Received", "open_box"]


class BadMailbox(ValueError):
    """NURTURE_MAILBOX_URL cannot be meant like this."""


class MailboxDown(Exception):
    """The mailbox cannot be read now."""


class Position(NamedTuple):
    """Up to where a box was read. A box that was made anew has another `validity`, and is read from its beginning."""

    validity: str = ""
    number: int = 0


class Received(NamedTuple):
    """One mail, as it lies in the box."""

    name: str
    """The same whenever this mail is looked at."""
    number: int
    arrived: datetime | None
    """As far as the box knows."""
    raw: bytes
    """At most `MOST_BYTES` of it."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """Some mails, the oldest first, and the position behind them."""

    mails: Sequence[Received]
    position: Position


class Box(ABC):
    """Open to read; `close` when done."""

    name: str
    """Without password: under it the position is kept."""

    @abstractmethod
    def fetch(self, after: Position, limit: int) -> Fetched:
        """Up to `limit` mails behind this position; none when all was read. Raises `MailboxDown`."""

    def done(self, mails: Sequence[Received]) -> None:
        """What these mails brought is committed."""
        return

    def close(self) -> None:
        return


def open_box(url: str) -> Box:
    """`imaps://user:password@host[:993]/INBOX`, `imap://...` on this machine only, or `maildir:///path`.

    Connects at the first fetch. Raises `BadMailbox` with a sentence that does not repeat the password.
    """
    from nurture.mailbox.imap import Imap
    from nurture.mailbox.maildir import Maildir

    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadMailbox("it is not a URL (is a / or @ in the password not written as %2F or %40?)") from None
    if parts.scheme == "maildir":
        return Maildir(_folder(parts))
    if parts.scheme not in ("imap", "imaps"):
        raise BadMailbox("it begins with imaps://, imap:// or maildir:///")
    if not parts.hostname or not parts.username:
        raise BadMailbox("it names a user and a host: imaps://user:password@host/INBOX")
    if parts.query or parts.fragment:
        raise BadMailbox("it takes no options behind a ? or #")
    if parts.scheme == "imap" and not _loopback(parts.hostname):
        raise BadMailbox("a password is never sent in clear: use imaps://, or imap:// for this machine only")
    folder = unquote(parts.path.lstrip("/")) or "INBOX"
    if not folder.isprintable() or '"' in folder or "\\" in folder or not folder.isascii():
        raise BadMailbox("the folder's name is plain letters, such as INBOX")
    return Imap(
        parts.hostname,
        port or (993 if parts.scheme == "imaps" else 143),
        unquote(parts.username),
        unquote(parts.password or ""),
        folder,
        tls=parts.scheme == "imaps",
    )


def _folder(parts: SplitResult) -> Path:
    path = unquote(parts.path)
    if parts.netloc or not path.startswith("/") or path == "/" or "\0" in path:
        raise BadMailbox("a maildir is written with three slashes: maildir:///var/mail/nurture")
    return Path(path)


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
