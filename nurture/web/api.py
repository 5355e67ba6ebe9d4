"""What the canvas asks and tells: campaigns as drafts, the types they are made of, what is wrong, who stands where.

The problems are those of `nurture check`, the bytes those of the canonical writer, the numbers those of `nurture
status`: nothing here knows anything of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from nurture import canonical
from nurture import plan as plans
from nurture.calendar import time_zone
from nurture.condition import OPS
from nurture.content import Catalogue
from nurture.drawing.sketch import CHINESE
from nurture.engine import Engine, UnknownCampaign, UnknownLead, watching
from nurture.engine.publishing import world
from nurture.identity import BadIdentity, LeadRef
from nurture.plan import World
from nurture.problems import Problem, errors
from nurture.registry import node_types
from nurture.snapshot import SIGNAL_KINDS
from nurture.web import forms
from nurture.web.drafts import Conflict, Draft, Drafts, NotSaved, UnknownDraft, boxes_of
from nurture.web.ours import document, from_a_page_of_ours

__all__ = ["router"]

LEAD_FIELDS = ("name", "company", "title", "industry", "region", "source", "status", "score", "owner", "tags")
"""Fields that most leads have: offered where one is to be named, next to the signals."""

Document = Annotated[object, Depends(document)]


def router(engine: Engine, clock: Callable[[], datetime]) -> APIRouter:
    """The API below `/api`. `clock` is read once a request."""
    made = APIRouter(prefix="/api", dependencies=[Depends(from_a_page_of_ours)])
    desk = _Desk(engine)

    @made.get("/campaigns")
    def campaigns() -> Response:
        return _json({"campaigns": desk.list(clock())})

    @made.get("/types")
    def types() -> Response:
        return _json(desk.types())

    @made.get("/campaigns/{name}")
    def open_campaign(name: str) -> Response:
        return _json(desk.shown(desk.open(name)))

    @made.post("/check")
    def check(body: Document) -> Response:
        """All problems of a draft that is being drawn, and the ways out of its nodes."""
        return _json(desk.checked(json.dumps(_member(body, "draft", dict)), _member(body, "draft", dict)))

    @made.put("/campaigns/{name}")
    def save(
        name: str,
        body: Document,
        if_match: Annotated[str | None, Header()] = None,
        if_none_match: Annotated[str | None, Header()] = None,
    ) -> Response:
        """Needs `If-Match` with the ETag of what was opened, or `If-None-Match: *` for a new campaign."""
        if if_match is None and if_none_match != "*":
            raise HTTPException(428, "say by If-Match what you have seen, or by If-None-Match: * that it is new")
        seen = None if if_match is None else if_match.strip().strip('"')
        raw = _member(body, "draft", dict)
        try:
            saved = desk.drafts.save(name, raw, boxes_of(_member(body, "boxes", dict, {})), seen=seen)
        except UnknownDraft as error:
            raise HTTPException(404, f"'{name}' cannot name a campaign") from error
        except NotSaved as error:
            raise HTTPException(422, str(error)) from error
        except OSError as error:
            raise HTTPException(500, f"it could not be written: {error.strerror}") from error
        except Conflict as conflict:
            theirs = None if conflict.theirs is None else desk.shown(conflict.theirs)
            return _json({"error": str(conflict), "theirs": theirs, "diff": conflict.diff}, 409)
        return _json(desk.shown(saved))

    @made.get("/campaigns/{name}/status")
    def status(name: str) -> Response:
        """The campaign's part of `nurture status`; null for one that was never published."""
        campaign = desk.open(name).campaign
        try:
            [told] = engine.status(campaign, now=clock())["campaigns"]
        except UnknownCampaign:
            told = None
        return _json({"status": told})

    @made.get("/campaigns/{name}/nodes/{node}/leads")
    def leads(name: str, node: str, after: Annotated[int, Query(ge=0, lt=2**53)] = 0) -> Response:
        return _json(watching.standing_at(engine.store, desk.open(name).campaign, node, after=after))

    @made.get("/history")
    def history(lead: Annotated[str, Query(max_length=1000)]) -> Response:
        """The document of `nurture history`."""
        try:
            return _json(engine.history(LeadRef.parse(lead)))
        except (BadIdentity, UnknownLead) as error:
            raise HTTPException(404, str(error)) from error

    return made


@dataclass(frozen=True)
class _Desk:
    """What all questions need: the files, and the world in which they are checked."""

    engine: Engine

    @cached_property
    def drafts(self) -> Drafts:
        return Drafts(self.engine.settings.definitions, node_types())

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
        told = {one["campaign"]: one for one in self.engine.status(None, now=now)["campaigns"]}
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
            return {"entered": 0, "inside": 0, "due_today": 0, "stuck": 0, "ended": {}}
        return {
            "entered": one["entered"],
            "inside": one["waiting"] + one["due"] + one["stuck"],
            "due_today": watching.due_today(self.engine.store, one["campaign"], _zone(zone), now=now),
            "stuck": one["stuck"],
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
            "problems": [_problem(problem) for problem in plans.check(data, around)],
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


def _problem(problem: Problem) -> dict[str, str]:
    return {key: value for key, value in problem.as_json().items() if value}


def _member(body: object, key: str, kind: type, default: Any = ...) -> Any:
    value = body.get(key, default) if isinstance(body, dict) else ...
    if not isinstance(value, kind):
        raise HTTPException(400, f"`{key}` is missing, or of the wrong kind")
    return value


def _json(value: object, status: int = 200) -> Response:
    return JSONResponse(value, status)
