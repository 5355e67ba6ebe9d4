"""The canvas in a browser: one page and its built files. The sources are in `editor/`; nobody needs Node to run it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from nurture.web.ours import here

__all__ = ["POLICY", "router"]

BUILT = Path(__file__).parent / "static" / "editor"
PAGES = ("/", "/campaign/{name}", "/desk")
"""The addresses at which the program in the browser opens; `editor/src/pages.tsx` knows them, too."""
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
}
# Scripts and styles come from our files alone: what a campaign or a lead is called can run nothing.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " frame-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script';"
    " trusted-types 'none'"
)


def router() -> APIRouter:
    """The pages at which the canvas opens, and the files it is made of."""
    made = APIRouter(dependencies=[Depends(here)])

    def page() -> Response:
        """Which one it is, the page finds in its own address."""
        return _file("index.html")

    for path in PAGES:
        made.add_api_route(path, page, methods=["GET", "HEAD"])

    @made.api_route("/editor/{name}", methods=["GET", "HEAD"])
    def file(name: str) -> Response:
        return _file(name)

    return made


@cache
def _built() -> dict[str, bytes]:
    """The built files by name, read once. Only these are served: a name is looked up, never joined to a path."""
    if not BUILT.is_dir():
        return {}
    return {path.name: path.read_bytes() for path in sorted(BUILT.iterdir()) if path.suffix in KINDS}


def _file(name: str) -> Response:
    data = _built().get(name)
    if data is None:
        raise HTTPException(404)
    return Response(data, media_type=KINDS[Path(name).suffix], headers={"content-security-policy": POLICY})
