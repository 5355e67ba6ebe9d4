"""Mails as files: one `.eml` a message, named by its Message-ID. For trying things out, and for looking at them."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from nurture.channels.base import Channel, Message, NotSent, Refused, Sent, Verdict
from nurture.channels.headers import BadAddress, BadHeader
from nurture.channels.mail import Sender, build

if TYPE_CHECKING:
    from nurture.settings import Settings

__all__ = ["Files"]


class Files(Channel):
    """Writes beside the target, asks, then renames: the file is there whole or not at all, so no verdict is ambiguous.

    The same message again gives the same file again. Survives the death of the process; a loss of power is not
    provided for.
    """

    name: ClassVar[str] = "email"
    evidence: ClassVar[frozenset[str]] = frozenset(
        {"viewed", "clicked", "replied", "submitted", "visited", "downloaded", "registered", "attended"}
    )

    def __init__(self, folder: Path, sender: Sender) -> None:
        self._folder = folder
        self._sender = sender
        self._head = sender.head()

    @classmethod
    def open(cls, settings: Settings, secret: bytes) -> Files:
        """Files in the outbox below home."""
        return cls(settings.home / "outbox", Sender.parse(settings.sender, settings.sender_name))

    def address(self, lead: Mapping[str, object]) -> str | None:
        email = lead.get("email")
        return email if isinstance(email, str) and email else None

    async def hand_over(self, message: Message, may_start: Callable[[], Awaitable[bool]]) -> Verdict:
        try:
            letter = build(message, self._sender, self._head)
        except BadAddress as error:
            return Refused("bad_address", str(error))
        except BadHeader as error:
            return Refused("bad_content", str(error))
        # `build` lets only letters, digits and ". _ + -" into a Message-ID, so it is one file name, and not a path.
        target = self._folder / f"{message.message_id.partition('@')[0]}.eml"
        draft = target.with_suffix(f".{os.getpid()}.part")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(letter.raw)
        except OSError as error:
            return NotSent("connection", f"the mail folder cannot be written: {error.strerror}")
        try:
            if not await may_start():
                return NotSent("withdrawn", "the message was withdrawn before it began")
            try:
                draft.replace(target)
            except OSError as error:
                return NotSent("connection", f"the mail folder cannot be written: {error.strerror}")
            return Sent(target.name)
        finally:
            with suppress(OSError):
                draft.unlink()
