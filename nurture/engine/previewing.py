"""A message as one lead would read it, before anything is sent: the content on disk, the lead's data, no effect."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nurture.content import CannotRender, Catalogue, Content
from nurture.engine.hearing import lead_ids
from nurture.engine.reporting import UnknownLead
from nurture.engine.sending import words_for
from nurture.store.touches import recipients

if TYPE_CHECKING:
    from nurture.engine.engine import Engine
    from nurture.identity import LeadRef

__all__ = ["Preview", "preview"]

SOMEBODY: Mapping[str, Any] = {"email": "lead@example.com", "name": "王明", "company": "示例科技", "title": "市场总监"}
"""Whom a message is shown to when nobody is chosen."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be read; `trouble` says why nothing can be."""

    language: str
    languages: tuple[str, ...]
    subject: str = ""
    text: str = ""
    html: str = ""
    data: Mapping[str, str] | None = None
    trouble: str = ""


def preview(engine: Engine, channel: str, content: str, language: str, lead: LeadRef | None) -> Preview:
    """The message in this language, to this lead of the store or to an invented one. Raises `UnknownLead`."""
    compiled = Content.compile(Catalogue.load(engine.settings.content).files(content, channel))
    languages = compiled.languages(channel, content)
    fields, owner = (dict(SOMEBODY), None) if lead is None else _known(engine, lead)
    links = f"{engine.settings.public_url.rstrip('/')}/preview"
    context = words_for(
        engine.settings, fields, owner, language, {"name": "", "title": ""}, links, links,
        form_url=links, preferences_url=links,
    )  # fmt: skip
    try:
        found = compiled.render(channel, content, language, context)
    except CannotRender as error:
        return Preview(language, languages, trouble=str(error))
    return Preview(language, languages, found.subject, found.text, found.html, dict(found.data) or None)


def _known(engine: Engine, lead: LeadRef) -> tuple[dict[str, Any], str | None]:
    with engine.store.read() as tx:
        lead_id = lead_ids(tx, [lead]).get(lead)
        if lead_id is None:
            raise UnknownLead(f"there is no lead {lead}")
        person = recipients(tx, [lead_id])[lead_id]
    return {"email": person.email or "", **json.loads(person.fields)}, person.owner
