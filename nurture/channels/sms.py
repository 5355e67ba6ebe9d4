"""Text messages through a gateway that takes JSON: `{"key": ..., "to": "+86...", "text": ...}`.

A person reads them, so what is not certain is ambiguous; where a node's policy repeats it, the gateway can tell by the
`Idempotency-Key`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, ClassVar

from nurture.channels.base import Ambiguous, Channel, Message, Refused, Verdict
from nurture.channels.egress import Egress, Peer, Unclear, Unreached
from nurture.channels.http_answers import json_bytes, judge_status, not_configured

if TYPE_CHECKING:
    from nurture.settings import Settings

__all__ = ["Sms"]


class Sms(Channel):
    """Posts text messages to the gateway that the operator has set, with a bearer token or the user in its URL."""

    name: ClassVar[str] = "sms"
    evidence: ClassVar[frozenset[str]] = frozenset(
        {"clicked", "replied", "submitted", "visited", "downloaded", "registered", "attended"}
    )
    sessions = 4

    def __init__(self, egress: Egress | None, path: str = "/", token: str = "") -> None:
        """`egress` is None when the channel is not configured."""
        self._egress = egress
        self._path = path
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    @classmethod
    def open(cls, settings: Settings, secret: bytes) -> Sms:
        """The gateway in the settings. Raises `ValueError` with a sentence for the operator."""
        if not settings.sms_url:
            return cls(None)
        if not settings.sms_token.isascii() or not settings.sms_token.isprintable():
            raise ValueError("NURTURE_SMS_TOKEN holds a character that no token has")
        peer = Peer.parse("NURTURE_SMS_URL", settings.sms_url, private=settings.allow_private)
        return cls(Egress(peer, sessions=cls.sessions), peer.path, settings.sms_token)

    def address(self, lead: Mapping[str, object]) -> str | None:
        phone = lead.get("phone")
        return phone if isinstance(phone, str) and phone else None

    async def hand_over(self, message: Message, may_start: Callable[[], Awaitable[bool]]) -> Verdict:
        if self._egress is None:
            return not_configured("NURTURE_SMS_URL")
        text = message.rendered.text.strip()
        if not text:
            return Refused("bad_content", "the message has no text")
        try:
            body = json_bytes({"key": message.key, "to": message.to, "text": text})
        except UnicodeEncodeError:
            return Refused("bad_content", "a value holds half a character")
        try:
            answer = await self._egress.post(
                self._path, body, self._headers | {"Idempotency-Key": message.key}, may_start
            )
        except Unreached as unreached:
            return unreached.verdict
        except Unclear as unclear:
            return Ambiguous(str(unclear))
        return judge_status(answer, repeatable=False)

    async def close(self) -> None:
        if self._egress is not None:
            await self._egress.close()
