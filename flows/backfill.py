"""Deployment `backfill`: leads from a file, or leads we know, into a campaign where they stand by now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE

from flows.artifacts import Progress, show_counts
from flows.brake import brake
from flows.choices import ENTRY_RULE, EVERYBODY
from flows.choices import audience as segment_of
from flows.common import live_at, open_engine, show_campaigns
from flows.forms import Audience, Campaign, Count, Moment
from flows.tick import work
from nurture.engine import Engine
from nurture.leads import LeadOptions, parse_map
from nurture.settings import Settings

__all__ = ["backfill", "file_below"]

FILE_SHARE = 0.8
"""How much of the bar is the import; the rest is history and enrolling."""
SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".xlsx"})


@flow(name="backfill", persist_result=False)
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

    Args:
        campaign: Which campaign. The list holds the campaigns in definitions/.
        file: The leads file, such as leads.csv or crm/leads.xlsx. Left empty, leads we know are taken, see audience.
        audience: Without a file, which of the leads we know.
        mapping: Columns with other names than ours, one on each line, such as company=Firma. Common headers in
            English and Chinese need none.
        history: A file with what happened to these leads before, such as history.csv.
        history_mapping: The same as mapping, for the history file.
        tag: A tag that every lead of the file gets.
        basis: The legal basis for the whole file. A lead with neither basis nor consent does not enter.
        pace: At most so many enrollments a day. 0 stands for all at once.
        dry_run: On, this only shows who would stand where. Turn it off to really start.
        now: For tests: pretend that it is this moment, such as 2026-03-02T18:00:00+08:00. Left empty, it is now.
        until: For tests: go on in virtual time until this moment. Left empty, this run ends at once.
    """
    moment, end = live_at(now, until, writing=not dry_run)
    home = Settings().home
    options = LeadOptions(map=parse_map(_lines(mapping)), tags=(tag,) if tag else (), basis=basis or None)
    with open_engine() as engine:
        counts = bring_in(
            engine,
            campaign,
            Progress(f"backfill-{campaign}", f"**{campaign}**: how far the backfill is"),
            path=file_below(home, file) if file else None,
            options=options,
            segment=None if file else segment_of(audience, "", home) or EVERYBODY,
            history=file_below(home, history) if history else None,
            history_map=parse_map(_lines(history_mapping)),
            pace=pace or None,
            now=moment,
            dry_run=dry_run,
        )
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
def bring_in(engine: Engine, campaign: str, bar: Progress, **options: Any) -> dict[str, Any]:
    """Import and enroll. Checkpoints are in the store, so a repeat resumes."""
    with brake() as held:

        def between(what: str, done: int, of: int) -> None:
            held.check()
            if of:  # of what comes after the file itself, nobody knows how much it is
                bar.at(FILE_SHARE * done / of)

        counts = engine.backfill(campaign, progress=between, **options).as_json()
    bar.at(1.0)
    return counts


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def file_below(home: Path, name: str) -> Path:
    """The file of this name in the marketer's folder. A form must not reach other files of the machine: ValueError."""
    root = home.resolve()
    file = (root / name).resolve()
    if not file.is_relative_to(root) or file.suffix.lower() not in SUFFIXES:
        raise ValueError(f"{name!r} is not a leads file in the Nurture folder; {', '.join(sorted(SUFFIXES))} may be")
    if not file.is_file():
        raise ValueError(f"there is no file {name!r} in the Nurture folder")
    return file
