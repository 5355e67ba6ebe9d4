"""A maildir: one file a mail. What is in `new` is read, and then lies in `cur` as seen, as mail programs leave it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from nurture.mailbox.boxes import Box, Fetched, MailboxDown, Position, Received
from nurture.mailbox.mail import MOST_BYTES

__all__ = ["Maildir"]


class Maildir(Box):
    """Files have no number: what was read is told by where it lies, and a mail that is read twice counts once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.name = f"maildir://{folder}"

    def fetch(self, after: Position, limit: int) -> Fetched:
        try:
            with os.scandir(self._folder / "new") as listing:
                # Names begin with the second of arrival; what begins with a dot is no mail.
                names = sorted(entry.name for entry in listing if not entry.name.startswith(".") and entry.is_file())
        except OSError as error:
            raise MailboxDown(f"{self.name}/new cannot be read: {error.strerror}") from error
        found = []
        for name in names[:limit]:
            path = self._folder / "new" / name
            try:
                with path.open("rb") as file:
                    raw = file.read(MOST_BYTES)
                    arrived = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
            except FileNotFoundError:
                continue  # a mail program was faster
            except OSError as error:
                raise MailboxDown(f"{path} cannot be read: {error.strerror}") from error
            found.append(Received(name, 0, arrived, raw))
        return Fetched(found, after)

    def done(self, mails: Sequence[Received]) -> None:
        for mail in mails:
            # If it cannot be moved it is read again, and counts once.
            with suppress(OSError):
                (self._folder / "new" / mail.name).rename(self._folder / "cur" / f"{mail.name.partition(':')[0]}:2,S")
