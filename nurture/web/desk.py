"""What the desk asks and does. Every act carries an id of its own, so that a double click counts once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from nurture.engine import Engine
from nurture.engine import desk as engine_desk
from nurture.engine.desk import NotYours
from nurture.web.ours import document, from_a_page_of_ours
from nurture.web.studio import member

__all__ = ["router"]

Document = Annotated[object, Depends(document)]
Short = Annotated[str, Query(max_length=64)]
LONGEST = {"who": 64, "reason": 1000, "text": 1000, "click": 64, "node": 64}


def router(engine: Engine, clock: Callable[[], datetime]) -> APIRouter:
    made = APIRouter(prefix="/api/desk", dependencies=[Depends(from_a_page_of_ours)])

    @made.get("")
    def leads(to: Short = "sdr", team: Short = "", who: Short = "") -> Response:
        return JSONResponse(engine_desk.leads(engine, to, team or None, who, now=clock()))

    @made.post("/answer")
    def answer(body: Document) -> Response:
        """`{"enrollment", "node", "kind", "who", "reason", "click"}`. 409: somebody was faster, or it is too late."""
        kind = _text(body, "kind")
        if kind not in ("accepted", "returned"):
            raise HTTPException(400, "`kind` is accepted or returned")
        if kind == "returned" and not _text(body, "reason", ""):
            raise HTTPException(422, "a lead is given back with a reason")
        try:
            done = engine_desk.answer(
                engine,
                member(body, "enrollment", int),
                _text(body, "node"),
                kind,  # type: ignore[arg-type]  # one of the two, as was just seen
                who=_text(body, "who"),
                reason=_text(body, "reason", ""),
                click=_text(body, "click"),
                now=clock(),
            )
        except NotYours as error:
            return _not_yours(error)
        return JSONResponse(done)

    @made.post("/note")
    def note(body: Document) -> Response:
        """`{"enrollment", "node", "what", "text", "who", "click"}`; `what` is note, tag, untag or score."""
        what = _text(body, "what")
        if what not in ("note", "tag", "untag", "score"):
            raise HTTPException(400, "`what` is note, tag, untag or score")
        try:
            engine_desk.note(
                engine,
                member(body, "enrollment", int),
                _text(body, "node"),
                what,  # type: ignore[arg-type]  # one of the four, as was just seen
                _text(body, "text"),
                who=_text(body, "who"),
                click=_text(body, "click"),
                now=clock(),
            )
        except NotYours as error:
            return _not_yours(error)
        except ValueError as error:
            raise HTTPException(422, "points are a whole number between -1000 and 1000") from error
        return JSONResponse({"done": True})

    return made


def _text(body: object, name: str, default: str | None = None) -> str:
    """A text that every store takes; an empty one only where there is a default."""
    found = member(body, name, str, ... if default is None else default).strip()
    if (not found and default is None) or len(found) > LONGEST.get(name, 64):
        raise HTTPException(400, f"`{name}` is empty, or too long")
    if any(char != "\n" and not char.isprintable() for char in found):
        raise HTTPException(400, f"`{name}` holds characters that are none")
    return str(found)


def _not_yours(error: NotYours) -> Response:
    told = {"error": str(error), "code": error.code, "by": error.by, "at": error.at}
    return JSONResponse(told, 404 if error.code == "gone" else 409)
