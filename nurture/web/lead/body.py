"""Reads what was sent, up to a limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs

from starlette.exceptions import HTTPException
from starlette.requests import Request

__all__ = ["bounded", "filled_in"]

LARGEST_FORM = 64 * 1024
MOST_PARTS = 500


async def bounded(request: Request, most: int) -> bytes:
    """The body. Raises 413 as soon as it is longer."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > most:
            raise HTTPException(413)
    return bytes(data)


async def filled_in(request: Request) -> Mapping[str, Sequence[str]]:
    """What a form says. Raises 415 for what no form of ours sends, 413, and 400."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(415)
    data = await bounded(request, LARGEST_FORM)
    try:
        return parse_qs(data.decode(), keep_blank_values=True, max_num_fields=MOST_PARTS, errors="strict")
    except ValueError as error:
        raise HTTPException(400) from error
