"""What every question of the canvas needs: the campaign files, and the world in which they are checked.

The problems are those of `nurture check`, the bytes those of the canonical writer, the numbers those of `nurture
status`: nothing here knows anything of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from starlette.exceptions import HTTPException

from nurture import canonical, chinese
from nurture import plan as plans
from nurture.calendar import time_zone
from nurture.condition import OPS
from nurture.content import Catalogue
from nurture.drawing.sketch import CHINESE
from nurture.engine import Engine, watching
from nurture.engine.publishing import world
from nurture.engine.reporting import standing
from nurture.plan import World
from nurture.problems import Problem, errors
from nurture.registry import node_types
from nurture.snapshot import SIGNAL_KINDS
from nurture.web import forms
from nurture.web.drafts import Draft, Drafts, UnknownDraft

__all__ = ["Studio", "member", "problem_json"]

LEAD_FIELDS = ("name", "company", "title", "industry", "region", "source", "status", "score", "owner", "tags")
"""Fields that most leads have: offered where one is to be named, next to the signals."""


@dataclass(frozen=True)
class Studio:
    """The files of one installation, and what may stand in them."""

    engine: Engine

    @cached_property
    def drafts(self) -> Drafts:
        return Drafts(self.engine.settings.definitions, node_types())

    @cached_property
    def helps(self) -> dict[str, str]:
        return forms.helps(node_types())

    def world(self) -> World:
        """As it is now: somebody may have written a new content since the last question."""
        return world(Catalogue.load(self.engine.settings.content))

    def open(self, name: str) -> Draft:
        try:
            return self.drafts.open(name)
        except UnknownDraft as error:
            raise HTTPException(404, f"there is no campaign '{name}'") from error

    def list(self, now: datetime) -> list[dict[str, Any]]:
        """Every campaign that has a file, and those that have none any more but leads inside."""
        around = self.world()
        told = {one["campaign"]: one for one in standing(self.engine.store, self.engine.plans, None, now=now)}
        rows = [self._row(self.drafts.open(name), told, around, now) for name in self.drafts.names()]
        known = {row["campaign"] for row in rows}
        gone = [
            {"name": None, "campaign": name, "title": "", "state": _state(one), "problems": None, "nodes": None}
            | self._numbers(one, "UTC", now)
            for name, one in told.items()
            if name not in known
        ]
        return rows + gone

    def _row(self, draft: Draft, told: Mapping[str, Any], around: World, now: datetime) -> dict[str, Any]:
        problems = plans.check(draft.data, around)
        raw = draft.raw or {}
        one = told.get(draft.campaign)
        nodes = raw.get("nodes")
        row = {
            "name": draft.name,
            "campaign": draft.campaign,
            "title": raw.get("title", ""),
            "nodes": len(nodes) if isinstance(nodes, dict) else 0,
            "state": "draft" if one is None else _state(one),
            "problems": {"errors": len(errors(problems)), "warnings": len(problems) - len(errors(problems))},
        }
        if one is not None:
            published = watching.published_text(self.engine.store, draft.campaign)
            row["changed"] = draft.raw is None or canonical.write(draft.raw, around.node_types) != published
        return row | self._numbers(one, raw.get("time_zone"), now)

    def _numbers(self, one: Mapping[str, Any] | None, zone: Any, now: datetime) -> dict[str, Any]:
        if one is None:
            return {"entered": 0, "inside": 0, "due_today": 0, "stuck": 0, "last_run": None, "ended": {}}
        return {
            "entered": one["entered"],
            "inside": one["waiting"] + one["due"] + one["stuck"],
            "due_today": watching.due_today(self.engine.store, one["campaign"], _zone(zone), now=now),
            "stuck": one["stuck"],
            "last_run": watching.last_run(self.engine.store, one["campaign"]),
            "ended": one["ended"],
        }

    def shown(self, draft: Draft) -> dict[str, Any]:
        """A campaign as it is opened; `draft` is null where the file holds no JSON object, and the problems say why."""
        return {
            "name": draft.name,
            "etag": draft.etag,
            "draft": draft.raw,
            "boxes": {node: list(place) for node, place in draft.boxes.items()},
        } | self.checked(draft.data, draft.raw or {})

    def checked(self, data: bytes | str, raw: Mapping[str, Any]) -> dict[str, Any]:
        around = self.world()
        nodes = raw.get("nodes")
        return {
            "problems": [problem_json(problem, self.helps) for problem in plans.check(data, around)],
            "ways": forms.ways_out(nodes if isinstance(nodes, dict) else {}, around.node_types),
        }

    def types(self) -> dict[str, Any]:
        around = self.world()
        fields = [*LEAD_FIELDS, *(f"signals.{kind}" for kind in SIGNAL_KINDS)]
        return {
            "types": forms.palette(
                around.node_types, forms.offered(around.channels, around.contents, SIGNAL_KINDS, LEAD_FIELDS)
            ),
            "conditions": {"ops": OPS, "fields": fields},
            "signals": SIGNAL_KINDS,
            "words": {"zh": CHINESE},
        }


def _state(one: Mapping[str, Any]) -> str:
    return "paused" if one["paused"] else "running"


def _zone(zone: Any) -> str:
    """The campaign's zone; UTC where it names none, or none that there is."""
    if not isinstance(zone, str):
        return "UTC"
    try:
        time_zone(zone)
    except ValueError:
        return "UTC"
    return zone


def problem_json(problem: Problem, helps: Mapping[str, str]) -> dict[str, Any]:
    told = {key: value for key, value in problem.as_json().items() if value}
    return {**told, "zh": {"what": chinese.what(problem), "hint": chinese.hint(problem, helps)}}


def member(body: object, key: str, kind: type, default: Any = ...) -> Any:
    """A part of what was sent. Raises 400 where it is missing, or of another kind."""
    value = body.get(key, default) if isinstance(body, dict) else ...
    if not isinstance(value, kind):
        raise HTTPException(400, f"`{key}` is missing, or of the wrong kind")
    return value
