"""The types behind the forms: what a marketer can choose, as it stood when this process started, and how it is read.

No field is optional in the sense of Prefect, which would show a switch between a type and "None": left empty is empty.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator, Field

from flows.choices import ENTRY_RULE, campaigns, drop_down, segments
from nurture.settings import Settings

__all__ = ["Audience", "Campaign", "Count", "Moment", "moment"]


def _written(value: object) -> object:
    """As a form sends it: a program may hand over a datetime, or None for nothing."""
    return "" if value is None else value.isoformat() if isinstance(value, datetime) else value


Moment = Annotated[str, BeforeValidator(_written)]
"""A point in time, ISO 8601 with Z or an offset; empty for the present."""
Count = Annotated[int, Field(ge=0)]
"""A limit; 0 for none."""

if TYPE_CHECKING:
    Campaign = str
    Audience = str
else:
    _home = Settings().home
    Campaign = drop_down(campaigns(_home))
    Audience = drop_down((ENTRY_RULE, *segments(_home)))


def moment(text: str) -> datetime | None:
    """The instant of a `Moment` in UTC, None for the present. ValueError says what is wrong with it."""
    text = text.strip()
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"'{text}' is not a time; write it as 2026-03-02T18:00:00+08:00") from None
    if found.tzinfo is None:
        raise ValueError(f"'{text}' does not say in which time zone; {text}+08:00 is Beijing, {text}Z is UTC")
    return found.astimezone(UTC)
