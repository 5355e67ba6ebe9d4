"""`nurture signal`: what happened on the lead's side, one at a time or a file of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from cyclopts import Parameter
from rich.console import Console

from nurture import strict_json
from nurture.calendar import time_zone
from nurture.cli.answer import Answer, progress_bar, say, text
from nurture.cli.opening import opened
from nurture.cli.options import LEAD, AsJson, Now, clock, moment, usage
from nurture.engine import Incoming
from nurture.engine.reporting import UnknownLead
from nurture.identity import BadIdentity, LeadRef
from nurture.leads import Reject, open_table
from nurture.leads.mapping import header_key
from nurture.leads.times import BadTime, parse_time
from nurture.problems import Problem, Rejected
from nurture.snapshot import SIGNAL_KINDS
from nurture.words import did_you_mean, quoted

__all__ = ["signal"]

COLUMNS = ("kind", "lead", "campaign", "node", "at", "id", "reason")
MOST_LISTED = 100


def signal(
    kind: Annotated[str | None, Parameter(help=f"One of: {', '.join(SIGNAL_KINDS)}.")] = None,
    *,
    lead: Annotated[str | None, Parameter(help=LEAD)] = None,
    campaign: Annotated[str | None, Parameter(help="The campaign whose message it answers.")] = None,
    node: Annotated[str | None, Parameter(help="The node whose message it answers.")] = None,
    at: Annotated[datetime | None, Parameter(converter=moment, help="When it happened; default: now.")] = None,
    id: Annotated[str | None, Parameter(help="The same id counts once; default: derived from all the rest.")] = None,
    reason: Annotated[str | None, Parameter(help="Why, for `returned` and its like.")] = None,
    file: Annotated[
        Path | None, Parameter(help=f"Many of them: CSV with a header, or JSON lines, with {', '.join(COLUMNS)}.")
    ] = None,
    zone: Annotated[
        str | None,
        Parameter(help="In which time zone the file's times are that name none; default: they are rejected."),
    ] = None,
    json: AsJson = False,
    now: Now = None,
) -> Answer:
    """Something happened on the lead's side. It counts by when it happened, not by when we hear of it."""
    present = clock(now)
    if file is not None:
        if any(given is not None for given in (kind, lead, campaign, node, at, id, reason)):
            raise usage("--file brings its own kinds, leads and times", "give either one signal or a --file")
        return _of_file(file, _zone(zone), present, json)
    if kind is None or lead is None:
        raise usage("say what happened to whom: nurture signal KIND --lead LEAD", "or --file FILE for many")
    _known_kind(kind)
    if node is not None and campaign is None:
        raise usage("--node is a node of a --campaign")
    one = Incoming(kind, LeadRef.parse(lead), at or present, campaign, node, id or "", reason)
    with opened() as engine:
        report = engine.hear([one], now=present)
    if report.unknown_leads:
        raise UnknownLead(f"there is no lead {one.lead}")
    document = {"heard": report.heard, "known": report.known, "unknown_leads": [], "rejected": 0, "rejects": []}
    said = "heard" if report.heard else "was heard before, and counts once"
    return Answer(document, lambda on: on.print(text(f"{kind} of {one.lead} {said}")), json)


def _known_kind(kind: str) -> None:
    if kind not in SIGNAL_KINDS:
        raise usage(f"{quoted(kind)} is nothing that can happen", did_you_mean(kind, SIGNAL_KINDS))


def _zone(name: str | None) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return time_zone(name)
    except ValueError as error:
        raise usage(f"--zone: {error}") from None


def _of_file(file: Path, zone: ZoneInfo | None, now: datetime, as_json: bool) -> Answer:
    """Hear all signals of a file. What cannot be understood is told, and keeps nothing else back."""
    told = _Told()
    with ExitStack() as stack:
        rows = _json_lines(file, stack) if _begins_with_a_brace(file) else _table(file)
        # The first row is read before the engine is opened: a file that is none shall not make a database.
        first = next(rows, None)
        rows = rows if first is None else chain([first], rows)
        engine = stack.enter_context(opened())
        bar = stack.enter_context(progress_bar(f"hearing {file.name}"))
        report = engine.hear(told.understood(rows, zone, now, bar), now=now)
    document = {
        "heard": report.heard,
        "known": report.known,
        "unknown_leads": sorted(set(report.unknown_leads)),
        "rejected": told.rejected,
        "rejects": [{"line": one.line, "code": one.code, "what": one.what} for one in told.listed],
    }
    for one in told.listed:
        say(f"{file}, line {one.line}: {one.what}")
    if told.rejected > len(told.listed):
        say(f"{file}: and {told.rejected - len(told.listed)} more lines were rejected")

    def show(on: Console) -> None:
        on.print(text(f"{report.heard} heard, {report.known} heard before, {told.rejected} rejected"))
        if report.unknown_leads:
            on.print(text(f"{len(report.unknown_leads)} of leads nobody knows here:", style="yellow"))
            for name in sorted(set(report.unknown_leads))[:MOST_LISTED]:
                on.print(text(f"  {name}"))

    return Answer(document, show, as_json)


