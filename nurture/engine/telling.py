"""What other systems tell of a lead: that something happened, and what is known since. All of a call, or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nurture.crashpoints import crash_point
from nurture.engine.hearing import HearReport, Incoming, lead_ids, stop_writing_to
from nurture.identity import LeadRef
from nurture.store import signals as stored
from nurture.store.database import insist, micros
from nurture.store.enrollments import write_down
from nurture.store.meeting import meet

if TYPE_CHECKING:
    from nurture.engine.engine import Engine

__all__ = ["Told", "tell"]

NO_ENROLLMENT = 0


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that we are told."""

    lead: LeadRef
    at: datetime
    signal: Incoming | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    tags: Sequence[str] = ()


def tell(engine: Engine, told: Sequence[Told], *, now: datetime) -> HearReport:
    """Durable when this returns. What is known of a lead stands with the signal that comes with it."""
    return insist(lambda: _tell(engine, told, now=now))


def _tell(engine: Engine, told: Sequence[Told], *, now: datetime) -> HearReport:
    report = HearReport()
    with engine.store.write(durable=True) as tx:
        found = lead_ids(tx, [one.lead for one in told])
        report.unknown_leads = list(dict.fromkeys(str(one.lead) for one in told if one.lead not in found))
        meet(tx, list(found.values()))
        known = [one for one in told if one.lead in found]
        for one in known:
            if one.fields or one.tags:
                tags = dict.fromkeys(one.tags, True)
                write_down(tx, found[one.lead], NO_ENROLLMENT, one.fields, tags, at=micros(one.at))
        signals = [one.signal.of(found[one.lead]) for one in known if one.signal is not None]
        new = stored.hear(tx, signals, now=micros(now))
        stop_writing_to(tx, engine.secret, new)
        crash_point("hear.committing")
    report.heard, report.known = len(new), len(signals) - len(new)
    return report
