"""What WeChat tells us of followers: they answer, press a menu's button, or ask for no more. Plain mode, signed.

Answered within a second, as WeChat wants, and never with words: who answers a follower is a person or a campaign.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from typing import Any
from xml.parsers.expat import ErrorString, ExpatError, ParserCreate

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request

from nurture.engine import Engine, Incoming
from nurture.identity import BadIdentity, LeadRef, normalise_wechat
from nurture.web.lead.body import bounded

__all__ = ["router"]

LARGEST = 64 * 1024
TOLERANCE = timedelta(minutes=5)
STOP = frozenset({"td", "t", "n", "退订", "取消订阅", "unsubscribe", "stop"})
"""What people in China answer to marketing messages when they have had enough."""
PRESSED = frozenset({"CLICK", "VIEW", "SCAN"})


def router(engine: Engine, clock: Callable[[], datetime]) -> APIRouter:
    made = APIRouter()
    token = engine.settings.wechat_token

    def sealed(request: Request, now: datetime) -> None:
        """Raises 403 for whoever does not know the token. Without one there is no such door."""
        if not token:
            raise HTTPException(404)
        given = {name: request.query_params.get(name, "")[:200] for name in ("signature", "timestamp", "nonce")}
        wanted = sha1("".join(sorted((token, given["timestamp"], given["nonce"]))).encode()).hexdigest()  # noqa: S324  # WeChat's rule
        if not hmac.compare_digest(wanted.encode(), given["signature"].encode()):
            raise HTTPException(403)
        stamp = given["timestamp"]
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 11):
            raise HTTPException(403)
        if abs(now - datetime.fromtimestamp(int(stamp), UTC)) > TOLERANCE:
            raise HTTPException(403)

    @made.get("/wechat")
    def prove(request: Request) -> Response:
        """WeChat asks once whether we know the token."""
        sealed(request, clock())
        return PlainTextResponse(request.query_params.get("echostr", "")[:200])

    @made.post("/wechat")
    async def told(request: Request) -> Response:
        now = clock()
        sealed(request, now)
        signal = _signal(_flat(await bounded(request, LARGEST)), now)
        if signal is not None:
            await run_in_threadpool(engine.hear, [signal], now=now)
        return PlainTextResponse("success")

    return made


def _flat(data: bytes) -> dict[str, str]:
    """The texts of WeChat's flat XML, by name. Raises 400, also for a document type, in which bombs are built."""
    found: dict[str, str] = {}
    path: list[str] = []
    parser = ParserCreate()
    parser.buffer_text = True

    def forbidden(*_: Any) -> None:
        raise HTTPException(400)

    def start(name: str, _: Any) -> None:
        if len(path) > 8:
            raise HTTPException(400)
        path.append(name)

    def text(data: str) -> None:
        if len(path) == 2:
            found[path[1]] = found.get(path[1], "") + data

    parser.StartDoctypeDeclHandler = forbidden
    parser.EntityDeclHandler = forbidden
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: path.pop()
    parser.CharacterDataHandler = text
    try:
        parser.Parse(data, True)
    except (ExpatError, UnicodeError, ValueError) as error:
        raise HTTPException(400, ErrorString(getattr(error, "code", 0)) or "not XML") from error
    return {name: value.strip() for name, value in found.items()}


def _signal(told: dict[str, str], now: datetime) -> Incoming | None:
    """What this means; None for what is of no interest, such as somebody who begins to follow."""
    try:
        follower = LeadRef("wechat", normalise_wechat(told.get("FromUserName", "")).key)
        at = min(now, datetime.fromtimestamp(int(told.get("CreateTime", "")[:10]), UTC))
    except (BadIdentity, ValueError):
        return None
    event = told.get("Event", "")
    number = told.get("MsgId") or f"{follower.key}/{told['CreateTime']}/{event}"
    id = f"wechat:{number}"[:200]
    if told.get("MsgType") == "event":
        if event.upper() in PRESSED:
            return Incoming("clicked", follower, at, id=id)
        return None
    words = told.get("Content", "")
    if words.lower() in STOP:
        return Incoming("unsubscribed", follower, at, id=id, reason="answered by WeChat")
    return Incoming("replied", follower, at, id=id)
