"""`nurture simulate`: invented leads through a campaign, to see where a crowd of them would go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console

from nurture.calendar import Duration
from nurture.chance import arms
from nurture.cli.answer import Answer, progress_bar, text
from nurture.cli.finding import campaign_file, sound_plan
from nurture.cli.opening import settings
from nurture.cli.options import AsJson, Now, pairs, usage
from nurture.cli.show_status import show_funnel
from nurture.plan import Plan
from nurture.rehearsal import Lived, live
from nurture.snapshot import SIGNAL_KINDS
from nurture.story import ANSWERS, REFUSED, Happening, Person, Story
from nurture.words import did_you_mean, quoted

__all__ = ["simulate"]

MOST_LEADS = 100_000
SLOWEST = 72
"""Hours after a message, or a hand-over, within which whatever happens happens."""


def simulate(
    campaign: Annotated[str, Parameter(help="The name of a campaign, or its file.")],
    *,
    leads: Annotated[int, Parameter(help="How many leads enter.")] = 1000,
    rate: Annotated[
        tuple[str, ...],
        Parameter(
            help="KIND=SHARE, repeatable: how often a message is answered so (viewed=0.4), a hand-over (accepted=0.7)."
        ),
    ] = (),
    tag: Annotated[
        tuple[str, ...], Parameter(help="TAG or TAG=SHARE, repeatable: how many of the leads have it.")
    ] = (),
    seed: Annotated[int, Parameter(help="Another number is another crowd; the same one is the same crowd.")] = 1,
    json: AsJson = False,
    now: Now = None,
) -> Answer:
    """Walk invented leads through a campaign on a virtual clock. Nothing is stored, and nobody is written to.

    Everything by chance is a hash of the seed: the same command gives the same numbers, at any time and place.
    """
    if not 1 <= leads <= MOST_LEADS:
        raise usage(f"--leads {leads}: between 1 and {MOST_LEADS:,}")
    crowd = Crowd(seed, _rates(rate), _tags(tag), now)
    here = settings()
    plan = sound_plan(here, campaign_file(here, campaign))
    # Who would be let in is not the question here: everybody is.
    plan = replace(plan, definition=replace(plan.definition, entry=replace(plan.definition.entry, when=None)))
    went = Went(plan)
    with progress_bar(f"simulating {plan.campaign}") as bar:
        for n, story in enumerate(crowd.stories(plan, leads), start=1):
            went.count(live(story, plan))
            if n % 100 == 0:
                bar(n, leads)
    document = {"campaign": plan.campaign, "leads": leads, "seed": seed, **went.as_json()}

    def show(on: Console) -> None:
        ended = ", ".join(f"{reason} {number:,}" for reason, number in document["ended"].items())
        on.print(text(f"{plan.campaign}: {leads:,} invented leads, seed {seed}: {ended}", style="bold"))
        show_funnel(on, document["nodes"], leads)
        on.print(text(f"{document['messages']:,} messages, {document['days']} days for the slowest lead"))

    return Answer(document, show, json)


@dataclass(frozen=True, slots=True)
class Crowd:
    """Leads that behave by chance, which is a hash."""

    seed: int
    rates: Mapping[str, float]
    tags: Mapping[str, float]
    enters: datetime | None
    """When they enter; None: when leads of stories do."""

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
class Went:
    """Where they all went."""

    plan: Plan
    ended: Counter[str] = field(default_factory=Counter)
    visits: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    stuck: Counter[str] = field(default_factory=Counter)
    messages: int = 0
    longest: timedelta = timedelta()

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
        self.messages += sum(message.sent for message in lived.messages)
        self.longest = max(self.longest, lived.ended_at - lived.entered_at)

    def as_json(self) -> dict[str, Any]:
        nodes: dict[str, dict[str, Any]] = {
            node: {"entered": self.stuck[node], "here": self.stuck[node], "outcomes": {}} for node in self.plan.order
        }
        for (node, outcome), number in sorted(self.visits.items(), key=str):
            nodes[node]["entered"] += number
            nodes[node]["outcomes"][outcome or "ended"] = number
        return {
            "ended": dict(sorted(self.ended.items())),
            "messages": self.messages,
            "days": self.longest // timedelta(days=1),
            "nodes": nodes,
        }


def _rates(texts: tuple[str, ...]) -> dict[str, float]:
    rates = {}
    for kind, share in pairs("--rate", texts, "viewed=0.4").items():
        if kind not in (*SIGNAL_KINDS, REFUSED):
            raise usage(
                f"--rate: {quoted(kind)} is nothing that can happen", did_you_mean(kind, (*SIGNAL_KINDS, REFUSED))
            )
        rates[kind] = _share("--rate", kind, share)
    if sum(rates.get(kind, 0.0) for kind in ANSWERS) > 1:
        raise usage("--rate: accepted and returned together are more than all hand-overs")
    return rates


def _tags(texts: tuple[str, ...]) -> dict[str, float]:
    found = {}
    for each in texts:
        name, equals, share = each.rpartition("=")
        found[name if equals else each] = _share("--tag", name, share) if equals else 1.0
    return found


def _share(option: str, name: str, written: str) -> float:
    try:
        share = float(written)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise usage(f"{option} {name}={written}: a share is a number from 0 to 1", f"such as {name}=0.4")
    return share
