"""A server that answers as told, and the word of `may_start`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from nurture.channels.base import Message, Verdict
from nurture.channels.egress import Egress, Peer, Resolve
from nurture.testing.http import HttpServer

QUICK = 0.4
"""Seconds of patience with a peer that has fallen silent."""


class MayStart:
    """Says yes (or no), and remembers what the server had been asked by then."""

    def __init__(self, server: HttpServer | None = None, *, answer: bool = True) -> None:
        self.asked = 0
        self.seen_by_server: list[int] = []
        self._server = server
        self._answer = answer

    async def __call__(self) -> bool:
        self.asked += 1
        if self._server is not None:
            self.seen_by_server.append(len(self._server.asked))
        return self._answer


def egress(url: str, *, resolve: Resolve | None = None, private: bool = False, **options: Any) -> Egress:
    more = {"resolve": resolve} if resolve else {}
    peer = Peer.parse("NURTURE_TEST_URL", url, private=private)
    return Egress(peer, **{"sessions": 4, "patience": QUICK} | more | options)


def play(server: HttpServer, story: Callable[[], Awaitable[Any]]) -> Any:
    """The story, while the server runs."""

    async def run() -> Any:
        async with server:
            return await asyncio.wait_for(story(), 20)

    return asyncio.run(run())


def hand_over(server: HttpServer, open_channel: Callable[[], Any], message: Message, **start: Any) -> Verdict:
    """One message to a channel that is opened once the server has its port."""

    async def story() -> Verdict:
        channel = open_channel()
        try:
            return await channel.hand_over(message, MayStart(server, **start))
        finally:
            await channel.close()

    return play(server, story)  # type: ignore[no-any-return]
