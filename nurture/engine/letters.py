"""What leads do with the links in their mail: look at it again, opt out, ask for less, answer a form."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b
from typing import TYPE_CHECKING

from pydantic_core import to_json

from nurture import tokens
from nurture.content import CannotRender
from nurture.content.forms import Answers, Form
from nurture.engine.hearing import Incoming
from nurture.engine.plans import NotRunnable
from nurture.engine.sending import message_maker
from nurture.identity import every_identity
from nurture.store import signals
from nurture.store.database import insist, micros
from nurture.store.enrollments import write_down
from nurture.store.letters import Letter, enrollment_known
from nurture.store.letters import letter as stored
from nurture.store.signals import Heard

if TYPE_CHECKING:
    from nurture.engine.engine import Engine

__all__ = ["answer", "find", "form", "masked", "named", "opt_out", "page", "prefer", "was_ours"]


def named(effect: str) -> tuple[str, str, int]:
    """(enrollment key, node, n) of the message that a token names."""
    enrollment, node, n = effect.split("/")
    return enrollment, node, int(n)


def find(engine: Engine, purpose: tokens.Purpose, token: str) -> Letter | None:
    """The message that a token of this purpose names; None for whatever we did not make, or know nothing of."""
    # The seal is looked at before the database is asked anything: guessing costs us nothing.
    effect = engine.keys.read(purpose, token)
    if effect is None:
        return None
    with engine.store.read() as tx:
        return stored(tx, *named(effect))


def was_ours(engine: Engine, token: str) -> bool:
    """Whether an opt-out link was made by us, for an enrollment that is no longer known by its name."""
    effect = engine.keys.read("unsubscribe", token)
    if effect is None:
        return False
    with engine.store.read() as tx:
        return not enrollment_known(tx, named(effect)[0])


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
        every_identity(letter.lead)[0],
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


def form(engine: Engine, letter: Letter) -> tuple[Form, str] | None:
    """The form that this message leads to, and its language; None where there is none."""
    try:
        ready = engine.plans.get(letter.touch.version_id)
    except NotRunnable:
        return None
    return ready.content.form(letter.touch.content, letter.lead.language or engine.settings.language)


def answer(engine: Engine, letter: Letter, answers: Answers, *, now: datetime) -> None:
    """Fields, tags and a `submitted`, all at once and durable; the same answers again are the same."""
    fields, tags = answers
    touch, at = letter.touch, micros(now)
    what = blake2b(to_json([fields, tags]), digest_size=8).hexdigest()
    heard = Heard(
        touch.lead_id, "submitted", at, letter.campaign, touch.node,
        f"form:{letter.enrollment}/{touch.node}/{touch.n}/{what}", ", ".join(fields)[:500] or None,
    )  # fmt: skip

    def write() -> None:
        with engine.store.write(durable=True) as tx:
            write_down(tx, touch.lead_id, touch.enrollment_id, fields, dict.fromkeys(tags, True), at=at)
            signals.hear(tx, [heard], now=at)

    insist(write)


def prefer(
    engine: Engine,
    letter: Letter,
    fields: Mapping[str, str | None],
    topics: Mapping[str, bool],
    *,
    now: datetime,
) -> None:
    """What a lead asks of us from now on: fields that the policy reads, and topics as tags."""
    touch = letter.touch

    def write() -> None:
        with engine.store.write(durable=True) as tx:
            write_down(tx, touch.lead_id, touch.enrollment_id, fields, topics, at=micros(now))

    insist(write)
