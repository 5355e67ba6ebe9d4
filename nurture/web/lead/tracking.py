"""The picture and the links of mails: answered before anything else, without asking the database.

A link's token names the version and the link in it, so where it leads is looked up in what was published, and kept. No
address ever comes from whoever clicks.
"""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from nurture.engine import Engine
from nurture.engine.plans import NotRunnable
from nurture.store.database import micros
from nurture.store.hits import NewHit
from nurture.web import pages
from nurture.web.lead.buffer import Buffer
from nurture.web.lead.visitor import looks_ahead, visitor

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["PICTURE", "Tracking"]

PICTURE = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
"""One transparent point."""
_PICTURE = [
    (b"content-type", b"image/gif"),
    (b"content-length", str(len(PICTURE)).encode()),
    # A mail in a browser loads it from another site's page.
    (b"cross-origin-resource-policy", b"cross-origin"),
]


class Tracking:
    """Stands before the application and takes what begins with `/o/`, `/c/` and `/t/`."""

    def __init__(self, inner: ASGIApp, engine: Engine, buffer: Buffer, clock: Callable[[], datetime]) -> None:
        self.inner = inner
        self.engine = engine
        self.buffer = buffer
        self.clock = clock
        self._secret, self._keys = engine.secret, engine.keys
        self._links: dict[int, dict[str, str]] = {}
        """Version to its links: name to where they lead."""
        self._missing = pages.not_found().encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or path[:1] != "/" or path[2:3] != "/" or path[1] not in "oct":
            await self.inner(scope, receive, send)
            return
        method, token = scope["method"], path[3:]
        if method not in ("GET", "HEAD"):
            await _answer(send, 405, [(b"allow", b"GET, HEAD")], b"")
            return
        if path[1] == "o":
            await self._picture(scope, token, send)
        elif path[1] == "c":
            await self._link(scope, token, send)
        else:
            await self._trap(scope, token, send)

    async def _picture(self, scope: Scope, token: str, send: Send) -> None:
        """The same picture for everybody: a wrong token learns nothing."""
        effect = self._keys.read("open", token)
        if effect is not None:
            self._note(scope, effect, "viewed", "")
        await _answer(send, 200, _PICTURE, b"" if scope["method"] == "HEAD" else PICTURE)

    async def _link(self, scope: Scope, token: str, send: Send) -> None:
        named = self._keys.read("click", token)
        if named is None:
            await self._nothing(send)
            return
        effect, version, link = named.rsplit("/", 2)
        target = (await self._of(int(version))).get(link)
        if target is None:
            await self._nothing(send)
            return
        self._note(scope, effect, "clicked", link)
        await _answer(send, 302, [(b"location", target.encode()), (b"content-length", b"0")], b"")

    async def _trap(self, scope: Scope, token: str, send: Send) -> None:
        effect = self._keys.read("trap", token)
        if effect is not None:
            self._note(scope, effect, "trap", "trap")
        await self._nothing(send)

    async def _of(self, version: int) -> dict[str, str]:
        found = self._links.get(version)
        if found is None:
            # Once for each version: compiling its contents takes a while.
            found = self._links[version] = await asyncio.to_thread(self._compiled, version)
        return found

    def _compiled(self, version: int) -> dict[str, str]:
        try:
            return dict(self.engine.plans.get(version).content.links)
        except NotRunnable:
            return {}

    def _note(self, scope: Scope, effect: str, kind: str, link: str) -> None:
        """Keep it, unless a program only looked ahead."""
        if scope["method"] == "HEAD" or looks_ahead(scope["headers"]):
            return
        enrollment, node, n = effect.split("/")
        self.buffer.add(
            NewHit(enrollment, node, int(n), kind, link, micros(self.clock()), *visitor(scope, self._secret))
        )

    async def _nothing(self, send: Send) -> None:
        headers = [
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-security-policy", pages.PAGE_POLICY.encode()),
        ]
        await _answer(send, 404, headers, self._missing)


async def _answer(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
