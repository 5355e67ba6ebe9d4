"""A backup was put back: what is held, and what a person decides about it.

Message-IDs are derived, so a relay's log can say of each message whether it left before the loss. Where nobody can say, it
counts as one that may have left. Decisions are made again, one after the other, as far as they lead to messages that are
held: a lead whose first message has left goes on from there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nurture.channels.mail import message_id
from nurture.engine.enrolling import enter_matching
from nurture.engine.hearing import stop_writing_to
from nurture.engine.recognising import put_back
from nurture.engine.reporting import iso
from nurture.store import beats
from nurture.store import held as stored
from nurture.store import signals as heard
from nurture.store.database import chunks, micros
from nurture.store.held import Held
from nurture.store.intents import LEFT_BEFORE
from nurture.store.signals import Heard

if TYPE_CHECKING:
    from nurture.engine.engine import Engine

__all__ = ["Decided", "by_log", "by_word", "ids_in", "opt_outs_in", "review"]

MOST = 50
"""So many held messages are shown one by one."""
MAY_HAVE_LEFT = "it may have left between the backup and the restore"
_ID = re.compile(r"v1\.[a-z2-7]{32}@[A-Za-z0-9.-]+")
_OPT_OUT = re.compile(r"POST [^\s\"]*/unsubscribe/([A-Za-z0-9_.-]{20,400})")


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of a decision: messages that count as sent now, and those that go out with the next tick."""

    counted_as_sent: int
    going_out: int


def review(engine: Engine, *, now: datetime) -> dict[str, Any]:
    """What is held, as JSON; nothing is changed. `restored` is None where there is nothing to decide."""
    with engine.store.read() as tx:
        messages = stored.held(tx, now=micros(now))
        due = stored.due_by_node(tx, now=micros(now))
    return {
        "restored": put_back(engine.store),
        "held": {
            "sending": sum(one.state == "sending" for one in messages),
            "pending": sum(one.state == "pending" for one in messages),
        },
        "messages": [
            {
                "lead": one.email,
                "campaign": one.campaign,
                "node": one.node,
                "channel": one.channel,
                "state": one.state,
                "asked_at": iso(one.asked_at),
                "message_id": _message_id(engine, one),
            }
            for one in messages[:MOST]
        ],
        "due": [
            {"campaign": campaign, "node": node, "leads": number, "since": iso(since)}
            for campaign, node, number, since in due
        ],
    }


def by_log(engine: Engine, message_ids: Iterable[str], *, now: datetime) -> Decided:
    """Settle what is held by proof, and let the database go on: these Message-IDs have left, all others have not.

    They are kept: who is enrolled again tomorrow does not get what left today.
    """
    ids = frozenset(message_ids)
    for batch in chunks(sorted(ids), 1000):
        with engine.store.write(durable=True) as tx:
            stored.remember_left(tx, batch)
    return _decide(engine, ids.__contains__, sure=True, now=now)


def by_word(engine: Engine, *, left: bool, now: datetime) -> Decided:
    """Settle what is held by a person's word, and let the database go on: all of it may have left, or none of it."""
    return _decide(engine, lambda _: left, sure=False, now=now)


def _decide(engine: Engine, had_left: Callable[[str], bool], *, sure: bool, now: datetime) -> Decided:
    """`sure`: that a message had left, or had not, is proven. May be repeated after a crash: what was settled stays so."""
    counted, passed = 0, set[tuple[int, str, int]]()
    at = micros(now)
    while True:
        enter_matching(engine.store, engine.plans, engine.secret, now=now)
        engine.decide(now)
        with engine.store.read() as tx:
            messages = [one for one in stored.held(tx, now=at) if one[:3] not in passed]
        if not messages:
            break
        known = [(one, _message_id(engine, one)) for one in messages]
        gone = [(one, id) for one, id in known if had_left(id)]
        passed |= {one[:3] for one, id in known if not had_left(id)}
        with engine.store.write(durable=True) as tx:
            because = LEFT_BEFORE if sure else MAY_HAVE_LEFT
            stored.count_as_sent(tx, gone, state="sent" if sure else "ambiguous", because=because, now=at)
            if sure:
                # Else what was on its way when the backup was made stays in doubt, as after any crash.
                stored.put_back_in_queue(tx, [one for one in messages if one[:3] in passed])
        counted += len(gone)
    with engine.store.write(durable=True) as tx:
        beats.clear(tx, engine.store.beats.seen if engine.store.beats else None)
    return Decided(counted, len(passed))


def _message_id(engine: Engine, one: Held) -> str:
    return message_id(engine.secret, one.effect, engine.settings.sender.rpartition("@")[2])


def ids_in(lines: Iterable[str]) -> frozenset[str]:
    """The Message-IDs of ours that stand in a relay's log, whatever else does."""
    return frozenset(found for line in lines for found in _ID.findall(line))


def opt_outs_in(engine: Engine, lines: Iterable[str], *, now: datetime) -> int:
    """Opt-outs that a web server's log knows: whoever has followed the link of a message gets no more. Says how many
    people that were; a link that we did not make, or of somebody who is not in this database, is passed over."""
    effects = dict.fromkeys(
        effect
        for line in lines
        for token in _OPT_OUT.findall(line)
        if (effect := engine.keys.read("unsubscribe", token)) is not None
    )
    at, people = micros(now), set[int]()
    for batch in chunks(effects, 500):
        with engine.store.write(durable=True) as tx:
            holders = stored.holders(tx, [effect.split("/")[0] for effect in batch])
            found = []
            for effect in batch:
                key, node, _ = effect.split("/")
                if key in holders:
                    lead, campaign = holders[key]
                    # The same id as the endpoint gives it: told twice, it is one.
                    why = "by the link in the message, as the web server's log tells"
                    found.append(Heard(lead, "unsubscribed", at, campaign, node, f"unsubscribe:{effect}", why))
            stop_writing_to(tx, engine.secret, heard.hear(tx, found, now=at))
            people |= {one.lead_id for one in found}
    return len(people)
