"""What is done about a campaign and its leads from the canvas: pause and resume, try stuck leads again, take one out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from nurture.engine import Engine, UnknownCampaign, UnknownLead, rescuing
from nurture.engine.taking_out import AtWork, NotInside, take_out
from nurture.identity import BadIdentity, LeadRef
from nurture.web.ours import document, from_a_page_of_ours
from nurture.web.studio import Studio, member

__all__ = ["router"]

LONGEST_REASON, LONGEST_NAME = 1000, 64
Document = Annotated[object, Depends(document)]


def router(engine: Engine, clock: Callable[[], datetime]) -> APIRouter:
    """POSTs with a JSON body, which no other site's page can send."""
    made = APIRouter(prefix="/api/campaigns/{name}", dependencies=[Depends(from_a_page_of_ours)])
    studio = Studio(engine)

    @made.post("/pause")
    def pause(name: str, body: Document) -> Response:
        return _paused(name, pause=True)

    @made.post("/resume")
    def resume(name: str, body: Document) -> Response:
        return _paused(name, pause=False)

    def _paused(name: str, *, pause: bool) -> Response:
        campaign = studio.open(name).campaign
        try:
            (engine.pause if pause else engine.resume)(campaign, now=clock())
        except UnknownCampaign as error:
            raise HTTPException(409, "this campaign was never published, so there is nothing to pause") from error
        return JSONResponse({"paused": pause})

    @made.post("/retry")
    def retry(name: str, body: Document) -> Response:
        """`{"node", "lead"}`, each of which may be missing; says how many stuck leads are due again."""
        node, lead = member(body, "node", str, ""), member(body, "lead", str, "")
        try:
            ref = LeadRef.parse(lead) if lead else None
            number = rescuing.retry(engine, studio.open(name).campaign, now=clock(), node=node or None, lead=ref)
        except (BadIdentity, UnknownLead) as error:
            raise HTTPException(404, str(error)) from error
        return JSONResponse({"retried": number})

    @made.post("/remove")
    def remove(name: str, body: Document) -> Response:
        """`{"lead", "reason", "by"}`, `by` may be missing. 409: it is not inside, or worked on at this moment."""
        reason, by = member(body, "reason", str).strip(), member(body, "by", str, "").strip()
        if not reason:
            raise HTTPException(422, "a lead is taken out with a reason")
        if len(reason) > LONGEST_REASON or len(by) > LONGEST_NAME:
            raise HTTPException(413, f"a reason has {LONGEST_REASON} characters at most, a name {LONGEST_NAME}")
        try:
            lead = LeadRef.parse(member(body, "lead", str))
            done = take_out(engine, studio.open(name).campaign, lead, reason=reason, by=by, now=clock())
        except (BadIdentity, UnknownCampaign, UnknownLead) as error:
            raise HTTPException(404, str(error)) from error
        except (AtWork, NotInside) as error:
            raise HTTPException(409, str(error)) from error
        return JSONResponse(done)

    return made
