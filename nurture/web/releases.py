"""Publishing from the canvas: which versions there are, how the drawing differs from them, and what becomes of the leads
inside. What is published is the file as it was saved: a drawing that is not saved is nobody's business but the drawer's.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from nurture.engine import Engine, Published
from nurture.engine.plans import NotRunnable
from nurture.engine.publishing import UnknownVersion
from nurture.engine.versioning import compared, versions_of
from nurture.moving import Running
from nurture.problems import Rejected
from nurture.web.ours import document, from_a_page_of_ours
from nurture.web.studio import Studio, member

__all__ = ["router"]

Document = Annotated[object, Depends(document)]
Number = Annotated[int | None, Query(ge=1, lt=2**31)]


def router(engine: Engine, clock: Callable[[], datetime]) -> APIRouter:
    made = APIRouter(prefix="/api/campaigns/{name}", dependencies=[Depends(from_a_page_of_ours)])
    studio = Studio(engine)

    @made.get("/versions")
    def versions(name: str) -> Response:
        return JSONResponse(versions_of(engine, studio.open(name).campaign))

    @made.get("/difference")
    def difference(name: str, before: Number = None, after: Number = None) -> Response:
        """Of a version (default: the current one) to another (default: the file), in words of both languages."""
        draft = studio.open(name)
        file = engine.settings.definitions / f"{draft.name}.json"
        try:
            found = compared(engine, draft.campaign, before, after, file=None if after else file)
        except UnknownVersion as error:
            raise HTTPException(404, str(error)) from error
        except Rejected as rejected:
            return _rejected(rejected)
        words = {"en": found.lines("en"), "zh": found.lines("zh")}
        told = found.as_json() | {"words": words, "marks": found.difference.marks(), "edges": found.edges()}
        return JSONResponse(told | {"nodes": list(found.after.nodes), "etag": draft.etag})

    @made.post("/publish")
    def publish(name: str, body: Document) -> Response:
        """`{"etag", "running", "map"}`. 409: the file is not what was seen; 422: it has errors, or the map has."""
        draft = studio.open(name)
        if member(body, "etag", str) != draft.etag:
            raise HTTPException(409, "the file has changed since you opened it: look at it again before you publish it")
        path = engine.settings.definitions / f"{draft.name}.json"
        try:
            [done] = engine.publish([path], now=clock(), running=_running(body))
        except Rejected as rejected:
            return _rejected(rejected)
        return JSONResponse(_carried_out(done))

    @made.post("/rollback")
    def rollback(name: str, body: Document) -> Response:
        """`{"version", "running", "map"}`"""
        try:
            number = member(body, "version", int)
            done = engine.roll_back(studio.open(name).campaign, number, now=clock(), running=_running(body))
        except UnknownVersion as error:
            raise HTTPException(404, str(error)) from error
        except NotRunnable as error:
            raise HTTPException(422, str(error)) from error
        except Rejected as rejected:
            return _rejected(rejected)
        return JSONResponse(_carried_out(done))

    def _carried_out(done: Published) -> dict[str, Any]:
        report = engine.move_on(done.campaign, now=clock())
        return done.as_json() | {"new": done.new, "before": dict(done.before), **report.as_json()}

    return made


def _running(body: object) -> Running:
    choice, map = member(body, "running", str, "keep"), member(body, "map", dict, {})
    if not all(isinstance(target, str) for target in map.values()):
        raise HTTPException(400, "`map` is of the wrong kind")
    return Running(choice, map)


def _rejected(rejected: Rejected) -> Response:
    problems = [problem.as_json() for problem in rejected.problems]
    return JSONResponse({"error": "; ".join(problem["what"] for problem in problems), "problems": problems}, 422)
