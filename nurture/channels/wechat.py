"""WeChat template messages (service notices of an official account), at most once.

The content's JSON names the template and fills its slots: `{"template_id": ..., "url": ..., "data": {"thing1": ...}}`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from nurture.channels.base import Ambiguous, Channel, Message, NotSent, Refused, Sent, Verdict
from nurture.channels.egress import Answer, Egress, Peer, Unclear, Unreached
from nurture.channels.http_answers import FAR_LATER, json_bytes, json_object, judge_status, not_configured
from nurture.channels.replies import bounded

if TYPE_CHECKING:
    from nurture.settings import Settings

__all__ = ["WeChat"]

# The stable token is the same for all who ask, so that several workers do not take it away from each other.
GRANT_PATH = "/cgi-bin/stable_token"
SEND_PATH = "/cgi-bin/message/template/send"
STALE = frozenset({40001, 40014, 41001, 42001})
"""The token is not valid (any more); the message was not looked at."""
CHINA = timezone(timedelta(hours=8))

# What WeChat's error codes mean for one message. A code that does not stand here says nothing certain.
_SENDER = frozenset({40002, 40013, 40125, 40164, 41002, 41004, 42007, 43107, 48001, 48004, 50001, 50002, 61024, 89503})
"""The account's keys, rights or standing."""
_POLICY = frozenset({43004, 43019, 43101, 43116, 45015, 50005})
"""The reader does not follow us, has blocked us, or did not subscribe."""
_CONTENT = frozenset({40033, 40036, 40037, 40038, 40165, 41030, 44002, 44004, 45002, 45168, 47001, 47003})
"""The template, its slots or their words."""


class WeChat(Channel):
    """Hands template messages to WeChat's API, with one access token for all of them."""

    name: ClassVar[str] = "wechat"
    evidence: ClassVar[frozenset[str]] = frozenset(
        {"viewed", "clicked", "replied", "submitted", "visited", "downloaded", "registered", "attended"}
    )
    sessions = 4

    def __init__(self, egress: Egress | None, app_id: str = "", secret: str = "", *, path: str = "") -> None:
        """`egress` is None when the channel is not configured; `path` stands before the API's own paths."""
        self._egress = egress
        self._path = path
        self._keys = {"grant_type": "client_credential", "appid": app_id, "secret": secret}
        self._token = ""
        self._token_until = 0.0
        self._fetching = asyncio.Lock()
        self._used_up: NotSent | None = None

    @classmethod
    def open(cls, settings: Settings, secret: bytes) -> WeChat:
        """The account in the settings. Raises `ValueError` with a sentence for the operator."""
        if not (settings.wechat_app_id and settings.wechat_secret):
            return cls(None)
        peer = Peer.parse("NURTURE_WECHAT_URL", settings.wechat_url, private=settings.allow_private)
        egress = Egress(peer, sessions=cls.sessions)
        return cls(egress, settings.wechat_app_id, settings.wechat_secret, path=peer.path.rstrip("/"))

    def address(self, lead: Mapping[str, object]) -> str | None:
        wechat = lead.get("wechat")
        return wechat if isinstance(wechat, str) and wechat else None

    async def hand_over(self, message: Message, may_start: Callable[[], Awaitable[bool]]) -> Verdict:
        if self._egress is None:
            return not_configured("NURTURE_WECHAT_APP_ID", "NURTURE_WECHAT_SECRET")
        if self._used_up is not None:
            return self._used_up
        if not message.rendered.data.get("template_id"):
            return Refused("bad_content", "the content names no template_id")
        try:
            body = json_bytes(_order(message))
        except UnicodeEncodeError:
            return Refused("bad_content", "a value holds half a character")
        try:
            token = await self._fresh_token()
            answer = await self._send(token, body, may_start)
            if _errcode(answer) in STALE:
                # The same intent, once more: a request with a bad token is turned away at the door.
                answer = await self._send(await self._fresh_token(stale=token), body)
        except Unreached as unreached:
            return unreached.verdict
        except Unclear as unclear:
            return Ambiguous(str(unclear))
        return self._judge(answer, message.date)

    async def close(self) -> None:
        if self._egress is not None:
            await self._egress.close()

    # -- the message --------------------------------------------------------------------------------------------

    async def _send(self, token: str, body: bytes, may_start: Callable[[], Awaitable[bool]] | None = None) -> Answer:
        assert self._egress is not None
        path = f"{self._path}{SEND_PATH}?access_token={quote(token, safe='')}"
        return await self._egress.post(path, body, {}, may_start)

    def _judge(self, answer: Answer, date: datetime) -> Verdict:
        if not 200 <= answer.status < 300:
            return judge_status(answer, repeatable=False)
        said = json_object(answer.body)
        code = _errcode(answer)
        if said is None or code is None:
            return Ambiguous(f"WeChat answered {answer.status}, but not with its JSON")
        detail = bounded(f"{code} {said.get('errmsg', '')}", (self._token, self._keys["secret"]))
        if code == 0:
            return Sent(bounded(f"msgid {said['msgid']}") if "msgid" in said else "")
        verdict = _by_code(code, detail, date)
        if code == 45009 and isinstance(verdict, NotSent):
            # Nothing more goes out today, so nobody asks again for each of the others.
            self._used_up = verdict
        return verdict

    # -- the token ----------------------------------------------------------------------------------------------

    async def _fresh_token(self, stale: str = "") -> str:
        """A token that is not this stale one. Raises `Unreached`: without a token no message has left."""
        async with self._fetching:
            now = asyncio.get_running_loop().time()
            if self._token and self._token != stale and now < self._token_until:
                return self._token
            self._token, seconds = await self._fetch_token()
            # Renewed early: the old one stays good for five minutes after WeChat has made a new one.
            self._token_until = now + max(seconds - 300.0, 60.0)
            return self._token

    async def _fetch_token(self) -> tuple[str, float]:
        assert self._egress is not None
        try:
            answer = await self._egress.post(f"{self._path}{GRANT_PATH}", json_bytes(self._keys), {})
        except Unclear as unclear:
            raise Unreached(NotSent("connection", bounded(f"access token: {unclear}"))) from None
        said = json_object(answer.body) if answer.status == 200 else None
        if said is None:
            judged = judge_status(answer, repeatable=True)
            because = judged.because if isinstance(judged, NotSent) else "temporary"
            detail = f"access token: WeChat answered {answer.status}, and not with a token"
            raise Unreached(NotSent(because, detail, answer.retry_after))
        token, seconds = said.get("access_token"), said.get("expires_in", 7200)
        if isinstance(token, str) and token and isinstance(seconds, int | float):
            return token, float(min(7200, seconds))
        detail = bounded(f"access token: {said.get('errcode')} {said.get('errmsg', '')}", (self._keys["secret"],))
        if _errcode(answer) in (-1, 45009, 45011):
            raise Unreached(NotSent("temporary", detail))
        raise Unreached(NotSent("sender", detail, FAR_LATER))


