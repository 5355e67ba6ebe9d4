"""What a node may look at when it decides: one lead, at one moment, and nothing that happened later.

A snapshot remembers which facts were read. The journal keeps exactly those, so that a decision can be made again
and explained long after the lead has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from nurture.calendar import Calendar

__all__ = [
    "ALWAYS_EXITS",
    "CONFIDENCE",
    "SIGNAL_KINDS",
    "WANTS_NO_MESSAGES",
    "Confidence",
    "Facts",
    "Lead",
    "Signal",
    "Snapshot",
    "Touch",
    "TouchState",
]

Scalar = str | int | float | bool | None
TouchState = Literal["pending", "sending", "sent", "refused", "ambiguous", "cancelled", "awaiting_confirmation"]

SENT: frozenset[str] = frozenset({"sent", "ambiguous"})
UNSENT: frozenset[str] = frozenset({"refused", "cancelled"})

SIGNAL_KINDS: tuple[str, ...] = (
    *("viewed", "clicked", "replied", "submitted", "visited", "downloaded", "registered", "attended"),
    *("unsubscribed", "bounced", "complained", "objected", "converted", "accepted", "returned"),
)
"""What may happen on the lead's side, as far as this house knows; a stranger's channel may hear of more."""

WANTS_NO_MESSAGES: frozenset[str] = frozenset({"unsubscribed", "complained", "objected", "erased"})
"""What stops every message to the person, on every address and channel. All other kinds, such as `bounced`, are about
one address or one message."""

ALWAYS_EXITS: frozenset[str] = frozenset({"objected"})
"""Who refuses to be decided about by a machine leaves every campaign, whatever its `exit_on` says."""

Confidence = Literal["human", "unknown", "machine"]
"""Who did it, as far as can be told: a person, nobody can say, or a program such as a security scanner."""
CONFIDENCE: tuple[Confidence, ...] = ("human", "unknown", "machine")
"""From what counts by itself to what counts least."""


# Signals and touches are made for every lead of every batch: a tuple with names is made in a third of the time of a
# frozen dataclass.


class Signal(NamedTuple):
    """Something that happened on the lead's side."""

    kind: str
    at: datetime
    """When it happened, not when we heard of it."""
    campaign: str | None = None
    node: str | None = None
    """The message it answers, where the sender of the signal knew."""
    id: str = ""
    reason: str | None = None
    heard_at: datetime | None = None
    """When we heard of it. Decisions go by `at`; this is for the journal and for late opt-outs."""
    confidence: Confidence = "human"
    """Judged once, before it is heard; later evidence judges later signals."""
    because: str = ""
    """Why it was judged so."""

    def counts_as(self, least: Confidence) -> bool:
        """Whether it is at least so sure to be a person's."""
        return CONFIDENCE.index(self.confidence) <= CONFIDENCE.index(least)


def in_order(signal: Signal) -> tuple[Any, ...]:
    """Sort key: by when it happened. Within one instant the order must not depend on who was heard first."""
    return (
        signal.at,
        signal.kind,
        signal.campaign or "",
        signal.node or "",
        signal.reason or "",
        signal.id,
        signal.confidence,
    )


class Touch(NamedTuple):
    """One message of this enrollment: sent, or about to be."""

    node: str
    channel: str
    content: str
    state: TouchState
    asked_at: datetime
    started_at: datetime | None = None
    """When its intent was committed; a response to exactly this message may come from here on."""
    settled_at: datetime | None = None
    """When it was handed over, or finally was not; for an ambiguous one, when its intent was committed."""
    because: str = ""

    @property
    def sent(self) -> bool:
        return self.state in SENT

    @property
    def unsent(self) -> bool:
        return self.state in UNSENT


class Lead:
    """The person, as far as we know: fields, tags, score, owner."""

    __slots__ = ("_fields", "_owner", "_saw", "_score", "_tags", "language", "time_zone")

    def __init__(
        self,
        fields: Mapping[str, Scalar],
        *,
        tags: Iterable[str] = (),
        score: int = 0,
        owner: str | None = None,
        language: str | None = None,
        time_zone: str | None = None,
    ) -> None:
        self._fields = fields
        self._tags = frozenset(tags)
        self._score = score
        self._owner = owner
        self._saw: dict[str, Any] = {}
        self.language = language
        self.time_zone = time_zone

    def get(self, name: str) -> Scalar:
        """The value of a field; None means *not known*, which is neither true nor false."""
        value = self._fields.get(name)
        if value == "":
            value = None
        self._saw.setdefault("fields", {})[name] = value
        return value

    def changed(
        self, fields: Mapping[str, Scalar], *, add: Iterable[str] = (), remove: Iterable[str] = (), points: int = 0
    ) -> Lead:
        """The same lead after a step's changes."""
        return Lead(
            {**self._fields, **fields},
            tags=(self._tags | frozenset(add)) - frozenset(remove),
            score=self._score + points,
            owner=self._owner,
            language=self.language,
            time_zone=self.time_zone,
        )

    @property
    def tags(self) -> frozenset[str]:
        self._saw["tags"] = sorted(self._tags)
        return self._tags

    @property
    def score(self) -> int:
        self._saw["score"] = self._score
        return self._score

    @property
    def owner(self) -> str | None:
        self._saw["owner"] = self._owner
        return self._owner


