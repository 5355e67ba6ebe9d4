"""Leads from a file into the store, a batch in a transaction, each with a checkpoint: killed at any line and run
again, it ends in the state of a run that was not."""

from __future__ import annotations

import gc
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from nurture.crashpoints import crash_point
from nurture.identity import IdentityKind, address_hash, every_hash, flags
from nurture.leads.mapping import Columns
from nurture.leads.merging import Merge, identities_of, new_row
from nurture.leads.reading import LeadFile, LeadOptions
from nurture.leads.rejects import Reject, RejectsWriter
from nurture.leads.rows import LeadRow
from nurture.leads.source import Source
from nurture.problems import Problem, Rejected
from nurture.snapshot import WANTS_NO_MESSAGES
from nurture.store import Store, Tx, consents
from nurture.store import leads as stored
from nurture.store.database import micros
from nurture.store.leads import ImportBook, Person
from nurture.store.suppressions import anything_suppressed, suppress, suppressing

__all__ = ["ImportReport", "import_leads", "lead_ids_of"]

BATCH = 10_000
"""Rows in one transaction: some tenths of a second during which no tick can write to SQLite."""
MOST_ATTEMPTS = 20

ERASED = "erased"
_KINDS: dict[str, IdentityKind] = {"email_key": "email", "external_id": "id", "phone": "phone", "wechat": "wechat"}


@dataclass(slots=True)
class ImportReport:
    """What became of the rows of a file: `read` is the sum of the five others."""

    id: int
    """Of the import, in the store."""
    source: Source
    columns: Columns
    read: int = 0
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    suppressed: int = 0
    """Rows of people who may not be written to. Known here, but for erased ones, and never enrolled."""
    reasons: Counter[str] = field(default_factory=Counter)
    """Code to number of rejected rows."""
    warnings: Counter[str] = field(default_factory=Counter)
    """Accepted addresses that deserve a second look: see `identity.flags`."""
    rejects_file: Path | None = None
    resumed_after: int = 0
    """The line after which an earlier run was taken up; its rows are in the counts."""
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """The shape of `nurture import --json`."""
        return {
            "read": self.read,
            "new": self.new,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "rejected": self.rejected,
            "suppressed": self.suppressed,
            "rejects_file": None if self.rejects_file is None else str(self.rejects_file),
        }


