"""What the flows ask of the engine beyond its verbs: is anything due, a picture, one lead's way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nurture.drawing.picture import svg
from nurture.engine import Engine
from nurture.engine.reporting import standing
from nurture.identity import LeadRef
from nurture.rehearsal import live
from nurture.store import enrollments, touches
from nurture.store.database import micros
from nurture.store.versions import campaigns
from nurture.story import Person, Story

__all__ = ["Trace", "Visit", "anything_due", "backlog", "many_writers", "picture", "trace"]

WIDEST = 22.0
"""The arrow that most leads took is this wide: the same picture as in the report."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One node on a lead's way."""

    node: str
    at: str
    outcome: str
    """Empty where the lead still is, or where the campaign ended."""
    because: str


@dataclass(frozen=True, slots=True)
class Trace:
    """One lead's way through one campaign."""

    lived: bool
    """True: this is what happened. False: it has not entered; this is what would happen if it never answered."""
    visits: tuple[Visit, ...]


def anything_due(engine: Engine, now: datetime) -> bool:
    """Whether an enrollment or a message wants attention: one look at each index, whatever the number of leads."""
    with engine.store.read() as tx:
        running = [name for name, _, paused in campaigns(tx) if paused is None]
        times = (
            enrollments.next_due(tx, running),
            touches.next_pending(tx, now=micros(now)),
            touches.next_recovery(tx),
        )
    return any(time is not None and time <= micros(now) for time in times)


def backlog(engine: Engine, now: datetime) -> int:
    """How many enrollments are due: counts them in their index, so not for every second."""
    return sum(campaign["due"] for campaign in standing(engine.store, engine.plans, None, now=now))


def many_writers(engine: Engine) -> bool:
    """Whether several processes may write at once: PostgreSQL lets them, SQLite has one writer."""
    return engine.settings.database.startswith("postgresql")


def picture(engine: Engine, status: Mapping[str, Any], now: datetime) -> str:
    """A campaign as SVG with the counts of `status`, its entry in the document of `Engine.status`."""
    plan = engine.ready(status["campaign"], now=now).plan
    return svg(plan, status["nodes"], engine.settings.language, widest=WIDEST)


def trace(engine: Engine, campaign: str, lead: str, now: datetime) -> Trace:
    """What happened to a lead in a campaign, the last time it was in; else what would happen if it never answered.

    Raises `UnknownLead`, `UnknownCampaign`, `BadIdentity`, `Rejected`.
    """
    known = engine.history(LeadRef.parse(lead))
    lived = [enrollment for enrollment in known["enrollments"] if enrollment["campaign"] == campaign]
    if lived:
        return Trace(True, _lived(max(lived, key=lambda enrollment: int(enrollment["entry"]))))
    plan = engine.ready(campaign, now=now).plan
    about = known["lead"]
    story = Story(
        "nobody answers",
        lead=Person(
            tags=tuple(about["tags"]),
            score=about["score"],
            owner=about["owner"],
            language=about["language"],
            time_zone=about["time_zone"],
            fields=about["fields"],
        ),
        enters=plan.calendar.in_zone(about["time_zone"]).local(now).replace(tzinfo=None),
    )
    found = live(story, plan)
    visits = [_visit(step.node, step.at, step.outcome, step.because) for step in found.steps]
    return Trace(False, tuple(visits) or (_visit(found.path[-1], now, None, found.because),))


def _lived(enrollment: Mapping[str, Any]) -> tuple[Visit, ...]:
    visits = [_visit(step["node"], step["at"], step["outcome"], step["because"]) for step in enrollment["steps"]]
    if enrollment["node"]:
        visits.append(_visit(enrollment["node"], enrollment["since"], None, enrollment["because"]))
    return tuple(visits)


def _visit(node: str, at: datetime | str | None, outcome: str | None, because: str | None) -> Visit:
    when = at.isoformat() if isinstance(at, datetime) else at or ""
    return Visit(node, when, outcome or "", because or "")
