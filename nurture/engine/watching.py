"""What somebody asks who watches campaigns: how each is doing, and who stands at a node."""

from __future__ import annotations

import json
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from nurture.engine.reporting import iso
from nurture.store import Store, versions, whereabouts
from nurture.store.database import micros

__all__ = ["due_today", "published_text", "standing_at"]

MOST_LEADS = 50
"""So many leads are shown at a time."""


def due_today(store: Store, campaign: str, zone: str, *, now: datetime) -> int:
    """How many leads are to be looked at before this day ends in the campaign's zone, those overdue included."""
    here = now.astimezone(ZoneInfo(zone))
    midnight = datetime.combine(here.date() + timedelta(days=1), time(), here.tzinfo)
    with store.read() as tx:
        return whereabouts.due_before(tx, campaign, micros(midnight))


def published_text(store: Store, campaign: str) -> str | None:
    """The canonical text of the version that new enrollments get; None for a campaign that was never published."""
    with store.read() as tx:
        version = versions.current(tx, campaign)
    return None if version is None else version.definition


def standing_at(store: Store, campaign: str, node: str, *, after: int = 0) -> dict[str, Any]:
    """`{"leads": [...], "after": n or None}`; ask again with `after` for the next ones."""
    with store.read() as tx:
        rows = whereabouts.standing_at(tx, campaign, node, after=after, limit=MOST_LEADS + 1)
    shown = rows[:MOST_LEADS]
    return {"leads": [_lead(row) for row in shown], "after": shown[-1][0] if len(rows) > MOST_LEADS else None}


def _lead(row: Any) -> dict[str, Any]:
    _, status, reason, because, entered_at, due_at, email, external_id, phone, wechat, fields = row
    known = json.loads(fields)
    identities = (("", email), ("id:", external_id), ("phone:", phone), ("wechat:", wechat))
    return {
        "lead": next((prefix + value for prefix, value in identities if value), None),
        "name": known.get("name"),
        "company": known.get("company"),
        "status": status,
        "because": reason if status == "stuck" else because,
        "since": iso(entered_at),
        "due_at": iso(due_at),
    }
