"""What somebody asks who watches campaigns: how each is doing, and who stands at a node."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from nurture import strict_json
from nurture.engine.publishing import campaign_files
from nurture.engine.reporting import iso, standing
from nurture.store import Store, versions, whereabouts
from nurture.store import reports as reported
from nurture.store.database import micros

if TYPE_CHECKING:
    from nurture.engine.engine import Engine

__all__ = [
    "due_today",
    "last_run",
    "live",
    "published_text",
    "shares",
    "standing_at",
    "why_not_deleted",
    "without_file",
]

MOST_LEADS = 50
"""So many leads are shown at a time."""


def due_today(store: Store, campaign: str, zone: str, *, now: datetime) -> int:
    """How many leads are to be looked at before this day ends in the campaign's zone, those overdue included."""
    here = now.astimezone(ZoneInfo(zone))
    midnight = datetime.combine(here.date() + timedelta(days=1), time(), here.tzinfo)
    with store.read() as tx:
        return whereabouts.due_before(tx, campaign, micros(midnight))


def why_not_deleted(engine: Engine, campaign: str) -> str:
    """Why the file of this campaign has to stay, and what can be done; "" where it may go."""
    with engine.store.read() as tx:
        number = whereabouts.inside(tx, campaign)
        paused = next((row[2] for row in versions.campaigns(tx) if row[0] == campaign), None)
        version = versions.current(tx, campaign)
    if number:
        what = f"{number} lead{' is' if number == 1 else 's are'} inside {campaign}, so it is not deleted"
        return f"{what}: publish a version that moves them or takes them out, take them out one by one, or pause it"
    mode = json.loads(version.definition).get("entry", {}).get("mode") if version else None
    if mode == "continuous" and paused is None:
        return f"leads still enter {campaign} by themselves, so it is not deleted: pause it first"
    return ""


def without_file(engine: Engine) -> list[dict[str, Any]]:
    """Campaigns that leads are in and that no file in `definitions/` describes any more: `{"campaign", "inside"}`."""
    named = set()
    for path in campaign_files(engine.settings):
        with suppress(OSError):
            value, faults = strict_json.read(path.read_bytes())
            # A file that cannot be read is still there, and `nurture check` says what is wrong with it.
            named.add(value.get("campaign", path.stem) if isinstance(value, dict) and not faults else path.stem)
    with engine.store.read() as tx:
        found = [(name, whereabouts.inside(tx, name)) for name, _, _ in versions.campaigns(tx) if name not in named]
    return [{"campaign": name, "inside": number} for name, number in found if number]


def last_run(store: Store, campaign: str) -> str | None:
    """When a lead of this campaign last moved; None where none ever did."""
    with store.read() as tx:
        return iso(whereabouts.last_move(tx, campaign))


def live(engine: Engine, campaign: str, *, now: datetime) -> dict[str, Any] | None:
    """The campaign's part of `nurture status`, and where leads are stuck and why; None for one never published."""
    found = standing(engine.store, engine.plans, campaign, now=now)
    if not found:
        return None
    [told] = found
    with engine.store.read() as tx:
        causes = [row for row in reported.stuck_by_cause(tx) if row[0] == campaign] if told["stuck"] else []
    return {
        **told,
        "causes": [
            {"node": node, "cause": cause, "leads": number, "since": iso(since)}
            for _, node, cause, number, since, _ in causes
        ],
    }


def shares(store: Store, campaign: str) -> dict[str, Any]:
    """How leads of this campaign have answered so far, as `nurture simulate` takes it: `{"sent": n, "handoffs": n,
    "rates": {kind: share}}`. A message counts once for each kind of answer."""
    with store.read() as tx:
        states = whereabouts.settled(tx, campaign)
        answers = whereabouts.answers(tx, campaign)
        handed = whereabouts.handed_off(tx, campaign)
    sent, refused = states.get("sent", 0) + states.get("ambiguous", 0), states.get("refused", 0)
    rates = {kind: number / sent for kind, number in answers.items()} if sent else {}
    if sent + refused:
        rates["refused"] = refused / (sent + refused)
    closed = sum(number for state, number in handed.items() if state != "open")
    if closed:
        rates |= {state: handed[state] / closed for state in ("accepted", "returned") if state in handed}
    return {
        "sent": sent,
        "handoffs": closed,
        "rates": {kind: round(min(share, 1.0), 3) for kind, share in sorted(rates.items()) if share},
    }


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
