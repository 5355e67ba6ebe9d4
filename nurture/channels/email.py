"""E-mail over SMTP, at most once: whatever is not certain is said to be ambiguous.

connect, EHLO, STARTTLS, AUTH, MAIL, RCPT   -> may_start() commits the intent ->   DATA, the message, the final dot
everything here can be taken back                                                  only a reply tells
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from nurture.channels.addresses import is_loopback
from nurture.channels.base import Channel, Message, NotSent, Refused, Verdict
from nurture.channels.clock import elapsed
from nurture.channels.files import Files
from nurture.channels.headers import BadAddress, BadHeader
from nurture.channels.mail import Letter, Sender, build
from nurture.channels.smtp import Patience, Relay, Session, Stopped
from nurture.pacing import Rate
from nurture.words import did_you_mean

if TYPE_CHECKING:
    from nurture.channels.dkim import Signer
    from nurture.settings import Settings

__all__ = ["Email", "MailUrl", "email_channel", "signer_of"]

MOST_PER_SESSION = 100
DEFAULT_SESSIONS = 8

_host_name = re.compile(
    r"(?=.{4,253}\Z)(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]*"
).fullmatch


class Email(Channel):
    """Hands mails to one relay, over a few sessions that are used again."""

    name: ClassVar[str] = "email"
    evidence: ClassVar[frozenset[str]] = frozenset(
        {"viewed", "clicked", "replied", "submitted", "visited", "downloaded", "registered", "attended"}
    )

    def __init__(
        self,
        relay: Relay,
        sender: Sender,
        *,
        sessions: int = DEFAULT_SESSIONS,
        patience: Patience | None = None,
        most_per_session: int = MOST_PER_SESSION,
        elapsed: Callable[[], float] = elapsed,
        rate: Rate | None = None,
        domain_rate: Rate | None = None,
    ) -> None:
        self.sessions = sessions
        self.rate = rate
        self.domain_rate = domain_rate
        self._relay = relay
        self._sender = sender
        self._head = sender.head()
        self._patience = patience or Patience()
        self._most_per_session = most_per_session
        self._elapsed = elapsed
        self._slots = asyncio.Semaphore(sessions)
        self._idle: list[Session] = []
        self._goodbyes: set[asyncio.Task[None]] = set()

    @classmethod
    def open(cls, settings: Settings, secret: bytes) -> Channel:
        """The channel that `NURTURE_SMTP_URL` asks for. Raises `ValueError` with a sentence for the operator."""
        return email_channel(
            settings.mail,
            sender=settings.sender,
            sender_name=settings.sender_name,
            rate=Rate.parse(settings.rate_cap),
            domain_rate=Rate.parse(settings.domain_rate_cap),
            signer=signer_of(settings),
        )

    def address(self, lead: Mapping[str, object]) -> str | None:
        email = lead.get("email")
        return email if isinstance(email, str) and email else None

    def domain(self, address: str) -> str:
        return address.rpartition("@")[2].strip().lower().rstrip(".")

    async def hand_over(self, message: Message, may_start: Callable[[], Awaitable[bool]]) -> Verdict:
        try:
            letter = build(message, self._sender, self._head)
        except BadAddress as error:
            return Refused("bad_address", str(error))
        except BadHeader as error:
            return Refused("bad_content", str(error))
        async with self._slots:
            try:
                session = await self._named(letter)
            except Stopped as stopped:
                return stopped.verdict
            try:
                verdict = await self._start(session, letter, may_start)
            except BaseException:
                session.abort()
                raise
            self._put_back(session)
            return verdict

    async def _start(self, session: Session, letter: Letter, may_start: Callable[[], Awaitable[bool]]) -> Verdict:
        # Measured from the question, not from the answer: a process that was stopped in between has lost its lease.
        asked = self._elapsed()
        if not await may_start():
            return NotSent("withdrawn", "the message was withdrawn before it began")
        return await session.deliver(letter, lambda: self._elapsed() - asked <= self._patience.start)

    async def _named(self, letter: Letter) -> Session:
        """A session that knows sender and recipient. Raises `Stopped`."""
        while self._idle:
            session = self._idle.pop()
            if not session.usable():
                continue
            try:
                await self._envelope(session, letter)
                return session
            except Stopped:
                if session.usable():
                    self._put_back(session)
                    raise
                # The server ended the session while it was idle, as servers do. Nothing has left: once more, afresh.
                break
        session = Session(self._relay, self._patience)
        try:
            await session.open()
            await self._envelope(session, letter)
        except Stopped:
            if session.usable():
                self._put_back(session)
            raise
        except BaseException:
            session.abort()
            raise
        return session

    async def _envelope(self, session: Session, letter: Letter) -> None:
        try:
            await session.envelope(letter)
        except Stopped:
            raise
        except BaseException:
            session.abort()
            raise

    def _put_back(self, session: Session) -> None:
        if not session.usable():
            return
        if session.carried < self._most_per_session:
            self._idle.append(session)
            return
        # No verdict waits for a goodbye.
        task = asyncio.create_task(session.quit())
        self._goodbyes.add(task)
        task.add_done_callback(self._goodbyes.discard)

    async def reach(self) -> str:
        session = Session(self._relay, self._patience)
        try:
            await session.open()
        except Stopped as stopped:
            return stopped.verdict.detail
        except BaseException:
            session.abort()
            raise
        await session.quit()
        return ""

    async def close(self) -> None:
        idle, self._idle = self._idle, []
        await asyncio.gather(*(session.quit() for session in idle), *self._goodbyes)


# -- from the settings ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MailUrl:
    """`NURTURE_SMTP_URL`, understood. Errors never repeat the URL: it holds a password."""

    scheme: str
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    folder: Path | None = None
    starttls: bool = False
    insecure: bool = False
    sessions: int = DEFAULT_SESSIONS
    sender: str = ""
    hello: str = ""

    OPTIONS: ClassVar[tuple[str, ...]] = ("from", "hello", "insecure", "sessions", "starttls")

    @classmethod
    def parse(cls, url: str) -> MailUrl:
        """Raises `ValueError` with a sentence for the operator."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise ValueError(
                "the mail URL is not a URL (is a / or @ in the password not written as %2F or %40?)"
            ) from None
        if parts.scheme == "file":
            return cls("file", folder=_folder(parts))
        if parts.scheme not in ("smtp", "smtps"):
            raise ValueError("the mail URL begins with smtp://, smtps:// or file:///")
        if not parts.hostname:
            raise ValueError("the mail URL names no host: smtp://host:port")
        if parts.path not in ("", "/") or parts.fragment:
            raise ValueError("the mail URL has a path; options stand after a ?, as in smtp://host:587?starttls=1")
        options = _options(parts.query, cls.OPTIONS)
        local = is_loopback(parts.hostname)
        insecure = _flag(options, "insecure", default=False)
        if insecure and not local:
            raise ValueError("insecure=1 is for a server on this machine only")
        has_password = bool(parts.username)
        implicit = parts.scheme == "smtps"
        # Mail leaves this machine encrypted, unless the operator says otherwise; a password does in any case.
        starttls = not implicit and _flag(options, "starttls", default=not insecure and (has_password or not local))
        if has_password and not (implicit or starttls or insecure):
            raise ValueError("a password is never sent in clear: use smtps://, or smtp:// with starttls=1")
        return cls(
            parts.scheme,
            host=parts.hostname,
            port=port or (465 if implicit else 587 if starttls else 25),
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            starttls=starttls,
            insecure=insecure,
            sessions=_sessions(options.get("sessions", str(DEFAULT_SESSIONS))),
            sender=options.get("from", ""),
            hello=options.get("hello", ""),
        )


