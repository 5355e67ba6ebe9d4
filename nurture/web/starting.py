"""Letting leads in from the canvas: what can be asked for, a dry run, the real one, and how it goes.

A dry run is done in this process; what is really done, by whoever the port leads to (`nurture.web.runs`), or here where
nobody else answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request

from nurture.engine import Engine
from nurture.engine.letting_in import ENTRY_RULE, leads_files, segments
from nurture.web.here import Here
from nurture.web.ours import document, from_a_page_of_ours
from nurture.web.runs import NoAnswer, Refused, Run, Runs, UnknownRun
from nurture.web.studio import Studio, member
from nurture.web.uploads import NotTaken, Upload

__all__ = ["router"]

Document = Annotated[object, Depends(document)]
SHOWN = 5
LONGEST_CLICK = 64
LONGEST_VALUE = 10_000


def router(engine: Engine, clock: Callable[[], datetime], elsewhere: Runs | None) -> APIRouter:
    """`/api/campaigns/NAME/runs` and `/api/leads-files`. `elsewhere` is who really does it; None where nobody may."""
    made = APIRouter(prefix="/api", dependencies=[Depends(from_a_page_of_ours)])
    studio = Studio(engine)
    here = Here(engine.settings, clock)
    places: dict[str, Runs] = {"here": here} | ({"elsewhere": elsewhere} if elsewhere else {})

    def place(name: str) -> Runs:
        if name not in places:
            raise HTTPException(404, f"nothing is carried out at '{name}'")
        return places[name]

    @made.get("/campaigns/{name}/runs")
    def offered(name: str) -> Response:
        """The forms, with what there is to choose; who would do it, and the last runs of this campaign."""
        campaign, home = studio.open(name).campaign, engine.settings.home
        forms, runs = here.forms(), _shown(here.latest(campaign), "here")
        told: dict[str, Any] = {
            "answers": False,
            "name": "",
            "remedy": "nurture up",
            "why": "nothing else is installed",
        }
        if elsewhere is not None:
            told = {"answers": True, "name": elsewhere.name, "remedy": elsewhere.remedy, "why": ""}
            try:
                forms, theirs = elsewhere.forms(), _shown(elsewhere.latest(campaign), "elsewhere")
                runs = sorted(theirs + runs, key=lambda run: str(run["began"] or "~"), reverse=True)
            except NoAnswer as error:
                told |= {"answers": False, "why": str(error)}
        offers = {"audience": [ENTRY_RULE, *segments(home)], "file": leads_files(home), "history": leads_files(home)}
        return JSONResponse({"forms": forms, "offers": offers, "elsewhere": told, "runs": runs[:SHOWN]})

    @made.post("/campaigns/{name}/runs")
    def start(name: str, body: Document) -> Response:
        """`{"kind", "values", "dry_run", "where", "click"}`; a dry run is always done here. 422: not with these values;
        503: whoever should do it does not answer, and nothing was begun."""
        dry_run, click = member(body, "dry_run", bool), member(body, "click", str)
        if not 0 < len(click) <= LONGEST_CLICK or not click.isascii() or not click.isprintable():
            raise HTTPException(400, "`click` is a short name for this one click")
        where = "here" if dry_run else member(body, "where", str)
        values = _values(body) | {"campaign": studio.open(name).campaign, "dry_run": dry_run}
        try:
            run = place(where).start(member(body, "kind", str), values, click=click)
        except Refused as error:
            raise HTTPException(422, str(error)) from error
        except NoAnswer as error:
            raise HTTPException(503, str(error)) from error
        return JSONResponse(_shown([run], where)[0], 202)

    @made.get("/campaigns/{name}/runs/{where}/{id}")
    def look(name: str, where: str, id: str) -> Response:
        try:
            run = place(where).look(id)
        except UnknownRun as error:
            raise HTTPException(404, str(error)) from error
        except NoAnswer as error:
            raise HTTPException(503, str(error)) from error
        if run.campaign != studio.open(name).campaign:
            raise HTTPException(404, f"there is no run '{id}' of {name}")
        return JSONResponse(_shown([run], where)[0])

    @made.put("/leads-files/{file}")
    async def upload(file: str, request: Request) -> Response:
        """The bytes of a leads file, as application/octet-stream, which no form of another site can send; says under
        which name it lies in the Nurture folder."""
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/octet-stream":
            raise HTTPException(415, "send application/octet-stream")
        try:
            with Upload(engine.settings.home, file) as taking:
                async for chunk in request.stream():
                    await run_in_threadpool(taking.write, chunk)
                return JSONResponse({"file": await run_in_threadpool(taking.keep)}, 201)
        except NotTaken as error:
            raise HTTPException(error.status, str(error)) from error

    return made


def _values(body: object) -> dict[str, Any]:
    given: Mapping[str, Any] = member(body, "values", dict)
    if not all(isinstance(value, str | int | bool) and len(str(value)) <= LONGEST_VALUE for value in given.values()):
        raise HTTPException(400, "`values` are texts, numbers, and yes or no")
    return dict(given)


def _shown(runs: list[Run], where: str) -> list[dict[str, Any]]:
    return [run.as_json() | {"where": where} for run in runs]
