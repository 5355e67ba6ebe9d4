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

from nurture.channels.base import Ambiguous, Channel, NotSent, Refused, Sent, Verdict
from nurture.crashpoints import crash_point
from nurture.engine.backoff import retry_at
from nurture.engine.handing import Hand
from nurture.engine.judging import Batch, House, Judge
from nurture.engine.pacing import Pacer
from nurture.engine.plans import Plans, Ready
from nurture.engine.stopping import GRACE, Stop
from nurture.policy import Defer
from nurture.store import Store, paces
from nurture.store import touches as outbox
from nurture.store.database import Tx, gone, insist, micros
from nurture.store.intents import Intent, commit_intents
from nurture.store.meeting import meet
from nurture.store.recovery import in_doubt, recover
from nurture.store.signals import Heard, hear
from nurture.store.suppressions import suppress
from nurture.store.touches import Outbound, Settled

__all__ = ["Delivered", "Delivery", "House"]

STALE = timedelta(seconds=30)
"""After so long a message is judged again before it goes out."""
CLAIM = 1000
"""Touches in one batch."""
SOON, LONG = timedelta(seconds=5), timedelta(seconds=15)
"""For a turn that comes so soon delivery waits where it is, and no longer than this in all: leads want to be decided too."""
RENEWALS = 3
"""How often a lease is renewed in its time."""
UNTRIED = ("sender", "standing", "connection", "busy", "withdrawn")
"""Reasons that lie with us, or with the whole other side: they burn nobody's attempt."""