Row = tuple[int, dict[str, str]] | Reject
"""(line, column to cell), or why the line is no row."""


@dataclass(slots=True)
class _Told:
    """What a file said, and what of it could not be understood."""

    rejected: int = 0
    listed: list[Reject] = field(default_factory=list)
    """The first of those."""

    def understood(self, rows: Iterator[Row], zone: ZoneInfo | None, now: datetime, bar: Any) -> Iterator[Incoming]:
        number = 0
        for number, row in enumerate(rows, start=1):
            found = row if isinstance(row, Reject) else _understood(*row, zone, now)
            if isinstance(found, Reject):
                self.rejected += 1
                if len(self.listed) < MOST_LISTED:
                    self.listed.append(found)
            else:
                yield found
            if number % 1000 == 0:
                bar(number, None)


def _understood(line: int, cell: dict[str, str], zone: ZoneInfo | None, now: datetime) -> Incoming | Reject:
    kind = cell.get("kind", "")
    if kind not in SIGNAL_KINDS:
        what = f"{quoted(kind)} is nothing that can happen; {did_you_mean(kind, SIGNAL_KINDS)}"
        return Reject(line, "unknown_kind", what, ())
    try:
        lead = LeadRef.parse(cell.get("lead", ""))
        at = _time(cell["at"], zone) if cell.get("at") else now
    except BadIdentity as bad:
        return Reject(line, bad.code, bad.what, ())
    except BadTime as bad:
        return Reject(line, "bad_time", str(bad), ())
    return Incoming(
        kind,
        lead,
        at,
        cell.get("campaign") or None,
        cell.get("node") or None,
        cell.get("id", ""),
        cell.get("reason") or None,
    )


def _time(text: str, zone: ZoneInfo | None) -> datetime:
    if zone is None:
        try:
            naive = datetime.fromisoformat(text.strip()).tzinfo is None
        except ValueError:
            naive = True
        if naive:
            raise BadTime(
                f"{quoted(text)} does not say in which time zone; write Z or an offset behind it, or use --zone"
            )
    return parse_time(text, zone or ZoneInfo("UTC"))


def _begins_with_a_brace(file: Path) -> bool:
    """Whether these are JSON lines. Raises `Rejected` where nothing can be read."""
    try:
        with file.open("rb") as begun:
            return begun.read(256).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")
    except OSError as error:
        raise Rejected([Problem("", "E_FILE", f"cannot be read: {error.strerror}", file=str(file))]) from error


def _table(file: Path) -> Iterator[Row]:
    """The rows of a CSV file or workbook. Raises `Rejected`."""
    rows = open_table(file)
    keys = [header_key(header) for header in rows.header]
    places = {name: keys.index(name) for name in COLUMNS if name in keys}
    missing = [name for name in ("kind", "lead") if name not in places]
    if missing:
        raise Rejected(
            Problem(
                "/0", "E_COLUMN", f"there is no column {name}", f"the columns are: {', '.join(COLUMNS)}", file=str(file)
            )
            for name in missing
        )
    for row in rows.rows():
        if isinstance(row, Reject):
            yield row
            continue
        line, cells = row
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) < len(keys) or any(cells[len(keys) :]):
            yield Reject(line, "ragged_row", f"{len(cells)} cells, but the header has {len(keys)}", ())
            continue
        yield line, {name: cells[place].strip() for name, place in places.items()}


def _json_lines(file: Path, stack: ExitStack) -> Iterator[Row]:
    """The objects of a file of JSON lines."""
    for line, raw in enumerate(stack.enter_context(file.open("rb")), start=1):
        if not raw.strip():
            continue
        value, problems = strict_json.read(raw.strip())
        if problems:
            yield Reject(line, "bad_json", problems[0].what, ())
        elif not isinstance(value, dict):
            yield Reject(line, "bad_json", "a line is an object: {...}", ())
        elif unknown := [key for key in value if key not in COLUMNS]:
            yield Reject(
                line,
                "unknown_key",
                f"{quoted(unknown[0])} is not a part of a signal; {did_you_mean(unknown[0], COLUMNS)}",
                (),
            )
        elif wrong := [key for key, item in value.items() if not isinstance(item, str | None)]:
            yield Reject(line, "bad_json", f"{quoted(wrong[0])} is a text", ())
        else:
            yield line, {key: item for key, item in value.items() if item is not None}
