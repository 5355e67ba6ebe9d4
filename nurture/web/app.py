"""All that answers by HTTP, as one application: what leads and their systems reach, and the canvas."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from urllib.parse import urlsplit

from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request

from nurture.engine import Engine
from nurture.web import acting, api, canvas, desk, live, releases, report, starting, trying
from nurture.web.guard import Guard
from nurture.web.lead import hooks, mail, wechat
from nurture.web.lead.buffer import Buffer
from nurture.web.lead.tracking import Tracking
from nurture.web.runs import Runs

__all__ = ["app"]


def _clock() -> datetime:
    return datetime.now(UTC)


def app(
    engine: Engine,
    clock: Callable[[], datetime] = _clock,
    buffer: Buffer | None = None,
    *,
    leads_only: bool = False,
    runs: Runs | None = None,
) -> Guard:
    """The application on this engine. `clock` is read once a request; `buffer` is where requests of leads wait.

    `leads_only`: what leads and signed systems may reach, and nothing of what marketers see. `runs` carries out what takes
    long; without it, this process does.
    """
    held = Buffer(engine.store) if buffer is None else buffer

    @asynccontextmanager
    async def open_for_business(_: FastAPI) -> AsyncIterator[None]:
        held.start()
        yield
        await run_in_threadpool(held.close)

    made = FastAPI(
        title="nurture",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=open_for_business,
    )
    made.include_router(mail.router(engine, held, clock))
    made.include_router(hooks.router(engine, clock))
    made.include_router(wechat.router(engine, clock))
    if not leads_only:
        made.include_router(canvas.router())
        for room in (api, live, trying, acting, releases, desk, report):
            made.include_router(room.router(engine, clock))
        made.include_router(starting.router(engine, clock, runs))

    @made.exception_handler(HTTPException)
    async def plain(request: Request, error: HTTPException) -> Response:
        if request.url.path.startswith("/api/"):
            return JSONResponse({"error": error.detail}, error.status_code)
        return mail.missing() if error.status_code == 404 else Response(status_code=error.status_code)

    return Guard(Tracking(made, engine, held, clock), [urlsplit(engine.settings.public_url).hostname or ""])
