"""A stand-in for WeChat's API on loopback: tokens that run out, template messages, and error codes on request.

wechat = WeChatApi(wrong=lambda order: 43004 if order["touser"] == "oNoFollower" else 0)
async with wechat:
    ...                               # NURTURE_WECHAT_URL=wechat.url, any app id and secret
assert len(wechat.orders) == 1
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from nurture.testing.http import Asked, HttpServer, Said

__all__ = ["WeChatApi"]


WORDS = {
    -1: "system error",
    40003: "invalid openid",
    43004: "require subscribe",
    45009: "reach max api daily quota limit",
}


class WeChatApi(HttpServer):
    """Two addresses of the real one: the stable token, and sending a template message."""

    def __init__(
        self, *, wrong: Callable[[Mapping[str, Any]], int] = lambda _: 0, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        """`wrong` gives the error code for an order, 0 for none."""
        super().__init__(self._say, host=host, port=port)
        self.orders: list[dict[str, Any]] = []
        """The messages that were accepted, in order."""
        self.tokens = 0
        """How often a token was asked for."""
        self._version = 1
        self._wrong = wrong
        self._seen: set[tuple[str, str]] = set()

    def let_the_token_run_out(self) -> None:
        """From now on only the next token is good."""
        self._version += 1

    @property
    def token(self) -> str:
        """The one that is good now."""
        return f"token-{self._version}"

    def _say(self, asked: Asked) -> Said:
        try:
            order = json.loads(asked.body)
        except ValueError:
            return _said({"errcode": 47001, "errmsg": "data format error"})
        if asked.path == "/cgi-bin/stable_token":
            self.tokens += 1
            return _said({"access_token": self.token, "expires_in": 7200})
        if asked.path != "/cgi-bin/message/template/send":
            return Said(404, b"")
        if asked.query.get("access_token") != self.token:
            return _said({"errcode": 40001, "errmsg": "invalid credential, access_token is invalid or not latest"})
        code = self._wrong(order)
        if code:
            return _said({"errcode": code, "errmsg": WORDS.get(code, "as asked for")})
        once = order["touser"], order.get("client_msg_id", "")
        if not once[1] or once not in self._seen:
            self._seen.add(once)
            self.orders.append(order)
        return _said({"errcode": 0, "errmsg": "ok", "msgid": 400_000_000 + len(self.orders)})


def _said(what: Mapping[str, Any]) -> Said:
    return Said(200, json.dumps(what).encode())
