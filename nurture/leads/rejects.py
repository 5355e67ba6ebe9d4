"""Rows that could not be taken, and the file in which their owner gets them back."""

from __future__ import annotations

import csv
import io
import os
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

__all__ = ["Reject", "RejectsWriter", "guarded"]

LONGEST_RAW = 1000
_FORMULA_STARTS = tuple("=+-@\t\r")


class Reject(NamedTuple):
    """A row that was not taken."""

    line: int
    """The line of the file on which the row begins, from 1; for a workbook, the row of the sheet."""
    code: str
    what: str
    raw: tuple[str, ...]
    """The cells as they were read."""


def guarded(cell: str) -> str:
    """The cell, so that no spreadsheet takes it for a formula: a dangerous one gets a `'` in front.

    The guard is for exports only; what is stored stays verbatim.
    """
    # Full-width signs and leading space do not stop a spreadsheet, so they do not stop us.
    seen = unicodedata.normalize("NFKC", cell[:64]).lstrip(" \xa0\n\ufeff\u200b")
    return f"'{cell}" if seen.startswith(_FORMULA_STARTS) or cell[:1] in ("\t", "\r") else cell


class RejectsWriter:
    """Appends rejects to a CSV file: line, code, reason, then the raw cells under their own headers.

    The file is made by the first reject. `sync` puts it on the disk; an import that is resumed gives back, as `size`,
    the size of its checkpoint, and what was written after that is written again.
    """

    def __init__(self, path: Path, header: Sequence[str], *, size: int = 0) -> None:
        self.path = path
        self._header = tuple(header)
        self._size = size
        self._buffer = io.StringIO()
        self._writer = csv.writer(self._buffer, lineterminator="\r\n")
        if size == 0:
            path.unlink(missing_ok=True)

    def write(self, rejects: Iterable[Reject]) -> None:
        for reject in rejects:
            if self._size == 0 and self._buffer.tell() == 0:
                # With the mark, Excel reads the file as UTF-8.
                self._buffer.write("\ufeff")
                self._writer.writerow(["line", "code", "reason", *map(guarded, self._header)])
            raw = (cell if len(cell) <= LONGEST_RAW else f"{cell[:LONGEST_RAW]}…" for cell in reject.raw)
            self._writer.writerow([reject.line, reject.code, guarded(reject.what), *map(guarded, raw)])

    def size(self) -> int:
        """How many bytes the file will have after the next `sync`."""
        return self._size + len(self._pending())

    def sync(self) -> None:
        """Everything written so far is on the disk."""
        if data := self._pending():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("r+b" if self._size else "wb") as file:
                # Not appended: what a killed run has left after its checkpoint is written over.
                file.seek(self._size)
                file.write(data)
                file.truncate()
                file.flush()
                os.fsync(file.fileno())
            self._size += len(data)
            self._buffer.seek(0)
            self._buffer.truncate()

    def _pending(self) -> bytes:
        return self._buffer.getvalue().encode("utf-8", "backslashreplace")

    def __enter__(self) -> RejectsWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        if kind is None:
            self.sync()
