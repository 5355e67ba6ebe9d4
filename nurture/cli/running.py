"""Verbs that move leads, or check how they were moved: tick, retry, replay."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from nurture.cli.answer import Answer, progress_bar, table, text
from nurture.cli.opening import mail_is_usable, opened
from nurture.cli.options import LEAD, AsJson, Flag, Now, clock, moment, usage
from nurture.engine import TickReport, UnknownCampaign, recognising
from nurture.engine.reporting import stuck
from nurture.engine.stopping import at_sigterm
from nurture.identity import LeadRef
from nurture.words import did_you_mean, quoted

__all__ = ["replay", "retry", "tick"]


def tick(
    *,
    until: Annotated[
        datetime | None,
        Parameter(converter=moment, help="Let virtual time jump from due moment to due moment, up to here."),
    ] = None,
    trust_clock: Annotated[
        bool, Flag, Parameter(help="The clock is right, however far it is ahead of the last tick.")
    ] = False,
    json: AsJson = False,
    now: Now = None,
) -> Answer:
    """Decide and deliver all that is due, once. This is the heartbeat; `nurture up` beats it by itself.

    Exit status 1: when it was done, the numbers did not add up.
    """
    present = clock(now)
    if until is not None and until < present:
        raise usage(f"--until {until.isoformat()} lies before now, {present.isoformat()}")
    mail_is_usable()
    with opened() as engine, progress_bar("ticking") as bar:

        def told(report: TickReport) -> None:
            if until is None:
                bar(report.steps, None)
            else:
                bar(int((report.now - present).total_seconds()), int((until - present).total_seconds()))

        if trust_clock:
            recognising.trust_clock(engine.store, present)
        with at_sigterm(engine.stop):
            report = engine.tick(present, until=until, live=now is None, progress=told)
    document = report.as_json()

    def show(on: Console) -> None:
        did = f"{report.looked} looked at, {report.steps} steps, {report.sent} sent, {report.refused} refused"
        on.print(text(f"{report.now:%Y-%m-%dT%H:%M:%SZ}: {did}, {report.ambiguous} ambiguous"))
        for one in report.broken:
            on.print(text(f"this does not add up: {one}", style="bold red"))
        for each in report.news:
            on.print(text(each, style="bold red"))

    return Answer(document, show, json, status=1 if report.broken else 0)


def retry(
    *,
    cause: Annotated[str | None, Parameter(help="Only those whose cause contains this.")] = None,
    dry_run: Annotated[bool, Flag, Parameter(help="Only say why leads are stuck; nothing is tried.")] = False,
    json: AsJson = False,
    now: Now = None,
) -> Answer:
    """Let stuck leads be decided again, at once; nothing is sent before the next tick. Exit status 1: some are stuck."""
    present = clock(now)
    with opened() as engine:
        retried = 0 if dry_run else engine.retry(now=present, cause=cause)
        if retried:
            engine.decide(present)
        causes = stuck(engine.store, cause if dry_run else None)
    campaigns: dict[str, int] = {}
    for one in causes:
        campaigns[one["campaign"]] = campaigns.get(one["campaign"], 0) + one["leads"]
    number = sum(campaigns.values())

    def show(on: Console) -> None:
        said = f"{number} stuck" if dry_run else f"{retried} tried again, {number} stuck"
        on.print(text(said, style="red" if number else ""))
        if causes:
            rows = table(on, "leads", "campaign", "node", "first", "last", "such as", "cause", right=("leads",))
            for one in causes:
                first, last = (str(one[when])[:16].replace("T", " ") for when in ("first", "last"))
                such = ", ".join(one["examples"])
                words = (f"{one['leads']:,}", one["campaign"], one["node"], first, last, such, one["cause"])
                rows.add_row(*map(text, words))
            on.print(rows)

    document = {"retried": retried, "stuck": number, "campaigns": campaigns, "causes": causes}
    return Answer(document, show, json, status=1 if number else 0)


def replay(
    lead: Annotated[str | None, Parameter(help=LEAD)] = None,
    campaign: Annotated[str | None, Parameter(help="The name of a campaign.")] = None,
    *,
    all: Annotated[bool, Flag, Parameter(help="Every lead in every campaign.")] = False,
    json: AsJson = False,
    now: Now = None,
) -> Answer:
    """Decide again from the journal and compare. `--now` changes nothing: a replay lives in the journal's own times."""
    clock(now)
    if all == (lead is not None):
        raise usage("say whose way: nurture replay LEAD CAMPAIGN, or --all", "see: nurture replay --help")
    named = None if lead is None else LeadRef.parse(lead)
    with opened() as engine:
        if campaign is not None and campaign not in (known := engine.campaigns()):
            raise UnknownCampaign(f"there is no campaign {quoted(campaign)}; {did_you_mean(campaign, known)}")
        report = engine.replay(named, campaign)

    def show(on: Console) -> None:
        on.print(text(f"{report.leads} replayed, {report.equal} equal", style="" if report.different else "green"))
        if report.different:
            rows = table(on, "lead", "campaign", "node", "recorded", "replayed")
            for one in report.different:
                rows.add_row(*(text(one[key]) for key in ("lead", "campaign", "node", "recorded", "replayed")))
            on.print(rows)

    return Answer(report.as_json(), show, json, status=1 if report.different else 0)
