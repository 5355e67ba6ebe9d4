"""Verbs about campaigns as such: check, publish, pause, resume."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from nurture.cli.answer import Answer, table, text
from nurture.cli.opening import opened, settings
from nurture.cli.options import AsJson, Named, Now, clock
from nurture.problems import Problem, errors

__all__ = ["check", "pause", "publish", "resume"]


def check(
    *files: Annotated[Path, Parameter(help="Campaign files; default: every campaign.")], json: AsJson = False
) -> Answer:
    """All problems at once, each with its file and place. Errors give exit status 1, warnings do not."""
    from nurture.cli.finding import campaign_files
    from nurture.engine.publishing import check_files

    here = settings()
    looked_at = list(files) or campaign_files(here)
    problems = check_files(here, looked_at)
    wrong = errors(problems)

    def show(on: Console) -> None:
        show_problems(on, problems)
        if not looked_at:
            on.print(text(f"there are no campaigns in {here.definitions}"))
        elif not wrong:
            number = f"{len(looked_at)} campaign{'s' if len(looked_at) > 1 else ''}"
            also = f", {len(problems)} warning{'s' if len(problems) > 1 else ''}" if problems else ""
            on.print(text(f"{number} in order{also}", style="green"))

    return Answer([problem.as_json() for problem in problems], show, json, status=1 if wrong else 0)


def show_problems(on: Console, problems: list[Problem]) -> None:
    """One a line: `file#pointer: what (hint)`."""
    for problem in problems:
        line = text(problem, style="red" if problem.severity == "error" else "yellow")
        if problem.severity == "warning":
            line.append(" [warning]")
        on.print(line)


def publish(
    first: Annotated[Path, Parameter(name="FILE", help="A campaign file.")],
    *more: Annotated[Path, Parameter(help="More of them: all are published, or none.")],
    json: AsJson = False,
    now: Now = None,
) -> Answer:
    """Store campaigns as versions. The same bytes and contents are no new version."""
    moment = clock(now)
    with opened() as engine:
        done = engine.publish([first, *more], now=moment)

    def show(on: Console) -> None:
        rows = table(on, "campaign", "version", "hash", "")
        for each in done:
            rows.add_row(text(each.campaign), str(each.version), each.hash[:12], "" if each.new else "nothing new")
        on.print(rows)

    return Answer([each.as_json() for each in done], show, json)


def pause(campaign: Named, *, json: AsJson = False, now: Now = None) -> Answer:
    """No decision and no new message in this campaign, until `nurture resume`."""
    moment = clock(now)
    with opened() as engine:
        engine.pause(campaign, now=moment)
    return Answer({"campaign": campaign, "paused": True}, lambda on: on.print(text(f"{campaign} is paused")), json)


def resume(campaign: Named, *, json: AsJson = False, now: Now = None) -> Answer:
    """Go on where it was; what has come due meanwhile is due now."""
    moment = clock(now)
    with opened() as engine:
        engine.resume(campaign, now=moment)
    return Answer({"campaign": campaign, "paused": False}, lambda on: on.print(text(f"{campaign} goes on")), json)
