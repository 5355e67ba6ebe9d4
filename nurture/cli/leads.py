"""Verbs that bring leads in, and take one out: import, backfill, enroll, remove."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter
from rich.console import Console

from nurture.cli.answer import Answer, progress_bar, say, show_dry_run, table, text
from nurture.cli.opening import opened
from nurture.cli.options import LEAD, AsJson, Flag, Lead, Named, Now, Segment, Usage, clock, parsed_segment, usage
from nurture.engine.preflight import Despite
from nurture.identity import LeadRef
from nurture.leads import LeadOptions, parse_map
from nurture.leads.history import HISTORY_WORDS
from nurture.leads.rows import LEAD_WORDS
from nurture.problems import Rejected
from nurture.words import did_you_mean

if TYPE_CHECKING:
    from nurture.leads.importing import ImportReport

__all__ = ["backfill", "enroll", "import_", "remove"]


Override = Annotated[str, Parameter(name="--despite", help="Why to start although the sender is not in order.")]
By = Annotated[str | None, Parameter(name="--by", help="Who says so.")]


def _despite(reason: str, by: str | None) -> Despite:
    if reason and not by:
        raise usage("--despite needs --by: whoever reads the record wants to know who")
    return Despite(reason, by)


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class FileOptions:
    """What may be said about a file of leads."""

    map: Annotated[
        tuple[str, ...],
        Parameter(help="FIELD=COLUMN, repeatable: which column holds a field, where its header does not say."),
    ] = ()
    tag: Annotated[tuple[str, ...], Parameter(help="Add this tag to every lead of the file, repeatable.")] = ()
    basis: Annotated[str | None, Parameter(help="The legal basis for writing to the people in this file.")] = None
    encoding: Annotated[str | None, Parameter(help="Of a text file; default: UTF-8 or GB18030, as is proven.")] = None
    delimiter: Annotated[str | None, Parameter(help="Of a text file; default: as its header shows.")] = None
    sheet: Annotated[str | None, Parameter(help="Of a workbook; default: its only one.")] = None
    policy: Annotated[
        Literal["fill_empty", "overwrite"],
        Parameter(help="What a known lead takes from the file: only what it lacks, or everything the file knows."),
    ] = "fill_empty"
    strip_controls: Annotated[
        bool, Flag, Parameter(help="Take control characters out of cells instead of rejecting the row.")
    ] = False

    def understood(self) -> LeadOptions:
        """Raises `Usage`."""
        return LeadOptions(
            map=mapping("--map", self.map, LEAD_WORDS),
            encoding=self.encoding,
            delimiter=self.delimiter,
            sheet=self.sheet,
            strip_controls=self.strip_controls,
            tags=self.tag,
            basis=self.basis,
            policy=self.policy,
        )


def mapping(option: str, texts: tuple[str, ...], known: Collection[str]) -> dict[str, str]:
    """FIELD to COLUMN, said where a field of one's own looks like one of ours. Raises `Usage` with all that is wrong."""
    try:
        found = parse_map(texts)
    except Rejected as rejected:
        raise Usage(problem.at(option) for problem in rejected.problems) from None
    for field_name in found:
        if field_name not in known and (hint := did_you_mean(field_name, known)).startswith("did"):
            say(f"warning: {option} {field_name}=... makes a field of your own; {hint}")
    return found


NOTHING = FileOptions()
DryRun = Annotated[bool, Flag, Parameter(help="Do everything, tell what came of it, and take it all back.")]


def import_(
    file: Annotated[Path, Parameter(help="CSV or XLSX, with a header.")],
    *,
    options: FileOptions = NOTHING,
    dry_run: DryRun = False,
    json: AsJson = False,
    now: Now = None,
) -> Answer:
    """Take leads in. The same file again changes nothing; rows that cannot be taken come back in a file, with reasons."""
    moment = clock(now)
    understood = options.understood()
    with opened() as engine, progress_bar(f"importing {file.name}") as bar:
        report = engine.import_leads(file, understood, now=moment, dry_run=dry_run, progress=bar)
    tell_import(report)
    document = report.as_json() | {"reasons": dict(report.reasons), "columns": report.columns.as_json()}

    def show(on: Console) -> None:
        show_import(on, report.as_json(), report.reasons)
        if dry_run:
            show_columns(on, report.columns.as_json())
            on.print(text("a dry run: nothing was kept", style="yellow"))

    return Answer(document, show, json)


