"""Verbs that tell: status and history."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any

from cyclopts import Parameter

from nurture.cli.answer import Answer
from nurture.cli.opening import opened
from nurture.cli.options import AsJson, Now, clock
from nurture.cli.show_history import show_history
from nurture.cli.show_status import show_status
from nurture.engine import Engine
from nurture.engine.plans import NotRunnable
from nurture.identity import LeadRef

__all__ = ["history", "status"]


def status(
    campaign: Annotated[str | None, Parameter(help="The name of a campaign; default: all of them.")] = None,
    *,
    json: AsJson = False,
    now: Now = None,
) -> Answer:
    """Where all leads are: waiting, due, stuck, ended, and at which node; and whether the numbers add up."""
    present = clock(now)
    with opened() as engine:
        document = engine.status(campaign, now=present)
    return Answer(document, lambda on: show_status(on, document), json)


def history(lead: Annotated[str, Parameter(help="LEAD.")], *, json: AsJson = False, now: Now = None) -> Answer:
    """One lead's way: every step with its reason, every message, every signal, in the order in which they happened."""
    present = clock(now)
    named = LeadRef.parse(lead)
    with opened() as engine:
        document = engine.history(named)
        zone = None if json else _zone_of(engine, document, present)
    return Answer(document, lambda on: show_history(on, document, present, zone), json)


def _zone_of(engine: Engine, document: dict[str, Any], now: datetime) -> str | None:
    """The lead's own time zone, else that of the last campaign it was in: reasons speak of that clock, too."""
    zone: str | None = document["lead"]["time_zone"]
    for one in reversed(document["enrollments"]):
        if zone is not None:
            break
        with suppress(NotRunnable):
            zone = engine.ready(one["campaign"], now=now).plan.calendar.zone
    return zone
