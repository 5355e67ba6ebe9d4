"""One session of the mail server on loopback: real SMTP, with whatever is to go wrong."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

__all__ = ["Caught", "Dialogue", "Fault", "Hangup", "Heard", "House", "Verb"]

Verb = Literal["connect", "ehlo", "helo", "starttls", "auth", "mail", "rcpt", "data", "body", "dot", "rset", "quit"]
Then = Literal["go_on", "close", "reset", "silence"]


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong, and when. Faults at one verb are tried in their order; the first one whose turn it is happens."""

    at: Verb
    """Where in the dialogue: the reply to this verb. `body` is the middle of the message, `dot` its end."""
    say: str | None = None
    """Said instead of the usual reply; "" says nothing. More lines are separated by CRLF."""
    then: Then = "go_on"
    """Afterwards: go on, close in order (FIN), break the connection (RST), or fall silent for good."""
    accept: bool | None = None
    """At `dot`: whether the message is taken. By default it is, unless `say` is something else than a 2xx."""
    delay: float = 0.0
    """Seconds before the reply."""
    drip: float = 0.0
    """Seconds between the bytes of the reply."""
    skip: int = 0
    """Let the verb pass this many times first, counted over all sessions."""
    times: int | None = 1
    """How often it happens; None for ever."""


@dataclass(frozen=True, slots=True)
class Caught:
    """A message the server has taken."""

    at: str
    session: int
    sender: str
    to: tuple[str, ...]
    message_id: str
    size: int
    headers: Mapping[str, tuple[str, ...]]
    """Unfolded, names in lower case, values as they stood on the wire."""
    raw: bytes
    """As it was meant: dots unstuffed."""

    def as_json(self) -> dict[str, Any]:
        """A line of the log: all but the message itself."""
        kept = {name: value for name, value in asdict(self).items() if name != "raw"}
        kept["from"] = kept.pop("sender")
        return kept


@dataclass(frozen=True, slots=True)
class Heard:
    """A line a client said outside of a message."""

    session: int
    encrypted: bool
    line: str


class Hangup(Exception):
    """The session is over."""


class House(Protocol):
    """The server, as one of its sessions sees it."""

    @property
    def tls(self) -> ssl.SSLContext | None: ...

    @property
    def users(self) -> Mapping[str, str] | None: ...

    def fault(self, verb: Verb) -> Fault | None: ...

    def refuses(self, address: str) -> str | None: ...

    def features(self, *, encrypted: bool) -> list[str]: ...

    def hear(self, heard: Heard) -> None: ...

    def catch(self, caught: Caught) -> None: ...