def import_leads(
    store: Store,
    path: Path,
    options: LeadOptions | None = None,
    *,
    secret: bytes,
    rejects: Path,
    now: datetime,
    campaign: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ImportReport:
    """Take the leads of a file in. Raises `Rejected`, before anything is written, for a file that cannot be understood.

    `secret` is the key of the suppression list, `rejects` the folder for the rows that were not taken, `campaign` the
    one the file is backfilled into. An unfinished import of the same file with the same choices is taken up where it
    stopped. `progress` hears bytes read and bytes in all.
    """
    file = LeadFile(path, options)
    book, note = _open_book(store, file, path, campaign, now=micros(now))
    run = _Run(store, file, book, secret, rejects / f"{path.stem}-{book.id}.csv", micros(now))
    run.report.note = note
    run.all(progress)
    return run.report


def lead_ids_of(store: Store, file: LeadFile) -> Iterator[int]:
    """The leads that the rows of an imported file mean, each once per batch, in the order of the file."""
    rows = (row for row in file.rows() if isinstance(row, LeadRow))
    while batch := list(islice(rows, BATCH)):
        with store.read() as tx:
            merge = Merge(stored.find(tx, identities_of(batch)), {}, iter(()), file.options)
            merge.know(stored.find(tx, {"key": merge.strangers(batch)}))
        meant = (merge.meant(row) for row in batch)
        yield from dict.fromkeys(people[0].id for people in meant if len(people) == 1)


def _open_book(store: Store, file: LeadFile, path: Path, campaign: str | None, *, now: int) -> tuple[ImportBook, str]:
    """The checkpoint to go on from, and what its user should know."""
    choices = json.dumps(
        {
            "columns": [column.field for column in file.columns.columns],
            "encoding": file.source.encoding,
            "delimiter": file.source.delimiter,
            "sheet": file.source.sheet,
            "strip_controls": file.options.strip_controls,
            "tags": file.options.tags,
            "basis": file.options.basis,
            "policy": file.options.policy,
        },
        ensure_ascii=False,
    )
    note = ""
    with store.write() as tx:
        for book in stored.unfinished(tx, "leads", path.name, campaign, choices):
            if book.checksum == file.source.checksum:
                return book, f"goes on after line {book.line}, where an earlier run stopped" if book.line else ""
            if book.line:
                # Its lines are not this file's lines. Nothing is lost by starting again: known leads stay as they are.
                note = f"the file has changed since an earlier run stopped at line {book.line}; it is read from its beginning"
            stored.abandon(tx, book, now=now)
        book = stored.begin_import(tx, "leads", path.name, file.source.checksum, campaign, choices, "{}", now=now)
        crash_point("import.opening")
    crash_point("import.opened")
    return book, note


class _Run:
    """One import on its way."""

    def __init__(self, store: Store, file: LeadFile, book: ImportBook, secret: bytes, rejects: Path, now: int) -> None:
        self._store = store
        self._file = file
        self._book = book
        self._secret = secret
        self._now = now
        self._told_by = f"the file {file.source.path.name}"
        self._expect_new = True
        self._counts = Counter[str](json.loads(book.counts))
        self._rejects = RejectsWriter(rejects, file.columns.header, size=self._counts["rejects_size"])
        self.report = ImportReport(book.id, file.source, file.columns, resumed_after=book.line)

    def all(self, progress: Callable[[int, int], None] | None) -> None:
        rows = self._file.rows(after=self._book.line)
        with _no_garbage():
            while batch := list(islice(rows, BATCH)):
                self._batch(batch)
                crash_point("import.committed")
                if progress is not None:
                    progress(self._file.position, self._file.source.size)
        with self._store.write(durable=True) as tx:
            self._checkpoint(tx, self._book.line, self._counts, finished=True)
            crash_point("import.finishing")
        crash_point("import.finished")
        self._sum_up()

    def _batch(self, batch: list[LeadRow | Reject]) -> None:
        for _ in range(MOST_ATTEMPTS):
            with self._store.write() as tx:
                stored.alone(tx)
                savepoint = tx.connection.begin_nested()
                taken = self._take(tx, batch)
                if taken is None:
                    savepoint.rollback()
                    continue
                savepoint.commit()
                crash_point("import.taken")
                counts, rejected = taken
                counts.update(self._counts)
                self._rejects.write(rejected)
                counts["rejects_size"] = self._rejects.size()
                self._checkpoint(tx, batch[-1].line, counts, finished=False)
                # Before the commit: a reject is never lost, and one written twice is written over.
                self._rejects.sync()
                crash_point("import.committing")
            self._counts = counts
            return
        raise RuntimeError("campaigns change these leads faster than they can be imported; try again")

    def _take(self, tx: Tx, batch: list[LeadRow | Reject]) -> tuple[Counter[str], list[Reject]] | None:
        """The counts of this batch and its rejects; None when a campaign has changed one of its leads meanwhile."""
        rows = [row for row in batch if isinstance(row, LeadRow)]
        rejected = [row for row in batch if isinstance(row, Reject)]
        counts: Counter[str] = Counter(read=len(batch))
        barred = self._barred(tx, rows)
        if not (self._expect_new and not barred and self._take_new(tx, rows, counts)):
            if barred:
                # Of somebody who had everything erased nothing is kept but that.
                kept = [row for row in rows if ERASED not in barred.get(row.line, ())]
                counts["suppressed"] += len(rows) - len(kept)
                rows = kept
            if not self._merge(tx, rows, counts, rejected):
                return None
            self._expect_new = counts["new"] * 2 > len(rows)
        counts["rejected"] = len(rejected)
        counts.update(f"reason:{reject.code}" for reject in rejected)
        counts.update(f"warning:{flag}" for row in rows if row.email_key is not None for flag in flags(row.email_key))
        rejected.sort(key=lambda reject: reject.line)
        return counts, rejected

    def _take_new(self, tx: Tx, rows: list[LeadRow], counts: Counter[str]) -> bool:
        """The usual case of a first import, without asking who is known: True if nobody was."""
        basis, tags = self._file.options.basis, self._file.options.tags
        ids = stored.new_ids(tx, len(rows))
        if not stored.insert_if_all_new(
            tx, [new_row(number, row, basis) for number, row in zip(ids, rows, strict=True)], now=self._now
        ):
            return False
        tagged = [
            (number, tag) for number, row in zip(ids, rows, strict=True) for tag in dict.fromkeys((*row.tags, *tags))
        ]
        stored.add_tags(tx, tagged, now=self._now)
        if basis is not None or any(row.consent is not None for row in rows):
            consents.as_imported(tx, ids, self._told_by, now=self._now)
        counts["new"] += len(rows)
        return True

    def _merge(self, tx: Tx, rows: list[LeadRow], counts: Counter[str], rejected: list[Reject]) -> bool:
        known = stored.find(tx, identities_of(rows))
        tags = stored.tags_of(tx, [person.id for person in known])
        merge = Merge(known, tags, _ids(tx, len(rows)), self._file.options)
        if strangers := merge.strangers(rows):
            former = stored.find(tx, {"key": strangers})
            merge.know(former)
            merge.has_tags(stored.tags_of(tx, [person.id for person in former]))
        outcomes = []
        for row in rows:
            taken = merge.take(row)
            if isinstance(taken, Reject):
                rejected.append(taken)
            else:
                outcomes.append(taken)
        stored.release(tx, merge.former)
        stored.insert(tx, list(merge.new.values()), now=self._now)
        if not stored.update(tx, merge.changed):
            return False
        stored.add_tags(tx, merge.new_tags, now=self._now)
        consents.as_imported(tx, sorted(merge.agreed), self._told_by, now=self._now)
        stored.touch(tx, merge.tagged)
        silent = self._silence(tx, {person.id: person for _, person in outcomes}, merge.former)
        counts.update("suppressed" if person.id in silent else outcome for outcome, person in outcomes)
        return True

    def _barred(self, tx: Tx, rows: list[LeadRow]) -> dict[int, frozenset[str]]:
        """Line to the kinds by which an address of that row is suppressed."""
        if not anything_suppressed(tx):
            return {}
        hashes = {row.line: every_hash(self._secret, row) for row in rows}
        kinds = suppressing(tx, [value for values in hashes.values() for value in values])
        found = {
            line: frozenset().union(*(kinds[value] for value in values if value in kinds))
            for line, values in hashes.items()
        }
        return {line: kinds for line, kinds in found.items() if kinds}

    def _silence(self, tx: Tx, people: dict[int, Person], former: dict[int, list[tuple[str, str]]]) -> set[int]:
        """Which of these leads may not be written to. An opt-out comes to count for every address the lead has now."""
        if not anything_suppressed(tx):
            return set()
        has = {person.id: every_hash(self._secret, person) for person in people.values()}
        had = {
            lead_id: [address_hash(self._secret, _KINDS[name], value) for name, value in named]
            for lead_id, named in former.items()
        }
        kinds = suppressing(tx, [value for values in (*has.values(), *had.values()) for value in values])
        silent = set()
        spread = []
        for lead_id, values in has.items():
            now = {kind for value in values for kind in kinds.get(value, ())}
            once = {kind for value in had.get(lead_id, ()) for kind in kinds.get(value, ())} & WANTS_NO_MESSAGES
            if now or once:
                silent.add(lead_id)
            spread += [
                (value, kind, self._now, "another address of the same person")
                for kind in (now | once) & WANTS_NO_MESSAGES
                for value in values
                if kind not in kinds.get(value, ())
            ]
        suppress(tx, sorted(spread))
        return silent

    def _checkpoint(self, tx: Tx, line: int, counts: Counter[str], *, finished: bool) -> None:
        book = stored.checkpoint(
            tx,
            self._book,
            line=line,
            counts=json.dumps(dict(sorted(counts.items()))),
            finished_at=self._now if finished else None,
        )
        if book is None:
            problem = Problem("", "E_BUSY", "another process is importing this file", "let it finish")
            raise Rejected([problem.at(str(self._file.source.path))])
        self._book = book

    def _sum_up(self) -> None:
        report, counts = self.report, self._counts
        report.read, report.new = counts["read"], counts["new"]
        report.updated, report.unchanged = counts["updated"], counts["unchanged"]
        report.rejected, report.suppressed = counts["rejected"], counts["suppressed"]
        for name, number in counts.items():
            what, _, code = name.partition(":")
            if what == "reason":
                report.reasons[code] = number
            elif what == "warning":
                report.warnings[code] = number
        if report.rejected:
            report.rejects_file = self._rejects.path


@contextmanager
def _no_garbage() -> Iterator[None]:
    """Without the cycle collector: rows refer to nothing that refers back, and looking them through costs a tenth."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _ids(tx: Tx, most: int) -> Iterator[int]:
    """Ids for new leads, taken from the store when the first is needed."""
    yield from stored.new_ids(tx, most)
