"""Who may draw and watch: whoever sits at this machine, by a page of ours, and nobody else.

Leads reach the same port through a reverse proxy, so what is for leads and what is for marketers is told apart here:
the canvas answers under names of loopback only, and never a request that a proxy has passed on.
"""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request

from nurture import strict_json
from nurture.web.guard import LOOPBACK, host_name

__all__ = ["document", "from_a_page_of_ours", "here"]

PASSED_ON = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
"""What proxies add. Some change the Host to ours while they pass on, so that the Host alone proves nothing."""


def here(request: Request) -> None:
    """Only at this machine; for everybody else there is no such page."""
    passed_on = any(name in request.headers for name in PASSED_ON)
    if passed_on or host_name(request.headers.get("host", "")) not in LOOPBACK:
        raise HTTPException(404)


def from_a_page_of_ours(request: Request) -> None:
    """No other site's page may ask or tell us anything, even from this machine's own browser."""
    here(request)
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    own = f"{request.url.scheme}://{request.headers.get('host', '')}"
    if site not in ("same-origin", "none") or (origin is not None and origin.lower() != own.lower()):
        raise HTTPException(403, "this is for pages of ours only")


async def document(request: Request) -> object:
    """The JSON that was sent. Raises 415 for anything that a form of another site could send, 413, and 400."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HTTPException(415, "send application/json")
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > strict_json.MOST_BYTES:
            raise HTTPException(413, f"more than {strict_json.MOST_BYTES:,} bytes")
    value, faults = strict_json.read(bytes(data))
    if faults:
        raise HTTPException(400, "; ".join(str(fault) for fault in faults[:5]))
    return value
