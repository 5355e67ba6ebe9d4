"""Published versions, compiled once and kept: the plan that decides and the content that is sent."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import PurePosixPath
from typing import NamedTuple

from nurture import definition as definitions
from nurture.calendar import Calendar, weekend
from nurture.content import Content
from nurture.plan import Plan, World, compile
from nurture.problems import Rejected, errors
from nurture.registry import channel_types, node_types
from nurture.store import Store
from nurture.store.versions import Version, version_by_id
from nurture.workdays import workdays

__all__ = ["NotRunnable", "Plans", "Ready", "calendar", "evidence", "make"]


class NotRunnable(Exception):
    """A published version cannot run here: a plugin it needs is missing, or a newer one does not take its settings."""


class Ready:
    """One version, ready to run."""

    def __init__(self, version: Version, plan: Plan) -> None:
        self.version = version
        self.plan = plan

    @cached_property
    def content(self) -> Content:
        """Its content files, compiled; only delivery needs them."""
        return Content.compile(self.version.files)


class Plans:
    """Versions by id. A version never changes, so what was compiled once stays."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._ready: dict[int, Ready | NotRunnable] = {}

    def get(self, version_id: int) -> Ready:
        """Raises `NotRunnable`, with all reasons; the leads of such a version are stuck, and resume when it is mended."""
        found = self._ready.get(version_id)
        if found is None:
            with self._store.read() as tx:
                version = version_by_id(tx, version_id)
            found = self._ready[version_id] = _made(version)
        if isinstance(found, NotRunnable):
            raise found
        return found


def make(version: Version) -> Ready:
    """One version, compiled. Raises `NotRunnable`."""
    found = _made(version)
    if isinstance(found, NotRunnable):
        raise found
    return found


def _made(version: Version) -> Ready | NotRunnable:
    try:
        definition = definitions.load(version.definition)
    except Rejected as rejected:
        return NotRunnable(str(rejected))
    plan, problems = compile(definition, stored_world(version.files))
    if plan is None or errors(problems):
        return NotRunnable("; ".join(problem.what for problem in errors(problems)))
    return Ready(version, plan)


def stored_world(files: Mapping[str, str]) -> World:
    """The world as a published version needs it: installed types, and the contents stored with it."""
    contents: dict[str, set[str]] = {}
    for file in files:
        path = PurePosixPath(file)
        contents.setdefault(path.parent.name, set()).add(path.name.split(".")[0])
    return World(
        node_types=node_types(),
        channels=evidence(),
        contents={name: frozenset(channels) for name, channels in contents.items()},
        check_content=lambda _content, _channel: [],
        calendar=calendar,
    )


def evidence() -> dict[str, frozenset[str]]:
    """The installed channels, and by what a response to each can be seen."""
    return {name: channel.evidence for name, channel in channel_types().items()}


class _Key(NamedTuple):
    country: str | None
    zone: str


_calendars: dict[_Key, Calendar] = {}


def calendar(country: str | None, zone: str) -> Calendar | None:
    """The calendar of a country in a zone; None for a country whose workdays nobody here knows."""
    key = _Key(country, zone)
    if key not in _calendars:
        try:
            _calendars[key] = Calendar(zone, weekend if country is None else workdays(country))
        except KeyError:
            return None
    return _calendars[key]
