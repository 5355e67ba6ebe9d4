"""One enrollment, one look: live through the moments since it entered its node, oldest first, and say where it stands.

Pure. The same function decides at the deadline, after a reply, a day late and in a replay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from nurture.effects import Effect, OnUnknown, Purpose
from nurture.node import Go, Wait
from nurture.snapshot import WANTS_NO_MESSAGES, Facts, Lead, Scalar, Signal, Snapshot, Touch

if TYPE_CHECKING:
    from nurture.plan import Plan, PlannedNode

__all__ = ["Advance", "Book", "HandOff", "Outgoing", "Standing", "Step", "advance"]

HOWEVER_OLD = WANTS_NO_MESSAGES | {"bounced"}
"""Kinds that count for an exit whenever they happened, if they were heard of during the enrollment."""


class Standing(NamedTuple):
    """Where an enrollment stands."""

    node: str
    entered_at: datetime
    begun: bool
    """Whether the node's entering effects have been asked for."""
    enrolled_at: datetime
    since: datetime | None = None
    """Where it was moved to this node, from another version: since when. Nothing is decided as of an earlier moment."""


@dataclass(slots=True)
class Step:
    """One visit of one node, finished."""

    node: str
    at: datetime
    outcome: str | None
    because: str
    effects: tuple[Effect, ...]
    saw: dict[str, Any]


class Outgoing(NamedTuple):
    """A message asked for by a node."""

    node: str
    n: int
    at: datetime
    channel: str
    content: str
    purpose: Purpose
    expires: timedelta
    on_unknown: OnUnknown


class HandOff(NamedTuple):
    node: str
    at: datetime
    to: Literal["sdr", "sales"]
    team: str | None
    answer_by: datetime


LONGEST = timedelta(days=366)
MOST_POINTS = 1_000_000_000
LONGEST_TEXT = 32_768
MOST_EFFECTS = 1_000
PURPOSES: tuple[str, ...] = get_args(Purpose)
POLICIES: tuple[str, ...] = get_args(OnUnknown)


def _text(what: str, text: object, *, empty: bool = False) -> str:
    """A text that every store takes. ValueError for anything else."""
    if not isinstance(text, str) or not (text or empty) or len(text) > LONGEST_TEXT or not writable(text):
        raise ValueError(f"{what} is a text, not {text!r}"[:200])
    return text


NEVER = datetime.min.replace(tzinfo=UTC)


class Book:
    """The changes of one look, in order. What it holds is visible to the nodes that come next in the same look."""

    __slots__ = ("_at", "_n", "_node", "eligible", "fields", "hand_offs", "messages", "points", "pooled", "tags")

    def __init__(self, node: str = "", at: datetime = NEVER, n: int = 0) -> None:
        """Everything is asked for by this node, at this moment; it has asked for `n` messages before."""
        self.messages: list[Outgoing] = []
        self.tags: dict[str, tuple[bool, datetime]] = {}
        """Tag to (on or off, when)."""
        self.points = 0
        self.fields: dict[str, tuple[Scalar, datetime]] = {}
        self.hand_offs: list[HandOff] = []
        self.eligible: datetime | None = None
        self.pooled = False
        self._node, self._at, self._n = node, at, n

    def message(
        self, *, channel: str, content: str, purpose: Purpose, expires: timedelta, on_unknown: OnUnknown
    ) -> None:
        _text("a channel", channel)
        _text("a content", content)
        lasts: object = expires  # a stranger's effect may say anything
        if not isinstance(lasts, timedelta) or not timedelta() < lasts <= LONGEST:
            raise ValueError(f"a message expires after a time of up to {LONGEST.days} days, not {expires!r}")
        if purpose not in PURPOSES or on_unknown not in POLICIES:
            raise ValueError(f"a message has no purpose {purpose!r}, or no policy {on_unknown!r}")
        self.messages.append(Outgoing(self._node, self._n, self._at, channel, content, purpose, expires, on_unknown))
        self._n += 1

    def tag(self, name: str) -> None:
        self.tags[_text("a tag", name)] = (True, self._at)

    def untag(self, name: str) -> None:
        self.tags[_text("a tag", name)] = (False, self._at)

    def score(self, points: int) -> None:
        given: object = points
        if not isinstance(given, int) or abs(given) > MOST_POINTS:
            raise ValueError(f"points are a whole number between -{MOST_POINTS:,} and {MOST_POINTS:,}, not {points!r}")
        self.points += points

    def set_field(self, name: str, value: Scalar) -> None:
        given: object = value
        if isinstance(given, str):
            _text("a value", given, empty=True)
        elif not (given is None or isinstance(given, int | float)) or given != given:  # NaN is not itself
            raise ValueError(f"a field holds a text, a number, true, false or nothing, not {value!r}")
        self.fields[_text("a field", name)] = (value, self._at)

    def hand_off(self, *, to: Literal["sdr", "sales"], team: str | None, answer_by: datetime) -> None:
        by: object = answer_by
        if to not in ("sdr", "sales") or not isinstance(by, datetime) or by.tzinfo is None:
            raise ValueError(
                f"a hand-off is to sdr or sales, by a moment with a time zone, not {to!r} by {answer_by!r}"
            )
        if team is not None:
            _text("a team", team)
        self.hand_offs.append(HandOff(self._node, self._at, to, team, answer_by))

    def to_pool(self, *, eligible: datetime | None) -> None:
        self.pooled, self.eligible = True, eligible

    def take(self, other: Book) -> None:
        """The changes of another book, written after these."""
        if other.messages:
            self.messages += other.messages
        if other.tags:
            self.tags |= other.tags
        if other.fields:
            self.fields |= other.fields
        if other.hand_offs:
            self.hand_offs += other.hand_offs
        self.points += other.points
        if other.pooled:
            self.pooled, self.eligible = True, other.eligible

    def over(self, lead: Lead) -> Lead:
        """The lead as these changes leave it."""
        if not (self.tags or self.points or self.fields):
            return lead
        return lead.changed(
            {name: value for name, (value, _) in self.fields.items()},
            add=[name for name, (on, _) in self.tags.items() if on],
            remove=[name for name, (on, _) in self.tags.items() if not on],
            points=self.points,
        )


