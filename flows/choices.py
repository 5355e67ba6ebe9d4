"""What the drop-downs of the forms offer, read from the marketer's folder when deployments are created."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import WithJsonSchema

__all__ = ["drop_down"]


def drop_down(names: tuple[str, ...]) -> Any:
    """A text for which Prefect's forms show these names as a list; without any name, a field to write in.

    A `Literal` would do for two names or more; of a single one Prefect makes a constant that nobody can choose.
    """
    return Annotated[str, WithJsonSchema({"type": "string", "enum": list(names)})] if names else str
