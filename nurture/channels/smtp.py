"""One SMTP session, verb by verb, so that it is always known on which side of the first byte of a message we are.

`Stopped` is raised only before that byte: it carries a verdict that is certain. `deliver` never raises for what a peer
does, and answers `Ambiguous` for all that cannot be known.
"""

from __future__ import annotations

import ssl
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from aiosmtplib import (
    SMTP,
    SMTPConnectResponseError,
    SMTPException,
    SMTPHeloError,
    SMTPResponseException,
    SMTPServerDisconnected,
)
from aiosmtplib.response import SMTPResponse

from nurture.channels.base import Ambiguous, NotSent, Refused, Sent, Verdict
from nurture.channels.mail import Letter
from nurture.channels.replies import Phase, bounded, judge
from nurture.channels.wire import Wire
from nurture.crashpoints import crash_point

__all__ = ["Patience", "Relay", "Session", "Stopped"]

# What aiosmtplib lets through from a peer or the network. `ValueError` is its answer to undecodable challenges.
TROUBLE = (SMTPException, OSError, EOFError, ValueError)


class Stopped(Exception):
    """The dialogue ended before the message began; the verdict is certain."""

    def __init__(self, verdict: NotSent | Refused) -> None:
        self.verdict = verdict
        super().__init__(verdict.detail)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a peer may take, in seconds. RFC 5321, 4.5.3.2, asks for these."""

    connect: float = 30.0
    command: float = 300.0
    dot: float = 600.0
    """For the answer to the whole message: giving up early makes an accepted message ambiguous."""
    goodbye: float = 2.0
    start: float = 30.0
    """From asking `may_start` to the first byte; a message that could not begin by then is taken back."""


@dataclass(frozen=True, slots=True)
class Relay:
    """The server that takes our mail, and what must be true before it hears a password."""

    host: str
    port: int
    implicit_tls: bool = False
    starttls: bool = False
    user: str = ""
    password: str = field(default="", repr=False)
    hello: str = ""
    """Our own name in EHLO: a fully qualified domain name."""
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    """None: the system's certificate authorities, and the host's name must match."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not stand in a reply that we keep, should a server echo it."""
        if not self.user:
            return ()
        plain = f"\0{self.user}\0{self.password}".encode()
        return (
            self.password,
            b64encode(self.password.encode()).decode("ascii"),
            b64encode(plain).decode("ascii"),
        )


