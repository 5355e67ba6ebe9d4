"""The endpoints as an application: opt-out (RFC 8058), the mail in a browser, and the canvas."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import urlsplit

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import Request

from nurture.engine import Engine, letters
from nurture.web import api, canvas, pages
from nurture.web.guard import Guard

__all__ = ["app"]


def _clock() -> datetime:
    return datetime.now(UTC)


def app(engine: Engine, clock: Callable[[], datetime] = _clock) -> Guard:
    """The application on this engine. `clock` is read once a request."""
    made = FastAPI(title="nurture", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)

    @made.api_route("/unsubscribe/{token}", methods=["GET", "HEAD"])
    def ask(token: str) -> Response:
        """A page with a button. Looking at it changes nothing: scanners and previews look at everything."""
        letter = letters.find(engine, "unsubscribe", token)
        return _missing() if letter is None else _page(pages.asks(letters.masked(letter)))

    @made.post("/unsubscribe/{token}")
    def unsubscribe(token: str) -> Response:
        """At once, without cookie, login or redirect. What the body says makes no difference."""
        letter = letters.find(engine, "unsubscribe", token)
        if letter is None:
            return _missing()
        letters.opt_out(engine, letter, now=clock())
        return _page(pages.done())

    @made.api_route("/view/{token}", methods=["GET", "HEAD"])
    def view(token: str) -> Response:
        """The mail, for those whose program does not show it well."""
        letter = letters.find(engine, "view", token)
        shown = None if letter is None else letters.page(engine, letter, now=clock())
        if shown is None:
            return _missing()
        return HTMLResponse(shown, headers={"content-security-policy": pages.MAIL_POLICY})

    made.include_router(canvas.router())
    made.include_router(api.router(engine, clock))

    @made.exception_handler(HTTPException)
    async def plain(request: Request, error: HTTPException) -> Response:
        if request.url.path.startswith("/api/"):
            return JSONResponse({"error": error.detail}, error.status_code)
        return _missing() if error.status_code == 404 else Response(status_code=error.status_code)

    return Guard(made, [urlsplit(engine.settings.public_url).hostname or ""])


def _page(html: str, status: int = 200) -> Response:
    return HTMLResponse(html, status, headers={"content-security-policy": pages.PAGE_POLICY})


def _missing() -> Response:
    return _page(pages.not_found(), 404)