@dataclass(slots=True)
class Facts:
    """What the engine gathered about one enrollment; the snapshots of a look are cut from it.

    `lead` is asked only when a node reads it, and the store answers for a whole batch at once.
    """

    campaign: str
    signals: Sequence[Signal]
    """All that was heard of this lead, `in_order`."""
    touches: Sequence[Touch]
    """This enrollment's messages, in the order they were asked for."""
    lead: Callable[[], Lead]
    """A fresh view of the lead, each time it is asked."""
    dice: Callable[[str], float]
    """The enrollment's chance at a node, in [0, 1): a hash, so that asking again answers the same."""
    calendar: Calendar
    zone: Callable[[], str | None] | None = None
    """The lead's time zone, where that is known without reading the lead."""


class Snapshot:
    """One lead at one moment, as a node sees it. Signals and verdicts after `now` are not in it."""

    __slots__ = ("_facts", "_lead", "_saw", "entered_at", "node", "now")

    def __init__(self, facts: Facts, node: str, entered_at: datetime, now: datetime) -> None:
        self._facts = facts
        self._lead: Lead | None = None
        self._saw: dict[str, Any] = {}
        self.node = node
        self.entered_at = entered_at
        self.now = now

    @property
    def campaign(self) -> str:
        return self._facts.campaign

    @property
    def calendar(self) -> Calendar:
        """The campaign's calendar in this lead's time zone."""
        zone = self._facts.zone() if self._facts.zone is not None else self.lead.time_zone
        self._saw["time_zone"] = zone
        return self._facts.calendar.in_zone(zone)

    @property
    def lead(self) -> Lead:
        if self._lead is None:
            self._lead = self._facts.lead()
        return self._lead

    @property
    def dice(self) -> float:
        """This enrollment's chance at this node, in [0, 1)."""
        return self._facts.dice(self.node)

    @property
    def signals(self) -> tuple[Signal, ...]:
        """What had happened on the lead's side by `now`, oldest first."""
        now = self.now
        self._saw["signals"] = seen = tuple([signal for signal in self._facts.signals if signal.at <= now])
        return seen

    @property
    def touches(self) -> tuple[Touch, ...]:
        """This enrollment's messages as they stood at `now`."""
        now = self.now
        self._saw["touches"] = seen = tuple(
            [
                touch if touch.settled_at is None or touch.settled_at <= now else _as_of(touch, now)
                for touch in self._facts.touches
                if touch.asked_at <= now
            ]
        )
        return seen

    def touch(self, node: str | None = None) -> Touch | None:
        """The message of that node, or the last one asked for; None when there is none."""
        for touch in reversed(self.touches):
            if node is None or touch.node == node:
                return touch
        return None

    def first_signal(
        self,
        *kinds: str,
        since: datetime,
        before: datetime | None = None,
        to: Touch | None = None,
        confidence: Confidence = "human",
    ) -> Signal | None:
        """The earliest signal of these kinds in [since, before) that is at least so sure to be a person's.

        With `to`, a signal that names a message counts only if it names that one, and then from the moment the
        message was started: a click may be heard before our own "sent" is.
        """
        heard = self.all_signals(*kinds, since=since, before=before, to=to)
        return next((signal for signal in heard if signal.counts_as(confidence)), None)

    def all_signals(
        self, *kinds: str, since: datetime, before: datetime | None = None, to: Touch | None = None
    ) -> Iterator[Signal]:
        """All signals that `first_signal` chooses from, whoever they are from, oldest first."""
        for signal in self.signals:
            if signal.kind not in kinds or (before is not None and signal.at >= before):
                continue
            start = since
            if to is not None:
                if signal.campaign is not None and signal.campaign != self.campaign:
                    continue
                if signal.node is not None:
                    if signal.node != to.node:
                        continue
                    start = min(since, to.started_at or since)
            if signal.at >= start:
                yield signal

    def saw(self) -> dict[str, Any]:
        """The facts that were read so far, as the journal keeps them."""
        kept = dict(self._saw)
        if "signals" in kept:
            kept["signals"] = [signal.id for signal in kept["signals"]]
        if "touches" in kept:
            kept["touches"] = [[touch.node, touch.state] for touch in kept["touches"]]
        if self._lead is not None and self._lead._saw:
            kept["lead"] = dict(self._lead._saw)
        return kept


def _as_of(touch: Touch, now: datetime) -> Touch:
    """The touch as it stood then: a verdict of later is not known yet."""
    if touch.settled_at is None or touch.settled_at <= now:
        return touch
    started = touch.started_at if touch.started_at is not None and touch.started_at <= now else None
    return Touch(
        touch.node,
        touch.channel,
        touch.content,
        "sending" if started else "pending",
        touch.asked_at,
        started,
    )
