"""What is installed: node types, channels and whoever carries out runs, ours and other people's, through the same doors.

Entry points: `nurture.nodes` (name: the `type` in the JSON, object: a `Node` class), `nurture.channels` (name: the
channel, object: a `Channel` class) and `nurture.runs` (object: a class that is opened with the settings and keeps the
promises of `nurture.web.runs.Runs`).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

from nurture.node import Node

if TYPE_CHECKING:
    from nurture.channels.base import Channel

__all__ = ["BadPlugin", "channel_types", "node_types", "runs_types"]


class BadPlugin(Exception):
    """An installed package offers something that cannot be used."""


@cache
def node_types() -> dict[str, type[Node]]:
    """Every installed node type, by its name in the JSON. Raises `BadPlugin`."""
    return {point.name: _loaded(point, Node) for point in _unique(entry_points(group="nurture.nodes"), "node type")}


@cache
def channel_types() -> dict[str, type[Channel]]:
    """Every installed channel, by name. Raises `BadPlugin`."""
    from nurture.channels.base import Channel

    return {point.name: _loaded(point, Channel) for point in _unique(entry_points(group="nurture.channels"), "channel")}


@cache
def runs_types() -> dict[str, type[Any]]:
    """Every installed class that carries out runs, by name. Raises `BadPlugin`."""
    return {point.name: _loaded(point, object) for point in _unique(entry_points(group="nurture.runs"), "runs")}


def _unique(points: Iterable[EntryPoint], what: str) -> list[EntryPoint]:
    """The entry points in order of their names; two of one name are somebody's mistake, and nobody should guess."""
    found: dict[str, EntryPoint] = {}
    for point in points:
        other = found.get(point.name)
        if other is not None and other.value != point.value:
            names = sorted({_distribution(other), _distribution(point)})
            raise BadPlugin(
                f"{' and '.join(names)} both offer the {what} '{point.name}'; uninstall one, or ask its author to"
                " prefix the name"
            )
        found[point.name] = point
    return [found[name] for name in sorted(found)]


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.value


def _loaded(point: EntryPoint, base: type[Any]) -> Any:
    try:
        found = point.load()
    except (Exception, SystemExit) as error:  # a module that leaves on import must not take the house with it
        reason = str(error) or type(error).__name__
        raise BadPlugin(f"{_distribution(point)}: {point.value} cannot be imported: {reason}") from error
    if not (isinstance(found, type) and issubclass(found, base)):
        raise BadPlugin(f"{_distribution(point)}: {point.value} is not a {base.__name__} class")
    return found
