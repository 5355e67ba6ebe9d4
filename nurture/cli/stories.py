"""`nurture story`: the marketers' examples, lived and compared."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console

from nurture.cli.answer import Answer, text
from nurture.cli.campaigns import show_problems
from nurture.cli.finding import by_name_or_path, campaign_file, sound_plan
from nurture.cli.opening import settings
from nurture.cli.options import AsJson
from nurture.problems import Problem, Rejected
from nurture.rehearsal import tell, uncovered

__all__ = ["story"]


def story(
    *files: Annotated[
        Path, Parameter(help="Campaigns by name, or story files named like them; default: all in definitions/stories/.")
    ],
    json: AsJson = False,
) -> Answer:
    """Walk each story's lead through its campaign, on a virtual clock, and say where the two part. Nothing is sent."""
    here = settings()
    folder = here.definitions / "stories"
    told: list[dict[str, Any]] = []
    problems: list[Problem] = []
    left: dict[str, list[str]] = {}
    for file in by_name_or_path(folder, files) or sorted(folder.glob("*.json")):
        try:
            data = file.read_bytes()
        except OSError as error:
            problems.append(Problem("", "E_FILE", f"cannot be read: {error.strerror}", file=str(file)))
            continue
        try:
            plan = sound_plan(here, campaign_file(here, file.stem))
        except Rejected as rejected:
            problems += rejected.problems
            continue
        lived, wrong = tell(data, plan)
        problems += [problem.at(str(file)) for problem in wrong]
        told += [{"campaign": plan.campaign, "file": str(file), **one.as_json()} for one in lived]
        left[plan.campaign] = uncovered(plan, [one.lived for one in lived])
    failed = [one for one in told if not one["passed"]]

    def show(on: Console) -> None:
        show_problems(on, problems)
        for one in told:
            if one["passed"]:
                on.print(text(f"ok      {one['campaign']}: {one['story']}", style="green"))
            else:
                on.print(text(f"failed  {one['campaign']}: {one['story']}", style="red"))
                on.print(text(f"        {one['failure']}"))
                on.print(text(f"        it went: {', '.join(one['path'])}"))
        for campaign, ways in left.items():
            if ways:
                on.print(text(f"no story of {campaign} goes: {', '.join(ways)}", style="yellow"))
        on.print(text(f"{len(told) - len(failed)} of {len(told)} stories hold"))

    return Answer(
        {"stories": told, "problems": [problem.as_json() for problem in problems], "uncovered": left},
        show,
        json,
        status=1 if failed or problems else 0,
    )
