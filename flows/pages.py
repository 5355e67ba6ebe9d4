"""Prefect's pages, kept at home: the browser may talk to this server and to nobody else.

The newer of its two UIs asks an analytics service for instructions as soon as it is opened, whatever the server's
switches say. The browser is told not to.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

__all__ = ["at_home"]

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]

ALLOWED = {
    "default-src": "'self'",  # event streams included
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval'",  # its form validator compiles schemas
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",  # a campaign's picture is a data URI
    "font-src": "'self' data:",
    "worker-src": "'self' blob:",
    "frame-ancestors": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
}
POLICY = "; ".join(f"{what} {whence}" for what, whence in ALLOWED.items())


def at_home(app: App) -> App:
    """The same app, with the policy on every page."""

    async def guarded(scope: Any, receive: Any, send: Send) -> None:
        async def with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [(b"content-security-policy", POLICY.encode()), (b"referrer-policy", b"no-referrer")]
                message = {**message, "headers": [*message.get("headers", ()), *headers]}
            await send(message)

        await app(scope, receive, with_policy if scope["type"] == "http" else send)

    return guarded
