"""What bears on a batch of messages, and what follows from it for each of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from nurture.channels.base import Channel, Message
from nurture.engine.plans import NotRunnable, Plans, Ready
from nurture.identity import address_hash, every_hash
from nurture.jurisdiction import may_hold, rules_for
from nurture.pacing import Pace
from nurture.policy import RHYTHMS, Allow, Cap, Circumstances, Defer, QuietHours, Wishes, may_send
from nurture.store import Store, paces
from nurture.store import touches as outbox
from nurture.store.database import from_micros, micros
from nurture.store.suppressions import opted_out, suppressed
from nurture.store.touches import Outbound, Recipient, Settled

__all__ = ["Batch", "House", "Judge"]

LATER = timedelta(minutes=5)
"""When to look again at what cannot be sent from here as things are."""


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
    jurisdiction: str = ""
    """The country of leads that name none."""


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
    wishes: dict[int, Wishes] = field(default_factory=dict)
    paces: dict[paces.Key, Pace] = field(default_factory=dict)
    """What is known of how fast their channels and domains go."""


class Judge:
    """Asks the policy, in the light of what the store knows."""

    def __init__(
        self,
        store: Store,
        plans: Plans,
        house: House,
        channel: Callable[[str], Channel],
        domain: Callable[[str, str], str],
    ) -> None:
        self.store = store
        self.plans = plans
        self.house = house
        self.channel = channel
        self.domain = domain

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
            batch.hashes = {lead.id: every_hash(self.house.secret, lead) for lead in batch.leads.values()}
            barred = suppressed(tx, [hashed for _, hashed in batch.addresses.values()])
            silent = opted_out(tx, [hashed for hashes in batch.hashes.values() for hashed in hashes])
            for touch in touches:
                _, hashed = batch.addresses.get(touch.key, ("", ""))
                said = barred.get(hashed) or next((silent[h] for h in batch.hashes[touch.lead_id] if h in silent), None)
                if said is not None:
                    batch.barred[touch.key] = said
            parts = {
                (t.channel, self.domain(t.channel, batch.addresses[t.key][0]))
                for t in touches
                if t.key in batch.addresses
            }
            batch.paces = paces.look(tx, parts | {(channel, paces.WHOLE) for channel, _ in parts}, now=micros(now))
            batch.owners = outbox.owned(tx, lead_ids)
            batch.wishes = {lead.id: Wishes.of(json.loads(lead.fields)) for lead in batch.leads.values()}
            if period:
                batch.recent = outbox.started_since(tx, lead_ids, micros(now - period))
            rare = [lead for lead, wishes in batch.wishes.items() if wishes.rhythm is not None]
            if rare:
                longest = max([period, *(cap.period for cap in RHYTHMS.values())])
                batch.recent |= outbox.started_since(tx, rare, micros(now - longest))
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
            return Defer(now + LATER, f"this version cannot run here: {error}")
        if touch.key in batch.unusable:
            return Defer(now + LATER, batch.unusable[touch.key])
        lead = batch.leads[touch.lead_id]
        try:
            calendar = ready.plan.calendar.in_zone(lead.time_zone)
        except ValueError as error:
            return Defer(now + LATER, f"nobody can tell when it is day where the lead lives: {error}")
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
            wishes=batch.wishes[touch.lead_id],
            no_consent=self._no_consent(lead),
        )
        answer = may_send(about, now=now, cap=self.house.cap, quiet=self.house.quiet)
        if isinstance(answer, Allow):
            return ready, address, hashed
        if isinstance(answer, Defer):
            return answer
        return Settled(touch, "refused", at, answer.because)

    def _no_consent(self, lead: Recipient) -> str:
        """Why this person may not get marketing, though there was a legal basis to begin with."""
        if lead.consent == "yes":
            return ""
        if lead.consent == "no":
            return "the lead has said no"
        home = self.house.jurisdiction
        if may_hold(lead.fields, home) and (rules := rules_for(json.loads(lead.fields), home)).opt_in:
            return f"{rules.name} asks for the person's own yes"
        return ""

    def _address(self, channel: str, lead: Recipient) -> tuple[str, str] | None:
        """(address, its hash) of this lead on this channel."""
        address = self.channel(channel).address(lead.identities())
        if address is None:
            return None
        kind, key = lead.identity_of(address)
        return address, address_hash(self.house.secret, kind, key)