def _order(message: Message) -> dict[str, Any]:
    """What WeChat is asked to do. A repetition within ten minutes carries the same `client_msg_id` and is dropped."""
    slots = message.rendered.data
    order: dict[str, Any] = {
        "touser": message.to,
        "template_id": slots["template_id"],
        "client_msg_id": sha256(message.key.encode()).hexdigest()[:32],
        "data": {
            name.removeprefix("data."): {"value": text} for name, text in slots.items() if name.startswith("data.")
        },
    }
    if slots.get("url"):
        order["url"] = slots["url"]
    if slots.get("miniprogram.appid"):
        order["miniprogram"] = {
            "appid": slots["miniprogram.appid"],
            "pagepath": slots.get("miniprogram.pagepath", ""),
        }
    return order


def _errcode(answer: Answer) -> int | None:
    said = json_object(answer.body) if answer.status == 200 else None
    code = said.get("errcode") if said is not None else None
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def _by_code(code: int, detail: str, date: datetime) -> Verdict:
    """By WeChat's error code: whose fault it is, and whether it passes."""
    if code == -1 or code == 43108:
        # Documented as: too busy to take it, ask again.
        return NotSent("temporary", detail)
    if code == 45009:
        return NotSent("temporary", detail, _until_tomorrow(date))
    if code in (45011, 45047):
        return NotSent("temporary", detail, timedelta(minutes=2))
    if code in STALE or code in _SENDER:
        return NotSent("sender", detail)
    if code == 40003:
        return Refused("bad_address", detail)
    if code in _POLICY:
        return Refused("policy", detail)
    if code in _CONTENT:
        return Refused("bad_content", detail)
    return Ambiguous(detail)


def _until_tomorrow(date: datetime) -> timedelta:
    """Until ten past midnight in China, when WeChat counts anew."""
    local = date.astimezone(CHINA)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=1, minutes=10) - local