class Session:
    """A connection that has said hello, and carries one message at a time."""

    def __init__(self, relay: Relay, patience: Patience) -> None:
        self._relay = relay
        self._patience = patience
        self._smtp = SMTP(
            hostname=relay.host,
            port=relay.port,
            local_hostname=relay.hello or None,
            use_tls=relay.implicit_tls,
            start_tls=False,  # asked for by `open`, which does not go on without it
            tls_context=relay.tls,
            timeout=patience.command,
        )
        self._envelope_open = False
        self._size_limit = 0
        self._utf8 = self._announces_size = self._pipelines = False
        self._wire: Wire | None = None
        self.carried = 0
        """Messages whose envelope was opened in this session."""

    def usable(self) -> bool:
        return self._wire is not None and self._wire.open

    # -- before the message: everything can be taken back -------------------------------------------------------

    async def open(self) -> None:
        """Connect, say hello, secure the line, log in. Raises `Stopped`."""
        relay = self._relay
        try:
            await self._smtp.connect(timeout=self._patience.connect)
        except SMTPConnectResponseError as error:
            raise self._stop("connect", error) from None
        except ssl.SSLError as error:
            raise self._stopped(NotSent("sender", f"connect: no trusted TLS: {bounded(str(error))}")) from None
        except TROUBLE as error:
            if isinstance(error.__cause__, ssl.SSLError):
                raise self._stopped(NotSent("sender", f"connect: no trusted TLS: {bounded(str(error))}")) from None
            raise self._stop("connect", error) from None
        await self._hello()
        if relay.starttls:
            await self._secure()
            await self._hello()
        if relay.user:
            await self._log_in()
        self._read_extensions()
        crash_point("deliver.connected")

    async def _hello(self) -> None:
        try:
            await self._smtp.ehlo()
        except SMTPHeloError as error:
            if not self._smtp.is_connected or 400 <= error.code < 500:
                raise self._stop("hello", error) from None
            try:
                await self._smtp.helo()
            except SMTPResponseException as older:
                raise self._stop("hello", older) from None
            except TROUBLE:
                # It hung up right after its refusal, which is the only word it said.
                raise self._stop("hello", error) from None
        except TROUBLE as error:
            raise self._stop("hello", error) from None

    async def _secure(self) -> None:
        if not self._smtp.supports_extension("starttls"):
            raise self._stopped(
                NotSent("sender", "starttls: the server does not offer TLS, and we do not go on in clear")
            )
        try:
            await self._smtp.starttls()
        except ssl.SSLError as error:
            raise self._stopped(NotSent("sender", f"starttls: no trusted TLS: {bounded(str(error))}")) from None
        except TROUBLE as error:
            raise self._stop("starttls", error) from None

    async def _log_in(self) -> None:
        offered = self._smtp.server_auth_methods
        # One attempt: trying a refused password in other ways only locks the account. The line is secured, or the
        # operator has said `insecure` for a server on this machine, so the plainest way is as good as any.
        way = next((way for way in ("plain", "login", "cram-md5") if way in offered), None)
        if way is None:
            raise self._stopped(NotSent("sender", "login: the server offers no way to log in that we know"))
        log_in = {"plain": self._smtp.auth_plain, "login": self._smtp.auth_login, "cram-md5": self._smtp.auth_crammd5}
        try:
            await log_in[way](self._relay.user, self._relay.password)
        except TROUBLE as error:
            raise self._stop("login", error) from None

    def _read_extensions(self) -> None:
        if self._smtp.transport is None or self._smtp.transport.is_closing():
            raise self._stopped(NotSent("connection", "hello: the connection was lost"))
        self._wire = Wire(self._smtp.transport)
        self._pipelines = self._smtp.supports_extension("pipelining")
        self._utf8 = self._smtp.supports_extension("smtputf8")
        size = self._smtp.esmtp_extensions.get("size")
        self._announces_size = size is not None
        self._size_limit = int(size) if size and size.isascii() and size.isdigit() and len(size) < 16 else 0

    async def envelope(self, letter: Letter) -> None:
        """Name sender and recipient. Raises `Stopped`; a session that is still `usable` may carry another message."""
        if letter.to.needs_utf8 and not self._utf8:
            raise Stopped(Refused("unsupported", "the server takes no address beyond ASCII (SMTPUTF8)"))
        if self._size_limit and len(letter.raw) > self._size_limit:
            raise Stopped(
                Refused("too_large", f"{len(letter.raw)} octets, and the server takes at most {self._size_limit}")
            )
        said: list[tuple[Phase, bytes]] = []
        if self._envelope_open:
            # The last message stopped half-way. Said now and not then, so that no verdict waits for it.
            said.append(("mail", b"RSET"))
        options = f" SIZE={len(letter.raw)}" if self._announces_size else ""
        if letter.to.needs_utf8:
            options += " BODY=8BITMIME SMTPUTF8"
        said.append(("mail", f"MAIL FROM:<{letter.sender}>{options}".encode()))
        said.append(("rcpt", f"RCPT TO:<{letter.to}>".encode()))
        self.carried += 1
        self._envelope_open = True
        for together in [said] if self._pipelines else [[one] for one in said]:
            await self._say(together)

    async def _say(self, commands: list[tuple[Phase, bytes]]) -> None:
        """Say these in one breath. Raises `Stopped` for the first that is not granted, when all are answered."""
        stopped = None
        phase = commands[0][0]
        try:
            asked = self._line().say(*(command for _, command in commands))
            for (phase, command), answer in zip(commands, asked, strict=True):
                reply = await self._line().reply(answer, self._patience.command)
                if stopped is None and not 200 <= reply.code < 300:
                    stopped = Stopped(self._not_yet(phase, reply))
                    if command == b"RSET":
                        self.abort()
                    if not self.usable():
                        break
        except TROUBLE as error:
            raise stopped or self._stop(phase, error) from None
        if stopped is not None:
            raise stopped

    def _line(self) -> Wire:
        if self._wire is None:
            raise SMTPServerDisconnected("the session is not open")
        return self._wire

    def _not_yet(self, phase: Phase, reply: SMTPResponse) -> NotSent | Refused:
        """The verdict on a reply before the message."""
        verdict = judge(phase, reply.code, reply.message, self._relay.secrets)
        if reply.code == 421 or not 400 <= reply.code < 600:
            self.abort()
        assert isinstance(verdict, NotSent | Refused)
        return verdict

    def _stop(self, phase: Phase, error: BaseException) -> Stopped:
        """Trouble before the message: with a code it is judged by that, without it is the connection's."""
        if isinstance(error, SMTPResponseException) and error.code > 0:
            verdict = judge(phase, error.code, error.message, self._relay.secrets)
            assert isinstance(verdict, NotSent | Refused)
        else:
            said = f"{phase}: {type(error).__name__}: {error}"
            verdict = NotSent("connection", bounded(said, self._relay.secrets))
        return self._stopped(verdict)

    def _stopped(self, verdict: NotSent | Refused) -> Stopped:
        self.abort()
        return Stopped(verdict)

    # -- the message --------------------------------------------------------------------------------------------

    async def deliver(self, letter: Letter, in_time: Callable[[], bool]) -> Verdict:
        """Hand the message over. `in_time` is asked right before its first byte."""
        try:
            (asked,) = self._line().say(b"DATA")
            reply = await self._line().reply(asked, self._patience.command)
        except TROUBLE as error:
            # The verb alone: of the message itself not a byte has been written.
            return self._stop("data", error).verdict
        if reply.code != 354:
            return self._not_yet("data", reply)
        crash_point("deliver.data_allowed")
        if not in_time():
            # Only breaking the connection takes a DATA back: a message without its final dot must be discarded.
            return self._stopped(NotSent("withdrawn", "the message could not begin in time")).verdict
        try:
            asked = self._line().hand_over(on_the_wire(letter.raw))
        except TROUBLE as error:
            # The line was closed already, and took nothing.
            return self._stop("data", error).verdict
        # From here on only a reply to the final dot tells.
        crash_point("deliver.message_written")
        try:
            reply = await self._line().reply(asked, self._patience.dot)
        except Exception as error:  # noqa: BLE001  # whatever it is, it does not tell whether the message was taken
            self.abort()
            return Ambiguous(bounded(f"dot: {type(error).__name__}: {error}", self._relay.secrets))
        verdict = judge("dot", reply.code, reply.message, self._relay.secrets)
        if isinstance(verdict, Ambiguous) or reply.code == 421:
            self.abort()
        elif isinstance(verdict, Sent):
            self._envelope_open = False
        return verdict

    # -- the end ------------------------------------------------------------------------------------------------

    async def quit(self) -> None:
        """Say goodbye. What comes back changes nothing."""
        with suppress(*TROUBLE):
            (asked,) = self._line().say(b"QUIT")
            await self._line().reply(asked, self._patience.goodbye)
        self.abort()

    def abort(self) -> None:
        """Break the connection."""
        if self._wire is not None:
            self._wire.abort()
        self._smtp.close()


def on_the_wire(raw: bytes) -> bytes:
    """The message with dots stuffed, and the final dot. `raw` has CRLF line ends only, and ends with one."""
    stuffed = raw.replace(b"\r\n.", b"\r\n..")
    return (b"." + stuffed if stuffed.startswith(b".") else stuffed) + b".\r\n"
