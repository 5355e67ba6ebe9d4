"""Messages to another program: a JSON POST for each, at least once, under a key by which repeats can be told apart.

The receiver keeps the keys it has seen (`Idempotency-Key`): an attempt that ends unclear is made again. With
`NURTURE_WEBHOOK_SECRET` each request is signed as standardwebhooks.com describes.
"""

from __future__ import annotations

import hmac
import time
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, ClassVar

from nurture.channels.base import Channel, Message, NotSent, Refused, Verdict
from nurture.channels.egress import Egress, Peer, Unclear, Unreached
from nurture.channels.http_answers import json_bytes, judge_status, not_configured

if TYPE_CHECKING:
    from nurture.settings import Settings

__all__ = ["Webhook"]


class Webhook(Channel):
    """Posts messages to the one URL that the operator has set."""

    name: ClassVar[str] = "webhook"
    evidence: ClassVar[frozenset[str]] = frozenset(
        {"viewed", "clicked", "replied", "submitted", "visited", "downloaded", "registered", "attended"}
    )
    sessions = 4

    def __init__(
        self, egress: Egress | None, path: str = "/", key: bytes = b"", *, clock: Callable[[], float] = time.time
    ) -> None:
        """`egress` is None when the channel is not configured; `clock` dates the signatures."""
        self._egress = egress
        self._path = path
        self._key = key
        self._clock = clock

    @classmethod
    def open(cls, settings: Settings, secret: bytes) -> Webhook:
        """The receiver in the settings. Raises `ValueError` with a sentence for the operator."""
        if not settings.webhook_url:
            return cls(None)
        peer = Peer.parse("NURTURE_WEBHOOK_URL", settings.webhook_url, private=settings.allow_private)
        return cls(Egress(peer, sessions=cls.sessions), peer.path, _signing_key(settings.webhook_secret))

    def address(self, lead: Mapping[str, object]) -> str | None:
        """Whom the message is about, as the receiver may know them. An e-mail address first: opt-outs go by it."""
        for kind in ("email", "phone", "wechat", "id"):
            value = lead.get(kind)
            if isinstance(value, str) and value:
                return value
        return None

    async def hand_over(self, message: Message, may_start: Callable[[], Awaitable[bool]]) -> Verdict:
        if self._egress is None:
            return not_configured("NURTURE_WEBHOOK_URL")
        rendered = message.rendered
        try:
            body = json_bytes(
                {
                    "key": message.key,
                    "date": message.date.isoformat().replace("+00:00", "Z"),
                    "to": message.to,
                    "name": message.name,
                    "subject": rendered.subject,
                    "text": rendered.text,
                    "html": rendered.html,
                    "data": dict(rendered.data),
                    "marketing": message.marketing,
                    "unsubscribe_url": message.unsubscribe_url,
                }
            )
        except UnicodeEncodeError:
            return Refused("bad_content", "a value holds half a character")
        headers = {"Idempotency-Key": message.key} | self._signature(message.key, body)
        try:
            answer = await self._egress.post(self._path, body, headers, may_start)
        except Unreached as unreached:
            return unreached.verdict
        except Unclear as unclear:
            # It may have arrived. The next attempt carries the same key, by which the receiver will know.
            return NotSent("temporary", str(unclear))
        return judge_status(answer, repeatable=True)

    async def close(self) -> None:
        if self._egress is not None:
            await self._egress.close()

    def _signature(self, key: str, body: bytes) -> dict[str, str]:
        if not self._key:
            return {}
        at = str(int(self._clock()))
        signed = hmac.digest(self._key, f"{key}.{at}.".encode() + body, "sha256")
        return {
            "webhook-id": key,
            "webhook-timestamp": at,
            "webhook-signature": f"v1,{b64encode(signed).decode()}",
        }


def _signing_key(text: str) -> bytes:
    """`whsec_` and base64, or any other text as it stands. Raises `ValueError`."""
    if not text.startswith("whsec_"):
        return text.encode()
    try:
        return b64decode(text.removeprefix("whsec_"), validate=True)
    except ValueError:
        raise ValueError("NURTURE_WEBHOOK_SECRET begins with whsec_, but no base64 follows") from None
