"""What leads do with the links in their mail: look at it again, and opt out."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from nurture import tokens
from nurture.content import CannotRender
from nurture.engine.hearing import Incoming
from nurture.engine.plans import NotRunnable
from nurture.engine.sending import message_maker
from nurture.identity import IdentityKind, LeadRef
from nurture.store.letters import Letter
from nurture.store.letters import letter as stored

if TYPE_CHECKING:
    from nurture.engine.engine import Engine

__all__ = ["find", "masked", "opt_out", "page"]


def find(engine: Engine, purpose: tokens.Purpose, token: str) -> Letter | None:
    """The message that a token of this purpose names; None for whatever we did not make, or know nothing of."""
    # The seal is looked at before the database is asked anything: guessing costs us nothing.
    effect = tokens.read(engine.secret, purpose, token)
    if effect is None:
        return None
    enrollment, node, n = effect.split("/")
    with engine.store.read() as tx:
        return stored(tx, enrollment, node, int(n))


def masked(letter: Letter) -> str:
    """To whom it went, so that the person knows it and a stranger does not: `a…@example.com`."""
    email = letter.lead.email
    if not email:
        return ""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}…@{domain}"


def opt_out(engine: Engine, letter: Letter, *, now: datetime) -> None:
    """This person gets no more marketing messages from us, on any address. Again and again is once."""
    touch = letter.touch
    signal = Incoming(
        "unsubscribed",
        _ref(letter),
        now,
        letter.campaign,
        touch.node,
        id=f"unsubscribe:{letter.enrollment}/{touch.node}/{touch.n}",
        reason="by the link in the message",
    )
    engine.hear([signal], now=now)


def page(engine: Engine, letter: Letter, *, now: datetime) -> str | None:
    """The mail as HTML; None where it cannot be shown any more."""
    try:
        ready = engine.plans.get(letter.touch.version_id)
        make = message_maker(engine.settings, engine.secret)
        message = make(letter.touch, letter.lead, letter.lead.email or "", ready, letter.enrollment, now)
    except (NotRunnable, CannotRender):
        return None
    return message.rendered.html or None


def _ref(letter: Letter) -> LeadRef:
    lead = letter.lead
    known: list[tuple[IdentityKind, str | None]] = [
        ("email", lead.email_key),
        ("id", lead.external_id),
        ("phone", lead.phone),
        ("wechat", lead.wechat),
    ]
    kind, key = next((kind, key) for kind, key in known if key)
    return LeadRef(kind, key)
