"""Listening to what comes back by mail: match each mail to the message it is about, and write down what it says.

A mail proves itself: by an address that only we can have made, or by citing a Message-ID that nobody can guess. What
proves nothing changes nothing; it is noted and left alone. Nothing is ever answered.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from nurture.engine.hearing import stop_writing_to
from nurture.mailbox import BadMailbox, Box, MailboxDown, Meaning, Received, meaning, open_box, read_plus
from nurture.mailbox.boxes import Position
from nurture.mailbox.mail import Mail, read_mail
from nurture.mailbox.plus import seals
from nurture.store import Store, Tx, mails, paces
from nurture.store.database import insist, micros
from nurture.store.mails import Cited, Note
from nurture.store.meeting import meet
from nurture.store.signals import Heard, hear
from nurture.store.suppressions import suppress
from nurture.store.touches import note

if TYPE_CHECKING:
    from nurture.engine.engine import Engine

__all__ = ["Ear", "ListenReport", "listen", "read_box"]

log = logging.getLogger("nurture")

EVERY, AFTER_TROUBLE = 60.0, 300.0
"""Seconds between two looks into the mailbox; after one that failed."""

AT_ONCE = 100
"""Mails in one transaction."""
SOFT_WITHIN = timedelta(days=30)
MOST_SOFT = 3
"""So many messages in a row that came back, within that time: then the address counts as gone."""
FAILURES = {"bounced": "bounced", "soft": "soft_bounce", "policy": "policy_bounce"}


@dataclass(slots=True)
class ListenReport:
    """What the mails were that had not been read before."""

    read: int = 0
    known: int = 0
    """Read before, and not counted again."""
    found: Counter[str] = field(default_factory=Counter)
    """What they were to number of mails; `unmatched` are about no message of ours, `forged` pretend to be."""
    resolved: int = 0
    """Messages of which nobody knew whether they had left, and which now have proof."""

    def as_json(self) -> dict[str, Any]:
        return {
            "read": self.read,
            "known": self.known,
            "found": dict(sorted(self.found.items())),
            "resolved": self.resolved,
        }


def listen(engine: Engine, *, now: datetime) -> ListenReport:
    """Read the mailbox of this installation. Raises `BadMailbox`, `MailboxDown`; without a mailbox nothing is read."""
    if not engine.settings.mailbox_url:
        return ListenReport()
    box = open_box(engine.settings.mailbox_url)
    try:
        return read_box(engine.store, engine.secret, box, now=now)
    finally:
        box.close()


class Ear:
    """Listens as part of the heartbeat. A mailbox that is down holds nobody up, and is asked less often."""

    def __init__(self) -> None:
        self._again = 0.0

    def listen_now_and_then(self, engine: Engine, now: datetime) -> None:
        if not engine.settings.mailbox_url or time.monotonic() < self._again:
            return
        self._again = time.monotonic() + EVERY
        try:
            listen(engine, now=now)
        except (BadMailbox, MailboxDown) as trouble:
            self._again = time.monotonic() + AFTER_TROUBLE
            log.warning("the mailbox cannot be read: %s", trouble)


def read_box(store: Store, secret: bytes, box: Box, *, now: datetime) -> ListenReport:
    """Read all that is new in this box. Killed at any moment and run again, each mail has counted once.

    Raises `MailboxDown`; what was read before that is kept.
    """
    report = ListenReport()
    with store.read() as tx:
        position = Position(*mails.position(tx, box.name))
    while True:
        fetched = box.fetch(position, AT_ONCE)
        if fetched.mails or fetched.position != position:
            read = insist(partial(_take_in, store, secret, box.name, fetched.mails, fetched.position, now))
            report.read += read.read
            report.known += read.known
            report.found += read.found
            report.resolved += read.resolved
            box.done(fetched.mails)
        if not fetched.mails:
            return report
        position = fetched.position


def _take_in(
    store: Store, secret: bytes, box: str, received: Sequence[Received], position: Position, now: datetime
) -> ListenReport:
    """One transaction: these mails, and the position behind them."""
    report = ListenReport()
    with store.write(durable=True) as tx:
        known = mails.known(tx, [_key(one.raw) for one in received])
        fresh = {_key(one.raw): one for one in received}
        read = [(key, one, read_mail(one.raw)) for key, one in fresh.items() if key not in known]
        meant = [(key, one, mail, meaning(mail)) for key, one, mail in read]
        by_id = mails.cited(tx, [cited for *_, found in meant for cited in found.cited])
        claimed = {read_plus(secret, token) for *_, found in meant for token in found.tokens}
        by_enrollment = mails.messages_of(tx, sorted(claimed))
        matched = [
            (key, one, mail, found, _proven(secret, found, by_id, by_enrollment)) for key, one, mail, found in meant
        ]
        meet(tx, [message.lead_id for *_, message in matched if message is not None])
        notes = []
        for key, one, mail, found, message in matched:
            at = micros(min(one.arrived or now, now))
            what: str = found.what
            because = found.because
            if message is None:
                what, because = ("forged" if found.tokens else "unmatched"), _unproven(found)
                notes.append(Note(key, box, at, micros(now), what, because))
            else:
                report.resolved += _apply(tx, secret, mail, found, message, at=at, now=micros(now))
                notes.append(Note(key, box, at, micros(now), what, because, message.lead_id, *message.key))
            report.found[what] += 1
        blamed = {
            (message.channel, message.domain): found.because
            for *_, found, message in matched
            if found.what == "policy" and message is not None and message.domain
        }
        mails.keep(tx, notes)
        mails.remember(tx, box, position.validity, position.number, now=micros(now))
        for (channel, domain), because in sorted(blamed.items()):
            # That domain only: one mail system's opinion of us must not stop what goes to all others.
            paces.park(tx, channel, because, now=micros(now), domain=domain)
    report.read = len(matched)
    report.known = len(received) - len(matched)
    return report


def _key(raw: bytes) -> str:
    return blake2b(raw, digest_size=16).hexdigest()


def _proven(
    secret: bytes, found: Meaning, by_id: dict[str, Cited], by_enrollment: dict[int, list[Cited]]
) -> Cited | None:
    """The message that this mail provably is about."""
    for token in found.tokens:
        if found.what == "unsubscribed" and token.purpose == "b":
            continue  # an envelope address is seen by every system on the way, and unsubscribes nobody
        for message in by_enrollment.get(read_plus(secret, token), ()):
            if seals(secret, token, message.effect):
                return message
    if any(token.purpose == "u" for token in found.tokens):
        return None  # whoever writes to an opt-out address that is not ours cites somebody else's mail
    return next((by_id[cited] for cited in found.cited if cited in by_id), None)


def _unproven(found: Meaning) -> str:
    what = "an address that we did not make" if found.tokens else "it names no message of ours"
    return f"{found.what}: {what}"


def _apply(tx: Tx, secret: bytes, mail: Mail, found: Meaning, message: Cited, *, at: int, now: int) -> int:
    """What this mail does to the lead and to the message's timeline; 1 when it proves that the message had left."""
    what: str = found.what
    because = found.because
    if what in FAILURES:
        what, because = _failure(tx, message, what, because, at=at)
    elif what in ("delayed", "delivered", "automatic"):
        note(tx, message.key, at, {"automatic": "auto_reply"}.get(what, what), because)
    if what in ("replied", "unsubscribed", "complained", "bounced"):
        # Two ways by which one mail reaches us are one answer; one bounce of a message is enough.
        of = "/".join(map(str, message.key))
        identity = f"bounce/{of}" if what == "bounced" else f"mail:{what}/{of}/{_identity(mail)}"
        signal = Heard(message.lead_id, what, at, message.campaign, message.node, identity, because[:500])
        new = hear(tx, [signal], now=now)
        if what in ("unsubscribed", "complained"):
            stop_writing_to(tx, secret, new)
    if message.state != "ambiguous" or mails.told(tx, message.key, "resolved_sent"):
        return 0
    note(tx, message.key, at, "resolved_sent", f"{found.what} proves that it had left")
    return 1


def _failure(tx: Tx, message: Cited, what: str, because: str, *, at: int) -> tuple[str, str]:
    """A message that came back: noted; the address is given up when it does not exist, or after too many of them."""
    note(tx, message.key, at, FAILURES[what], because)
    if message.address_hash is None:
        return what, because
    if what == "soft":
        since = at - micros_of(SOFT_WITHIN)
        times = mails.soft_bounces(tx, message.lead_id, message.address_hash, since=since)
        if times >= MOST_SOFT:
            what, because = "bounced", f"{times} messages came back within {SOFT_WITHIN.days} days; the last: {because}"
    if what == "bounced":
        suppress(tx, [(message.address_hash, "bounced", at, because)])
    return what, because


def micros_of(span: timedelta) -> int:
    return span // timedelta(microseconds=1)


def _identity(mail: Mail) -> str:
    """The mail's own Message-ID, or what stands for it."""
    said = mail.value("message-id") or mail.value("date") + mail.value("subject") + mail.first_text()
    return blake2b(said.encode("utf-8", "replace"), digest_size=10).hexdigest()
