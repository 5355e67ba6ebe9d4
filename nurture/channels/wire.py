"""The line to a server that we have said hello to: commands out, replies back in the order of the commands.

aiosmtplib connects, says hello, secures the line and logs in; then the line is ours, because it waits for each reply before
it says the next thing, and drops what comes in between. A server that announces PIPELINING (RFC 2920) hears sender and
recipient in one breath.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from typing import cast

from aiosmtplib import SMTPResponseException, SMTPServerDisconnected
from aiosmtplib.response import SMTPResponse

__all__ = ["Wire"]

MOST_REPLY = 32 * 1024
"""A whole reply, with all its lines."""
_control = re.compile(rb"[\x00-\x1f\x7f]").search


class Wire(asyncio.Protocol):
    """Takes over a transport. What a server says without having been asked ends the line: nobody could tell any more which
    command a reply belongs to."""

    def __init__(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._loop = asyncio.get_running_loop()
        self._heard = bytearray()
        self._asked: deque[asyncio.Future[SMTPResponse]] = deque()
        transport.set_protocol(self)

    @property
    def open(self) -> bool:
        return not self._transport.is_closing()

    def say(self, *commands: bytes) -> list[asyncio.Future[SMTPResponse]]:
        """Say these, in one go; their replies, to be awaited in this order with `reply`.

        Raises `SMTPServerDisconnected`, or `ValueError` for a command that would be two.
        """
        for command in commands:
            if _control(command):
                raise ValueError("a command holds a control character")
        return self._send(b"".join([command + b"\r\n" for command in commands]), len(commands))

    def hand_over(self, message: bytes) -> asyncio.Future[SMTPResponse]:
        """Write a whole message, as it stands; the future of its one reply. Raises like `say`, before anything is written."""
        return self._send(message, 1)[0]

    def _send(self, octets: bytes, replies: int) -> list[asyncio.Future[SMTPResponse]]:
        if not self.open:
            raise SMTPServerDisconnected("the connection was lost")
        asked = [self._loop.create_future() for _ in range(replies)]
        self._asked.extend(asked)
        self._transport.write(octets)
        return asked

    async def reply(self, asked: asyncio.Future[SMTPResponse], within: float) -> SMTPResponse:
        """Raises what went wrong, `TimeoutError` among it; the line is of no use after that."""
        try:
            async with asyncio.timeout(within):
                return await asked
        except TimeoutError:
            raise TimeoutError(f"no answer within {within:g} s") from None

    def abort(self) -> None:
        """Break the connection."""
        self._transport.close()

    # -- told by the event loop ---------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        self._heard += data
        while self._heard:
            try:
                reply = self._next()
            except SMTPResponseException as error:
                self._fail(error)
                return
            if reply is None:
                return
            if not self._asked:
                self._fail(SMTPServerDisconnected("it spoke without having been asked"))
                return
            asked = self._asked.popleft()
            if not asked.done():
                asked.set_result(reply)

    def eof_received(self) -> None:
        self._fail(SMTPServerDisconnected("the server hung up"))

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(SMTPServerDisconnected(f"the connection was lost{f': {error}' if error else ''}"))

    def _fail(self, error: Exception) -> None:
        """Whoever waits hears of it; nobody else can be served."""
        while self._asked:
            asked = self._asked.popleft()
            if not asked.done():
                asked.set_exception(error)
                asked.exception()  # seen: of several commands in one breath only the first one's is awaited
        self._heard.clear()
        self._transport.close()

    def _next(self) -> SMTPResponse | None:
        """The next whole reply, taken out of what was heard; None: not yet. Raises for what is no reply."""
        start, said = 0, []
        while True:
            end = self._heard.find(b"\n", start)
            if end < 0:
                if len(self._heard) > MOST_REPLY:
                    raise SMTPResponseException(-1, "the reply is too long")
                return None
            line = bytes(self._heard[start:end]).rstrip(b"\r")
            if not line[:3].isdigit():
                raise SMTPResponseException(-1, f"no reply: {line[:100].decode('utf-8', 'replace')}")
            said.append(line[4:].strip().decode("utf-8", "surrogateescape"))
            start = end + 1
            if start > MOST_REPLY:
                raise SMTPResponseException(-1, "the reply is too long")
            if line[3:4] != b"-":
                del self._heard[:start]
                return SMTPResponse(int(line[:3]), "\n".join(said))
