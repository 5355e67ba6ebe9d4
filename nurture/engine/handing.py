"""One message in a channel's hands: what it asks, what it answers, and what that means if it breaks its promise."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, get_args

from nurture.channels.base import Ambiguous, Channel, Message, NotSent, Refused, Sent, Verdict
from nurture.crashpoints import crash_point
from nurture.store.database import micros
from nurture.store.intents import LEFT_BEFORE, Intent
from nurture.store.touches import Outbound

if TYPE_CHECKING:
    from nurture.engine.delivering import Delivery

__all__ = ["Hand"]


@dataclass(slots=True)
class Hand:
    """Hands one message over, once."""

    touch: Outbound
    hashed: str
    person_hashes: tuple[str, ...]
    message: Message
    delivery: Delivery
    channel: Channel
    now: datetime
    asked: bool = False
    started: bool = False
    withdrawn: str = ""

    async def over(self) -> Verdict:
        """The channel's verdict, as far as what we saw of it allows."""
        try:
            verdict = await self.channel.hand_over(self.message, self._may_start)
        except Exception as error:  # noqa: BLE001  # a channel of somebody else's may break its promise
            verdict = self._in_doubt(f"{type(error).__name__}: {error}"[:500])
        if not isinstance(verdict, get_args(Verdict)):
            verdict = self._in_doubt(f"the channel answered {type(verdict).__name__}, which is no verdict")
        if self.withdrawn == LEFT_BEFORE:
            return Sent(LEFT_BEFORE)
        if self.withdrawn.startswith("suppressed"):
            return Refused("policy", self.withdrawn)
        if self.withdrawn:
            return NotSent("withdrawn", self.withdrawn)
        if isinstance(verdict, Sent) and not self.started:
            return Ambiguous("the channel says sent, but never asked whether it may start")
        return verdict

    async def _may_start(self) -> bool:
        crash_point("deliver.recipient_named")
        if self.asked:
            # Asked again, after a yes: the message may have left. One intent, one start.
            return False
        self.asked = True
        moment = self.now + self.delivery.elapsed()
        domain = self.delivery.domain(self.touch.channel, self.message.to)
        if self.delivery.stop.asked:
            self.withdrawn = "we were asked to end before it began"
            return False
        if self.delivery.pacer.has_lapsed(self.touch, domain, micros(moment)):
            self.withdrawn = "its turn had passed before it could begin"
            return False
        cap = self.delivery.house.cap
        intent = Intent(
            self.touch,
            self.hashed,
            self.person_hashes,
            self.message.message_id,
            micros(moment),
            cap.messages if cap else 0,
            cap.period // timedelta(microseconds=1) if cap else 0,
        )
        self.withdrawn = await self.delivery.ask(intent, self.channel, self.now)
        self.started = not self.withdrawn
        return self.started

    def _in_doubt(self, detail: str) -> Verdict:
        return Ambiguous(detail) if self.started else NotSent("temporary", detail)
