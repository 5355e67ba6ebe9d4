"""A crowd of invented leads through a campaign, to see where they would go: the figures of `nurture simulate`.

Everything by chance is a hash of the seed: the same question gives the same numbers, at any time and place. Nothing is
stored, and nobody is written to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from hashlib import blake2b
from typing import Any

from nurture.calendar import Duration
from nurture.chance import arms
from nurture.plan import Plan
from nurture.rehearsal import Lived, live
from nurture.snapshot import SIGNAL_KINDS
from nurture.story import ANSWERS, REFUSED, Happening, Person, Story
from nurture.words import did_you_mean, quoted

__all__ = ["MOST_LEADS", "RATED", "Crowd", "Unfit", "check_size", "forecast"]

MOST_LEADS = 100_000
SLOWEST = 72
"""Hours after a message, or a hand-off, within which whatever happens happens."""
RATED = (*SIGNAL_KINDS, REFUSED)
"""What can happen to a message or a hand-off, each with a share."""


class Unfit(ValueError):
    """No such crowd can be. `hint` says what to write instead; `about` which part of the question is meant."""

    def __init__(self, about: str, what: str, hint: str = "") -> None:
        self.about = about
        self.hint = hint
        super().__init__(what)


@dataclass(frozen=True, slots=True)
class Crowd:
    """Leads that behave by chance, which is a hash."""

    seed: int
    rates: Mapping[str, float]
    """Of `RATED`: how often a message is answered so, or a hand-off."""
    tags: Mapping[str, float]
    """How many of the leads have each."""
    enters: datetime | None = None
    """When they enter; None: when leads of stories do."""

    def __post_init__(self) -> None:
        """Raises `Unfit`."""
        for kind, share in self.rates.items():
            if kind not in RATED:
                raise Unfit("rate", f"{quoted(kind)} is nothing that can happen", did_you_mean(kind, RATED))
            _share("rate", kind, share)
        for tag, share in self.tags.items():
            _share("tag", tag, share)
        if sum(self.rates.get(kind, 0.0) for kind in ANSWERS) > 1:
            raise Unfit("rate", "accepted and returned together are more than all hand-offs")

    def stories(self, plan: Plan, leads: int) -> Iterator[Story]:
        """One life each."""
        messages = [planned.id for planned in plan.nodes.values() if planned.node.contents()]
        answers = [planned.id for planned in plan.nodes.values() if set(ANSWERS) <= set(planned.next)]
        chances = [planned.id for planned in plan.nodes.values() if len(arms(planned, plan)) > 1]
        kinds = [kind for kind in self.rates if kind not in ANSWERS]
        for n in range(leads):
            story = Story(
                f"lead {n}",
                Person(tags=tuple(tag for tag, share in self.tags.items() if self._throw(n, "tag", tag) < share)),
                messages={node: self._happenings(n, node, kinds) for node in messages},
                answers={node: self._answer(n, node) for node in answers},
                chances={node: self._throw(n, node) for node in chances},
            )
            if self.enters is not None:
                story = replace(story, enters=plan.calendar.local(self.enters).replace(tzinfo=None))
            yield story

    def _happenings(self, n: int, node: str, kinds: list[str]) -> tuple[Happening, ...]:
        """What this lead does with that message: nothing where it is refused, and in the order of its delays."""
        found = [
            Happening(kind, Duration(1 + int(self._throw(n, node, kind, "delay") * SLOWEST), "hour"))
            for kind in kinds
            if self._throw(n, node, kind) < self.rates[kind]
        ]
        refused = [one for one in found if one.what == REFUSED]
        return tuple(refused or found)

    def _answer(self, n: int, node: str) -> tuple[Happening, ...]:
        """What SDR or sales say, if anything: one throw decides between the answers."""
        throw = self._throw(n, node, "answer")
        for kind in ANSWERS:
            share = self.rates.get(kind, 0.0)
            if throw < share:
                return (Happening(kind, Duration(1 + int(self._throw(n, node, "delay") * SLOWEST), "hour")),)
            throw -= share
        return ()

    def _throw(self, *what: object) -> float:
        """In [0, 1), evenly spread, and always the same for the same question."""
        digest = blake2b("\0".join(map(str, (self.seed, *what))).encode(), digest_size=8).digest()
        return (int.from_bytes(digest, "big") >> 11) / (1 << 53)


@dataclass(slots=True)
class _Went:
    """Where they all went."""

    plan: Plan
    ended: Counter[str] = field(default_factory=Counter)
    visits: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    stuck: Counter[str] = field(default_factory=Counter)
    sends: Counter[date] = field(default_factory=Counter)
    handoffs: Counter[date] = field(default_factory=Counter)
    """By the Monday of their week."""
    took: list[timedelta] = field(default_factory=list)

    def count(self, lived: Lived) -> None:
        self.visits.update((step.node, step.outcome) for step in lived.steps)
        last = lived.path[-1]
        if last.startswith("stuck: "):
            self.ended["stuck"] += 1
            self.stuck[last.removeprefix("stuck: ")] += 1
        elif last.startswith("exit: "):
            self.ended[last.replace(": ", ":", 1)] += 1
        else:
            self.ended[lived.steps[-1].node if lived.steps[-1].outcome is None else "end"] += 1
        local = self.plan.calendar.local
        self.sends.update(local(message.at).date() for message in lived.messages if message.sent)
        days = [local(at).date() for at in lived.handed_off]
        self.handoffs.update(day - timedelta(days=day.weekday()) for day in days)
        self.took.append(lived.ended_at - lived.entered_at)

    def as_json(self) -> dict[str, Any]:
        nodes: dict[str, dict[str, Any]] = {
            node: {"entered": self.stuck[node], "here": self.stuck[node], "outcomes": {}} for node in self.plan.order
        }
        for (node, outcome), number in sorted(self.visits.items(), key=str):
            nodes[node]["entered"] += number
            nodes[node]["outcomes"][outcome or "ended"] = number
        took = sorted(self.took)
        return {
            "ended": dict(sorted(self.ended.items())),
            "messages": self.sends.total(),
            "days": took[-1] // DAY,
            "days_to_end": {
                "half": round(took[(len(took) - 1) // 2] / DAY, 1),
                "nine_of_ten": round(took[(len(took) - 1) * 9 // 10] / DAY, 1),
                "slowest": round(took[-1] / DAY, 1),
            },
            "sends_per_day": {str(day): self.sends[day] for day in sorted(self.sends)},
            "handoffs_per_week": {str(monday): self.handoffs[monday] for monday in sorted(self.handoffs)},
            "nodes": nodes,
        }


DAY = timedelta(days=1)


def forecast(
    plan: Plan, crowd: Crowd, leads: int, progress: Callable[[int, int], None] = lambda done, of: None
) -> dict[str, Any]:
    """The document of `nurture simulate --json`. Who would be let in is not asked: everybody is.

    Raises `Unfit`; `RuntimeError` for a node type that keeps asking to be looked at again.
    """
    check_size(leads)
    plan = replace(plan, definition=replace(plan.definition, entry=replace(plan.definition.entry, when=None)))
    went = _Went(plan)
    for n, story in enumerate(crowd.stories(plan, leads), start=1):
        went.count(live(story, plan))
        if n % 100 == 0:
            progress(n, leads)
    return {"campaign": plan.campaign, "leads": leads, "seed": crowd.seed, **went.as_json()}


def check_size(leads: int) -> None:
    """Raises `Unfit`."""
    if not 1 <= leads <= MOST_LEADS:
        raise Unfit("leads", f"between 1 and {MOST_LEADS:,}")


def _share(about: str, name: str, share: float) -> None:
    if not 0 <= share <= 1:
        raise Unfit(about, f"{quoted(name)}: a share is a number from 0 to 1", f"such as {name}=0.4")