def signer_of(settings: Settings) -> Signer | None:
    """Who signs our mails, if we do. Raises `ValueError` with a sentence for the operator."""
    if not settings.dkim_key:
        return None
    from nurture.channels.dkim import signer

    domain = settings.sender.rpartition("@")[2].strip(" >")
    return signer(settings.home / settings.dkim_key, settings.dkim_selector, domain)


def email_channel(
    url: str,
    *,
    sender: str = "",
    sender_name: str = "",
    reply_to: str = "",
    tls: ssl.SSLContext | None = None,
    patience: Patience | None = None,
    rate: Rate | None = None,
    domain_rate: Rate | None = None,
    signer: Signer | None = None,
) -> Channel:
    """The e-mail channel that `NURTURE_SMTP_URL` asks for.

    `smtp://[user:password@]host[:port][?starttls=1&insecure=1&sessions=8&from=news@example.com&hello=mta.example.com]`,
    `smtps://...`, or `file:///folder`, which writes one `.eml` a message. `sender` is an address or `Name <address>`;
    `from=` in the URL goes before it. Raises `ValueError` with a sentence for the operator.
    """
    wanted = MailUrl.parse(url)
    try:
        who = Sender.parse(wanted.sender or sender, sender_name, reply_to)._replace(signer=signer)
    except (BadAddress, BadHeader) as error:
        raise ValueError(f"the sender of the mails is not usable: {error}") from None
    if wanted.folder is not None:
        return Files(wanted.folder, who)
    relay = Relay(
        wanted.host,
        wanted.port,
        implicit_tls=wanted.scheme == "smtps",
        starttls=wanted.starttls,
        user=wanted.user,
        password=wanted.password,
        hello=_hello(wanted.hello, who.mailbox.domain),
        tls=tls,
    )
    return Email(relay, who, sessions=wanted.sessions, patience=patience, rate=rate, domain_rate=domain_rate)


def _hello(asked: str, domain: str) -> str:
    """The name for EHLO: what was asked for, this host where it knows its full name, else the sender's domain."""
    if asked and not _host_name(asked):
        raise ValueError("hello= is the full name of this machine, such as mta.example.com")
    own = socket.gethostname()
    return asked or (own if _host_name(own) else domain)


def _options(query: str, known: tuple[str, ...]) -> dict[str, str]:
    options = dict(parse_qsl(query, keep_blank_values=True))
    for name in options:
        if name not in known:
            raise ValueError(f"the mail URL has an option {name!r} that is not known; {did_you_mean(name, known)}")
    return options


def _flag(options: Mapping[str, str], name: str, *, default: bool) -> bool:
    value = options.get(name)
    if value is None:
        return default
    if value not in ("0", "1"):
        raise ValueError(f"{name}= is 0 or 1")
    return value == "1"


def _sessions(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 4 and 1 <= int(text) <= 100):
        raise ValueError("sessions= is a number from 1 to 100")
    return int(text)


def _folder(parts: SplitResult) -> Path:
    path = unquote(parts.path)
    if parts.netloc or not path.startswith("/") or path == "/" or "\0" in path:
        raise ValueError("a folder for mails is written with three slashes: file:///var/mails")
    return Path(path)
