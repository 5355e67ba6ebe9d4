"""From a touch to a message: the lead's data, the version's content, the derived identities."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from nurture import tokens
from nurture.channels.base import Channel, Message
from nurture.channels.mail import message_id
from nurture.definition import in_language
from nurture.engine.plans import Ready
from nurture.registry import channel_types
from nurture.settings import Settings
from nurture.store.database import from_micros
from nurture.store.touches import Outbound, Recipient

__all__ = ["message_maker", "open_channel"]


def open_channel(name: str, settings: Settings, secret: bytes) -> Channel:
    """The installed channel of this name, opened for these settings. Raises `LookupError`, or what `open` raises."""
    known = channel_types()
    if name not in known:
        raise LookupError(f"there is no channel '{name}'; a package that brings it may not be installed")
    return known[name].open(settings, secret)


def message_maker(
    settings: Settings, secret: bytes
) -> Callable[[Outbound, Recipient, str, Ready, str, datetime], Message]:
    """How touches become messages here."""
    domain = settings.sender.rpartition("@")[2]
    public = settings.public_url.rstrip("/")

    def make(touch: Outbound, lead: Recipient, address: str, ready: Ready, key: str, now: datetime) -> Message:
        effect = f"{key}/{touch.node}/{touch.n}"
        unsubscribe = f"{public}/unsubscribe/{tokens.sign(secret, 'unsubscribe', effect)}"
        definition = ready.plan.definition
        fields: dict[str, Any] = json.loads(lead.fields)
        language = lead.language or settings.language
        context = {
            "lead": {"email": lead.email or "", **fields, "owner": lead.owner, "language": language},
            "campaign": {"name": definition.campaign, "title": in_language(definition.title, language)},
            "unsubscribe_url": unsubscribe,
            "view_url": f"{public}/view/{tokens.sign(secret, 'view', effect)}",
            "postal_address": settings.postal_address,
            "sender_name": settings.sender_name,
        }
        return Message(
            key=effect,
            message_id=message_id(secret, effect, domain),
            # A copy that a node's policy allows must look like a copy: same id, same date.
            date=now if touch.started_at is None else from_micros(touch.started_at),
            to=address,
            name=str(fields.get("name") or ""),
            rendered=ready.content.render(touch.channel, touch.content, language, context),
            unsubscribe_url=unsubscribe if touch.purpose == "marketing" else "",
            marketing=touch.purpose == "marketing",
        )

    return make
