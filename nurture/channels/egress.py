"""The way out by HTTP: to the host an operator named, at an address that was checked, and no further.

resolve, check, connect, TLS               -> may_start() commits the intent ->   the request, then its answer
everything here can be taken back                                                 only an answer tells

Redirects are not followed, proxies of the environment not asked, bodies over the limit not read, and no URL is logged:
it may hold a token.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx

from nurture.channels.addresses import barred, is_loopback
from nurture.channels.base import NotSent
from nurture.channels.clock import elapsed
from nurture.channels.replies import bounded

__all__ = ["Answer", "Egress", "Peer", "Resolve", "Unclear", "Unreached"]

PATIENCE = 10.0
"""Seconds to be connected, and as many again to be answered."""
START = 30.0
"""Seconds from asking `may_start` to the first byte; a process that slept longer has lost its lease."""
MOST_BYTES = 1_000_000
KEPT_OPEN = 4.0
"""Seconds. Shorter than servers keep idle connections, so that none closes just as a message begins."""
LONGEST_PAUSE = timedelta(days=1)

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The IP addresses of a host name. Raises `OSError`."""


class Unreached(Exception):
    """The request did not begin; the verdict is certain."""

    def __init__(self, verdict: NotSent) -> None:
        self.verdict = verdict
        super().__init__(verdict.detail)


class Unclear(Exception):
    """The request began and no whole answer came: nobody can know what the peer made of it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the peer said."""

    status: int
    body: bytes | None
    """None when it was cut, encoded or too long."""
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Peer:
    """Where requests go: taken from the settings, never from what is known of a lead."""

    scheme: str
    host: str
    """As DNS knows it, or an IP address without brackets."""
    port: int
    path: str
    """With its query."""
    authority: str
    """For the Host header."""
    credentials: str = field(default="", repr=False)
    """The Authorization header, when the URL names a user."""
    private: bool = False

    @classmethod
    def parse(cls, setting: str, url: str, *, private: bool = False) -> Peer:
        """The URL that a setting holds; `private` also allows plain http and hosts that are not on the internet.

        Raises `ValueError` with a sentence for the operator that does not repeat the URL: it may hold a password.
        """
        try:
            # The standard library also minds brackets and ports.
            urlsplit(url).port  # noqa: B018  # reading it is the check: it raises for a bad port
            found = httpx.URL(url)
            host = found.raw_host.decode("ascii")
        except (httpx.InvalidURL, ValueError):
            raise ValueError(f"{setting} is not a URL") from None
        if found.scheme not in ("https", "http") or not host:
            raise ValueError(f"{setting} begins with https:// and names a host")
        if found.scheme == "http" and not (private or is_loopback(host)):
            raise ValueError(
                f"{setting} is in clear: use https://, or allow it in a network of your own with NURTURE_ALLOW_PRIVATE=1"
            )
        credentials = ""
        if found.userinfo:
            user, _, password = found.userinfo.decode("ascii").partition(":")
            pair = f"{unquote(user)}:{unquote(password)}"
            credentials = f"Basic {b64encode(pair.encode()).decode()}"
        return cls(
            found.scheme,
            host,
            found.port or (443 if found.scheme == "https" else 80),
            found.raw_path.decode("ascii"),
            found.netloc.decode("ascii"),
            credentials,
            private,
        )


@cache
def _trust() -> ssl.SSLContext:
    """The certificates we trust, read once a process."""
    return httpx.create_ssl_context()


async def _resolve(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for *_, sockaddr in found]


