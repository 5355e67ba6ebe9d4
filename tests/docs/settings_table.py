"""The table of settings, written from the settings: `python -m tests.docs.settings_table` puts it into the page."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic.fields import FieldInfo

from nurture.settings import Settings
from tests.docs.reading import DOCS

__all__ = ["PAGE", "shown", "table"]

PAGE = DOCS / "operations.md"
_MARKED = re.compile(r"(<!-- settings -->\n).*?(<!-- /settings -->)", re.DOTALL)


def table() -> str:
    """As it should be: a row for each field, in the order of the class."""
    rows = [
        f"| `{name(field)}` | {default(info)} | {info.description} |" for field, info in Settings.model_fields.items()
    ]
    return "\n".join(["| variable | default | what it says |", "|---|---|---|", *rows, ""])


def name(field: str) -> str:
    return f"NURTURE_{field.upper()}"


def default(info: FieldInfo) -> str:
    value = info.default
    return "" if value == "" else f"`{'.' if value == Path() else value}`"


def shown() -> str:
    """As the page has it."""
    found = _MARKED.search(PAGE.read_text(encoding="utf-8"))
    return "" if found is None else found.group().partition("\n")[2].removesuffix("<!-- /settings -->")


if __name__ == "__main__":
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(_MARKED.sub(lambda found: found[1] + table() + found[2], page), encoding="utf-8")
