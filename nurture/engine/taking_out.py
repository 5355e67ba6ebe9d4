"""Somebody takes one lead out of a campaign, by hand and with a reason that stands on its timeline."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

from nurture.engine.engine import UnknownCampaign, wall
from nurture.engine.hearing import lead_ids
from nurture.engine.plans import NotRunnable
from nurture.engine.reporting import UnknownLead
from nurture.store import moves as stored
from nurture.store import versions
from nurture.store.database import micros
from nurture.store.moves import Leaving, Runner

if TYPE_CHECKING:
    from nurture.engine.engine import Engine
    from nurture.identity import LeadRef

__all__ = ["AtWork", "NotInside", "take_out"]


class NotInside(Exception):
    """The lead is not in this campaign, or no more."""


class AtWork(Exception):
    """A worker holds the lead, or a message to it is on its way: its verdict comes first."""


def take_out(
    engine: Engine, campaign: str, lead: LeadRef, *, reason: str, by: str = "", now: datetime
) -> dict[str, str]:
    """End the lead's enrollment as `removed`: nothing more is sent, an open hand-off lapses, an accepted one goes on.

    It may enter again after the campaign's `again_after`, as if it had come to an end. Says `{"campaign", "node"}`,
    where it stood. Raises `UnknownCampaign`, `UnknownLead`, `NotInside`, `AtWork`.
    """
    with engine.store.write(durable=True) as tx:
        if versions.current(tx, campaign) is None:
            raise UnknownCampaign(f"there is no campaign '{campaign}'")
        lead_id = lead_ids(tx, [lead]).get(lead)
        if lead_id is None:
            raise UnknownLead(f"there is no lead {lead}")
        runner = stored.runner_of(tx, campaign, lead_id)
        if runner is None:
            raise NotInside(f"{lead} is not in {campaign}")
        present = wall()
        on_its_way = any(
            state == "sending" or (state == "pending" and lease_until > present)
            for _, _, _, state, _, lease_until in stored.messages(tx, [runner.id])
        )
        if on_its_way or runner.lease_until > present:
            raise AtWork(f"{lead} is being worked on at this moment")
        said = f"{by}: {reason}" if by else reason
        leaving = Leaving(
            runner,
            f"taken out by hand: {said}",
            json.dumps([["remove", {"by": by, "reason": reason}]], ensure_ascii=False),
            None,
            eligible_at=_eligible_at(engine, runner, now),
        )
        stored.leave(tx, campaign, runner.version_id, [leaving], now=micros(now))
    return {"campaign": campaign, "node": runner.node}


def _eligible_at(engine: Engine, runner: Runner, now: datetime) -> int | None:
    """When it may enter again; None, never by itself, also where its version cannot run here and say so."""
    try:
        plan = engine.plans.get(runner.version_id).plan
    except NotRunnable:
        return None
    again = plan.definition.entry.again_after
    return None if again is None else micros(plan.calendar.after(again, now))