class Egress:
    """Posts to one peer, over a few connections that are used again."""

    def __init__(
        self,
        peer: Peer,
        *,
        sessions: int,
        patience: float = PATIENCE,
        most: int = MOST_BYTES,
        tls: ssl.SSLContext | None = None,
        resolve: Resolve = _resolve,
    ) -> None:
        self._peer = peer
        self._sessions = sessions
        self._patience = patience
        self._most = most
        self._tls = tls
        self._resolve = resolve
        self._transport: httpx.AsyncHTTPTransport | None = None

    async def post(
        self,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        may_start: Callable[[], Awaitable[bool]] | None = None,
    ) -> Answer:
        """The answer to this request; `may_start` is asked once the connection stands, right before the first byte.

        Raises `Unreached` (nothing has left; also when `may_start` says no) and `Unclear`.
        """
        try:
            async with asyncio.timeout(self._patience):
                addresses = await self._addresses()
        except TimeoutError:
            raise _unreached("its name could not be resolved in time") from None
        trouble = ""
        for address in addresses:
            attempt = _Attempt(self._patience, may_start)
            try:
                return await attempt.run(self._pool(), self._request(address, path, body, headers), self._most)
            except (OSError, ssl.SSLError, httpx.TransportError, TimeoutError) as error:
                said = bounded(f"{type(error).__name__}: {error}")
                if attempt.began:
                    raise Unclear(f"no answer: {said}") from None
                if not isinstance(error, httpx.ConnectError):
                    raise _unreached(said) from None
                trouble = said
        raise _unreached(trouble or "its name has no address")

    async def close(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.aclose()

    async def _addresses(self) -> list[IPv4Address | IPv6Address]:
        """Where the peer is, all of it checked: a name that also points somewhere forbidden is not trusted at all."""
        try:
            found = await self._resolve(self._peer.host, self._peer.port)
        except (OSError, UnicodeError) as error:
            raise _unreached(f"its name cannot be resolved: {error}") from None
        addresses = list(dict.fromkeys(ip_address(text) for text in found))
        for address in addresses:
            because = barred(address, loopback=is_loopback(self._peer.host), private=self._peer.private)
            if because:
                raise Unreached(NotSent("sender", bounded(f"{self._peer.host} is {address}, {because}")))
        return addresses

    def _pool(self) -> httpx.AsyncHTTPTransport:
        if self._transport is None:
            if self._tls is None:
                # Without TLS nobody's certificate is looked at, and reading those we trust takes some 50 ms.
                self._tls = _trust() if self._peer.scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            limits = httpx.Limits(max_connections=self._sessions, keepalive_expiry=KEPT_OPEN)
            self._transport = httpx.AsyncHTTPTransport(verify=self._tls, trust_env=False, limits=limits)
        return self._transport

    def _request(
        self, address: IPv4Address | IPv6Address, path: str, body: bytes, headers: Mapping[str, str]
    ) -> httpx.Request:
        """A request to this very address, so that what was checked is what is connected to."""
        own = {"Host": self._peer.authority, "Content-Type": "application/json", "Accept-Encoding": "identity"}
        if self._peer.credentials:
            own["Authorization"] = self._peer.credentials
        host = f"[{address}]" if address.version == 6 else str(address)
        return httpx.Request(
            "POST",
            f"{self._peer.scheme}://{host}:{self._peer.port}{path}",
            content=body,
            headers=own | dict(headers),
            extensions={
                # The certificate must be that of the name, not of the address.
                "sni_hostname": self._peer.host,
                "timeout": dict.fromkeys(("connect", "read", "write", "pool"), self._patience),
            },
        )


class _Withdrawn(Exception):
    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(why)


class _Attempt:
    """One try at one address; `began` says on which side of the first byte it ended."""

    def __init__(self, patience: float, may_start: Callable[[], Awaitable[bool]] | None) -> None:
        self.began = False
        self._patience = patience
        self._may_start = may_start

    async def run(self, pool: httpx.AsyncHTTPTransport, request: httpx.Request, most: int) -> Answer:
        async with asyncio.timeout(self._patience) as self._deadline:
            request.extensions = {**request.extensions, "trace": self._trace}
            try:
                response = await pool.handle_async_request(request)
            except _Withdrawn as withdrawn:
                raise Unreached(NotSent("withdrawn", withdrawn.why)) from None
            try:
                body = await self._read(response, most)
            finally:
                await response.aclose()
        return Answer(response.status_code, body, _pause(response.headers.get("Retry-After", "")))

    async def _trace(self, event: str, _: Mapping[str, Any]) -> None:
        # httpcore says this when the connection stands and before it writes: the one moment we need to know of.
        if not event.endswith(".send_request_headers.started"):
            return
        if self._may_start is not None:
            self._deadline.reschedule(None)
            asked = elapsed()
            if not await self._may_start():
                raise _Withdrawn("the message was withdrawn before it began")
            if elapsed() - asked > START:
                raise _Withdrawn("the message could not begin in time")
        self.began = True
        self._deadline.reschedule(asyncio.get_running_loop().time() + self._patience)

    async def _read(self, response: httpx.Response, most: int) -> bytes | None:
        """The body, or None. A status has come by now, so that trouble with the body is not trouble with the answer."""
        if response.headers.get("Content-Encoding", "identity") != "identity":
            return None
        body = bytearray()
        try:
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > most:
                    return None
        except (httpx.TransportError, OSError):
            return None
        return bytes(body)


def _unreached(why: str) -> Unreached:
    return Unreached(NotSent("connection", bounded(why)))


def _pause(text: str) -> timedelta | None:
    """The seconds of a Retry-After; its other form, a date, would need the peer's clock."""
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        return None
    return min(timedelta(seconds=int(text)), LONGEST_PAUSE)
