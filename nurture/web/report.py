"""A campaign's report as a page: what `nurture report --html` writes, of this moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import HTMLResponse, Response
from starlette.exceptions import HTTPException

from nurture.engine import Engine, UnknownCampaign
from nurture.engine.figures import html
from nurture.engine.plans import NotRunnable
from nurture.web.ours import here
from nurture.web.studio import Studio

__all__ = ["router"]

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""It has its styles in itself, and runs nothing."""


def router(engine: Engine, clock: Callable[[], datetime]) -> APIRouter:
    made = APIRouter(dependencies=[Depends(here)])
    studio = Studio(engine)

    @made.api_route("/report/{name}", methods=["GET", "HEAD"])
    def report(
        name: str,
        lang: Annotated[str, Query(max_length=8)] = "",
        accept_language: Annotated[str, Header(max_length=500)] = "",
    ) -> Response:
        """In the language asked for, else in the browser's."""
        language = "zh" if (lang or accept_language).lower().startswith("zh") else "en"
        try:
            shown = html(engine, studio.open(name).campaign, language, now=clock())
        except (UnknownCampaign, NotRunnable) as error:
            raise HTTPException(404, str(error)) from error
        return HTMLResponse(shown, headers={"content-security-policy": POLICY})

    return made
