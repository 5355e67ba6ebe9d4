"""What every answer carries, and which questions get none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["LOOPBACK", "Guard", "host_name"]

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
STRICT = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
NO_FRAME = (b"x-frame-options", b"DENY")
EVENTS = b"text/event-stream"
FRAMED = b"frame-ancestors 'self'"
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    NO_FRAME,
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
    (b"x-robots-tag", b"noindex"),
)


class Guard:
    """Turns away requests for hosts that are not ours, which is how foreign pages reach loopback, and puts the
    security headers on every answer. An answer may bring its own instead."""

    def __init__(self, inner: ASGIApp, hosts: Iterable[str]) -> None:
        """`hosts` are names without ports under which leads may knock, next to those of loopback."""
        self.inner = inner
        self.hosts = LOOPBACK | {host.lower() for host in hosts if host}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return

        streaming = False

        async def guarded(message: Message) -> None:
            nonlocal streaming
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", []))
                streaming = any(name == b"content-type" and value.startswith(EVENTS) for name, value in headers)
                if not any(name == b"content-security-policy" for name, _ in headers):
                    headers.append((b"content-security-policy", STRICT.encode()))
                # Who may frame a page is said by its policy; the older header knows no "only we".
                framed = any(name == b"content-security-policy" and FRAMED in value for name, value in headers)
                brought = {name for name, _ in headers}
                ours = (each for each in HEADERS if each[0] not in brought and not (framed and each == NO_FRAME))
                message["headers"] = [*headers, *ours]
            await send(message)

        host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
        if host_name(host) in self.hosts:
            try:
                await self.inner(scope, receive, guarded)
            except asyncio.CancelledError:
                # An event stream has no end of its own: that the server stops is how it ends, and no fault.
                if not streaming:
                    raise
            return
        await guarded({"type": "http.response.start", "status": 421, "headers": [(b"content-type", b"text/plain")]})
        await guarded({"type": "http.response.body", "body": b"not here\n"})


def host_name(host: str) -> str:
    """Without the port: `localhost:8765` is `localhost`, `[::1]:8765` is `[::1]`."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()
