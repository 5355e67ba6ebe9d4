"""An SMTP server that takes everything and keeps a count: `python -m bench.sink` prints its port, then answers on it.

It runs as a process of its own, so that what it costs is not counted as the sender's. It speaks as little as a sender
needs, because a full server (aiosmtpd) would be slower than what is measured.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class Taker(asyncio.Protocol):
    """One session."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._held = b""
        self._in_data = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.transport.write(b"220 sink.example ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._held += data
        while True:
            end = b"\r\n.\r\n" if self._in_data else b"\r\n"
            piece, found, rest = self._held.partition(end)
            if not found:
                return
            self._held = rest
            if self._in_data:
                self._in_data = False
                self.transport.write(b"250 taken\r\n")
            else:
                self._answer(piece[:4].upper())

    def _answer(self, verb: bytes) -> None:
        if verb == b"EHLO":
            self.transport.write(
                b"250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 50000000\r\n"
            )
        elif verb == b"DATA":
            self._in_data = True
            self.transport.write(b"354 go on\r\n")
        elif verb == b"QUIT":
            self.transport.write(b"221 bye\r\n")
            self.transport.close()
        else:
            self.transport.write(b"250 fine\r\n")


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Taker, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def running() -> Iterator[int]:
    """The port of a sink that is there as long as the block."""
    with subprocess.Popen([sys.executable, "-m", "bench.sink"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.terminate()


if __name__ == "__main__":
    try:
        asyncio.run(serve())
    except KeyboardInterrupt:
        sys.exit(0)
