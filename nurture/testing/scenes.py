"""Snapshots in a few words. Times are texts such as `"6 Mar 09:30"`: UTC, of 2026 unless a year is named."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from nurture.calendar import MONTHS, Calendar
from nurture.snapshot import Confidence, Facts, Lead, Scalar, Signal, Snapshot, Touch, TouchState

__all__ = ["click", "heard", "message", "moment", "reply", "snap", "view"]

YEAR = 2026
_MOMENT = re.compile(r"(\d{1,2}) ([A-Z][a-z]{2}) (?:(\d{4}) )?(\d{2}):(\d{2})")


def moment(text: str | datetime) -> datetime:
    """`"6 Mar 09:30"` or `"6 Mar 2027 09:30"` as UTC; an aware datetime is itself. ValueError for anything else."""
    if isinstance(text, datetime):
        if text.tzinfo is None:
            raise ValueError(f"{text} names no time zone")
        return text.astimezone(UTC)
    found = _MOMENT.fullmatch(text)
    if found is None or found[2] not in MONTHS:
        raise ValueError(f"{text!r} is not a moment; write it as '6 Mar 09:30' or '6 Mar 2027 09:30'")
    month = MONTHS.index(found[2]) + 1
    return datetime(int(found[3] or YEAR), month, int(found[1]), int(found[4]), int(found[5]), tzinfo=UTC)


def heard(
    kind: str,
    at: str | datetime,
    *,
    to: str | None = None,
    campaign: str | None = None,
    reason: str | None = None,
    confidence: Confidence = "human",
    because: str = "",
) -> Signal:
    """A signal of the lead; `to` names the node whose message it answers, if the sender of the signal knew."""
    return Signal(kind, moment(at), campaign, to, reason=reason, confidence=confidence, because=because)


def reply(at: str | datetime, *, to: str | None = None) -> Signal:
    return heard("replied", at, to=to)


def view(at: str | datetime, *, to: str | None = None) -> Signal:
    return heard("viewed", at, to=to)


def click(at: str | datetime, *, to: str | None = None) -> Signal:
    return heard("clicked", at, to=to)


def message(
    node: str,
    *,
    sent: str | datetime | None = None,
    unsent: str | datetime | None = None,
    asked: str | datetime | None = None,
    state: TouchState | None = None,
    channel: str = "email",
    content: str = "hello",
    because: str = "",
) -> Touch:
    """A message of this enrollment: handed over at `sent`, finally not at `unsent`, or only `asked` for.

    `state` names it more exactly: `state="ambiguous"` with `sent`, `state="cancelled"` with `unsent`.
    """
    settled = moment(sent or unsent) if sent or unsent else None  # type: ignore[arg-type]  # one of them is there
    at = moment(asked) if asked is not None else settled
    if at is None:
        raise ValueError("say when the message was asked for, sent or not sent")
    usual: TouchState = "sent" if sent else "refused" if unsent else "pending"
    started = settled if sent else None
    return Touch(node, channel, content, state or usual, at, started, settled, because)


def snap(
    now: str | datetime = "6 Mar 09:30",
    *,
    entered: str | datetime | None = None,
    node: str = "here",
    campaign: str = "campaign",
    lead: Mapping[str, Scalar] | None = None,
    tags: Iterable[str] = (),
    score: int = 0,
    owner: str | None = None,
    language: str | None = None,
    time_zone: str | None = None,
    signals: Iterable[Signal] = (),
    touches: Iterable[Touch] = (),
    dice: float = 0.0,
    calendar: Calendar | None = None,
) -> Snapshot:
    """One lead at one moment, at the node `node`, which it entered at `entered` (default: now).

    `lead` are its fields, `signals` and `touches` what happened; all else has a default that does not matter.
    """
    known = dict(lead or {})
    tagged = frozenset(tags)
    at = moment(now)
    # Every signal gets an id of its own, as in the store, so that the journal of a decision can name it.
    history = [
        signal if signal.id else signal._replace(id=f"s{n}")
        for n, signal in enumerate(sorted(signals, key=lambda signal: signal.at))
    ]
    facts = Facts(
        campaign=campaign,
        signals=history,
        touches=list(touches),
        lead=lambda: Lead(known, tags=tagged, score=score, owner=owner, language=language, time_zone=time_zone),
        dice=lambda _: dice,
        calendar=calendar or Calendar(),
    )
    return Snapshot(facts, node, moment(entered) if entered is not None else at, at)
