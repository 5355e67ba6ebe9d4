"""Does it add up? Asked of the mail server's own log and of the journal, not of the engine's opinion of itself."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from nurture.demo.playing import CAMPAIGN, Playing
from nurture.identity import LeadRef

__all__ = ["Proof", "prove"]


@dataclass(frozen=True, slots=True)
class Proof:
    """One thing that has to be true, and whether it is."""

    holds: bool
    sentence: str


def prove(playing: Playing, log: Path) -> list[Proof]:
    """What was promised, checked."""
    told = playing.engine.status(now=playing.now)
    mails = [_Mail.read(line) for line in log.read_text("utf-8").splitlines()]
    return [
        _conserved(told),
        _once(mails),
        _same_books(told, len(mails), len(playing.notices)),
        _stopped(playing.opted_out, mails),
        _only_people(playing),
        _replayed(playing),
    ]


@dataclass(frozen=True, slots=True)
class _Mail:
    id: str
    to: str
    date: datetime

    @classmethod
    def read(cls, line: str) -> _Mail:
        said = json.loads(line)
        date = parsedate_to_datetime(said["headers"]["date"][0]).astimezone(UTC)
        return cls(said["message_id"], said["to"][0], date)


def _conserved(told: dict[str, Any]) -> Proof:
    mine = next(each for each in told["campaigns"] if each["campaign"] == CAMPAIGN)
    out, inside = sum(mine["ended"].values()), mine["waiting"] + mine["due"] + mine["stuck"]
    holds = bool(told["conserved"]) and mine["entered"] == out + inside and not mine["stuck"]
    return Proof(
        holds, f"{mine['entered']:,} leads in = {out:,} out + {inside:,} still inside, at every node; none stuck"
    )


def _once(mails: list[_Mail]) -> Proof:
    copies = Counter(mail.id for mail in mails)
    twice = sum(number > 1 for number in copies.values())
    return Proof(
        not twice and "" not in copies,
        f"{len(mails):,} mails in the mail server's own log, {len(copies):,} different ones: "
        + ("no message twice" if not twice else f"{twice:,} of them more than once"),
    )


def _same_books(told: dict[str, Any], mails: int, notices: int) -> Proof:
    touches = told["touches"]
    open_ones = touches["pending"] + touches["sending"] + touches["ambiguous"]
    holds = touches["sent"] == mails + notices and not open_ones
    sentence = (
        f"{touches['sent']:,} messages in the engine's books = {mails:,} mails + {notices:,} WeChat notices received;"
        f" {open_ones:,} open or unclear"
    )
    return Proof(holds, sentence)


def _stopped(opted_out: dict[str, datetime], mails: list[_Mail]) -> Proof:
    late = sum(mail.to in opted_out and mail.date > opted_out[mail.to] for mail in mails)
    after = "nobody got a mail after that" if not late else f"{late:,} mails went out after that"
    people = f"{len(opted_out):,} {'person' if len(opted_out) == 1 else 'people'}"
    return Proof(not late, f"{people} unsubscribed: {after}")


def _only_people(playing: Playing) -> Proof:
    """Behind every yes to a mail stands what a person did to that mail; gateways open all of them."""
    plan = playing.engine.ready(CAMPAIGN, now=playing.now).plan
    asked = {
        node: spec.settings.get("to")
        for node, spec in plan.definition.nodes.items()
        if spec.type == "check_response" and plan.definition.nodes[spec.settings["to"]].settings["channel"] == "email"
    }
    moved = 0
    for person in playing.people:
        ref = LeadRef.parse(person.email)
        for enrollment in playing.engine.history(ref)["enrollments"]:
            for step in enrollment["steps"]:
                answered = step["node"] in asked and step["outcome"] == "yes"
                acts = {(person.email, asked.get(step["node"])), (person.email, "")}
                moved += answered and not acts & playing.acted
    after = "none of them moved anybody" if not moved else f"{moved:,} leads went on by them"
    return Proof(
        not moved and not playing.gate.refused,
        f"{playing.scanned:,} requests of security gateways that open every mail: {after}",
    )


def _replayed(playing: Playing) -> Proof:
    report = playing.engine.replay(campaign=CAMPAIGN)
    return Proof(
        not report.different and report.equal == report.leads,
        f"{report.leads:,} leads decided again from the journal: {report.equal:,} took the same way",
    )
