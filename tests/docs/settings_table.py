"""The table of settings, written from the settings: `python -m tests.docs.settings_table` puts it into the page."""

from __future__ import annotations

from pathlib import Path

from pydantic.fields import FieldInfo

from nurture.settings import Settings
from tests.docs.marked import put
from tests.docs.reading import DOCS

__all__ = ["PAGE", "table"]

PAGE = DOCS / "operations.md"


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


if __name__ == "__main__":
    put(PAGE, table())
