"""Open a file of leads: survey it, map its columns, and read it as a stream of leads and rejects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from nurture.leads.csvfile import CsvRows
from nurture.leads.mapping import Columns, map_columns
from nurture.leads.rejects import Reject
from nurture.leads.rows import IDENTITIES, LEAD_WORDS, LeadRow, row_maker
from nurture.leads.source import Source, refused, survey
from nurture.leads.xlsx import XlsxRows
from nurture.problems import Problem, Rejected
from nurture.words import listed

__all__ = ["LeadFile", "LeadOptions", "Table", "open_table"]

Policy = Literal["fill_empty", "overwrite"]


@dataclass(frozen=True, slots=True)
class LeadOptions:
    """What a person may say about a file of leads."""

    map: Mapping[str, str] = field(default_factory=dict)
    """Field to column; see `parse_map`."""
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    strip_controls: bool = False
    """Take control characters out of cells instead of rejecting the row."""
    tags: tuple[str, ...] = ()
    """Added to every lead of the file."""
    basis: str | None = None
    """The legal basis for writing to the people in this file."""
    policy: Policy = "fill_empty"
    """What a known lead takes from the file: only what it lacks, or everything that the file knows."""


class Table:
    """A file with a header and rows, CSV or workbook alike."""

    def __init__(self, source: Source, rows: CsvRows | XlsxRows) -> None:
        self.source = source
        self._rows = rows
        self.header: tuple[str, ...] = rows.header

    @property
    def position(self) -> int:
        """Bytes read so far, of `source.size`."""
        return self._rows.position

    def rows(self, after: int = 0) -> Iterator[tuple[int, list[str]] | Reject]:
        """(line, cells) of each row that begins after that line. Blank rows come too, with nothing in their cells."""
        return self._rows.rows(after)


def open_table(
    path: Path,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    strip_controls: bool = False,
) -> Table:
    """Look at the whole file, read its header, and stand ready to read its rows. Raises `Rejected`."""
    if delimiter is not None:
        delimiter = {"\\t": "\t", "tab": "\t"}.get(delimiter, delimiter)
        if len(delimiter) != 1 or delimiter in '"\r\n ':
            raise refused(path, "E_DELIMITER", "a delimiter is one character", "such as --delimiter ';', or tab")
    source = survey(path, encoding)
    if source.format == "xlsx":
        workbook = XlsxRows(source, sheet=sheet, strip_controls=strip_controls)
        return Table(replace(source, sheet=workbook.sheet), workbook)
    if sheet is not None:
        raise refused(path, "E_SHEET", "a text file has no sheets", "leave --sheet away")
    rows = CsvRows(source, delimiter=delimiter, strip_controls=strip_controls)
    return Table(replace(source, delimiter=rows.delimiter), rows)


class LeadFile:
    """A file of leads, surveyed and mapped. Nothing of it is in memory but the block being read."""

    def __init__(self, path: Path, options: LeadOptions | None = None) -> None:
        """Raises `Rejected` with everything that is wrong with the file as a whole."""
        self.options = options or LeadOptions()
        self._table = open_table(
            path,
            encoding=self.options.encoding,
            delimiter=self.options.delimiter,
            sheet=self.options.sheet,
            strip_controls=self.options.strip_controls,
        )
        self.source = self._table.source
        self.columns: Columns = map_columns(self._table.header, self.options.map, LEAD_WORDS, path=path)
        if all(self.columns.index(identity) < 0 for identity in IDENTITIES):
            raise Rejected(
                [
                    Problem(
                        "/0",
                        "E_NO_IDENTITY",
                        f"no column identifies a lead; there is: {listed(self.columns.header)}",
                        "say which column holds the e-mail address: --map email=COLUMN",
                        file=str(path),
                    )
                ]
            )

    @property
    def position(self) -> int:
        """Bytes read so far, of `source.size`."""
        return self._table.position

    def rows(self, after: int = 0) -> Iterator[LeadRow | Reject]:
        """Each row that begins after that line, as a lead or as a reject. Blank rows are passed over."""
        make = row_maker(self.columns)
        for item in self._table.rows(after):
            if type(item) is Reject:
                yield item
            elif (row := make(*item)) is not None:
                yield row
