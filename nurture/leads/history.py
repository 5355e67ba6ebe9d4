"""What happened before: files of sends, answers, opt-outs and bounces, from any system that kept them.

A history may be a list of events (`sent`, `viewed`, ...) or of membership statuses (`Responded`), each of which says
several things at once. It may name its leads, or only their surnames.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from nurture.identity import BadIdentity, LeadRef
from nurture.leads.kinds import KINDS, SUPPRESSING, kinds_of
from nurture.leads.mapping import Columns, map_columns
from nurture.leads.reading import open_table
from nurture.leads.rejects import Reject
from nurture.leads.times import BadTime, parse_time
from nurture.problems import Problem, Rejected
from nurture.words import did_you_mean, quoted

__all__ = ["HistoryFile", "HistoryOptions", "HistoryRow", "Resolved", "name_key", "resolve"]

HISTORY_WORDS: dict[str, tuple[str, ...]] = {
    "lead": ("lead", "email", "emailaddress", "leademail", "邮箱", "电子邮件", "线索", "客户"),
    "name": (
        *("name", "leadname", "fullname", "leadlastname", "lastname", "surname"),
        *("姓名", "联系人", "客户姓名", "线索姓名"),
    ),
    "campaign": ("campaign", "campaignname", "活动", "活动名称", "营销活动"),
    "node": ("node", "step", "节点"),
    "content": ("content", "内容", "素材"),
    "kind": ("kind", "event", "eventtype", "action", "status", "行为", "动作", "事件", "状态"),
    "at": (
        *("at", "time", "date", "timestamp", "eventtime", "lastmodifiedtime", "createdtime"),
        *("时间", "日期", "发生时间", "更新时间", "最后修改时间"),
    ),
    "id": ("id", "eventid", "signalid", "编号"),
    "reason": ("reason", "原因"),
}
# A clock elsewhere may be ahead of ours by a little; by more, the time is wrong.
CLOCK_SKEW = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class HistoryOptions:
    """What a person may say about a history."""

    map: Mapping[str, str] = field(default_factory=dict)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    """In which naive times are read: the zone of the campaign."""
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None


class HistoryRow(NamedTuple):
    """One thing that happened. A status such as `Responded` makes several of one line, the last one its own."""

    line: int
    ref: LeadRef | None
    """The lead, or None where the file has only a name."""
    name: str | None
    """The name as a `name_key`, where there is no reference."""
    campaign: str | None
    node: str | None
    content: str | None
    kind: str
    """`sent`, or a signal kind."""
    at: datetime
    implied: bool
    """Not said by the line, but it must have happened for the line to be true."""
    id: str | None
    reason: str | None
    raw: tuple[str, ...]


class Resolved(NamedTuple):
    """A row, and the lead it speaks of."""

    row: HistoryRow
    lead: int


class HistoryFile:
    """A history, surveyed and mapped."""

    def __init__(self, path: Path, options: HistoryOptions | None = None) -> None:
        """Raises `Rejected` with everything that is wrong with the file as a whole."""
        self.options = options or HistoryOptions()
        self._table = open_table(
            path, encoding=self.options.encoding, delimiter=self.options.delimiter, sheet=self.options.sheet
        )
        self.source = self._table.source
        self.columns: Columns = map_columns(self._table.header, self.options.map, HISTORY_WORDS, path=path)
        problems = [
            Problem("/0", "E_COLUMN", f"the history has no column for {what}", f"--history-map {name}=COLUMN")
            for name, what in (("kind", "what happened"), ("at", "when it happened"))
            if self.columns.index(name) < 0
        ]
        if self.columns.index("lead") < 0 and self.columns.index("name") < 0:
            problems.append(Problem("/0", "E_COLUMN", "the history names no leads", "--history-map lead=COLUMN"))
        if problems:
            raise Rejected(problem.at(str(path)) for problem in problems)

    @property
    def position(self) -> int:
        """Bytes read so far, of `source.size`."""
        return self._table.position

    def rows(self, *, now: datetime, after: int = 0) -> Iterator[HistoryRow | Reject]:
        """What each line that begins after `after` says happened, or why it is not believed."""
        at = self.columns.index
        places = {name: at(name) for name in HISTORY_WORDS}
        width = len(self.columns.header)
        for item in self._table.rows(after):
            if isinstance(item, Reject):
                yield item
                continue
            line, cells = item
            values = [cell.strip() for cell in cells]
            if not any(values):
                continue
            if len(values) < width or any(values[width:]):
                yield Reject(line, "ragged_row", f"{len(values)} cells, but the header has {width}", tuple(cells))
                continue
            cell = {name: values[place] or None if place >= 0 else None for name, place in places.items()}
            yield from _happened(line, cell, tuple(cells), self.options.zone, now)


def _happened(
    line: int, cell: Mapping[str, str | None], raw: tuple[str, ...], zone: ZoneInfo, now: datetime
) -> Iterator[HistoryRow | Reject]:
    def reject(code: str, what: str) -> Reject:
        return Reject(line, code, what, raw)

    ref = name = None
    try:
        if lead := cell["lead"]:
            ref, name = _who(lead)
        elif cell["name"]:
            name = name_key(cell["name"])
    except BadIdentity as bad:
        yield reject(bad.code, bad.what)
        return
    if ref is None and not name:
        yield reject("no_lead", "the line does not say which lead it is about")
        return
    word = cell["kind"] or ""
    kinds = kinds_of(word)
    if kinds is None:
        yield reject("unknown_kind", f"{quoted(word)} is nothing that can happen; {did_you_mean(word, KINDS)}")
        return
    if not kinds:
        yield reject("nothing_happened", f"{quoted(word)} says that nothing has happened yet")
        return
    try:
        moment = parse_time(cell["at"] or "", zone)
    except BadTime as bad:
        yield reject("bad_time", str(bad) if cell["at"] else "the line does not say when it happened")
        return
    if moment > now + CLOCK_SKEW:
        yield reject("in_the_future", f"{moment.isoformat()} has not come yet")
        return
    for kind in kinds:
        implied = kind != kinds[-1]
        yield HistoryRow(
            line,
            ref,
            name,
            cell["campaign"],
            cell["node"],
            cell["content"],
            kind,
            moment,
            implied,
            None if implied else cell["id"],
            None if implied else cell["reason"],
            raw,
        )


def _who(text: str) -> tuple[LeadRef | None, str | None]:
    """A reference where the text is one, else the name it is. Raises `BadIdentity` for a broken reference."""
    if "@" in text or text.partition(":")[0] in ("email", "id", "phone", "wechat"):
        return LeadRef.parse(text), None
    return None, name_key(text)


def name_key(name: str) -> str:
    """What two spellings of a name have in common: case, width and spacing make no difference."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def resolve(
    rows: Iterable[HistoryRow | Reject],
    refs: Mapping[LeadRef, int],
    names: Mapping[str, Sequence[int]],
) -> Iterator[Resolved | Reject]:
    """Say for each row which lead it is about. Rejects in `rows` come through.

    `names` is `name_key` to all leads of that name. A name of several leads is rejected as `ambiguous_lead`, but an
    opt-out, a complaint or a bounce counts for every one of them, without the message it may have answered: better
    to be silent towards three than to write to one who asked us not to.
    """
    for row in rows:
        if isinstance(row, Reject):
            yield row
            continue
        candidates: Sequence[int] = ()
        if row.ref is not None:
            candidates = (refs[row.ref],) if row.ref in refs else ()
        elif row.name is not None:
            candidates = names.get(row.name, ())
        if len(candidates) == 1:
            yield Resolved(row, candidates[0])
        elif len(candidates) > 1 and row.kind in SUPPRESSING:
            common = row._replace(campaign=None, node=None, content=None, id=None)
            for lead in candidates:
                yield Resolved(common, lead)
        elif row.implied:
            # The line's own row decides about the line.
            continue
        elif candidates:
            what = f"{len(candidates)} leads are called {quoted(row.name)}"
            yield Reject(row.line, "ambiguous_lead", what, row.raw)
        else:
            yield Reject(row.line, "unknown_lead", f"there is no lead {quoted(row.ref or row.name)}", row.raw)
