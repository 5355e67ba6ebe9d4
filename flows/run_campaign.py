"""Deployment `run-campaign`: let leads we know into a campaign, and take their first steps at once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE

from flows.artifacts import Progress, show_counts
from flows.choices import ENTRY_RULE
from flows.choices import audience as segment_of
from flows.common import live_at, open_engine, show_campaigns
from flows.forms import Audience, Campaign, Count, Moment
from flows.tick import work
from nurture.engine import Engine
from nurture.settings import Settings

__all__ = ["run_campaign"]


@flow(name="run-campaign", persist_result=False)
def run_campaign(
    campaign: Campaign,
    audience: Audience = ENTRY_RULE,
    tag: str = "",
    limit: Count = 0,
    dry_run: bool = True,
    now: Moment = "",
    until: Moment = "",
) -> dict[str, Any]:
    """Lets leads into a campaign and takes their first steps at once.

    Leave *dry run* on to see who would enter: nothing is written and nothing is sent. A lead that is already in the
    campaign, has opted out, or lacks a legal basis does not enter; the table says how many, and why.

    Args:
        campaign: Which campaign. The list holds the campaigns in definitions/.
        audience: Everybody whom the campaign is for, or only those of them in one of your segments
            (definitions/segments/).
        tag: Only leads with this tag. Left empty, tags do not matter.
        limit: At most so many leads, oldest first. 0 stands for all of them.
        dry_run: On, this only counts who would enter. Turn it off to really start.
        now: For tests: pretend that it is this moment, such as 2026-03-02T18:00:00+08:00. Left empty, it is now.
        until: For tests: go on in virtual time until this moment. Left empty, this run ends at once.
    """
    moment, end = live_at(now, until, writing=not dry_run)
    segment = segment_of(audience, tag, Settings().home)
    with open_engine() as engine:
        entered = let_in(engine, campaign, segment, limit or None, moment, dry_run)
        what = "who would enter" if dry_run else "who entered"
        show_counts(f"run-{campaign}", f"**{campaign}**: {what} ({audience})", entered)
        if dry_run:
            get_run_logger().info("a dry run: nobody entered, nothing was sent")
            return {"dry_run": True, **entered}
        ticked = work(engine, moment, end, Progress(f"steps-{campaign}", f"**{campaign}**: first steps"))
        show_campaigns(engine, campaign, end or moment)
    get_run_logger().info("%s entered; %s messages sent", entered["enrolled"], ticked["sent"])
    return {"dry_run": False, **entered, "tick": ticked}


@task(name="let-in", cache_policy=NO_CACHE, persist_result=False)
def let_in(
    engine: Engine, campaign: str, segment: dict[str, Any] | None, limit: int | None, now: datetime, dry_run: bool
) -> dict[str, Any]:
    """Enroll the audience. Whoever is in already is counted, and does not enter twice: this may be repeated."""
    return engine.enroll(campaign, segment=segment, limit=limit, now=now, dry_run=dry_run).as_json()
