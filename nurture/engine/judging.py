"""What bears on a batch of messages, and what follows from it for each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from nurture.channels.base import Channel, Message
from nurture.engine.plans import NotRunnable, Plans, Ready
from nurture.identity import IdentityKind, address_hash
from nurture.policy import Allow, Cap, Circumstances, Defer, QuietHours, may_send
from nurture.store import Store
from nurture.store import touches as outbox
from nurture.store.database import from_micros, micros
from nurture.store.touches import Outbound, Recipient, Settled

__all__ = ["BREAKER", "Batch", "House", "Judge"]

BREAKER = timedelta(minutes=5)
"""After a fault of the sender itself, how long its channel rests."""


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
class Batch:
    """One claimed batch, with what bears on it."""

    touches: list[Outbound]
    leads: dict[int, Recipient] = field(default_factory=dict)
    keys: dict[int, str] = field(default_factory=dict)
    addresses: dict[tuple[int, str, int], tuple[str, str]] = field(default_factory=dict)
    """Touch key to (address on its channel, hash)."""
    unusable: dict[tuple[int, str, int], str] = field(default_factory=dict)
    """Touch key to why its channel cannot be used."""
    hashes: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """Of every address known of a lead."""
    barred: dict[tuple[int, str, int], str] = field(default_factory=dict)
    """Why a touch may not be sent: what its address, or the person by another of them, has said."""
    owners: dict[int, str] = field(default_factory=dict)
    recent: dict[int, list[int]] = field(default_factory=dict)


class Judge:
    """Asks the policy, in the light of what the store knows."""

    def __init__(
        self,
        store: Store,
        plans: Plans,
        house: House,
        channel: Callable[[str], Channel],
        resting: Mapping[str, datetime],
    ) -> None:
        self.store = store
        self.plans = plans
        self.house = house
        self.channel = channel
        self.resting = resting

    def gather(self, touches: list[Outbound], now: datetime) -> Batch:
        """What bears on these touches, in a handful of queries."""
        batch = Batch(touches)
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
            batch.hashes = {lead.id: self._hashes(lead) for lead in batch.leads.values()}
            barred = outbox.suppressed(tx, [hashed for _, hashed in batch.addresses.values()])
            silent = outbox.opted_out(tx, [hashed for hashes in batch.hashes.values() for hashed in hashes])
            for touch in touches:
                _, hashed = batch.addresses.get(touch.key, ("", ""))
                said = barred.get(hashed) or next((silent[h] for h in batch.hashes[touch.lead_id] if h in silent), None)
                if said is not None:
                    batch.barred[touch.key] = said
            batch.owners = outbox.owned(tx, lead_ids)
            if period:
                batch.recent = outbox.started_since(tx, lead_ids, micros(now - period))
        return batch

    def judge(self, touch: Outbound, batch: Batch, now: datetime) -> Settled | Defer | tuple[Ready, str, str]:
        """A verdict already, a later time, or (version, address, its hash) for a message that may be tried now.

        Whatever a message waits for, it waits no longer than until it expires.
        """
        expires = from_micros(touch.expires_at)
        if now >= expires:
            return Settled(touch, "refused", touch.expires_at, "expired: it could not be sent in time")
        found = self._judge(touch, batch, now)
        if isinstance(found, Defer) and found.until > expires:
            return replace(found, until=expires)
        return found

    def _judge(self, touch: Outbound, batch: Batch, now: datetime) -> Settled | Defer | tuple[Ready, str, str]:
        at = micros(now)
        try:
            ready = self.plans.get(touch.version_id)
        except NotRunnable as error:
            return Defer(now + BREAKER, f"this version cannot run here: {error}")
        if touch.key in batch.unusable:
            return Defer(now + BREAKER, batch.unusable[touch.key])
        rests = self.resting.get(touch.channel)
        if rests is not None and rests > now:
            return Defer(rests, "the sender rests after a fault of its own")
        lead = batch.leads[touch.lead_id]
        try:
            calendar = ready.plan.calendar.in_zone(lead.time_zone)
        except ValueError as error:
            return Defer(now + BREAKER, f"nobody can tell when it is day where the lead lives: {error}")
        if touch.key not in batch.addresses:
            return Settled(touch, "refused", at, f"no_address: the lead has no address for {touch.channel}")
        address, hashed = batch.addresses[touch.key]
        about = Circumstances(
            marketing=touch.purpose == "marketing",
            expires=from_micros(touch.expires_at),
            suppressed=batch.barred.get(touch.key),
            owner=batch.owners.get(touch.lead_id),
            started=[from_micros(value) for value in batch.recent.get(touch.lead_id, ())],
            calendar=calendar,
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
        address = self.channel(channel).address(lead.identities())
        if address is None:
            return None
        kind, key = lead.identity_of(address)
        return address, address_hash(self.house.secret, kind, key)

    def _hashes(self, lead: Recipient) -> tuple[str, ...]:
        known: list[tuple[IdentityKind, str | None]] = [
            ("email", lead.email_key),
            ("phone", lead.phone),
            ("wechat", lead.wechat),
            ("id", lead.external_id),
        ]
        return tuple(address_hash(self.house.secret, kind, key) for kind, key in known if key)
