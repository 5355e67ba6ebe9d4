"""One door for what happens on the lead's side: responses, opt-outs, bounces, answers of SDR and sales."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b

from nurture.crashpoints import crash_point
from nurture.engine.complaints import brake
from nurture.identity import IdentityKind, LeadRef, address_hash, every_hash
from nurture.snapshot import WANTS_NO_MESSAGES, Confidence
from nurture.store import Store, Tx, consents
from nurture.store import signals as stored
from nurture.store.database import chunks, insist, micros
from nurture.store.signals import Heard
from nurture.store.suppressions import suppress

__all__ = ["HearReport", "Incoming", "hear", "lead_ids", "stop_writing_to"]

COLUMN: dict[IdentityKind, str] = {
    "email": "email_key",
    "id": "external_id",
    "phone": "phone",
    "wechat": "wechat",
}
BATCH = 1000
"""Signals in one transaction."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A signal as it comes in."""

    kind: str
    lead: LeadRef
    at: datetime
    campaign: str | None = None
    node: str | None = None
    id: str = ""
    """The same id counts once; without one, it derives from everything else."""
    reason: str | None = None
    confidence: Confidence = "human"
    because: str | None = None
    """Why it was judged so."""

    def of(self, lead_id: int) -> Heard:
        """The signal as the store takes it. What no column takes is replaced, so that it stops nobody else's signal."""
        words = (self.kind, self.campaign, self.node, self._identity(lead_id), self.reason, self.because)
        kind, campaign, node, identity, reason, because = (None if word is None else _storable(word) for word in words)
        assert kind is not None
        assert identity is not None
        return Heard(lead_id, kind, micros(self.at), campaign, node, identity, reason, self.confidence, because)

    def _identity(self, lead_id: int) -> str:
        """Of whom it tells, not how they were named: the same click told as an address and as an id is one click."""
        if self.id:
            return self.id
        what = f"{self.kind}\0{lead_id}\0{micros(self.at)}\0{self.campaign or ''}\0{self.node or ''}"
        return blake2b(what.encode("utf-8", "replace"), digest_size=12).hexdigest()


def _storable(word: str) -> str:
    return word.encode("utf-8", "replace").decode().replace("\0", "\ufffd")[:2000]


@dataclass(slots=True)
class HearReport:
    heard: int = 0
    known: int = 0
    """Heard before."""
    unknown_leads: list[str] = field(default_factory=list)


def hear(store: Store, secret: bytes, signals: Iterable[Incoming], *, now: datetime) -> HearReport:
    """Store signals durably, in transactions of a thousand. An unknown lead's signal is reported, not stored."""
    report = HearReport()
    for batch in chunks(signals, BATCH):
        heard = insist(lambda batch=batch: _hear_batch(store, secret, batch, now=micros(now)))  # type: ignore[misc]  # bound now
        report.heard += heard.heard
        report.known += heard.known
        report.unknown_leads += heard.unknown_leads
    return report


def _hear_batch(store: Store, secret: bytes, batch: list[Incoming], *, now: int) -> HearReport:
    report = HearReport()
    with store.write(durable=True) as tx:
        found = lead_ids(tx, [signal.lead for signal in batch])
        known = []
        for signal in batch:
            lead_id = found.get(signal.lead)
            if lead_id is None:
                report.unknown_leads.append(str(signal.lead))
            else:
                known.append(signal.of(lead_id))
        new = stored.hear(tx, known, now=now)
        stop_writing_to(tx, secret, new)
        crash_point("hear.committing")
    crash_point("hear.committed")
    report.heard = len(new)
    report.known = len(known) - len(new)
    return report


def lead_ids(tx: Tx, refs: Sequence[LeadRef]) -> dict[LeadRef, int]:
    """The leads that are named so; those nobody knows are left out."""
    found: dict[LeadRef, int] = {}
    for kind, column in COLUMN.items():
        keys = sorted({ref.key for ref in refs if ref.kind == kind})
        if keys:
            found |= {LeadRef(kind, key): lead for key, lead in stored.find_leads(tx, column, keys).items()}
    return found


def stop_writing_to(tx: Tx, secret: bytes, signals: Sequence[Heard]) -> None:
    """Opt-outs, complaints and objections suppress every address of the person, a bounce the one that bounced."""
    stops = [signal for signal in signals if signal.kind in WANTS_NO_MESSAGES or signal.kind == "bounced"]
    if not stops:
        return
    people = {person.id: person for person in stored.identities(tx, sorted({signal.lead_id for signal in stops}))}
    rows = []
    for signal in stops:
        person = people[signal.lead_id]
        if signal.kind in WANTS_NO_MESSAGES:
            hashes = every_hash(secret, person)
        else:
            hashes = (address_hash(secret, "email", person.email_key),) if person.email_key else ()
        rows += [(hashed, signal.kind, signal.at, signal.reason) for hashed in hashes]
    suppress(tx, rows)
    complained = [signal for signal in stops if signal.kind == "complained" and signal.campaign is not None]
    if complained:
        brake(tx, [str(signal.campaign) for signal in complained], now=max(signal.at for signal in complained))
    consents.withdrawn(
        tx,
        [
            (signal.lead_id, signal.at, f"{signal.kind}: {signal.reason or 'heard as a signal'}")
            for signal in stops
            if signal.kind in WANTS_NO_MESSAGES
        ],
    )
