"""What a decision asks for. Effects are values; the engine writes them down in the same transaction as the step.

A plugin may bring effects of its own: subclass `Effect` as a frozen dataclass and say in `apply` what it means in
terms of `Changes`. Ours enter by the same door.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal, Protocol

__all__ = ["Changes", "Effect", "Route", "Score", "Send", "SetField", "Tag"]

Scalar = str | int | float | bool | None
OnUnknown = Literal["hold", "retry_once", "retry"]
Purpose = Literal["marketing", "service"]


class Changes(Protocol):
    """The book in which one step's changes are written; all of them are committed with the step, or none."""

    def message(
        self, *, channel: str, content: str, purpose: Purpose, expires: timedelta, on_unknown: OnUnknown
    ) -> None:
        """Put one message into the outbox, as a touch of this node."""

    def tag(self, name: str) -> None: ...

    def untag(self, name: str) -> None: ...

    def score(self, points: int) -> None:
        """Add points (may be negative): a delta, so that two campaigns may score the same lead."""

    def set_field(self, name: str, value: Scalar) -> None: ...

    def hand_off(self, *, to: Literal["sdr", "sales"], team: str | None, answer_by: datetime) -> None:
        """Open a hand-off: from now on this lead is owned, and marketing holds its tongue."""

    def to_pool(self, *, eligible: datetime | None) -> None:
        """The enrollment ends in the pool; the lead may enter this campaign again from `eligible` on."""


class Effect(ABC):
    """A thing that a decision wants done."""

    kind: ClassVar[str]

    @abstractmethod
    def apply(self, changes: Changes) -> None: ...

    def as_json(self) -> list[Any]:
        """How the journal keeps it: `[kind, {field: value}]`, defaults left out."""
        kept: dict[str, Any] = {}
        for field in fields(self):  # type: ignore[arg-type]  # subclasses are dataclasses
            value = getattr(self, field.name)
            if value != field.default:
                kept[field.name] = (
                    value.isoformat()
                    if isinstance(value, datetime)
                    else value.total_seconds()
                    if isinstance(value, timedelta)
                    else list(value)
                    if isinstance(value, tuple)
                    else value
                )
        return [self.kind, kept]


@dataclass(frozen=True, slots=True)
class Send(Effect):
    """Ask for one message. Whether and when it goes out is decided in the light of all known at that moment."""

    kind: ClassVar[str] = "send"

    channel: str
    content: str
    purpose: Purpose = "marketing"
    expires: timedelta = timedelta(days=14)
    on_unknown: OnUnknown = "hold"

    def apply(self, changes: Changes) -> None:
        changes.message(
            channel=self.channel,
            content=self.content,
            purpose=self.purpose,
            expires=self.expires,
            on_unknown=self.on_unknown,
        )


@dataclass(frozen=True, slots=True)
class Tag(Effect):
    kind: ClassVar[str] = "tag"

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()

    def apply(self, changes: Changes) -> None:
        for name in self.add:
            changes.tag(name)
        for name in self.remove:
            changes.untag(name)


@dataclass(frozen=True, slots=True)
class Score(Effect):
    kind: ClassVar[str] = "score"

    points: int

    def apply(self, changes: Changes) -> None:
        changes.score(self.points)


@dataclass(frozen=True, slots=True)
class SetField(Effect):
    kind: ClassVar[str] = "set_field"

    field: str
    value: Scalar

    def apply(self, changes: Changes) -> None:
        changes.set_field(self.field, self.value)


@dataclass(frozen=True, slots=True)
class Route(Effect):
    """Hand the lead to people, or give it back to the pool."""

    kind: ClassVar[str] = "route"

    to: Literal["sdr", "sales", "pool"]
    team: str | None = None
    answer_by: datetime | None = None
    eligible: datetime | None = None

    def apply(self, changes: Changes) -> None:
        if self.to == "pool":
            changes.to_pool(eligible=self.eligible)
        elif self.answer_by is None:
            raise ValueError(f"a hand-over to {self.to} needs the time by which an answer is due")
        else:
            changes.hand_off(to=self.to, team=self.team, answer_by=self.answer_by)
