"""From a touch to a message: the lead's data, the version's content, the derived identities."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from html import escape
from typing import Any

from nurture.channels.base import Channel, Message
from nurture.channels.mail import message_id
from nurture.content.files import with_advertising_mark
from nurture.content.links import through_us
from nurture.definition import in_language
from nurture.engine.plans import Ready
from nurture.jurisdiction import rules_for
from nurture.mailbox import PlusAddress
from nurture.registry import channel_types
from nurture.settings import Settings
from nurture.store.database import from_micros
from nurture.store.touches import Outbound, Recipient
from nurture.tokens import Keyring, Purpose

__all__ = ["message_maker", "open_channel", "returning", "words_for"]


def open_channel(name: str, settings: Settings, secret: bytes) -> Channel:
    """The installed channel of this name, opened for these settings. Raises `LookupError`, or what `open` raises."""
    known = channel_types()
    if name not in known:
        raise LookupError(f"there is no channel '{name}'; a package that brings it may not be installed")
    return known[name].open(settings, secret)


def words_for(
    settings: Settings,
    fields: Mapping[str, Any],
    owner: str | None,
    language: str,
    campaign: Mapping[str, str],
    unsubscribe_url: str,
    view_url: str,
    *,
    form_url: str = "",
    preferences_url: str = "",
) -> dict[str, Any]:
    """The names that a template may use, for one lead."""
    return {
        "lead": {**fields, "owner": owner, "language": language},
        "campaign": dict(campaign),
        "unsubscribe_url": unsubscribe_url,
        "view_url": view_url,
        "form_url": form_url,
        "preferences_url": preferences_url,
        "postal_address": settings.postal_address,
        "sender_name": settings.sender_name,
    }


def returning(settings: Settings, secret: bytes) -> PlusAddress | None:
    """Addresses to which what comes back finds its message; None where no mailbox is read. Raises `ValueError`."""
    return PlusAddress.of(secret, settings.mailbox or settings.sender) if settings.mailbox_url else None


def message_maker(
    settings: Settings, secret: bytes
) -> Callable[[Outbound, Recipient, str, Ready, str, datetime], Message]:
    """How touches become messages here."""
    domain = settings.sender.rpartition("@")[2]
    public = settings.public_url.rstrip("/")
    back = returning(settings, secret)
    keys = Keyring.parse(secret, settings.token_keys)
    follows = settings.tracks

    def at(page: str, purpose: Purpose, effect: str) -> str:
        return f"{public}/{page}/{keys.sign(purpose, effect)}"

    def make(touch: Outbound, lead: Recipient, address: str, ready: Ready, key: str, now: datetime) -> Message:
        effect = f"{key}/{touch.node}/{touch.n}"
        unsubscribe = at("unsubscribe", "unsubscribe", effect)
        definition = ready.plan.definition
        fields: dict[str, Any] = json.loads(lead.fields)
        language = lead.language or settings.language
        asked = ready.content.asked_for(touch.channel, touch.content)
        campaign = {"name": definition.campaign, "title": in_language(definition.title, language)}
        context = words_for(
            settings,
            {"email": lead.email or "", **fields},
            lead.owner,
            language,
            campaign,
            unsubscribe,
            at("view", "view", effect) if "view_url" in asked else "",
            form_url=at("form", "form", effect) if "form_url" in asked else "",
            preferences_url=at("preferences", "preferences", effect) if "preferences_url" in asked else "",
        )
        rendered = ready.content.render(touch.channel, touch.content, language, context)
        if touch.purpose == "marketing" and rendered.subject and rules_for(fields, settings.jurisdiction).marked:
            rendered = replace(rendered, subject=with_advertising_mark(rendered.subject, language))
        links = ready.content.tracked(touch.channel, touch.content, language) if follows else None
        if links is not None and rendered.html:

            def click(name: str) -> str:
                return at("c", "click", f"{effect}/{touch.version_id}/{name}")

            rendered = through_us(rendered, links, click, _last(at("t", "trap", effect), at("o", "open", effect)))
        return Message(
            key=effect,
            message_id=message_id(secret, effect, domain),
            # A copy that a node's policy allows must look like a copy: same id, same date.
            date=now if touch.started_at is None else from_micros(touch.started_at),
            to=address,
            name=str(fields.get("name") or ""),
            rendered=rendered,
            unsubscribe_url=unsubscribe if touch.purpose == "marketing" else "",
            unsubscribe_mail=back.make("u", touch.enrollment_id, effect)
            if back and touch.purpose == "marketing"
            else "",
            reply_to=back.make("r", touch.enrollment_id, effect) if back else "",
            return_path=back.make("b", touch.enrollment_id, effect) if back else "",
            marketing=touch.purpose == "marketing",
        )

    return make


def _last(trap: str, picture: str) -> str:
    """What stands at the end of a mail: a link that no person sees, which scanners follow, and a picture."""
    return (
        f'<a href="{escape(trap)}" rel="nofollow" tabindex="-1" aria-hidden="true" style="display:none"></a>'
        f'<img src="{escape(picture)}" alt="" width="1" height="1" style="border:0">'
    )