@dataclass(slots=True)
class Delivered:
    sent: int = 0
    refused: int = 0
    ambiguous: int = 0
    news: list[str] = field(default_factory=list)
    """Channels and domains that rest from now on, each said once."""


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
        live: bool = False,
        stop: Stop | None = None,
    ) -> None:
        """`live`: `elapsed` goes on by itself, so that a turn that comes soon can be waited for."""
        self.stop = stop or Stop()
        self.store = store
        self.plans = plans
        self.house = house
        self.worker = worker
        self.wall = wall
        self.lease = lease
        self.elapsed = elapsed
        self.total = Delivered()
        self._channels: dict[str, Channel] = {}
        self.live = live
        self.pacer = Pacer(store, self._channel, self.total.news)
        self._judge = Judge(store, plans, house, self._channel, self.domain)
        self._verdicts: list[Settled] = []
        self._stranded: list[tuple[Outbound, str]] = []
        self._bounces: list[tuple[Outbound, str, str]] = []
        self._waiting: list[tuple[Intent, asyncio.Future[str]]] = []
        """Who wants to start; the answer is '' for yes, or why not."""
        self._under_way: dict[tuple[int, str, int], Outbound] = {}
        self._flush: asyncio.TimerHandle | None = None

    def run(self, now: datetime) -> Delivered:
        """Deliver all that is due; for those who are not in an event loop already."""
        return asyncio.run(self.drain(now))

    async def drain(self, now: datetime) -> Delivered:
        """Deliver all that is due at `now`, and close the channels."""
        beating = asyncio.create_task(self._keep_leases())
        try:
            self._recover(now)
            # Whoever is left over when something breaks is free at once, not when the lease runs out.
            with self.stop.cut_off_after(GRACE):
                while not self.stop.asked:
                    if batch := self._claim(now):
                        await self._deliver(batch, now)
                    elif not await self._wait_for_a_turn(now):
                        break
        finally:
            beating.cancel()
            if self.stop.asked:
                # Whoever was cut off may have verdicts to keep; nobody starts any more.
                self._waiting.clear()
                self._commit(now)
            self._let_go()
            for channel in self._channels.values():
                await channel.close()
            self._channels.clear()
        return self.total

    def _let_go(self) -> None:
        """Give back what was claimed and never tried."""
        left, self._under_way = list(self._under_way.values()), {}
        if left:
            with contextlib.suppress(Exception), self.store.write() as tx:
                outbox.release(tx, left)

    def _now(self, now: datetime) -> datetime:
        return now + self.elapsed()

    def _recover(self, now: datetime) -> None:
        def once() -> int:
            with self.store.write(durable=True) as tx:
                ambiguous = recover(tx, now=micros(now), wall=self.wall(), limit=1000)
                paces.forget_idle(tx, now=micros(now))
                crash_point("deliver.recovering")
            return ambiguous

        self.total.ambiguous += insist(once)

    def _claim(self, now: datetime) -> list[Outbound]:
        tried = False

        def claim() -> list[Outbound]:
            nonlocal tried
            with self.store.write() as tx:
                if tried:
                    # The try before may have been committed: then we hold what we know nothing of.
                    outbox.let_go(tx, self.worker)
                tried = True
                at, wall = micros(self._now(now)), self.wall()
                rooms = self.pacer.rooms(paces.known(tx, now=at), now=at, most=CLAIM)
                claimed: list[Outbound] = []
                for only, room in ((None, CLAIM), *rooms.items()):
                    if room:
                        claimed += outbox.claim_pending(
                            tx, now=at, wall=wall, worker=self.worker, lease_until=wall + self.lease,
                            limit=room, only=only, but=tuple(rooms),
                        )  # fmt: skip
                if claimed:
                    crash_point("deliver.claiming")
            return claimed

        claimed = insist(claim)
        if claimed:
            crash_point("deliver.claimed")
        return claimed

    async def _wait_for_a_turn(self, now: datetime) -> bool:
        """Let a little time go by, where time goes by and the next turn comes soon."""
        if not self.live or self.elapsed() > LONG:
            return False
        with self.store.read() as tx:
            at = micros(self._now(now))
            following = outbox.next_pending(tx, now=at)
        if following is None or following - at > SOON // timedelta(microseconds=1):
            return False
        await asyncio.sleep(max(following - at, 1000) / 1_000_000)  # noqa: TID251  # turns come in real time
        return True

    async def _deliver(self, claimed: list[Outbound], now: datetime) -> None:
        """One batch, to the last verdict."""
        self._under_way = {touch.key: touch for touch in claimed}
        judged = self._now(now)
        batch = insist(lambda: self._judge.gather(claimed, judged))
        allowed: dict[str, list[tuple[Outbound, Ready, str, str]]] = {}
        held: list[tuple[Outbound, str, int, str, int]] = []
        for touch in claimed:
            found = self._judge.judge(touch, batch, judged)
            if not isinstance(found, tuple):
                self._under_way.pop(touch.key)
            if isinstance(found, Settled):
                self._refuse(found)
            elif isinstance(found, Defer):
                held.append((touch, found.what, micros(found.until), found.because, micros(judged)))
            else:
                allowed.setdefault(touch.channel, []).append((touch, *found))
        going = self._in_turn(allowed, batch, held, judged)
        if held or self._verdicts:
            self._commit(now, held=held)
            crash_point("deliver.postponed")
        for name, ready in going.items():
            channel = self._channel(name)
            queue = iter(ready)
            sessions = [self._session(channel, queue, batch, now) for _ in range(min(channel.sessions, len(ready)))]
            await asyncio.gather(*sessions)
            self._commit(now)
        self.pacer.stop_probing(micros(self._now(now)))
        self._let_go()

    def _in_turn(
        self,
        allowed: dict[str, list[tuple[Outbound, Ready, str, str]]],
        batch: Batch,
        held: list[tuple[Outbound, str, int, str, int]],
        moment: datetime,
    ) -> dict[str, list[tuple[Outbound, Ready, str, str]]]:
        """Those whose turn it is. Who waits for a domain is put into `held`; who waits for a channel stays in line."""
        at = micros(moment)
        wanting = [(touch, self.domain(name, to)) for name, each in allowed.items() for touch, _, to, _ in each]
        turns = self.pacer.turns(wanting, at, batch.paces)
        held += [(touch, "deferred", until, why, at) for touch, until, why in turns.later]
        for touch, _, _ in turns.later:
            self._under_way.pop(touch.key, None)
        going = {touch.key for touch in turns.now}
        return {name: mine for name, each in allowed.items() if (mine := [one for one in each if one[0].key in going])}

    def domain(self, channel: str, address: str) -> str:
        """What rests and is capped as one with this address."""
        try:
            return self._channel(channel).domain(address)
        except Exception:  # noqa: BLE001  # a channel of somebody else's: then it has none
            return ""

    def _channel(self, name: str) -> Channel:
        found = self._channels.get(name)
        if found is None:
            found = self._channels[name] = self.house.channel(name)
        return found

    async def _session(
        self,
        channel: Channel,
        queue: Iterator[tuple[Outbound, Ready, str, str]],
        batch: Batch,
        now: datetime,
    ) -> None:
        """Hand over one message after the other, until there are none or the sender itself is at fault."""
        judged = self._now(now)
        for touch, ready, address, hashed in queue:
            moment = self._now(now)
            domain = self.domain(touch.channel, address)
            if self.stop.asked or self.pacer.rests(touch.channel, domain, micros(moment)):
                continue  # it stays in line
            if moment - judged > STALE and self._put_off(touch, batch, moment):
                continue
            lead, key = batch.leads[touch.lead_id], batch.keys[touch.enrollment_id]
            try:
                message = self.house.message(touch, lead, address, ready, key, moment)
            except Exception as error:  # noqa: BLE001  # whatever is wrong with this lead's message is this lead's alone
                self._stranded.append((touch, f"node '{touch.node}' cannot write to this lead: {error}"[:500]))
                continue
            hand = Hand(touch, hashed, batch.hashes[touch.lead_id], message, self, channel, now)
            verdict = await hand.over()
            crash_point("deliver.handed_over")
            self.pacer.note(touch, domain, verdict, micros(self._now(now)))
            self._note(touch, hashed, verdict, now)
            self._under_way.pop(touch.key, None)

    def _put_off(self, touch: Outbound, batch: Batch, moment: datetime) -> bool:
        """Judge again what was judged a while ago: the window may have closed. Says whether it may not go out now."""
        found = self._judge.judge(touch, batch, moment)
        if isinstance(found, Settled):
            self._refuse(found)
        elif isinstance(found, Defer):
            until, at = micros(found.until), micros(moment)
            self._verdicts.append(Settled(touch, "pending", at, found.because, until, burnt=False))
        else:
            return False
        return True

    async def ask(self, intent: Intent, channel: Channel, now: datetime) -> str:
        """Have this intent committed with those of the others; '' when it is, else why it may not start."""
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.append((intent, answer))
        self._schedule(channel, now)
        return await answer

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

        def write() -> list[str]:
            with self.store.write(durable=bool(waiting)) as tx:
                concerned = [intent.touch.lead_id for intent, _ in waiting]
                meet(tx, concerned + [touch.lead_id for touch, _, _ in bounces])
                outbox.settle(tx, verdicts, now=at)
                for touch, hashed, detail in bounces:
                    _bounced(tx, touch, hashed, detail, at=at)
                outbox.postpone(tx, held)
                outbox.strand(tx, stranded, now=at)
                answers = commit_intents(
                    tx,
                    [intent for intent, _ in waiting],
                    worker=self.worker,
                    lease_until=self.wall() + self.lease,
                ) if waiting else []  # fmt: skip
                crash_point("deliver.intent_committing" if waiting else "deliver.settling")
            return answers

        try:
            answers = insist(write)
        except BaseException as error:
            # Nobody was told yes, so nothing may start: each session gets the error and answers for itself.
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
            self._verdicts.append(Settled(touch, "sent", at, verdict.detail))
        elif isinstance(verdict, Ambiguous):
            later = micros(retry_at(touch, NotSent("temporary", verdict.detail), moment))
            self._verdicts.append(in_doubt(touch, touch.copies + 1, verdict.detail, at=at, again_at=later))
            self.total.ambiguous += self._verdicts[-1].state == "ambiguous"
        else:
            due = retry_at(touch, verdict, moment)
            burnt = verdict.because not in UNTRIED
            because = f"{verdict.because}: {verdict.detail}"
            self._verdicts.append(Settled(touch, "pending", at, because, micros(due), burnt=burnt))
        if len(self._verdicts) >= max(200, self._channel(touch.channel).sessions):
            self._commit(now)

    async def _keep_leases(self) -> None:
        """Renew what is under way: the final dot alone may take ten minutes."""
        while True:
            await asyncio.sleep(self.lease / 1_000_000 / RENEWALS)  # noqa: TID251  # a lease runs in real time
            if self._under_way:
                try:
                    with self.store.write() as tx:
                        lease_until = self.wall() + self.lease
                        outbox.renew(tx, list(self._under_way.values()), worker=self.worker, lease_until=lease_until)
                        crash_point("deliver.lease_renewing")
                    crash_point("deliver.lease_renewed")
                except Exception as error:
                    # There are two more looks before the lease runs out; whoever commits next will say what is wrong.
                    if not gone(error):
                        raise


def _bounced(tx: Tx, touch: Outbound, hashed: str, detail: str, *, at: int) -> None:
    """The address does not exist: never again, and the lead's campaigns hear of it."""
    suppress(tx, [(hashed, "bounced", at, detail)])
    name = f"bounce/{touch.enrollment_id}/{touch.node}/{touch.n}"
    hear(tx, [Heard(touch.lead_id, "bounced", at, None, None, name, detail)], now=at)
