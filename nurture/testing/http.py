"""A web server on loopback that keeps what it was asked, and answers, or misbehaves, as told.

server = HttpServer(lambda asked: Said(200, b"{}"))
async with server:
    ...                               # post to server.url
assert server.asked[0].headers["idempotency-key"] == "e1/hello/0"
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

__all__ = ["Asked", "HttpServer", "Said"]

Then = Literal["go_on", "close", "reset", "silence"]
MOST_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as it came."""

    connection: int
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


@dataclass(frozen=True, slots=True)
class Said:
    """An answer, and what becomes of the connection."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    """Written as it is, instead of all that stands above; b"" says nothing."""
    cut: int | None = None
    """Only so many bytes of the body are written, though its whole length was announced."""
    then: Then = "go_on"
    """Afterwards: go on, close in order (FIN), break the connection (RST), or fall silent for good."""


class HttpServer:
    """The server. `url` says where it is once it is started."""

    def __init__(
        self,
        answer: Callable[[Asked], Said],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.asked: list[Asked] = []
        self.connections = 0
        self.port = port
        self._answer = answer
        self._host = host
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def url(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}"

    async def __aenter__(self) -> HttpServer:
        self._server = await asyncio.start_server(self._serve, self._host, self.port, ssl=self._tls, limit=MOST_BYTES)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        # Not `wait_closed`: since Python 3.12 it also waits, for ever, for sessions whose TLS handshake failed.

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        number = self.connections
        try:
            while True:
                asked = await _read(reader, number)
                self.asked.append(asked)
                said = self._answer(asked)
                await _write(writer, said)
                if said.then == "silence":
                    await asyncio.Event().wait()
                if said.then == "reset":
                    _reset(writer)
                if said.then != "go_on":
                    return
        except (OSError, EOFError, asyncio.LimitOverrunError, ValueError):
            pass
        except asyncio.CancelledError:
            # Only `__aexit__` cancels; asyncio's own server would log it.
            pass
        finally:
            self._tasks.discard(task)
            writer.close()
            with suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()


async def _read(reader: asyncio.StreamReader, connection: int) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    parts = urlsplit(target)
    return Asked(connection, method, parts.path, dict(parse_qsl(parts.query)), headers, body)


async def _write(writer: asyncio.StreamWriter, said: Said) -> None:
    if said.raw is not None:
        writer.write(said.raw)
    else:
        head = {"Content-Type": "application/json", "Content-Length": str(len(said.body))} | dict(said.headers)
        lines = [f"HTTP/1.1 {said.status} Said", *(f"{name}: {value}" for name, value in head.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        body = said.body if said.cut is None else said.body[: said.cut]
        writer.write(body)
    await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Linger off and zero: closing sends RST, as a peer does that died."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
