"""What somebody does about single leads who watches a campaign: try those again that are stuck."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from nurture.engine.hearing import lead_ids
from nurture.engine.reporting import UnknownLead
from nurture.store import reports as reported
from nurture.store.database import micros

if TYPE_CHECKING:
    from nurture.engine.engine import Engine
    from nurture.identity import LeadRef

__all__ = ["retry"]


def retry(engine: Engine, campaign: str, *, now: datetime, node: str | None = None, lead: LeadRef | None = None) -> int:
    """Stuck leads of this campaign are due again, those at this node or this one alone; says how many.

    Raises `UnknownLead`.
    """
    with engine.store.write() as tx:
        lead_id = None if lead is None else lead_ids(tx, [lead]).get(lead)
        if lead is not None and lead_id is None:
            raise UnknownLead(f"there is no lead {lead}")
        return reported.retry(tx, None, now=micros(now), campaign=campaign, node=node, lead_id=lead_id)
