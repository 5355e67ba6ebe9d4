"""Verbs that tell: status and history."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console

from nurture.cli.answer import Answer, say, table, text
from nurture.cli.opening import opened
from nurture.cli.options import AsJson, Lead, Now, clock
from nurture.cli.show_history import show_history
from nurture.cli.show_status import show_status
from nurture.engine import Engine, watching
from nurture.engine.plans import NotRunnable
from nurture.identity import LeadRef

__all__ = ["history", "report", "status"]


def status(
    campaign: Annotated[str | None, Parameter(help="The name of a campaign; default: all of them.")] = None,
    *,
    json: AsJson = False,
    now: Now = None,
) -> Answer:
    """Where all leads are: waiting, due, stuck, ended, and at which node; and whether the numbers add up."""
    present = clock(now)
    with opened() as engine:
        document = engine.status(campaign, now=present)
        lost = [one for one in watching.without_file(engine) if campaign in (None, one["campaign"])]
    for one in lost:
        inside = (
            f"{one['inside']} lead{'s go' if one['inside'] != 1 else ' goes'} on with the version that was published"
        )
        say(f"warning: definitions/ has no file of {one['campaign']} any more; {inside}")
    return Answer({**document, "without_file": lost}, lambda on: show_status(on, document), json)


def report(
    campaign: Annotated[str, Parameter(help="The name of a campaign.")],
    *,
    html: Annotated[Path | None, Parameter(help="Write it here as a page, to mail or to print.")] = None,
    language: Annotated[str, Parameter(help="Of the page: zh, en.")] = "en",
    json: AsJson = False,
    now: Now = None,
) -> Answer:
    """How a campaign does: the funnel, each content, each day."""
    from nurture.engine import figures

    present = clock(now)
    with opened() as engine:
        document = figures.document(engine, campaign, now=present)
        if html is not None:
            html.write_text(figures.html(engine, campaign, language, now=present), encoding="utf-8")

    def show(on: Console) -> None:
        if html is not None:
            on.print(text(f"written into {html}"))
        rows = table(on, campaign, "leads", right=("leads",))
        for step, number in document["funnel"].items():
            rows.add_row(step.replace("_", " "), f"{number:,}")
        on.print(rows)
        columns = ("sent", "refused", "viewed", "clicked", "replied")
        rows = table(on, "content", "channel", *columns, right=columns)
        for one in document["contents"]:
            rows.add_row(text(one["content"]), text(one["channel"]), *(f"{one.get(column, 0):,}" for column in columns))
        on.print(rows)

    return Answer(document | ({"html": str(html)} if html else {}), show, json)


def history(lead: Lead, *, json: AsJson = False, now: Now = None) -> Answer:
    """One lead's way: every step with its reason, every message, every signal, in the order in which they happened."""
    present = clock(now)
    named = LeadRef.parse(lead)
    with opened() as engine:
        document = engine.history(named)
        zone = None if json else _zone_of(engine, document, present)
    return Answer(document, lambda on: show_history(on, document, present, zone), json)


def _zone_of(engine: Engine, document: dict[str, Any], now: datetime) -> str | None:
    """The lead's own time zone, else that of the last campaign it was in: reasons speak of that clock, too."""
    zone: str | None = document["lead"]["time_zone"]
    for one in reversed(document["enrollments"]):
        if zone is not None:
            break
        with suppress(NotRunnable):
            zone = engine.ready(one["campaign"], now=now).plan.calendar.zone
    return zone