class Dialogue:
    """One session."""

    def __init__(
        self,
        catcher: House,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        number: int,
        *,
        encrypted: bool,
    ) -> None:
        self._catcher = catcher
        self._reader = reader
        self._writer = writer
        self._number = number
        self._encrypted = encrypted
        self._known = catcher.users is None
        self._sender: str | None = None
        self._to: list[str] = []

    async def run(self) -> None:
        await self._answer("connect", "220 catcher.test ESMTP ready")
        while True:
            line = await self._line()
            verb, _, rest = line.partition(" ")
            match verb.upper():
                case "EHLO":
                    self._sender, self._to = None, []
                    lines = ["catcher.test greets you", *self._catcher.features(encrypted=self._encrypted)]
                    said = [f"250-{feature}" for feature in lines[:-1]] + [f"250 {lines[-1]}"]
                    await self._answer("ehlo", "\r\n".join(said))
                case "HELO":
                    await self._answer("helo", "250 catcher.test")
                case "STARTTLS":
                    await self._start_tls()
                case "AUTH":
                    await self._auth(rest)
                case "MAIL":
                    await self._mail(rest)
                case "RCPT":
                    await self._rcpt(rest)
                case "DATA":
                    await self._data()
                case "RSET":
                    self._sender, self._to = None, []
                    await self._answer("rset", "250 2.0.0 forgotten")
                case "NOOP":
                    await self._say("250 2.0.0 fine")
                case "QUIT":
                    await self._answer("quit", "221 2.0.0 goodbye")
                    raise Hangup
                case _:
                    await self._say("500 5.5.2 what?")

    async def _line(self) -> str:
        raw = await self._reader.readuntil(b"\r\n")
        line = raw[:-2].decode("utf-8", "surrogateescape")
        self._catcher.hear(Heard(self._number, self._encrypted, line))
        return line

    async def _answer(self, verb: Verb, usual: str) -> bool:
        """Reply as usual or as the fault wants it; True when the reply was a yes."""
        fault = self._catcher.fault(verb)
        if fault is None:
            await self._say(usual)
            return usual[:1] in "23"
        said = usual if fault.say is None else fault.say
        await self._misbehave(fault, said)
        if said.startswith("421"):
            raise Hangup
        return said[:1] in ("2", "3")

    async def _misbehave(self, fault: Fault, said: str) -> None:
        if fault.delay:
            await asyncio.sleep(fault.delay)  # noqa: TID251  # being slow is what it is asked for
        if said:
            await self._say(said, fault.drip)
        if fault.then == "silence":
            while await self._reader.read(65536):
                pass
            raise Hangup
        if fault.then == "close":
            raise Hangup
        if fault.then == "reset":
            # With no time to linger, closing sends RST instead of FIN.
            connection = self._writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._writer.transport.abort()
            raise Hangup

    async def _say(self, text: str, drip: float = 0.0) -> None:
        raw = text.encode("latin-1", "replace") + b"\r\n"
        if not drip:
            self._writer.write(raw)
        for byte in raw if drip else b"":
            self._writer.write(bytes([byte]))
            await self._writer.drain()
            await asyncio.sleep(drip)  # noqa: TID251  # being slow is what it is asked for
        await self._writer.drain()

    async def _start_tls(self) -> None:
        if self._catcher.tls is None or self._encrypted:
            await self._say("502 5.5.1 no TLS here")
        elif await self._answer("starttls", "220 2.0.0 go ahead"):
            await self._writer.start_tls(self._catcher.tls)
            self._encrypted = True

    async def _auth(self, rest: str) -> None:
        way, _, initial = rest.partition(" ")
        if way.upper() == "PLAIN":
            if not initial:
                await self._say("334 ")
                initial = await self._line()
            user, password = b64decode(initial).decode().split("\0")[1:]
        elif way.upper() == "LOGIN":
            if not initial:
                await self._say("334 VXNlcm5hbWU6")
                initial = await self._line()
            await self._say("334 UGFzc3dvcmQ6")
            user, password = b64decode(initial).decode(), b64decode(await self._line()).decode()
        else:
            await self._say("504 5.5.4 not that way")
            return
        right = self._catcher.users is not None and self._catcher.users.get(user) == password
        self._known = await self._answer("auth", "235 2.7.0 welcome" if right else "535 5.7.8 no") and right

    async def _mail(self, rest: str) -> None:
        address = _path(rest, "FROM:")
        if not self._known:
            await self._say("530 5.7.0 log in first")
        elif address is None or self._sender is not None:
            await self._say("503 5.5.1 not now" if address else "501 5.5.4 like MAIL FROM:<address>")
        elif await self._answer("mail", "250 2.1.0 ok"):
            self._sender = address

    async def _rcpt(self, rest: str) -> None:
        address = _path(rest, "TO:")
        if self._sender is None or not address:
            await self._say("503 5.5.1 MAIL first" if address else "501 5.1.3 like RCPT TO:<address>")
        elif await self._answer("rcpt", self._catcher.refuses(address) or "250 2.1.5 ok"):
            self._to.append(address)

    async def _data(self) -> None:
        if self._sender is None or not self._to:
            await self._say("503 5.5.1 RCPT first")
            return
        if not await self._answer("data", "354 go on"):
            return
        start = b""
        fault = self._catcher.fault("body")
        if fault is not None:
            start = await self._reader.read(64)
            await self._misbehave(fault, fault.say or "")
        raw = await self._message(start)
        fault = self._catcher.fault("dot")
        said = "250 2.0.0 taken" if fault is None or fault.say is None else fault.say
        taken = said.startswith("2") if fault is None or fault.accept is None else fault.accept
        if taken:
            self._catcher.catch(self._caught(raw))
        self._sender, self._to = None, []
        if fault is None:
            await self._say(said)
        else:
            await self._misbehave(fault, said)
            if said.startswith("421"):
                raise Hangup

    async def _message(self, whole: bytes) -> bytes:
        """Up to the final dot, which stands on a line of its own; only CRLF ends a line."""
        while whole != b".\r\n" and not whole.endswith(b"\r\n.\r\n"):
            whole += await self._reader.readuntil(b".\r\n")
        whole = whole[:-3]
        return (whole[1:] if whole.startswith(b".") else whole).replace(b"\r\n.", b"\r\n")

    def _caught(self, raw: bytes) -> Caught:
        headers = _headers(raw)
        assert self._sender is not None
        return Caught(
            datetime.now(UTC).isoformat(),  # noqa: TID251  # a server of its own looks at its own clock
            self._number,
            self._sender,
            tuple(self._to),
            headers.get("message-id", ("",))[0].strip().strip("<>"),
            len(raw),
            headers,
            raw,
        )


def _path(rest: str, keyword: str) -> str | None:
    """The address in `FROM:<address> options`; None for anything else."""
    if not rest.upper().startswith(keyword):
        return None
    path = rest[len(keyword) :].strip()
    return path[1:].partition(">")[0] if path.startswith("<") and ">" in path else None


def _headers(raw: bytes) -> dict[str, tuple[str, ...]]:
    head = raw.partition(b"\r\n\r\n")[0].decode("utf-8", "backslashreplace")
    found: dict[str, tuple[str, ...]] = {}
    for line in head.replace("\r\n ", " ").replace("\r\n\t", " ").split("\r\n"):
        name, _, value = line.partition(":")
        key = name.lower()
        found[key] = (*found.get(key, ()), value.strip())
    return found
