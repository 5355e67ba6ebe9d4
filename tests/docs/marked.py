"""A part of a page that is written from the code, between two marks."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["put", "shown"]

_MARKED = re.compile(r"(<!-- settings -->\n)(.*?)(<!-- /settings -->)", re.DOTALL)


def shown(page: Path) -> str:
    """As the page has it."""
    found = _MARKED.search(page.read_text(encoding="utf-8"))
    return "" if found is None else found[2]


def put(page: Path, table: str) -> None:
    """As it should be, into the page."""
    text = page.read_text(encoding="utf-8")
    page.write_text(_MARKED.sub(lambda found: found[1] + table + found[3], text), encoding="utf-8")
