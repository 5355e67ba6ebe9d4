"""A mailbox over IMAP, opened for reading only: no mail is marked, moved or deleted, so people may use it too."""

from __future__ import annotations

import imaplib
import re
import ssl
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from nurture.channels.replies import bounded
from nurture.mailbox.boxes import Box, Fetched, MailboxDown, Position, Received
from nurture.mailbox.mail import MOST_BYTES

__all__ = ["Imap"]

PATIENCE = 60.0
"""Seconds for each answer of the server."""
AT_ONCE = 20
"""Mails in one command: at most some ten megabytes."""

_uid = re.compile(rb"\bUID (\d+)").search
_date = re.compile(rb'\bINTERNALDATE "([^"]{1,40})"').search
TROUBLE = (imaplib.IMAP4.error, OSError, ssl.SSLError, EOFError)


class Imap(Box):
    """The mails of one folder, by UID."""

    def __init__(
        self,
        host: str,
        port: int,
        user: str,
        password: str,
        folder: str,
        *,
        tls: bool,
        context: ssl.SSLContext | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self.name = f"{'imaps' if tls else 'imap'}://{user}@{host}:{port}/{folder}"
        self._where = (host, port)
        self._login = (user, password)
        self._folder = folder
        self._tls = (context or ssl.create_default_context()) if tls else None
        self._patience = patience
        self._session: imaplib.IMAP4 | None = None
        self._validity = ""

    def fetch(self, after: Position, limit: int) -> Fetched:
        try:
            session = self._opened()
            number = after.number if after.validity == self._validity else 0
            # "n:*" always names the last mail, even one before n.
            listed = self._ask(session, "SEARCH", "UID", f"{number + 1}:*")
            uids = sorted(uid for line in listed for uid in map(int, line.split()) if uid > number)[:limit]
            mails = [
                mail
                for start in range(0, len(uids), AT_ONCE)
                for mail in self._read(session, uids[start : start + AT_ONCE])
            ]
        except TROUBLE as error:
            self.close()
            raise MailboxDown(f"{self.name}: {bounded(_words(error), self._login[1:])}") from error
        return Fetched(mails, Position(self._validity, uids[-1] if uids else number))

    def _opened(self) -> imaplib.IMAP4:
        if self._session is None:
            host, port = self._where
            if self._tls is not None:
                session: imaplib.IMAP4 = imaplib.IMAP4_SSL(host, port, ssl_context=self._tls, timeout=self._patience)
            else:
                session = imaplib.IMAP4(host, port, timeout=self._patience)
            self._session = session
            session.login(*self._login)
            status, _ = session.select(f'"{self._folder}"', readonly=True)
            if status != "OK":
                raise imaplib.IMAP4.error(f"there is no folder {self._folder}")
            validity = session.response("UIDVALIDITY")[1]
            self._validity = validity[0].decode("ascii", "replace") if validity and validity[0] else ""
        else:
            # A session that stays open hears of new mail only when it asks.
            self._session.noop()
        return self._session

    def _read(self, session: imaplib.IMAP4, uids: list[int]) -> Iterator[Received]:
        wanted = f"(UID INTERNALDATE BODY.PEEK[]<0.{MOST_BYTES}>)"
        found: dict[int, Received] = {}
        for item in self._ask(session, "FETCH", ",".join(map(str, uids)), wanted):
            if not isinstance(item, tuple):
                continue
            uid, date = _uid(item[0]), _date(item[0])
            if uid is not None:
                found[int(uid[1])] = Received(f"{self._validity}/{int(uid[1])}", int(uid[1]), _moment(date), item[1])
        # One that was deleted since it was listed is left out.
        return (found[uid] for uid in uids if uid in found)

    def _ask(self, session: imaplib.IMAP4, command: str, *arguments: str) -> list[Any]:
        """The lines of the answer; one with a literal is a tuple of what stands before it and the literal."""
        status, answer = session.uid(command, *arguments)
        if status != "OK":
            raise imaplib.IMAP4.error(f"{command} was answered {status}")
        return [item for item in answer if item]

    def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with suppress(*TROUBLE):
                session.logout()


def _words(error: BaseException) -> str:
    """What went wrong; the library hands on what a server says as octets."""
    said = error.args[0] if error.args else error
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(error)


def _moment(found: re.Match[bytes] | None) -> datetime | None:
    if found is None:
        return None
    try:
        return datetime.strptime(found[1].decode().strip(), "%d-%b-%Y %H:%M:%S %z").astimezone(UTC)
    except (OverflowError, ValueError):
        return None
