"""Rows of a CSV file, block by block, so that memory stays flat and one bad row costs one row.

Quoting is strict. A quote that is opened and never closed would swallow the rest of the file: such a row is rejected,
and reading goes on with the line after the one on which it began.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Generator, Iterator
from itertools import count
from typing import NamedTuple, TypeAlias

from nurture.leads.rejects import Reject
from nurture.leads.source import BLOCK, Source, refused

__all__ = ["DELIMITERS", "LONGEST_CELL", "CsvRows", "control_character", "sniff"]

DELIMITERS = ",;\t|"
LONGEST_CELL = 32_768
"""In characters: what a cell of a spreadsheet can hold."""
LONGEST_RECORD = 8 << 20
"""In characters: a quote that is not closed by then counts as never closed."""
TOO_LONG = f"a cell is longer than {LONGEST_CELL} characters"

Record: TypeAlias = tuple[int, list[str]] | Reject
"""(line, cells), or why there are none."""

# Not allowed in a cell: controls but tab and line ends, marks that turn the reading direction, and U+FFFD, which says
# that some earlier program has lost the letter.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffd\ud800-\udfff]")
_ASCII_CONTROLS = bytes([*range(9), 11, 12, *range(14, 32), 127])


def control_character(cells: list[str]) -> str | None:
    """Why these cells cannot be taken, or None when they hold no such character."""
    found = _CONTROL.search("\n".join(cells))
    if found is None:
        return None
    if found[0] == "\ufffd":
        return "a letter was lost before this file was written (U+FFFD)"
    return f"a control character, U+{ord(found[0]):04X}"


def without_controls(cells: list[str]) -> list[str]:
    return [_CONTROL.sub("", cell) for cell in cells]


def sniff(header: str) -> str:
    """The delimiter, from the header line alone: the one that stands in it most often, outside quotes."""
    bare = re.sub(r'"(?:[^"]|"")*"', "", header)
    return max(DELIMITERS, key=bare.count)


class Progress(NamedTuple):
    """How far a look at some lines has come, and whether the rest can be looked at now."""

    lines: int
    go_on: bool


class CsvRows:
    """The rows of one file. Iterating again starts again."""

    def __init__(self, source: Source, *, delimiter: str | None, strip_controls: bool) -> None:
        self._source = source
        self._strip = strip_controls
        self.position = 0
        """Bytes read so far."""
        self._first, named = self._begin()
        self.delimiter = delimiter or named
        self.header_line, self.header = self._read_header()

    def _begin(self) -> tuple[int, str]:
        """The line before which there is nothing to read, and the delimiter the header speaks of."""
        line = 0
        for text in self._blocks():
            for physical in io.StringIO(text, newline=""):
                line += 1
                bare = physical.strip()
                if line == 1 and len(bare) == 5 and bare.lower().startswith("sep="):
                    # Excel's own way to name the delimiter.
                    return 1, bare[4]
                if bare:
                    return 0, sniff(physical)
        raise refused(self._source.path, "E_EMPTY", "the file holds nothing but blank lines")

    def _read_header(self) -> tuple[int, tuple[str, ...]]:
        for item in self._records():
            if isinstance(item, Reject):
                raise refused(self._source.path, "E_HEADER", f"the header cannot be read: {item.what}")
            line, cells = item
            if line > self._first and any(cell.strip() for cell in cells):
                return line, tuple(cells)
        raise refused(self._source.path, "E_EMPTY", "the file holds nothing but blank lines")

    def rows(self, after: int = 0) -> Iterator[Record]:
        """(line, cells) of every row that begins after that line, or why it cannot be read. Blank lines are `[]`."""
        after = max(after, self.header_line)
        records = self._records()
        for item in records:
            if item[0] > after:
                yield item
                break
        yield from records

    def _blocks(self) -> Iterator[str]:
        """The text in pieces that end where a line ends."""
        decoder = codecs.getincrementaldecoder(self._source.encoding)()
        held = ""
        self.position = 0
        with self._source.path.open("rb") as file:
            while raw := file.read(BLOCK):
                text = held + decoder.decode(raw)
                # The last CR may be the first half of a CR LF.
                end = text.rfind("\n") + 1 or text.rfind("\r", 0, len(text) - 1) + 1
                held = text[end:]
                self.position += len(raw)
                if end:
                    yield text[:end]
        held += decoder.decode(b"", final=True)
        if held:
            yield held

    def _records(self) -> Iterator[Record]:
        held: list[str] = []
        line = 1
        suspicious = False
        blocks = self._blocks()
        text = next(blocks, None)
        while text is not None:
            if line == 1 and text.startswith("\ufeff"):
                text = text[1:]
            lines = list(io.StringIO(text, newline=""))
            follows = next(blocks, None)
            suspicious = (suspicious and bool(held)) or _suspicious(text, lines)
            if not held and not suspicious and '"' not in text:
                # No quotes: each line is a row, and nothing can go wrong.
                yield from zip(count(line), csv.reader(lines, delimiter=self.delimiter), strict=False)
                line += len(lines)
            else:
                held += lines
                taken = 0
                while taken < len(held):
                    progress = yield from self._quoted(held[taken:], line + taken, suspicious, follows is None)
                    taken += progress.lines
                    if not progress.go_on:
                        break
                line += taken
                held = held[taken:]
            text = follows

    def _quoted(self, lines: list[str], first: int, suspicious: bool, last: bool) -> Generator[Record, None, Progress]:
        """Read records until one is broken. `last`: nothing follows these lines."""
        reader = csv.reader(lines, delimiter=self.delimiter, strict=True)
        done = 0
        try:
            for cells in reader:
                end = reader.line_num
                if suspicious or end - done > 1:
                    yield self._judged(first + done, cells)
                else:
                    yield first + done, cells
                done = end
        except csv.Error as error:
            return (yield from self._broken(lines, first, done, str(error), last))
        return Progress(done, go_on=False)

    def _broken(
        self, lines: list[str], first: int, done: int, error: str, last: bool
    ) -> Generator[Record, None, Progress]:
        """What to do about the record that begins at `lines[done]`, which the reader could not end."""
        unended = error == "unexpected end of data"
        oversized = error.startswith("field larger")
        extent = _extent(lines, done) if oversized else None
        may_end_later = not last and sum(map(len, lines[done:])) < LONGEST_RECORD
        if extent is None and may_end_later and (unended or oversized):
            return Progress(done, go_on=False)
        if extent is not None:
            yield Reject(first + done, "cell_too_long", TOO_LONG, (lines[done].rstrip("\r\n"),))
            return Progress(done + extent, go_on=True)
        code, what = (
            ("unclosed_quote", "a quote is opened and never closed")
            if unended or oversized
            else ("bad_quotes", "a quote inside a quoted cell is not doubled, or one is opened and never closed")
        )
        yield Reject(first + done, code, what, (lines[done].rstrip("\r\n"),))
        return Progress(done + 1, go_on=True)

    def _judged(self, line: int, cells: list[str]) -> Record:
        if any(len(cell) > LONGEST_CELL for cell in cells):
            return Reject(line, "cell_too_long", TOO_LONG, tuple(cells))
        if why := control_character(cells):
            if not self._strip:
                return Reject(line, "control_character", why, tuple(cells))
            return line, without_controls(cells)
        return line, cells


def _suspicious(text: str, lines: list[str]) -> bool:
    """Whether the rows of this block must be looked at one by one. Most blocks are cleared at the speed of memory."""
    if max(map(len, lines)) > LONGEST_CELL:
        return True
    if text.isascii():
        return len(text.encode("ascii").translate(None, _ASCII_CONTROLS)) != len(text)
    return _CONTROL.search(text) is not None


def _extent(lines: list[str], start: int) -> int | None:
    """How many lines the record takes that begins there, by counting quotes; None when it does not end."""
    quotes = 0
    for number, line in enumerate(lines[start:], 1):
        quotes += line.count('"')
        if quotes % 2 == 0:
            return number
    return None
