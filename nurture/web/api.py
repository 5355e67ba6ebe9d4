"""What the canvas asks and tells: campaigns as drafts, the types they are made of, what is wrong, who stands where.

The problems are those of `nurture check`, the bytes those of the canonical writer, the numbers those of `nurture
status`: nothing here knows anything of its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from nurture.engine import Engine, UnknownCampaign, UnknownLead, watching
from nurture.identity import BadIdentity, LeadRef
from nurture.web.drafts import Conflict, NotSaved, UnknownDraft, boxes_of
from nurture.web.ours import document, from_a_page_of_ours
from nurture.web.studio import Studio, member

__all__ = ["router"]

Document = Annotated[object, Depends(document)]


def router(engine: Engine, clock: Callable[[], datetime]) -> APIRouter:
    """The API below `/api`. `clock` is read once a request."""
    made = APIRouter(prefix="/api", dependencies=[Depends(from_a_page_of_ours)])
    studio = Studio(engine)

    @made.get("/campaigns")
    def campaigns() -> Response:
        return _json({"campaigns": studio.list(clock())})

    @made.get("/types")
    def types() -> Response:
        return _json(studio.types())

    @made.get("/campaigns/{name}")
    def open_campaign(name: str) -> Response:
        return _json(studio.shown(studio.open(name)))

    @made.post("/check")
    def check(body: Document) -> Response:
        """All problems of a draft that is being drawn, and the ways out of its nodes."""
        return _json(studio.checked(json.dumps(member(body, "draft", dict)), member(body, "draft", dict)))

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
        raw = member(body, "draft", dict)
        try:
            saved = studio.drafts.save(name, raw, boxes_of(member(body, "boxes", dict, {})), seen=seen)
        except UnknownDraft as error:
            raise HTTPException(404, f"'{name}' cannot name a campaign") from error
        except NotSaved as error:
            raise HTTPException(422, str(error)) from error
        except OSError as error:
            raise HTTPException(500, f"it could not be written: {error.strerror}") from error
        except Conflict as conflict:
            theirs = None if conflict.theirs is None else studio.shown(conflict.theirs)
            return _json({"error": str(conflict), "theirs": theirs, "diff": conflict.diff}, 409)
        return _json(studio.shown(saved))

    @made.delete("/campaigns/{name}")
    def delete(name: str, body: Document, if_match: Annotated[str | None, Header()] = None) -> Response:
        """The draft's file, where nobody is inside. What was published and what happened stay on record."""
        if if_match is None:
            raise HTTPException(428, "say by If-Match what you have seen")
        why_not = watching.why_not_deleted(engine, studio.open(name).campaign)
        if why_not:
            raise HTTPException(409, why_not)
        try:
            studio.drafts.delete(name, seen=if_match.strip().strip('"'))
        except UnknownDraft as error:
            raise HTTPException(404, f"there is no campaign '{name}'") from error
        except Conflict as conflict:
            raise HTTPException(409, str(conflict)) from conflict
        except OSError as error:
            raise HTTPException(500, f"it could not be deleted: {error.strerror}") from error
        return _json({"deleted": name})

    @made.get("/campaigns/{name}/status")
    def status(name: str) -> Response:
        """The campaign's part of `nurture status`; null for one that was never published."""
        campaign = studio.open(name).campaign
        try:
            [told] = engine.status(campaign, now=clock())["campaigns"]
        except UnknownCampaign:
            told = None
        return _json({"status": told})

    @made.get("/campaigns/{name}/nodes/{node}/leads")
    def leads(name: str, node: str, after: Annotated[int, Query(ge=0, lt=2**53)] = 0) -> Response:
        return _json(watching.standing_at(engine.store, studio.open(name).campaign, node, after=after))

    @made.get("/history")
    def history(lead: Annotated[str, Query(max_length=1000)]) -> Response:
        """The document of `nurture history`."""
        try:
            return _json(engine.history(LeadRef.parse(lead)))
        except (BadIdentity, UnknownLead) as error:
            raise HTTPException(404, str(error)) from error

    return made


def _json(value: object, status: int = 200) -> Response:
    return JSONResponse(value, status)
