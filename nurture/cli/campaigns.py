"""Verbs about campaigns as such: check, publish, pause, resume."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from nurture.cli.answer import Answer, show_dry_run, table, text
from nurture.cli.opening import opened, settings
from nurture.cli.options import AsJson, Flag, Named, Now, clock, pairs, usage
from nurture.engine import Published, UnknownCampaign
from nurture.engine.moving import MoveReport
from nurture.moving import Choice, Running
from nurture.problems import Problem, errors
from nurture.words import quoted

__all__ = ["check", "diff", "pause", "publish", "resume", "rollback", "versions"]

RunningChoice = Annotated[
    Choice, Parameter(help="Leads that are inside: keep their version, move to this one, or exit.")
]
NodeMap = Annotated[
    tuple[str, ...],
    Parameter(
        name="--map",
        help="With --running move: OLD=NEW, where the leads of a node go (`end`: out); others keep their node.",
    ),
]


def check(
    *files: Annotated[Path, Parameter(help="Campaigns, by name or file; default: all of them.")], json: AsJson = False
) -> Answer:
    """All problems at once, each with its file and place. Errors give exit status 1, warnings do not."""
    from nurture.cli.finding import by_name_or_path, campaign_files
    from nurture.engine.publishing import check_files

    here = settings()
    looked_at = by_name_or_path(here.definitions, files) or campaign_files(here)
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
    first: Annotated[Path, Parameter(name="FILE", help="A campaign, by name or file.")],
    *more: Annotated[Path, Parameter(help="More of them: all are published, or none.")],
    running: RunningChoice = "keep",
    map: NodeMap = (),
    dry_run: Annotated[bool, Flag, Parameter(help="Only say what would become of the leads inside.")] = False,
    json: AsJson = False,
    now: Now = None,
) -> Answer:
    """Store campaigns as versions. The same bytes and contents are no new version.

    Leads that are inside keep the version they entered with, unless `--running` says otherwise.
    """
    from nurture.cli.finding import by_name_or_path

    moment = clock(now)
    asked = _running(running, map)
    with opened() as engine, engine.rehearsing(dry_run):
        done = engine.publish(by_name_or_path(engine.settings.definitions, [first, *more]), now=moment, running=asked)
        reports = [engine.move_on(each.campaign, now=moment) for each in done]

    def show(on: Console) -> None:
        rows = table(on, "campaign", "version", "hash", "")
        for each in done:
            rows.add_row(text(each.campaign), str(each.version), each.hash[:12], "" if each.new else "nothing new")
        on.print(rows)
        for each, report in zip(done, reports, strict=True):
            show_moved(on, each, report, dry_run=dry_run)
        show_dry_run(on, dry_run)

    return Answer([_document(each, report) for each, report in zip(done, reports, strict=True)], show, json)


def rollback(
    campaign: Named,
    version: Annotated[int, Parameter(help="The number of an older version: see `nurture versions`.")],
    *,
    running: RunningChoice = "keep",
    map: NodeMap = (),
    dry_run: Annotated[bool, Flag, Parameter(help="Only say what would become of the leads inside.")] = False,
    json: AsJson = False,
    now: Now = None,
) -> Answer:
    """Give new leads an older version again: the same bytes, under the same hash."""
    moment = clock(now)
    asked = _running(running, map)
    with opened() as engine, engine.rehearsing(dry_run):
        done = engine.roll_back(campaign, version, now=moment, running=asked)
        report = engine.move_on(campaign, now=moment)

    def show(on: Console) -> None:
        on.print(text(f"new leads of {done.campaign} get version {done.version} ({done.hash[:12]})"))
        show_moved(on, done, report, dry_run=dry_run)
        show_dry_run(on, dry_run)

    return Answer(_document(done, report), show, json)


def _running(choice: Choice, pairs_of_nodes: Sequence[str]) -> Running:
    return Running(choice, pairs("--map", pairs_of_nodes, "old_node=new_node"))


def _document(done: Published, report: MoveReport) -> dict[str, object]:
    """As `nurture publish` always had it; what became of leads inside is told where there were any."""
    told = {"before": dict(done.before), **report.as_json()} if done.before else {}
    return done.as_json() | ({"running": told} if told else {})


def show_moved(on: Console, done: Published, report: MoveReport, *, dry_run: bool) -> None:
    """What became of the leads that ran older versions; nothing where there were none."""
    if not done.before:
        return
    would = "would be " if dry_run else ""
    inside = sum(done.before.values())
    stay = inside - report.left
    who = f"{inside:,} {'lead is' if inside == 1 else 'leads are'} inside other versions"

    def keep(number: int) -> str:
        return "keeps its version" if number == 1 else "keep their version"

    on.print(text(f"{who}: {', '.join(f'{n:,} at {at}' for at, n in done.before.items())}"))
    if report.moved:
        on.print(text(f"  {report.moved:>8,}  {would}moved to version {done.version}"))
    if report.removed:
        on.print(text(f"  {report.removed:>8,}  {would}taken out"))
    if report.later:
        on.print(text(f"  {report.later:>8,}  are being worked with; the next tick moves them"))
    for why, number in sorted(report.kept.items()):
        on.print(text(f"  {number:>8,}  {keep(number)}: {why}"))
    if stay and not report.later and not report.kept:
        on.print(text(f"  {stay:>8,}  {keep(stay)}"))


def versions(campaign: Named, *, json: AsJson = False, now: Now = None) -> Answer:
    """Which versions there are, who runs them, and what became of leads when they were published."""
    from nurture.engine.versioning import versions_of

    clock(now)
    with opened() as engine:
        document = versions_of(engine, campaign)
    if not document["versions"]:
        raise UnknownCampaign(f"there is no campaign {quoted(campaign)} that was ever published")

    def show(on: Console) -> None:
        rows = table(on, "version", "hash", "published", "", "inside", "ever", right=("inside", "ever"))
        for one in document["versions"]:
            rows.add_row(
                str(one["version"]), one["hash"][:12], one["published_at"], "current" if one["current"] else "",
                f"{one['inside']:,}", f"{one['entered']:,}",
            )  # fmt: skip
        on.print(rows)
        for move in document["moves"]:
            kept = sum(move["kept"].values())
            did = f"{move['moved']:,} moved, {move['removed']:,} taken out, {kept:,} kept theirs"
            still = "" if move["finished_at"] else "; not finished yet"
            on.print(text(f"{move['at']}  {move['running']} to version {move['to']}: {did}{still}"))

    return Answer(document, show, json)


def diff(
    campaign: Named,
    before: Annotated[int | None, Parameter(help="A version; default: the one that new leads get.")] = None,
    after: Annotated[int | None, Parameter(help="Another one; default: the file as it stands.")] = None,
    *,
    language: Annotated[str, Parameter(help="Of the sentences: zh, en.")] = "en",
    json: AsJson = False,
    now: Now = None,
) -> Answer:
    """How two versions of a campaign differ, in words, and how many leads that concerns."""
    from nurture.engine.versioning import compared

    clock(now)
    with opened() as engine:
        found = compared(engine, campaign, before, after)

    def show(on: Console) -> None:
        lines = found.lines(language)
        for line in lines or ["没有差别" if language.startswith("zh") else "no difference"]:
            on.print(text(line))

    return Answer(found.as_json(language), show, json)


def pause(campaign: Named, *, json: AsJson = False, now: Now = None) -> Answer:
    """No decision and no new message in this campaign, until `nurture resume`."""
    moment = clock(now)
    with opened() as engine:
        engine.pause(campaign, now=moment)
    return Answer({"campaign": campaign, "paused": True}, lambda on: on.print(text(f"{campaign} is paused")), json)


def resume(
    campaign: Named,
    *,
    despite: Annotated[str, Parameter(help="Why it goes on although complaints have stopped it.")] = "",
    by: Annotated[str | None, Parameter(name="--by", help="Who does this.")] = None,
    json: AsJson = False,
    now: Now = None,
) -> Answer:
    """Go on where it was; what has come due meanwhile is due now."""
    moment = clock(now)
    if despite and not by:
        raise usage("--despite needs --by: whoever reads the record wants to know who")
    with opened() as engine:
        engine.resume(campaign, now=moment, despite=despite, actor=by)
    return Answer({"campaign": campaign, "paused": False}, lambda on: on.print(text(f"{campaign} goes on")), json)
