"""Which column means what: by its header in English or Chinese, or as `--map FIELD=COLUMN` says.

A column nobody knows becomes a field of the lead. Its name is the header made fit for conditions and templates: NFKC,
lower case, every run of other signs than letters and digits one `_`. `month_Created Time1` is `month_created_time1`,
`创建时间` stays. A name that is taken gets `_2`, `_3`, ...
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nurture.identity import BadIdentity, normalise_email
from nurture.problems import Problem, Rejected
from nurture.words import did_you_mean, listed, quoted

__all__ = ["Column", "Columns", "header_key", "map_columns", "parse_map", "slug"]

LONGEST_FIELD = 64
MOST_COLUMNS = 500
# Conditions and the engine have their own meaning for these.
RESERVED = frozenset({"score", "signals", "tags"})

_between = re.compile(r"\W+|_+")
_not_word = re.compile(r"[\W_]+")
_position = re.compile(r"#([0-9]{1,4})").fullmatch


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a file and what it means."""

    index: int
    header: str
    field: str
    known: bool
    """Whether the program knows this field; else it is one of the user's own."""


@dataclass(frozen=True, slots=True)
class Columns:
    """All columns of a file, in their order."""

    header: tuple[str, ...]
    columns: tuple[Column, ...]

    def index(self, field: str) -> int:
        """Where the column of a known field is, or -1."""
        return next((column.index for column in self.columns if column.known and column.field == field), -1)

    def as_json(self) -> dict[str, str]:
        """`{header: field}`, for a person to look over; of two equal headers the second has its position with it."""
        shown: dict[str, str] = {}
        for column in self.columns:
            header = column.header
            shown[header if header not in shown else f"{header} #{column.index + 1}"] = column.field
        return shown


def parse_map(pairs: Iterable[str]) -> dict[str, str]:
    """`["email=E-Mail"]` as `{"email": "E-Mail"}`. Raises `Rejected` with all that is wrong."""
    wanted: dict[str, str] = {}
    problems = []
    for pair in pairs:
        field, equals, column = (part.strip() for part in pair.partition("="))
        if not (field and equals and column):
            problems.append(Problem("", "E_MAP", f"{quoted(pair)} is not FIELD=COLUMN", "for example --map email=Mail"))
        elif field in wanted:
            problems.append(Problem("", "E_MAP", f"the field {quoted(field)} is mapped twice"))
        elif field != slug(field):
            problems.append(Problem("", "E_MAP", f"{quoted(field)} cannot be a field", f"write {quoted(slug(field))}"))
        else:
            wanted[field] = column
    if problems:
        raise Rejected(problems)
    return wanted


def header_key(header: str) -> str:
    """What two spellings of a header have in common: `E-mail` and `email`, `Last Name` and `last_name`."""
    return _not_word.sub("", unicodedata.normalize("NFKC", header).casefold())


def slug(header: str) -> str:
    """The header as a field name, or '' when nothing of it is left."""
    name = _between.sub("_", unicodedata.normalize("NFKC", header).lower()).strip("_")[:LONGEST_FIELD].strip("_")
    if name and not name.isidentifier():
        name = f"field_{name}"[:LONGEST_FIELD]
    return name if name.isidentifier() else ""


def map_columns(
    header: Sequence[str],
    wanted: Mapping[str, str],
    vocabulary: Mapping[str, Sequence[str]],
    *,
    path: Path,
) -> Columns:
    """Give each column its field. Raises `Rejected` with everything that is wrong with the header.

    `wanted` is FIELD to COLUMN (a header, or `#3` for the third column); `vocabulary` is each known field with the
    headers by which it is found, the surest first.
    """
    cells = [cell.strip() for cell in header]
    while cells and not cells[-1]:
        cells.pop()
    problems = list(_problems(cells))
    taken: dict[int, str] = {}
    for field, column in wanted.items():
        found = _find(cells, column)
        if field in RESERVED and field not in vocabulary:
            problems.append(Problem("", "E_MAP", f"{quoted(field)} is not a field that a file may set"))
        elif isinstance(found, str):
            problems.append(Problem("/0", "E_MAP", found, did_you_mean(column, [cell for cell in cells if cell])))
        elif found in taken:
            problems.append(Problem("/0", "E_MAP", f"column {quoted(column)} is mapped to {taken[found]} and {field}"))
        else:
            taken[found] = field
    for field, headers in vocabulary.items():
        if field in wanted:
            continue
        places = _by_alias(cells, headers, taken)
        if len(places) > 1:
            problems.append(
                Problem(
                    "/0",
                    "E_COLUMN",
                    f"{len(places)} columns could be {field}: {listed(cells[place] for place in places)}",
                    f"choose one: --map {field}=#{places[0] + 1}",
                )
            )
        elif places:
            taken[places[0]] = field
    if problems:
        raise Rejected(problem.at(str(path)) for problem in problems)
    return Columns(tuple(cells), tuple(_named(cells, taken, vocabulary)))


def _problems(cells: Sequence[str]) -> Iterable[Problem]:
    if len(cells) > MOST_COLUMNS:
        yield Problem("/0", "E_COLUMN", f"the file has {len(cells)} columns; {MOST_COLUMNS} are allowed")
    for index, cell in enumerate(cells):
        if not cell:
            yield Problem("/0", "E_COLUMN", f"column {index + 1} has no header", "give it one, or delete the column")
    for cell in cells:
        try:
            normalise_email(cell)
        except BadIdentity:
            continue
        yield Problem("/0", "E_HEADER", f"the first row looks like data: {quoted(cell)}", "the file needs a header row")
        return


def _find(cells: Sequence[str], column: str) -> int | str:
    """Where that column is, or why it cannot be said."""
    places = [index for index, cell in enumerate(cells) if cell == column]
    places = places or [index for index, cell in enumerate(cells) if header_key(cell) == header_key(column) != ""]
    if len(places) == 1:
        return places[0]
    if places:
        return f"{len(places)} columns are called {quoted(column)}; use {' or '.join(f'#{p + 1}' for p in places)}"
    if (position := _position(column)) and 1 <= int(position[1]) <= len(cells):
        return int(position[1]) - 1
    return f"there is no column {quoted(column)}"


def _by_alias(cells: Sequence[str], headers: Sequence[str], taken: Mapping[int, str]) -> list[int]:
    """The free columns with the surest of these headers that occurs at all."""
    keys = [header_key(cell) for cell in cells]
    for wanted in headers:
        places = [index for index, key in enumerate(keys) if key == wanted and index not in taken]
        if places:
            return places
    return []


def _named(cells: Sequence[str], taken: Mapping[int, str], vocabulary: Mapping[str, object]) -> Iterable[Column]:
    used = {*taken.values(), *vocabulary, *RESERVED}
    for index, cell in enumerate(cells):
        if index in taken:
            yield Column(index, cell, taken[index], taken[index] in vocabulary)
            continue
        name = base = slug(cell) or f"column_{index + 1}"
        number = 1
        while name in used:
            number += 1
            name = f"{base[: LONGEST_FIELD - 4]}_{number}"
        used.add(name)
        yield Column(index, cell, name, False)
