"""The channel contract. A channel hands over one message at a time and says honestly how it went.

A third party publishes a channel through the entry-point group `nurture.channels`; ours come by the same door.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar, Literal

from nurture.pacing import Rate

if TYPE_CHECKING:
    from nurture.settings import Settings

__all__ = ["Ambiguous", "Channel", "Message", "NotSent", "Refused", "Rendered", "Sent", "Verdict"]

NotSentBecause = Literal["temporary", "greylisted", "busy", "connection", "sender", "standing", "withdrawn"]
"""All are tried again later; what else follows:

`sender`: our own fault (AUTH refused, 554 banner): the channel rests at once. `standing`: this message was refused for who
we are (5.7.x), `connection`: nobody answers; three in a row, and the channel rests. `busy`: the peer asks for a pause
(421): the recipient's domain rests at once; `temporary`: three in a row, and it does. `greylisted`: nothing follows.
`withdrawn`: `may_start` said no. Only `temporary` and `greylisted` burn an attempt."""
RefusedBecause = Literal[
    "hard_bounce", "no_address", "bad_address", "bad_content", "too_large", "unsupported", "policy"
]


@dataclass(frozen=True, slots=True)
class Rendered:
    """What the lead will read, in one language. Text only: never a template any more."""

    subject: str = ""
    text: str = ""
    html: str = ""
    data: Mapping[str, str] = field(default_factory=dict)
    """Named slots, for channels that fill a template of their own (WeChat)."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message on its way to one lead."""

    key: str
    """`enrollment/node/n`: the same on every attempt, for receivers that can tell repeats apart."""
    message_id: str
    """Derived from the key, without angle brackets: the same on every attempt."""
    date: datetime
    to: str
    """The address on this channel: an e-mail address, phone number, WeChat open id."""
    name: str
    """The lead's name for display, or ''."""
    rendered: Rendered
    unsubscribe_url: str = ""
    unsubscribe_mail: str = ""
    """An address to which a mail opts out; '' where nobody reads it."""
    reply_to: str = ""
    """Where answers to exactly this message go; '' for the sender's own address."""
    return_path: str = ""
    """Where its bounces return; '' for the sender's own address."""
    marketing: bool = True


@dataclass(frozen=True, slots=True)
class Sent:
    """The channel took it."""

    detail: str = ""


@dataclass(frozen=True, slots=True)
class NotSent:
    """It certainly did not leave; it may be tried again.

    A channel whose receivers tell repeats apart by the key may also say so when it does not know.
    """

    because: NotSentBecause
    detail: str
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """It certainly did not leave, and never will. A hard bounce also suppresses the address."""

    because: RefusedBecause
    detail: str


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Nobody can know whether it left. Never repeated silently."""

    detail: str


Verdict = Sent | NotSent | Refused | Ambiguous


class Channel(ABC):
    """Hands messages over. One instance serves one run of the delivery loop."""

    name: ClassVar[str]
    evidence: ClassVar[frozenset[str]] = frozenset()
    """The signal kinds by which a response to this channel can be seen."""
    sessions: int = 1
    """How many messages may be on their way at once: also the most that a crash can leave ambiguous."""
    rate: Rate | None = None
    """At most so many messages in any minute, over all workers; None: no cap."""
    domain_rate: Rate | None = None
    """The same, to each domain."""

    @classmethod
    @abstractmethod
    def open(cls, settings: Settings, secret: bytes) -> Channel:
        """The channel, ready for this installation. Connects to nobody yet."""

    @abstractmethod
    def address(self, lead: Mapping[str, object]) -> str | None:
        """Where this lead is reached on this channel; None when it cannot be."""

    def domain(self, address: str) -> str:
        """What addresses share that is served by one host: it rests, and is capped, as one. '' where there is no such
        thing."""
        return ""

    @abstractmethod
    async def hand_over(self, message: Message, may_start: Callable[[], Awaitable[bool]]) -> Verdict:
        """Hand one message over.

        First do all that can be taken back (connect, log in, name the recipient); then ask `may_start`, which commits
        the intent durably; only on True let the first byte of the message out. On False take everything back and
        answer `NotSent("withdrawn", ...)`. After `may_start` answered True, whatever is not certain is `Ambiguous`.
        Never raises for what a peer does; `asyncio.CancelledError` may pass.
        """

    async def reach(self) -> str:
        """Empty when messages could be handed over now, else what stands in the way. Hands nothing over; never raises
        for what a peer does. `nurture doctor` asks."""
        return ""

    async def close(self) -> None:
        """Say goodbye to peers; errors here change no verdict."""
        return
