"""The node contract: a frozen object with settings and one pure method."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from nurture.effects import Effect
from nurture.problems import Problem

if TYPE_CHECKING:
    from nurture.snapshot import Snapshot

__all__ = ["Go", "Node", "Place", "Settings", "Wait", "checked", "invalid", "setting"]


class Go(NamedTuple):
    """Leave the node by this way out. A type without ways out (`end`, the pool) ends the enrollment with `Go(None)`."""

    outcome: str | None
    effects: tuple[Effect, ...] = ()
    because: str = ""


class Wait(NamedTuple):
    """Stay until then, or until something of `wake_on` happens. Effects of a wait happen once, on entering the node."""

    until: datetime
    wake_on: tuple[str, ...] = ()
    """Signal kinds that may change the answer. A touch's verdict always wakes."""
    effects: tuple[Effect, ...] = ()
    because: str = ""


def setting(default: Any = ..., *, en: str, zh: str = "", names_node: bool = False, **constraints: Any) -> Any:
    """A field of a node type: its help in the editor in English and Chinese, its default, pydantic's constraints.

    `names_node`: its value is the id of a node of the campaign, which the editor offers, and follows when it is renamed.
    """
    extra: dict[str, Any] = {**({"zh": zh} if zh else {}), **({"x-form": "node"} if names_node else {})}
    return Field(default, description=en, json_schema_extra=extra or None, **constraints)


class Place(Protocol):
    """Where a node stands in its campaign, for checks that need more than its own settings. Built by the compiler."""

    node: str
    """The id of the node that is checked."""

    def always_before(self) -> Mapping[str, Node]:
        """The nodes that lie on *every* path from the start to here (dominators), without this one."""

    def sometimes_before(self) -> Mapping[str, Node]:
        """The nodes that lie on *some* path from the start to here."""

    def all_nodes(self) -> Mapping[str, Node]: ...

    def channels(self) -> Mapping[str, frozenset[str]]:
        """The installed channels, and the evidence that each can give of a response."""

    def contents(self) -> Mapping[str, frozenset[str]]:
        """The content catalogue: content name to the channels it is written for."""

    def error(self, code: str, what: str, hint: str = "", at: str = "") -> Problem:
        """An error at this node; `at` is a pointer below it, such as `/content`."""

    def warning(self, code: str, what: str, hint: str = "", at: str = "") -> Problem: ...

    def did_you_mean(self, word: str, among: Iterable[str]) -> str:
        """A hint that names the nearest word, or lists what there is."""


checked = AfterValidator
"""`Annotated[T, checked(f)]`: f gets the value and returns it, or raises `invalid(...)`."""


def invalid(code: str, what: str, hint: str = "") -> PydanticCustomError:
    """An error to raise where a setting has the right type and still makes no sense; `code` is an `E_...`."""
    return PydanticCustomError(code, "{what}", {"what": what, "hint": hint})


class Settings(BaseModel):
    """A group of settings inside a node type, such as one case of a switch."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=True)


class Node(BaseModel):
    """Base of all node types. Fields are the settings, the docstring is the sentence in the palette.

    A type is found by the name of its entry point in the group `nurture.nodes`; that name is its `type` in the JSON.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=True)

    outcomes: ClassVar[tuple[str, ...]] = ("next",)
    """The ways out, in the order the canvas shows them. Empty: the enrollment ends here."""
    waits: ClassVar[bool] = False
    """Whether this type may hold the lead for a time of its own choosing: a wait, a window for an answer, a hand-over.
    Waiting until a message has left is none. The compiler warns of two messages without such a node between them."""
    zh: ClassVar[str] = ""
    """The sentence in the palette, in Chinese."""
    title_zh: ClassVar[str] = ""
    """The name of the type in the palette, in Chinese; in English it is the type's own name."""

    def ways_out(self) -> tuple[str, ...]:
        """This node's ways out; override where they depend on the settings (named cases, arms)."""
        return type(self).outcomes

    def decide(self, snapshot: Snapshot) -> Go | Wait:
        """Answer from the settings and the snapshot alone; raise when the answer cannot be known."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it decides")

    def check(self, place: Place) -> Iterator[Problem]:
        """Problems that only the whole campaign shows. Settings were validated before."""
        yield from ()

    def contents(self) -> tuple[tuple[str, str], ...]:
        """(channel, content) of each message this node may send; they are stored with the published version."""
        return ()