@dataclass(slots=True)
class Advance:
    """What one look found. Exactly one of `due`, `ended`, `stuck` is set."""

    steps: list[Step]
    book: Book
    node: str
    entered_at: datetime
    begun: bool
    due: datetime | None = None
    ended: str | None = None
    stuck: str | None = None
    because: str = ""
    """Why it waits, ended or is stuck."""
    at: datetime | None = None
    """When it ended."""


class _Stuck(Exception):
    """The answer cannot be known; no edge is followed."""


def advance(plan: Plan, standing: Standing, facts: Facts, now: datetime) -> Advance:
    """Move one enrollment as far as its past implies. `now` bounds what has happened; nothing else reads a clock.

    `due` may lie at or before `now`: a node that asked for something on entering is looked at again when that stands.
    """
    book = Book()
    touches = list(facts.touches)
    seen = Facts(
        facts.campaign, facts.signals, touches, lambda: book.over(facts.lead()), facts.dice, facts.calendar, facts.zone
    )
    exits = _exits(plan, standing, facts.signals)
    steps: list[Step] = []
    node, entered_at, begun = standing.node, standing.entered_at, standing.begun
    moment = entered_at if standing.since is None else max(entered_at, standing.since)
    if moment > now:
        return _not_yet(standing, exits, book, moment, now)

    while True:
        planned = plan.nodes[node]
        try:
            while True:
                exit_kind = next((signal.kind for signal in exits if signal.at <= moment), None) if exits else None
                if exit_kind is not None:
                    because = f"the campaign ends for a lead that has {exit_kind}"
                    return Advance(
                        steps, book, node, entered_at, begun, ended=f"exit:{exit_kind}", because=because, at=moment
                    )
                snapshot = Snapshot(seen, node, entered_at, moment)
                answer = _ask(planned, snapshot)
                if isinstance(answer, Go):
                    break
                following = _next_moment(answer, seen, exits, moment)
                asked = () if begun else answer.effects
                if asked:
                    _apply(book, node, entered_at, asked, touches)
                begun = True
                # What was asked for must stand before time goes on, so a node that asked for something stays here.
                if asked or following > now:
                    return Advance(steps, book, node, entered_at, begun, due=following, because=answer.because)
                moment = following
            way = _way(planned, answer)
            if answer.effects:
                _apply(book, node, moment, answer.effects, touches)
        except _Stuck as stuck:
            return Advance(steps, book, node, entered_at, begun, stuck=str(stuck), because=str(stuck))
        steps.append(Step(node, moment, answer.outcome, answer.because, answer.effects, snapshot.saw()))
        if way is None:
            ended = "pool" if book.pooled else "completed"
            return Advance(steps, book, node, moment, True, ended=ended, because=answer.because, at=moment)
        node, entered_at, begun = way, moment, False


def _not_yet(standing: Standing, exits: Sequence[Signal], book: Book, day: datetime, now: datetime) -> Advance:
    """An enrollment whose day is still to come: nothing can bring that day forward, but an exit ends it."""
    node, at, begun = standing.node, standing.entered_at, standing.begun
    for signal in exits:
        if signal.at <= now:
            because = f"the campaign ends for a lead that has {signal.kind}"
            return Advance([], book, node, at, begun, ended=f"exit:{signal.kind}", because=because, at=signal.at)
    return Advance([], book, node, at, begun, due=day, because="its day has not come yet")


