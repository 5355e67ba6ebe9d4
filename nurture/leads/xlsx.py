"""Rows of an `.xlsx` workbook: values only, of the first visible sheet or the named one.

A workbook is a ZIP file of XML, and both can be made to explode. What it would become is known before anything of it is
believed: declared sizes first, then the real ones, then the extent of the sheets.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, BinaryIO, TypeAlias

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetVisibleEnum

from nurture.leads.csvfile import LONGEST_CELL, TOO_LONG, control_character, without_controls
from nurture.leads.rejects import Reject
from nurture.leads.source import Source, refused
from nurture.problems import Rejected
from nurture.words import did_you_mean

__all__ = ["XlsxRows", "inspect"]

Value: TypeAlias = int | float | str | bool | time | date | datetime | timedelta

LARGEST_INFLATED = 200 << 20
LARGEST_RATIO = 100
# A small file may be as repetitive as it likes.
RATIO_COUNTS_FROM = 10 << 20
MOST_PARTS = 2000
MOST_CELLS = 10_000_000
EXACT_DIGITS = 15
"""A spreadsheet keeps no more digits of a number than these."""

_BLOCK = 1 << 20
_LOCAL_HEADER = struct.Struct("<4s22xHH")
# References of cells (`B7`) and of rows (`7`); a cell may also go without one, and then counts from its neighbour.
_references = re.compile(rb'\br\s*=\s*["\']([A-Za-z]{0,7})([0-9]{1,10})["\']')
_row_ends = re.compile(rb"</(?:\w{1,20}:)?row")
_cells = re.compile(rb"<(?:\w{1,20}:)?c[\s/>]")
_LONGEST_REFERENCE = 64


def inspect(source: Source) -> None:
    """Refuse (`Rejected`) what is no harmless workbook: a bomb, macros, a password, damage."""
    try:
        with source.path.open("rb") as file, zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
            _check_declared(source, parts)
            for part in parts:
                _check_part(source, file, part)
    except (zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, ValueError, OSError) as error:
        raise refused(source.path, "E_WORKBOOK", f"the workbook is damaged: {error}") from None


def _check_declared(source: Source, parts: list[zipfile.ZipInfo]) -> None:
    names = {part.filename for part in parts}
    inflated = sum(part.file_size for part in parts)
    if inflated > LARGEST_INFLATED or len(parts) > MOST_PARTS:
        raise refused(
            source.path,
            "E_TOO_LARGE",
            f"the workbook would unpack to {inflated >> 20} MB in {len(parts)} parts; {LARGEST_INFLATED >> 20} MB in"
            f" {MOST_PARTS} are allowed",
            "save the sheet as CSV",
        )
    if inflated > RATIO_COUNTS_FROM and inflated > LARGEST_RATIO * source.size:
        raise refused(
            source.path,
            "E_TOO_LARGE",
            f"the workbook would unpack to {inflated // max(1, source.size)} times its size",
            "save the sheet as CSV",
        )
    if any(part.flag_bits & 1 for part in parts):
        raise refused(source.path, "E_WORKBOOK", "the workbook has a password", "save it without one")
    if "xl/vbaProject.bin" in names or source.path.suffix.lower() == ".xlsm":
        raise refused(source.path, "E_WORKBOOK", "the workbook has macros", "save it as .xlsx, or as CSV")
    if "xl/workbook.xml" not in names:
        raise refused(source.path, "E_WORKBOOK", "this is a ZIP file, not an .xlsx workbook", "save it as CSV")


def _check_part(source: Source, file: BinaryIO, part: zipfile.ZipInfo) -> None:
    """Unpack one part without keeping it: is it as large as it says, and how far do its cells reach?"""
    file.seek(part.header_offset)
    mark, name_length, extra_length = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
    if mark != b"PK\x03\x04":
        raise ValueError("a part is not where it should be")
    file.seek(name_length + extra_length, 1)
    columns = rows = size = 0
    tail = b""
    for block in _inflated(file, part):
        size += len(block)
        if size > part.file_size:
            raise ValueError("a part is larger than it says")
        if part.filename.startswith("xl/worksheets/"):
            seen = tail + block
            for letters, digits in _references.findall(seen):
                columns = max(columns, _column(letters))
                rows = max(rows, int(digits))
            columns = max(columns, *(len(_cells.findall(row)) for row in _row_ends.split(seen)))
            tail = seen[-_LONGEST_REFERENCE:]
    if columns * rows > MOST_CELLS:
        raise refused(
            source.path,
            "E_TOO_LARGE",
            f"a sheet reaches to row {rows} and column {columns}: more than {MOST_CELLS:,} cells",
            "delete the empty rows and columns, or save the sheet as CSV",
        )


def _inflated(file: BinaryIO, part: zipfile.ZipInfo) -> Iterator[bytes]:
    left = part.compress_size
    if part.compress_type == zipfile.ZIP_STORED:
        while left > 0 and (block := file.read(min(left, _BLOCK))):
            left -= len(block)
            yield block
        return
    if part.compress_type != zipfile.ZIP_DEFLATED:
        raise ValueError("a part is packed in an unusual way")
    unpack = zlib.decompressobj(-15)
    while left > 0 and (packed := file.read(min(left, _BLOCK))):
        left -= len(packed)
        while packed:
            yield unpack.decompress(packed, _BLOCK)
            packed = unpack.unconsumed_tail
    yield unpack.flush()


def _column(letters: bytes) -> int:
    """`A` is 1, `Z` 26, `AA` 27."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


