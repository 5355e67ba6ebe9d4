"""A story, lived on a virtual clock: the engine's own `advance` and `may_send`, and a lead that does what is written.

Nothing is stored and nobody is written to. A message leaves at the first moment at which policy lets it go, and is
taken at once; the rest is left to the campaign. A story of three months takes a few milliseconds.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from nurture.condition import Condition
from nurture.policy import Cap, Circumstances, Defer, QuietHours, Refuse, may_send
from nurture.snapshot import Facts, Lead, Signal, Snapshot, Touch
from nurture.step import Advance, Outgoing, Standing, Step, advance
from nurture.story import ANYTHING, REFUSED, Happening, Moment, Person, Story, read

if TYPE_CHECKING:
    from nurture.plan import Plan
    from nurture.problems import Problem

__all__ = ["Lived", "Message", "Told", "live", "tell", "uncovered"]

MOST_LOOKS = 20_000
"""More than any campaign needs: two thousand nodes, and ten things that happen at each."""
CAP = Cap()
QUIET = QuietHours.parse("21:00-08:00")


@dataclass(frozen=True, slots=True)
class Message:
    """What became of one message."""

    node: str
    channel: str
    content: str
    at: datetime
    """When it left, or finally did not."""
    sent: bool


@dataclass(frozen=True, slots=True)
class Lived:
    """What a campaign did with the lead of a story."""

    path: tuple[str, ...]
    """`node: outcome` for each step, the bare node where the campaign ended there; last, where it is so,
    `exit: KIND`, `stuck: NODE` or `does not enter`."""
    steps: tuple[Step, ...]
    because: str
    """Why it ended as it did."""
    entered_at: datetime
    ended_at: datetime
    lead: Lead
    """As the campaign left it."""
    messages: tuple[Message, ...]
    handed_off: tuple[datetime, ...]
    """When people were given the lead."""
    unheard: tuple[str, ...]
    """The nodes of whose messages or hand-overs the story tells, and that the lead never came to."""


@dataclass(frozen=True, slots=True)
class Told:
    """A story and what it came to. `failure` is empty when the campaign does what the sentence says."""

    story: Story
    lived: Lived
    failure: str

    def as_json(self) -> dict[str, Any]:
        """The shape of `nurture story --json`."""
        return {
            "story": self.story.sentence,
            "passed": not self.failure,
            "failure": self.failure,
            "path": list(self.lived.path),
            "days": (self.lived.ended_at - self.lived.entered_at) // timedelta(days=1),
        }


def tell(data: bytes | str, plan: Plan) -> tuple[list[Told], list[Problem]]:
    """All stories of a file, lived and compared, and what is wrong with the file. A broken story is not lived."""
    stories, problems = read(data, plan)
    told = []
    for story in stories:
        lived = live(story, plan)
        told.append(Told(story, lived, _failure(story, lived)))
    return told, problems


def uncovered(plan: Plan, lives: Iterable[Lived]) -> list[str]:
    """The ways out that no story takes, `node: outcome`, in the order of the plan."""
    taken = {step for lived in lives for step in lived.path}
    return [way for node in plan.nodes.values() for way in _ways(node.id, node.next) if way not in taken]


def _ways(node: str, outcomes: Iterable[str]) -> list[str]:
    return [f"{node}: {outcome}" for outcome in outcomes] or [node]


def live(story: Story, plan: Plan) -> Lived:
    """Walk the lead through. Raises RuntimeError only for a node type that keeps asking to be looked at again."""
    return _World(story, plan).live()


class _World:
    """All there is: one lead, one campaign, one clock."""

    def __init__(self, story: Story, plan: Plan) -> None:
        self.story = story
        self.plan = plan
        person = story.lead
        self.lead = Lead(
            person.fields,
            tags=person.tags,
            score=person.score or 0,
            owner=person.owner,
            language=person.language,
            time_zone=person.time_zone,
        )
        self.calendar = plan.calendar.in_zone(person.time_zone)
        wall = story.enters
        self.now = self.entered_at = self.calendar.on_date(wall.date(), wall.time())
        self.signals: list[Signal] = []
        self.touches: list[Touch] = []
        self.steps: list[Step] = []
        self.messages: list[Message] = []
        self.handed_off: list[datetime] = []
        self.works_with: str | None = None
        """`sdr` or `sales`, from the hand-over until they return the lead."""
        self.woken = False
        """A message was settled since the last look, so another one is due now."""
        self.heard: set[str] = set()
        self._to_come: list[tuple[datetime, int, Callable[[], None]]] = []
        self._number = count()
        self._signal_number = count(1)

    def live(self) -> Lived:
        for moment in self.story.moments:
            self._schedule(moment)
        self._come_to_pass()
        enters, because = self._enters()
        if not enters:
            return self._lived(["does not enter"], because)
        standing = Standing(self.plan.start, self.entered_at, False, self.entered_at)
        for _ in range(MOST_LOOKS):
            found = advance(self.plan, standing, self._facts(), self.now)
            self._take(found)
            if found.due is None:
                return self._ended(found)
            standing = Standing(found.node, found.entered_at, found.begun, self.entered_at)
            if not self.woken:
                self.now = min([max(found.due, self.now), *(at for at, _, _ in self._to_come[:1])])
                self._come_to_pass()
            self.woken = False
        raise RuntimeError(f"node '{standing.node}' still waits after {MOST_LOOKS:,} looks, at {self.now}")

    def _enters(self) -> tuple[bool, str]:
        when = self.plan.definition.entry.when
        if when is None:
            return True, ""
        holds = Condition(when).holds(Snapshot(self._facts(), self.plan.start, self.now, self.now))
        return holds.true, holds.because

    def _facts(self) -> Facts:
        story = self.story
        return Facts(
            campaign=self.plan.campaign,
            signals=tuple(self.signals),
            touches=tuple(self.touches),
            lead=lambda: self.lead.changed({}),
            dice=lambda node: story.chances.get(node, 0.0),
            calendar=self.plan.calendar,
        )

    def _take(self, found: Advance) -> None:
        """Write down what a look asked for."""
        self.steps.extend(found.steps)
        self.lead = found.book.over(self.lead)
        for message in found.book.messages:
            place = len(self.touches)
            self.touches.append(Touch(message.node, message.channel, message.content, "pending", message.at))
            self._try_to_send(place, message)
        for hand_off in found.book.hand_offs:
            self.works_with = hand_off.to
            self.handed_off.append(hand_off.at)
            for happening in self.story.answers.get(hand_off.node, ()):
                self.heard.add(hand_off.node)
                self._signal_after(happening, hand_off.at, hand_off.node)

    def _try_to_send(self, place: int, message: Outgoing) -> None:
        started = [m.at for m in self.messages if m.sent]
        about = Circumstances(
            marketing=message.purpose == "marketing",
            expires=message.at + message.expires,
            suppressed=None,
            owner=self.works_with,
            started=started,
            calendar=self.calendar,
            window=self.plan.send_window,
        )
        answer = may_send(about, now=self.now, cap=CAP, quiet=QUIET)
        if isinstance(answer, Defer):
            until = min(answer.until, about.expires)
            self._at(until, lambda: self._try_to_send(place, message))
            return
        happenings = self._happenings(message)
        refused = next((each for each in happenings if each.what == REFUSED), None)
        if isinstance(answer, Refuse):
            self._settle(place, message, "cancelled", answer.because)
        elif refused is not None:
            self._settle(place, message, "refused", refused.reason or "the channel refused it")
        else:
            self._settle(place, message, "sent", "")
            for happening in happenings:
                self._signal_after(happening, self.now, message.node)

    def _happenings(self, message: Outgoing) -> tuple[Happening, ...]:
        if message.node in self.story.messages:
            self.heard.add(message.node)
            return self.story.messages[message.node]
        return self.story.channels.get(message.channel, ())

    def _settle(self, place: int, message: Outgoing, state: Any, because: str) -> None:
        sent = state == "sent"
        self.touches[place] = self.touches[place]._replace(
            state=state,
            started_at=self.now if sent else None,
            settled_at=self.now,
            because=because,
        )
        self.messages.append(Message(message.node, message.channel, message.content, self.now, sent))
        self.woken = True

    def _schedule(self, moment: Moment) -> None:
        at = self.calendar.after(moment.span, self.entered_at)
        if moment.before:
            # A calendar counts forwards only; backwards, the length on an ordinary calendar is near enough.
            at = self.entered_at - moment.span.roughly
        if moment.facts is not None:
            facts = moment.facts
            self._at(at, lambda: self._learn(facts))
        elif moment.kind is not None:
            self._signal(moment.kind, at, None, moment.reason)

    def _learn(self, facts: Person) -> None:
        self.lead = self.lead.changed(facts.fields, add=facts.tags, points=(facts.score or 0))

    def _signal_after(self, happening: Happening, start: datetime, node: str) -> None:
        self._signal(happening.what, self.calendar.after(happening.delay, start), node, happening.reason)

    def _signal(self, kind: str, at: datetime, node: str | None, reason: str | None) -> None:
        campaign = self.plan.campaign if node is not None else None
        signal = Signal(kind, at, campaign, node, str(next(self._signal_number)), reason, at)

        def happens() -> None:
            self.signals.append(signal)
            if kind == "returned":
                self.works_with = None

        self._at(at, happens)

    def _at(self, moment: datetime, what: Callable[[], None]) -> None:
        heapq.heappush(self._to_come, (moment.astimezone(UTC), next(self._number), what))

    def _come_to_pass(self) -> None:
        """All that happens up to now, in its order."""
        while self._to_come and self._to_come[0][0] <= self.now:
            heapq.heappop(self._to_come)[2]()

    def _ended(self, found: Advance) -> Lived:
        path = [f"{step.node}: {step.outcome}" if step.outcome is not None else step.node for step in self.steps]
        if found.stuck is not None:
            path.append(f"stuck: {found.node}")
        elif found.ended is not None and found.ended.startswith("exit:"):
            path.append(found.ended.replace(":", ": ", 1))
        return self._lived(path, found.because)

    def _lived(self, path: list[str], because: str) -> Lived:
        named = (*self.story.messages, *self.story.answers)
        return Lived(
            tuple(path),
            tuple(self.steps),
            because,
            self.entered_at,
            self.now,
            self.lead,
            tuple(self.messages),
            tuple(self.handed_off),
            tuple(node for node in named if node not in self.heard),
        )


def _failure(story: Story, lived: Lived) -> str:
    """Where the campaign leaves the story, in a sentence; empty when it does not."""
    return next(iter([*_path_failure(story, lived), *_then_failures(story, lived)]), "")


def _path_failure(story: Story, lived: Lived) -> Iterator[str]:
    parting = _parting(story.path, lived)
    if parting:
        yield parting
    for node in lived.unheard:
        yield f"the story says what happens at '{node}', and the lead never came there"


def _parting(told: tuple[str, ...], lived: Lived) -> str:
    """Where the path that was walked leaves the one that was told, in which `...` is any number of steps; '' if nowhere."""
    walked = lived.path
    pieces: list[list[str]] = [[]]
    for step in told:
        if step == ANYTHING:
            pieces.append([])
        else:
            pieces[-1].append(step)
    first, *middle = pieces
    wanted = [*first, ""] if not middle else first
    for at, step in enumerate(wanted):
        if _step(walked, at) != step:
            came = _named(_step(walked, at)) + _reason(lived, at)
            return f"{_after(walked, at)} the story expects {_named(step)}, and what came was {came}"
    if not middle:
        return ""
    at = len(first)
    *middle, last = middle
    for piece in middle:
        found = next((n for n in range(at, len(walked)) if list(walked[n : n + len(piece)]) == piece), None)
        if found is None and piece:
            return (
                f"{_after(walked, at)} the story expects {', '.join(map(_named, piece))} some time, and it never came"
            )
        at = at if found is None else found + len(piece)
    if last and (len(walked) - len(last) < at or list(walked[-len(last) :]) != last):
        came = _named(walked[-1]) + _reason(lived, len(walked) - 1)
        return f"in the end the story expects {', '.join(map(_named, last))}, and what came was {came}"
    return ""


def _step(walked: tuple[str, ...], at: int) -> str:
    return walked[at] if at < len(walked) else ""


def _named(step: str) -> str:
    return f"'{step}'" if step else "the end"


def _after(walked: tuple[str, ...], at: int) -> str:
    return f"after '{walked[at - 1]}'" if at else "at first"


def _reason(lived: Lived, at: int) -> str:
    because = lived.steps[at].because if at < len(lived.steps) else lived.because
    return f" ({because})" if because else ""


def _then_failures(story: Story, lived: Lived) -> Iterator[str]:
    then, lead = story.then, lived.lead
    if then is None:
        return
    for tag in then.tags:
        if tag not in lead.tags:
            yield f"in the end the lead should have the tag '{tag}', and has: {', '.join(sorted(lead.tags)) or 'none'}"
    if then.score is not None and then.score != lead.score:
        yield f"in the end the score should be {then.score}, and is {lead.score}"
    for name, value in then.fields.items():
        known = lead.get(name)
        if known != value or isinstance(known, bool) is not isinstance(value, bool):
            yield f"in the end '{name}' should be {value!r}, and is {known!r}"
