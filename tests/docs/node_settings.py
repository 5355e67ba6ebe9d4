"""The settings of the node types, written from the types: `python -m tests.docs.node_settings` puts them into the page."""

from __future__ import annotations

from pydantic.fields import FieldInfo

from nurture.registry import node_types
from tests.docs.marked import put
from tests.docs.reading import DOCS

__all__ = ["PAGE", "table"]

PAGE = DOCS.parent / "definitions" / "README.md"


def table() -> str:
    """As it should be: a row for each setting of our own types, with its help in both languages."""
    rows = [
        f"| `{name}` | `{info.alias or field}` | {default(info)} | {info.description} | {chinese(info)} |"
        for name, node_type in sorted(node_types().items())
        if node_type.__module__.startswith("nodes.")
        for field, info in node_type.model_fields.items()
    ]
    return "\n".join(["| type | setting | default | | |", "|---|---|---|---|---|", *rows, ""])


def default(info: FieldInfo) -> str:
    if info.is_required():
        return "*needed*"
    value = list(info.default) if isinstance(info.default, tuple) else info.default
    return "" if value in (None, [], "") else f"`{value}`"


def chinese(info: FieldInfo) -> str:
    return str((info.json_schema_extra or {}).get("zh", "")) if isinstance(info.json_schema_extra, dict) else ""


if __name__ == "__main__":
    put(PAGE, table())