class XlsxRows:
    """The rows of one sheet. Iterating again starts again."""

    def __init__(self, source: Source, *, sheet: str | None, strip_controls: bool) -> None:
        inspect(source)
        self._source = source
        self._strip = strip_controls
        self.position = 0
        """Bytes read so far, as far as a workbook has such a thing: all of them at the end."""
        try:
            self._book: Any = CalamineWorkbook.from_path(str(source.path))
            self.sheet = self._choose(sheet)
            self._sheet: Any = self._book.get_sheet_by_name(self.sheet)
        except PasswordError:
            raise refused(source.path, "E_WORKBOOK", "the workbook has a password", "save it without one") from None
        except (CalamineError, OSError) as error:
            raise refused(source.path, "E_WORKBOOK", f"the workbook cannot be read: {error}") from None
        self.header_line, self.header = self._read_header()

    def _choose(self, wanted: str | None) -> str:
        sheets = self._book.sheets_metadata
        visible = [sheet.name for sheet in sheets if sheet.visible == SheetVisibleEnum.Visible]
        if wanted is None:
            if not visible:
                raise refused(self._source.path, "E_SHEET", "the workbook has no visible sheet", "name one: --sheet")
            return str(visible[0])
        names = [str(sheet.name) for sheet in sheets]
        if wanted not in names:
            raise refused(
                self._source.path, "E_SHEET", f"there is no sheet {wanted!r}", did_you_mean(wanted, visible or names)
            )
        return wanted

    def _read_header(self) -> tuple[int, tuple[str, ...]]:
        for number, values in enumerate(self._sheet.iter_rows(), 1):
            if any(value != "" for value in values):
                cells = [_text(value) for value in values]
                if control_character(cells):
                    raise refused(self._source.path, "E_HEADER", "the header holds a control character")
                return number, tuple(cells)
        raise Rejected([*refused(self._source.path, "E_EMPTY", f"the sheet {self.sheet!r} is empty").problems])

    def rows(self, after: int = 0) -> Iterator[tuple[int, list[str]] | Reject]:
        """(row of the sheet, cells) after that row, or why it cannot be read."""
        after = max(after, self.header_line)
        height = max(1, self._sheet.total_height)
        for number, values in enumerate(self._sheet.iter_rows(), 1):
            if number <= after:
                continue
            self.position = self._source.size * number // height
            yield self._row(number, values)
        self.position = self._source.size

    def _row(self, number: int, values: list[Value]) -> tuple[int, list[str]] | Reject:
        cells = [_text(value) for value in values]
        if any(len(cell) > LONGEST_CELL for cell in cells):
            return Reject(number, "cell_too_long", TOO_LONG, tuple(cells))
        if any(type(value) is float and abs(value) >= 10**EXACT_DIGITS for value in values):
            return Reject(
                number,
                "number_mangled",
                f"a number of more than {EXACT_DIGITS} digits: the spreadsheet has lost its last ones; keep it as text",
                tuple(cells),
            )
        if why := control_character(cells):
            if not self._strip:
                return Reject(number, "control_character", why, tuple(cells))
            return number, without_controls(cells)
        return number, cells


def _text(value: Value) -> str:
    """A cell's value as a CSV file would have it: whole numbers without `.0`, dates as ISO 8601."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 10**EXACT_DIGITS else repr(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)
