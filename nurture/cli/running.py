"""Verbs that move leads, or check how they were moved: tick, retry, replay."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from nurture.cli.answer import Answer, progress_bar, table, text
from nurture.cli.opening import mail_is_usable, opened
from nurture.cli.options import AsJson, Flag, Now, clock, moment, usage
from nurture.engine import TickReport, UnknownCampaign
from nurture.identity import LeadRef
from nurture.words import did_you_mean, quoted

__all__ = ["replay", "retry", "tick"]


def tick(
    *,
    until: Annotated[
        datetime | None,
        Parameter(converter=moment, help="Let virtual time jump from due moment to due moment, up to here."),
    ] = None,
    json: AsJson = False,
    now: Now = None,
) -> Answer:
    """Decide and deliver all that is due, once. This is the heartbeat; `nurture up` beats it by itself."""
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

        report = engine.tick(present, until=until, live=now is None, progress=told)
    document = report.as_json()

    def show(on: Console) -> None:
        did = f"{report.looked} looked at, {report.steps} steps, {report.sent} sent, {report.refused} refused"
        on.print(text(f"{document['now']}: {did}, {report.ambiguous} ambiguous"))

    return Answer(document, show, json)


def retry(
    *,
    cause: Annotated[str | None, Parameter(help="Only those whose cause contains this.")] = None,
    json: AsJson = False,
    now: Now = None,
) -> Answer:
    """Let stuck leads be decided again, at once; nothing is sent before the next tick. Exit status 1: some are stuck."""
    present = clock(now)
    with opened() as engine:
        retried = engine.retry(now=present, cause=cause)
        if retried:
            engine.decide(present)
        stuck = {each["campaign"]: each["stuck"] for each in engine.status(now=present)["campaigns"] if each["stuck"]}
    number = sum(stuck.values())

    def show(on: Console) -> None:
        on.print(text(f"{retried} tried again, {number} stuck", style="red" if number else ""))
        for campaign, leads in stuck.items():
            on.print(text(f"  {leads:>8,}  {campaign}"))

    return Answer({"retried": retried, "stuck": number, "campaigns": stuck}, show, json, status=1 if number else 0)


def replay(
    lead: Annotated[str | None, Parameter(help="LEAD.")] = None,
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
