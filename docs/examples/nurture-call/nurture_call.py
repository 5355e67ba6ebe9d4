"""Call tasks: one JSON file a lead, in a folder that the call centre empties."""

import json
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from nurture import Channel, Message, NotSent, Refused, Sent, Verdict

if TYPE_CHECKING:
    from nurture.settings import Settings


class Call(Channel):
    """Writes what is to be said beside its place, asks whether it may start, and renames it: there whole, or not."""

    name: ClassVar[str] = "call"
    evidence: ClassVar[frozenset[str]] = frozenset({"replied", "registered"})

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def open(cls, settings: "Settings", secret: bytes) -> "Call":
        return cls(Path(os.environ.get("NURTURE_CALL_FOLDER") or settings.home / "calls"))

    def address(self, lead: Mapping[str, object]) -> str | None:
        phone = lead.get("phone")
        return phone if isinstance(phone, str) and phone else None

    async def hand_over(self, message: Message, may_start: Callable[[], Awaitable[bool]]) -> Verdict:
        if not message.rendered.text:
            return Refused("bad_content", "there is nothing to say")
        task = {"key": message.key, "phone": message.to, "name": message.name, "say": message.rendered.text}
        # The same message is the same file, however often it is tried.
        target = self._folder / f"{message.message_id.partition('@')[0]}.json"
        draft = target.with_suffix(".part")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            draft.write_text(json.dumps(task, ensure_ascii=False), encoding="utf-8")
            if not await may_start():
                draft.unlink()
                return NotSent("withdrawn", "not allowed any more")
            draft.replace(target)
        except OSError as error:
            # Whatever failed, the file is not in its place: it certainly did not leave.
            return NotSent("connection", f"the folder cannot be written: {error.strerror}")
        return Sent(target.name)
