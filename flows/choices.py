"""What the drop-downs of the forms offer, read from the marketer's folder when deployments are created."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import WithJsonSchema

__all__ = ["ENTRY_RULE", "EVERYBODY", "audience", "campaigns", "drop_down", "segments"]

ENTRY_RULE = "whom the campaign is for"
"""The audience that a campaign names itself, in `entry.when`; a segment narrows it down further."""

EVERYBODY = {"any": [{"field": "email", "op": "known"}, {"field": "email", "op": "unknown"}]}
"""A condition that holds for every lead; the campaign's own rule is asked in any case."""


def campaigns(home: Path) -> tuple[str, ...]:
    """The campaigns in `definitions/`, by name. A file that cannot be read is left out: `nurture check` tells why."""
    return tuple(sorted(filter(None, (_campaign(file) for file in (home / "definitions").glob("*.json")))))


def segments(home: Path) -> dict[str, Any]:
    """The segments kept in `definitions/segments/`, name to condition: one file each, holding the condition."""
    found: dict[str, Any] = {}
    for file in sorted((home / "definitions" / "segments").glob("*.json")):
        condition = _read(file)
        if isinstance(condition, dict):
            found[file.stem] = condition
    return found


def audience(name: str, tag: str, home: Path) -> dict[str, Any] | None:
    """The condition that a form's choice means; None for no condition beyond the campaign's own.

    Raises ValueError when the segment is gone since the form was made.
    """
    parts: list[dict[str, Any]] = []
    if name != ENTRY_RULE:
        known = segments(home)
        if name not in known:
            raise ValueError(f"there is no segment '{name}' in definitions/segments (any more)")
        parts.append(known[name])
    if tag:
        parts.append({"field": "tags", "op": "has", "value": tag})
    return {"all": parts} if len(parts) > 1 else parts[0] if parts else None


def drop_down(names: tuple[str, ...]) -> Any:
    """A text for which Prefect's forms show these names as a list; without any name, a field to write in.

    A `Literal` would do for two names or more; of a single one Prefect makes a constant that nobody can choose.
    """
    return Annotated[str, WithJsonSchema({"type": "string", "enum": list(names)})] if names else str


def _campaign(file: Path) -> str | None:
    raw = _read(file)
    name = raw.get("campaign") if isinstance(raw, dict) else None
    return name if isinstance(name, str) else None


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