def _next_moment(wait: Wait, facts: Facts, exits: Sequence[Signal], moment: datetime) -> datetime:
    """The next time at which the answer may be another one."""
    following = wait.until
    if wait.wake_on:
        for signal in facts.signals:
            if moment < signal.at < following and signal.kind in wait.wake_on:
                following = signal.at
    for signal in exits:
        if moment < signal.at < following:
            following = signal.at
    for touch in facts.touches:
        if touch.settled_at is not None and moment < touch.settled_at < following:
            following = touch.settled_at
    return following


def _ask(planned: PlannedNode, snapshot: Snapshot) -> Go | Wait:
    try:
        answer = planned.node.decide(snapshot)
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # a plugin may raise anything, and none of it is a way out
        raise _Stuck(f"node '{planned.id}' raised {type(error).__name__}: {error}"[:500]) from error
    if isinstance(answer, Wait):
        _check_answer(planned, answer)
        until: object = answer.until
        if not isinstance(until, datetime):
            raise _Stuck(f"node '{planned.id}' waits until {answer.until!r}, which is no moment"[:500])
        if answer.until.tzinfo is None:
            raise _Stuck(f"node '{planned.id}' waits until {answer.until}, which names no time zone")
        if answer.until <= snapshot.now:
            raise _Stuck(f"node '{planned.id}' waits until {answer.until}, which is not later than {snapshot.now}")
        return answer
    if not isinstance(answer, Go):
        raise _Stuck(f"node '{planned.id}' answered {type(answer).__name__}, not Go or Wait")
    _check_answer(planned, answer)
    outcome: object = answer.outcome
    if not (outcome is None or isinstance(outcome, str)):
        raise _Stuck(f"node '{planned.id}' went {answer.outcome!r}, which is not the name of a way out"[:500])
    return answer


def _check_answer(planned: PlannedNode, answer: Go | Wait) -> None:
    """What a stranger's node says must be of the shape that can be written down."""
    because: object = answer.because
    if not isinstance(because, str) or not writable(because):
        raise _Stuck(f"node '{planned.id}' gives a reason that is no text")
    if len(because) > LONGEST_TEXT:
        raise _Stuck(f"node '{planned.id}' gives a reason of more than {LONGEST_TEXT:,} characters")
    effects: object = answer.effects
    if not isinstance(effects, tuple) or (effects and not all(isinstance(effect, Effect) for effect in effects)):
        raise _Stuck(f"node '{planned.id}' asks for effects that are none")
    if len(effects) > MOST_EFFECTS:
        raise _Stuck(f"node '{planned.id}' asks for more than {MOST_EFFECTS:,} effects at once")


def writable(text: str) -> bool:
    """Whether every store takes this text: no NUL, no half of a surrogate pair."""
    if text.isascii():
        return "\0" not in text
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _way(planned: PlannedNode, answer: Go) -> str | None:
    """The node that follows; None when the campaign ends for this lead."""
    if answer.outcome is None and not planned.next:
        return None
    if answer.outcome is None or answer.outcome not in planned.next:
        ways = ", ".join(planned.next) or "none (it ends here)"
        raise _Stuck(f"node '{planned.id}' went '{answer.outcome}', but its ways out are: {ways}")
    return planned.next[answer.outcome]


def _apply(book: Book, node: str, at: datetime, effects: Sequence[Effect], touches: list[Touch]) -> None:
    """Write a decision's effects into the book, all of them or none; later nodes of the same look see them."""
    page = Book(node, at, len([touch for touch in touches if touch.node == node]))
    for effect in effects:
        try:
            effect.apply(page)
        except Exception as error:
            raise _Stuck(
                f"node '{node}' asked for something impossible: {type(error).__name__}: {error}"[:500]
            ) from error
    book.take(page)
    if page.messages:
        touches += [Touch(node, message.channel, message.content, "pending", at) for message in page.messages]


def _exits(plan: Plan, standing: Standing, signals: Sequence[Signal]) -> list[Signal]:
    """The signals that end this enrollment, at the moment each counts from; an opt-out counts however old it is."""
    if not plan.exit_on:
        return []
    return [
        signal
        for signal in signals
        if signal.kind in plan.exit_on
        and signal.confidence == "human"
        and (
            signal.at >= standing.enrolled_at
            or (signal.kind in HOWEVER_OLD and signal.heard_at is not None and signal.heard_at >= standing.enrolled_at)
        )
    ]
