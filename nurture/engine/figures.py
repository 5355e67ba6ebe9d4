"""A campaign's report: its numbers as a document, and as a page to mail or to print."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from nurture.drawing.report import page
from nurture.engine.engine import Engine, UnknownCampaign
from nurture.engine.reporting import standing
from nurture.store import figures as stored

__all__ = ["document", "html"]

MOST_DAYS = 90


def document(engine: Engine, campaign: str, *, now: datetime) -> dict[str, Any]:
    """The numbers of the report. Raises `UnknownCampaign`."""
    # By the running counts, which `nurture doctor` compares with the tables: counting all steps anew takes longer than the rest.
    status = next(iter(standing(engine.store, engine.plans, campaign, now=now)), None)
    if status is None:
        raise UnknownCampaign(f"there is no campaign '{campaign}'")
    zone = engine.ready(campaign, now=now).plan.definition.time_zone
    with engine.store.read() as tx:
        funnel = stored.funnel(tx, campaign)
        states = stored.by_content(tx, campaign)
        responses = stored.responses(tx, campaign)
        quarters = stored.by_quarter_hour(tx, campaign)
    contents: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for content, channel, word, number in [*states, *responses]:
        contents[content, channel][word] += number
    return {
        "campaign": campaign,
        "at": now.isoformat().replace("+00:00", "Z"),
        "time_zone": zone,
        "status": status,
        "funnel": funnel,
        "contents": [
            {"content": content, "channel": channel, **dict(sorted(counts.items()))}
            for (content, channel), counts in sorted(contents.items(), key=lambda item: (-item[1]["sent"], item[0]))
        ],
        "days": _days(quarters, ZoneInfo(zone), now),
    }


def html(engine: Engine, campaign: str, language: str, *, now: datetime) -> str:
    """The report as a page that needs nothing around it. Raises `UnknownCampaign`."""
    return page(engine.ready(campaign, now=now).plan, document(engine, campaign, now=now), language)


def _days(quarters: list[Any], zone: ZoneInfo, now: datetime) -> list[dict[str, Any]]:
    """Day by day in the campaign's zone, up to today, empty days included; the last ones, where there are many."""
    days: dict[date, Counter[str]] = defaultdict(Counter)
    for what, quarter, number in quarters:
        moment = datetime.fromtimestamp(quarter * 900, UTC).astimezone(zone)
        days[moment.date()][what] += number
    today = now.astimezone(zone).date()
    past = [day for day in days if day <= today]
    if not past:
        return []
    first = max(min(past), today - timedelta(days=MOST_DAYS - 1))
    return [
        {"day": day.isoformat(), **{what: days[day][what] for what in ("entered", "sent", "ended")}}
        for day in (first + timedelta(days=n) for n in range((today - first).days + 1))
    ]
