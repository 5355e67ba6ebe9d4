"""Deployment `run-campaign`: let leads we know into a campaign, and take their first steps at once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE

from flows.artifacts import Progress, show_counts
from flows.common import live_at, open_engine, show_campaigns
from flows.forms import Audience, Campaign, Count, Moment, told_as
from flows.tick import work
from nurture.engine import Engine
from nurture.engine.letting_in import ENTRY_RULE, RunCampaign

__all__ = ["run_campaign"]


@flow(name="run-campaign", persist_result=False)
@told_as(RunCampaign)
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
    """
    moment, end = live_at(now, until, writing=not dry_run)
    asked = RunCampaign(campaign=campaign, audience=audience, tag=tag, limit=limit)
    with open_engine() as engine:
        entered = let_in(engine, asked, moment, dry_run)
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
def let_in(engine: Engine, asked: RunCampaign, now: datetime, dry_run: bool) -> dict[str, Any]:
    """Enroll the audience. Whoever is in already is counted, and does not enter twice: this may be repeated."""
    return asked.carry_out(engine, now=now, dry_run=dry_run)
