"""Deployment `backfill`: leads from a file, or leads we know, into a campaign where they stand by now."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE

from flows.artifacts import Progress, show_counts
from flows.brake import brake
from flows.common import live_at, open_engine, show_campaigns
from flows.forms import Audience, Campaign, Count, Moment, told_as
from flows.tick import work
from nurture.engine import Engine
from nurture.engine.letting_in import ENTRY_RULE, Backfill

__all__ = ["backfill"]

FILE_SHARE = 0.8
"""How much of the bar is the import; the rest is history and enrolling."""


@flow(name="backfill", persist_result=False)
@told_as(Backfill)
def backfill(
    campaign: Campaign,
    file: str = "",
    audience: Audience = ENTRY_RULE,
    mapping: str = "",
    history: str = "",
    history_mapping: str = "",
    tag: str = "",
    basis: str = "",
    pace: Count = 0,
    dry_run: bool = True,
    now: Moment = "",
    until: Moment = "",
) -> dict[str, Any]:
    """Brings leads from a file into a campaign, each where its history says it stands.

    Put the file into your Nurture folder first and give its name here. Leave *dry run* on to see the placement table:
    nothing is written and nothing is sent. A run that was stopped may simply be run again: it goes on where it was,
    and nobody enters twice.
    """
    moment, end = live_at(now, until, writing=not dry_run)
    asked = Backfill(
        campaign=campaign,
        file=file,
        audience=audience,
        mapping=mapping,
        history=history,
        history_mapping=history_mapping,
        tag=tag,
        basis=basis,
        pace=pace,
    )
    with open_engine() as engine:
        bar = Progress(f"backfill-{campaign}", f"**{campaign}**: how far the backfill is")
        counts = bring_in(engine, asked, bar, moment, dry_run)
        what = "who would be brought in, and where each would stand" if dry_run else "who was brought in"
        show_counts(f"backfill-{campaign}-counts", f"**{campaign}**: {what}", counts)
        if dry_run:
            get_run_logger().info("a dry run: nothing was written, nothing was sent")
            return {"dry_run": True, **counts}
        ticked = work(engine, moment, end)
        show_campaigns(engine, campaign, end or moment)
    get_run_logger().info("%s entered; %s messages sent", counts["enrolled"], ticked["sent"])
    return {"dry_run": False, **counts, "tick": ticked}


@task(name="bring-in", cache_policy=NO_CACHE, persist_result=False)
def bring_in(engine: Engine, asked: Backfill, bar: Progress, now: datetime, dry_run: bool) -> dict[str, Any]:
    """Import and enroll. Checkpoints are in the store, so a repeat resumes."""
    with brake() as held:

        def between(what: str, done: int, of: int) -> None:
            held.check()
            if of:  # of what comes after the file itself, nobody knows how much it is
                bar.at(FILE_SHARE * done / of)

        counts = asked.carry_out(engine, now=now, dry_run=dry_run, progress=between)
    bar.at(1.0)
    return counts
