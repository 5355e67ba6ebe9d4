"""Delivery: claim pending touches, ask the policy, commit intents, hand over, write verdicts.

The sessions of a channel work side by side. Those that have named their recipient within a few milliseconds of each
other share one durable commit of their intents, one message each; verdicts that have come in meanwhile ride along.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from nurture.channels.base import Ambiguous, Channel, Message, NotSent, Refused, Sent, Verdict
from nurture.content import CannotRender
from nurture.crashpoints import crash_point
from nurture.engine.backoff import retry_at
from nurture.engine.plans import NotRunnable, Plans, Ready
from nurture.identity import address_hash
from nurture.policy import Allow, Cap, Circumstances, Defer, QuietHours, may_send
from nurture.store import Store
from nurture.store import touches as outbox
from nurture.store.database import Tx, from_micros, micros
from nurture.store.recovery import in_doubt, recover
from nurture.store.signals import Heard, hear, suppress
from nurture.store.touches import Intent, Outbound, Recipient, Settled

__all__ = ["Delivered", "Delivery", "House"]

BREAKER = timedelta(minutes=5)
"""After a fault of the sender itself, how long its channel rests."""
UNREACHABLE = 3
"""So many failed connections, with no message sent between them, count as a fault of the sender."""


@dataclass(slots=True)
class Delivered:
    sent: int = 0
    refused: int = 0
    ambiguous: int = 0


@dataclass(frozen=True, slots=True)
class House:
    """What is the same for every message."""

    secret: bytes
    channel: Callable[[str], Channel]
    """The channel of this name, ready to hand over."""
    message: Callable[[Outbound, Recipient, str, Ready, str, datetime], Message]
    """The message of a touch: to a lead, at an address, by a version, of an enrollment (its key), now. Raises
    `CannotRender`."""
    cap: Cap | None
    quiet: QuietHours | None


@dataclass(slots=True)
class _Batch:
    """One claimed batch, with what bears on it."""

    touches: list[Outbound]
    leads: dict[int, Recipient] = field(default_factory=dict)
    keys: dict[int, str] = field(default_factory=dict)
    addresses: dict[tuple[int, str, int], tuple[str, str]] = field(default_factory=dict)
    """Touch key to (address on its channel, hash)."""
    unusable: dict[tuple[int, str, int], str] = field(default_factory=dict)
    """Touch key to why its channel cannot be used."""
    barred: dict[str, str] = field(default_factory=dict)
    owners: dict[int, str] = field(default_factory=dict)
    recent: dict[int, list[int]] = field(default_factory=dict)


class Delivery:
    """Sends what may be sent. Its clock is `now` plus what has passed since, so that verdicts carry their real time."""

    def __init__(
        self,
        store: Store,
        plans: Plans,
        house: House,
        *,
        worker: int,
        wall: Callable[[], int],
        lease: int,
        elapsed: Callable[[], timedelta] = timedelta,
    ) -> None:
        self.store = store
        self.plans = plans
        self.house = house
        self.worker = worker
        self.wall = wall
        self.lease = lease
        self.elapsed = elapsed
        self.total = Delivered()
        self._channels: dict[str, Channel] = {}
        self._resting: dict[str, datetime] = {}
        self._verdicts: list[Settled] = []
        self._stranded: list[tuple[Outbound, str]] = []
        self._bounces: list[tuple[Outbound, str, str]] = []
        self._waiting: list[tuple[Intent, asyncio.Future[str]]] = []
        """Who wants to start; the answer is '' for yes, or why not."""
        self._under_way: dict[tuple[int, str, int], Outbound] = {}
        self._flush: asyncio.TimerHandle | None = None
        self._faults: dict[str, int] = {}

    def run(self, now: datetime) -> Delivered:
        """Deliver all that is due; for those who are not in an event loop already."""
        return asyncio.run(self.drain(now))

    async def drain(self, now: datetime) -> Delivered:
        """Deliver all that is due at `now`, and close the channels."""
        beating = asyncio.create_task(self._keep_leases())
        try:
            self._recover(now)
            while batch := self._claim(now):
                await self._deliver(batch, now)
        finally:
            beating.cancel()
            for channel in self._channels.values():
                await channel.close()
            self._channels.clear()
        return self.total

    def _now(self, now: datetime) -> datetime:
        return now + self.elapsed()

    def _recover(self, now: datetime) -> None:
        with self.store.write(durable=True) as tx:
            self.total.ambiguous += recover(tx, now=micros(now), wall=self.wall(), limit=1000)

    def _claim(self, now: datetime) -> list[Outbound]:
        wall = self.wall()
        with self.store.write() as tx:
            claimed = outbox.claim_pending(
                tx, now=micros(now), wall=wall, worker=self.worker, lease_until=wall + self.lease, limit=500
            )
        if claimed:
            crash_point("deliver.claimed")
        return claimed

    async def _deliver(self, claimed: list[Outbound], now: datetime) -> None:
        """One batch, to the last verdict."""
        batch = self._gather(claimed, now)
        self._under_way = {touch.key: touch for touch in claimed}
        allowed: dict[str, list[tuple[Outbound, Ready, str, str]]] = {}
        held: list[tuple[Outbound, str, int, str, int]] = []
        for touch in claimed:
            found = self._judge(touch, batch, now)
            if isinstance(found, Settled):
                self._refuse(found)
            elif isinstance(found, Defer):
                held.append((touch, found.what, micros(found.until), found.because, micros(now)))
            else:
                allowed.setdefault(touch.channel, []).append((touch, *found))
        if held or self._verdicts:
            self._commit(now, held=held)
            crash_point("deliver.postponed")
        for name, ready in allowed.items():
            channel = self._channel(name)
            queue = iter(ready)
            sessions = [self._session(channel, queue, batch, now) for _ in range(min(channel.sessions, len(ready)))]
            await asyncio.gather(*sessions)
            self._commit(now)
        self._under_way = {}

    def _gather(self, touches: list[Outbound], now: datetime) -> _Batch:
        """What bears on these touches, in a handful of queries."""
        batch = _Batch(touches)
        lead_ids = sorted({touch.lead_id for touch in touches})
        period = self.house.cap.period if self.house.cap else timedelta()
        with self.store.read() as tx:
            batch.leads = outbox.recipients(tx, lead_ids)
            batch.keys = outbox.keys_of(tx, [touch.enrollment_id for touch in touches])
            for touch in touches:
                try:
                    found = self._address(touch.channel, batch.leads[touch.lead_id])
                except Exception as error:  # noqa: BLE001  # uninstalled, set wrongly, a stranger's: only its own messages wait
                    batch.unusable[touch.key] = f"the channel '{touch.channel}' cannot be used: {error}"[:500]
                    continue
                if found is not None:
                    batch.addresses[touch.key] = found
            batch.barred = outbox.suppressed(tx, [hashed for _, hashed in batch.addresses.values()])
            batch.owners = outbox.owned(tx, lead_ids)
            if period:
                batch.recent = outbox.started_since(tx, lead_ids, micros(now - period))
        return batch

    def _judge(self, touch: Outbound, batch: _Batch, now: datetime) -> Settled | Defer | tuple[Ready, str, str]:
        """A verdict already, a later time, or (version, address, its hash) for a message that may be tried now."""
        at = micros(now)
        try:
            ready = self.plans.get(touch.version_id)
        except NotRunnable as error:
            return Defer(now + BREAKER, f"this version cannot run here: {error}")
        if touch.key in batch.unusable:
            return Defer(now + BREAKER, batch.unusable[touch.key])
        rests = self._resting.get(touch.channel)
        if rests is not None and rests > now:
            return Defer(rests, "the sender rests after a fault of its own")
        lead = batch.leads[touch.lead_id]
        if touch.key not in batch.addresses:
            return Settled(touch, "refused", at, f"no_address: the lead has no address for {touch.channel}")
        address, hashed = batch.addresses[touch.key]
        about = Circumstances(
            marketing=touch.purpose == "marketing",
            expires=from_micros(touch.expires_at),
            suppressed=batch.barred.get(hashed),
            owner=batch.owners.get(touch.lead_id),
            started=[from_micros(value) for value in batch.recent.get(touch.lead_id, ())],
            calendar=ready.plan.calendar.in_zone(lead.time_zone),
            window=ready.plan.send_window,
        )
        answer = may_send(about, now=now, cap=self.house.cap, quiet=self.house.quiet)
        if isinstance(answer, Allow):
            return ready, address, hashed
        if isinstance(answer, Defer):
            return answer
        return Settled(touch, "refused", at, answer.because)

    def _address(self, channel: str, lead: Recipient) -> tuple[str, str] | None:
        """(address, its hash) of this lead on this channel."""
        address = self._channel(channel).address(lead.identities())
        if address is None:
            return None
        kind, key = lead.identity_of(address)
        return address, address_hash(self.house.secret, kind, key)

    def _channel(self, name: str) -> Channel:
        found = self._channels.get(name)
        if found is None:
            found = self._channels[name] = self.house.channel(name)
        return found

    async def _session(
        self,
        channel: Channel,
        queue: Iterator[tuple[Outbound, Ready, str, str]],
        batch: _Batch,
        now: datetime,
    ) -> None:
        """Hand over one message after the other, until there are none or the sender itself is at fault."""
        for touch, ready, address, hashed in queue:
            rests = self._resting.get(channel.name)
            if rests is not None and rests > now:
                because = "the channel rests after a fault of the sender's own"
                self._verdicts.append(Settled(touch, "pending", micros(now), because, micros(rests), burnt=False))
                continue
            try:
                message = self.house.message(
                    touch, batch.leads[touch.lead_id], address, ready, batch.keys[touch.enrollment_id], now
                )
            except CannotRender as error:
                self._stranded.append((touch, f"node '{touch.node}' cannot write to this lead: {error}"))
                continue
            verdict = await self._hand_over(channel, message, touch, hashed, now)
            crash_point("deliver.handed_over")
            self._note(touch, hashed, verdict, now)
            self._under_way.pop(touch.key, None)

    async def _hand_over(
        self, channel: Channel, message: Message, touch: Outbound, hashed: str, now: datetime
    ) -> Verdict:
        started = False
        withdrawn = ""

        async def may_start() -> bool:
            nonlocal started, withdrawn
            crash_point("deliver.recipient_named")
            cap = self.house.cap
            intent = Intent(
                touch,
                hashed,
                message.message_id,
                micros(self._now(now)),
                cap.messages if cap else 0,
                cap.period // timedelta(microseconds=1) if cap else 0,
            )
            answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            self._waiting.append((intent, answer))
            self._schedule(channel, now)
            withdrawn = await answer
            started = not withdrawn
            return started

        try:
            verdict = await channel.hand_over(message, may_start)
        except Exception as error:  # noqa: BLE001  # a channel of somebody else's may break its promise
            detail = f"{type(error).__name__}: {error}"[:500]
            verdict = Ambiguous(detail) if started else NotSent("temporary", detail)
        if withdrawn.startswith("suppressed"):
            return Refused("policy", withdrawn)
        if withdrawn:
            return NotSent("withdrawn", withdrawn)
        return verdict

    def _schedule(self, channel: Channel, now: datetime) -> None:
        """Commit when every session has asked, or in two milliseconds."""
        loop = asyncio.get_running_loop()
        if len(self._waiting) >= channel.sessions:
            if self._flush is not None:
                self._flush.cancel()
            self._flush = loop.call_later(0, self._commit_for_sessions, now)
        elif self._flush is None:
            self._flush = loop.call_later(0.002, self._commit_for_sessions, now)

    def _commit_for_sessions(self, now: datetime) -> None:
        # Each waiting session was given the error and answers for itself; the verdicts are tried again at the end.
        with contextlib.suppress(Exception):
            self._commit(now)

    def _commit(self, now: datetime, *, held: Sequence[tuple[Outbound, str, int, str, int]] = ()) -> None:
        """One transaction: the verdicts that have come in, and the intents that ask to start."""
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        verdicts, self._verdicts = self._verdicts, []
        bounces, self._bounces = self._bounces, []
        stranded, self._stranded = self._stranded, []
        waiting, self._waiting = self._waiting, []
        if not (verdicts or waiting or held or stranded):
            return
        at = micros(self._now(now))
        try:
            with self.store.write(durable=bool(waiting)) as tx:
                outbox.settle(tx, verdicts, now=at)
                for touch, hashed, detail in bounces:
                    _bounced(tx, touch, hashed, detail, at=at)
                outbox.postpone(tx, held)
                outbox.strand(tx, stranded, now=at)
                answers = outbox.commit_intents(
                    tx,
                    [intent for intent, _ in waiting],
                    worker=self.worker,
                    lease_until=self.wall() + self.lease,
                ) if waiting else []  # fmt: skip
                crash_point("deliver.intent_committing" if waiting else "deliver.settling")
        except BaseException as error:
            # Nothing was committed, so nothing may start: each session gets the error and answers for itself.
            self._verdicts, self._bounces = verdicts + self._verdicts, bounces + self._bounces
            self._stranded = stranded + self._stranded
            for _, answer in waiting:
                if not answer.done():
                    answer.set_exception(error)
            raise
        crash_point("deliver.intent_committed" if waiting else "deliver.settled")
        for (_, answer), word in zip(waiting, answers, strict=True):
            if not answer.done():
                answer.set_result(word)

    def _refuse(self, settled: Settled) -> None:
        self.total.refused += 1
        self._verdicts.append(settled)

    def _note(self, touch: Outbound, hashed: str, verdict: Verdict, now: datetime) -> None:
        """Keep a verdict for the next commit."""
        moment = self._now(now)
        at = micros(moment)
        if isinstance(verdict, Refused):
            if verdict.because == "hard_bounce":
                self._bounces.append((touch, hashed, verdict.detail))
            self._refuse(Settled(touch, "refused", at, f"{verdict.because}: {verdict.detail}"))
        elif isinstance(verdict, Sent):
            self.total.sent += 1
            self._faults[touch.channel] = 0
            self._verdicts.append(Settled(touch, "sent", at, verdict.detail))
        elif isinstance(verdict, Ambiguous):
            later = micros(retry_at(touch, NotSent("temporary", verdict.detail), moment))
            self._verdicts.append(in_doubt(touch, touch.attempts + 1, verdict.detail, at=at, again_at=later))
            self.total.ambiguous += self._verdicts[-1].state == "ambiguous"
        else:
            self._rest(touch.channel, verdict, moment)
            due = retry_at(touch, verdict, moment)
            burnt = verdict.because not in ("sender", "withdrawn")
            because = f"{verdict.because}: {verdict.detail}"
            self._verdicts.append(Settled(touch, "pending", at, because, micros(due), burnt=burnt))
        if len(self._verdicts) >= 200:
            self._commit(now)

    def _rest(self, channel: str, verdict: NotSent, moment: datetime) -> None:
        """Open the breaker after a fault of the sender itself, or when nobody answers at the other end."""
        if verdict.because == "connection":
            self._faults[channel] = self._faults.get(channel, 0) + 1
        if verdict.because == "sender" or self._faults.get(channel, 0) >= UNREACHABLE:
            self._resting[channel] = moment + (verdict.retry_after or BREAKER)

    async def _keep_leases(self) -> None:
        """Renew what is under way: the final dot alone may take ten minutes."""
        while True:
            await asyncio.sleep(self.lease / 3_000_000)  # noqa: TID251  # a lease runs in real time
            if self._under_way:
                with self.store.write() as tx:
                    outbox.renew(tx, list(self._under_way.values()), lease_until=self.wall() + self.lease)


def _bounced(tx: Tx, touch: Outbound, hashed: str, detail: str, *, at: int) -> None:
    """The address does not exist: never again, and the lead's campaigns hear of it."""
    suppress(tx, [(hashed, "bounced", at, detail)])
    name = f"bounce/{touch.enrollment_id}/{touch.node}/{touch.n}"
    hear(tx, [Heard(touch.lead_id, "bounced", at, None, None, name, detail)], now=at)