def backfill(
    campaign: Named,
    file: Annotated[Path | None, Parameter(help="CSV or XLSX with leads; without it, those of --segment.")] = None,
    *,
    segment: Segment = None,
    history: Annotated[
        Path | None, Parameter(help="What happened before: lead, campaign, node or content, kind, at.")
    ] = None,
    history_map: Annotated[tuple[str, ...], Parameter(help="FIELD=COLUMN for the history, repeatable.")] = (),
    pace: Annotated[int | None, Parameter(help="Enrollments a day; default: all at once.")] = None,
    options: FileOptions = NOTHING,
    dry_run: DryRun = False,
    despite: Override = "",
    by: By = None,
    json: AsJson = False,
    now: Now = None,
) -> Answer:
    """Leads of a file or a segment into a campaign, each where its own past implies.

    The same file into the same campaign never enrolls twice, so a run that was stopped is simply started again.
    """
    moment = clock(now)
    if file is not None and segment is not None:
        raise usage("a backfill takes a FILE or --segment, not both", "see: nurture backfill --help")
    if file is None and segment is None and history is None:
        raise usage("say whom: a FILE with leads, or --segment JSON", "see: nurture backfill --help")
    if pace is not None and pace < 1:
        raise usage(f"--pace {pace}: at least one enrollment a day")
    if history_map and history is None:
        raise usage("--history-map is for a --history")
    tree = parsed_segment(segment)
    understood, columns = options.understood(), mapping("--history-map", history_map, HISTORY_WORDS)
    with opened() as engine, progress_bar(f"backfilling {campaign}") as bar:
        report = engine.backfill(
            campaign,
            file,
            now=moment,
            options=understood,
            segment=tree,
            history=history,
            history_map=columns,
            pace=pace,
            dry_run=dry_run,
            despite=_despite(despite, by),
            progress=_Stages(bar),
        )
    imported = report.imported
    if imported is not None:
        tell_import(imported)
    document = report.as_json()

    def show(on: Console) -> None:
        if imported is not None:
            show_import(on, imported.as_json(), imported.reasons)
        if report.history is not None:
            told = report.history.as_json()
            line = f"history: {told['read']} lines, {told['signals']} new signals, {told['sends']} earlier messages"
            on.print(text(f"{line}, {told['rejected']} rejected"))
            show_numbers(on, told["reasons"])
            show_rejects(on, told["rejects_file"])
        show_enrolled(on, document)
        if document["placed"]:
            on.print(text("placed at"))
            show_numbers(on, document["placed"])
        show_dry_run(on, dry_run)

    return Answer(document, show, json)


def enroll(
    campaign: Named,
    *,
    lead: Annotated[tuple[str, ...], Parameter(help=f"{LEAD}; repeatable.")] = (),
    segment: Segment = None,
    limit: Annotated[int | None, Parameter(help="Enroll so many at most.")] = None,
    dry_run: DryRun = False,
    despite: Override = "",
    by: By = None,
    json: AsJson = False,
    now: Now = None,
) -> Answer:
    """Enroll leads that are known already, by name or by a condition that holds for them."""
    moment = clock(now)
    if bool(lead) == (segment is not None):
        raise usage("say who: --lead LEAD or --segment JSON, one of them", "see: nurture enroll --help")
    if limit is not None and limit < 0:
        raise usage(f"--limit {limit} is less than none")
    tree = parsed_segment(segment)
    leads = [LeadRef.parse(name) for name in lead] or None
    with opened() as engine, progress_bar(f"enrolling into {campaign}") as bar:
        stages = _Stages(bar)
        report = engine.enroll(
            campaign, now=moment, leads=leads, segment=tree, limit=limit, dry_run=dry_run, despite=_despite(despite, by),
            progress=lambda n: stages("enroll", n, 0),
        )  # fmt: skip
    document = report.as_json()

    def show(on: Console) -> None:
        show_enrolled(on, document)
        show_dry_run(on, dry_run)

    return Answer(document, show, json)


def remove(
    campaign: Named,
    *,
    lead: Lead,
    reason: Annotated[str, Parameter(help="Why; it stands on the lead's timeline.")],
    by: Annotated[str, Parameter(name="--by", help="Who does this.")] = "",
    json: AsJson = False,
    now: Now = None,
) -> Answer:
    """Take one lead out of a campaign, for good: nothing more of it is sent. The lead itself stays, with its story."""
    from nurture.engine.taking_out import take_out

    moment = clock(now)
    if not reason.strip():
        raise usage("--reason is empty: whoever reads the timeline wants to know why")
    ref = LeadRef.parse(lead)
    with opened() as engine:
        document = take_out(engine, campaign, ref, reason=reason.strip(), by=by.strip(), now=moment)
    return Answer(
        {"removed": 1, **document},
        lambda on: on.print(text(f"{ref} was taken out of {campaign}, at {document['node']}")),
        json,
    )


@dataclass(slots=True)
class _Stages:
    """Work of several stages on one bar: some tell (done, of how many), some only how many more."""

    bar: Any
    counted: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def __call__(self, what: str, done: int, of: int) -> None:
        if of:
            self.bar(done, of)
        else:
            self.counted[what] += done
            self.bar(self.counted[what], None)


def tell_import(report: ImportReport) -> None:
    """What somebody should know about an import, on stderr."""
    if report.note:
        say(f"{report.source.path}: {report.note}")
    for flag, number in sorted(report.warnings.items()):
        say(f"{report.source.path}: {number} addresses deserve a second look: {flag}")


def show_import(on: Console, counts: Mapping[str, Any], reasons: Mapping[str, int]) -> None:
    parts = [f"{counts[name]} {name}" for name in ("new", "updated", "unchanged", "rejected", "suppressed")]
    on.print(text(f"{counts['read']} rows read: {', '.join(parts)}"))
    show_numbers(on, reasons)
    show_rejects(on, counts["rejects_file"])


def show_rejects(on: Console, file: str | None) -> None:
    if file is not None:
        on.print(text(f"what was rejected is in {file}", style="yellow"))


def show_columns(on: Console, columns: Mapping[str, str]) -> None:
    rows = table(on, "column", "becomes")
    for header, name in columns.items():
        rows.add_row(text(header), text(name))
    on.print(rows)


def show_enrolled(on: Console, document: Mapping[str, Any]) -> None:
    on.print(text(f"{document['enrolled']} enrolled", style="green" if document["enrolled"] else ""))
    if document["not_enrolled"]:
        on.print(text(f"{sum(document['not_enrolled'].values())} not enrolled"))
        show_numbers(on, document["not_enrolled"])


def show_numbers(on: Console, numbers: Mapping[str, int]) -> None:
    """Names and numbers, the largest first."""
    for name, number in sorted(numbers.items(), key=lambda item: -item[1]):
        on.print(text(f"  {number:>8,}  {name}"))
