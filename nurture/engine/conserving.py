"""Do the numbers add up? Whoever entered a version is somewhere in it, once, and came there along its edges.

Every tick that moves somebody asks the running counts, which is a look at a few rows. `recount` also counts the tables
themselves, every enrollment and every step, and is for whoever has the seconds: `nurture status`, `nurture doctor`, and the
heartbeat once an hour.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from nurture.engine.plans import NotRunnable, Plans
from nurture.plan import Plan
from nurture.store import Tx, installation, tallies, versions
from nurture.store.database import from_micros, micros
from nurture.store.tallies import Tally

__all__ = ["Broken", "broken", "disagreeing", "last_sound", "look", "recount"]

SOUND = "conserved_at"
"""Under this name the database keeps when its numbers last added up."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A sum that does not add up."""

    campaign: str
    version: int
    """The number of the version, as `nurture publish` tells it; 0: about all of them."""
    node: str
    """Empty where it is about the version as a whole."""
    what: str

    @property
    def place(self) -> str:
        version = f", version {self.version}" if self.version else ""
        return f"{self.campaign}{version}{f', node {self.node}' if self.node else ''}"

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


def look(tx: Tx, plans: Plans, *, now: datetime) -> list[Broken]:
    """What does not add up by the running counts; where everything does, the moment is kept. Costs no more for a
    million leads than for ten."""
    found = broken(tx, plans, tallies.kept(tx))
    if not found:
        installation.keep(tx, SOUND, str(micros(now)))
    return found


def last_sound(tx: Tx) -> datetime | None:
    """When the numbers last added up; None before the first tick that moved anybody."""
    at = installation.known(tx, SOUND)
    return None if at is None else from_micros(int(at))


def recount(tx: Tx, plans: Plans, campaign: str | None = None) -> list[Broken]:
    """What does not add up in the tables themselves, and where the running counts say something else than they do."""
    return disagreeing(tx, plans, tallies.counted(tx, campaign), tallies.kept(tx, campaign))


def disagreeing(tx: Tx, plans: Plans, real: Mapping[Tally, int], running: Mapping[Tally, int]) -> list[Broken]:
    """What does not add up in the real numbers, and where the running ones say something else."""
    named = versions.numbers(tx)
    wrong = broken(tx, plans, real)
    for tally in sorted(real.keys() | running.keys()):
        if real.get(tally, 0) != running.get(tally, 0):
            name, number = named.get(tally.version_id, ("a version that is gone", tally.version_id))
            how = f"{tally.what} {tally.way}".strip()
            what = f"{how}: {real.get(tally, 0)} are there, and {running.get(tally, 0)} were written down"
            wrong.append(Broken(name, number, tally.node, what))
    return wrong


def broken(tx: Tx, plans: Plans, numbers: Mapping[Tally, int]) -> list[Broken]:
    """What does not add up in these numbers, version by version and node by node."""
    by_version: dict[int, dict[Tally, int]] = defaultdict(dict)
    for tally, number in numbers.items():
        by_version[tally.version_id][tally] = number
    named = versions.numbers(tx)
    found = []
    for version, mine in sorted(by_version.items()):
        name, number = named.get(version, ("a version that is gone", version))
        found += [Broken(name, number, node, what) for node, what in _whole(mine)]
        try:
            plan = plans.get(version).plan
        except (NotRunnable, LookupError):
            continue  # nobody can tell its edges here
        found += [Broken(name, number, node, what) for node, what in _nodes(plan, mine)]
    return found


def _whole(numbers: Mapping[Tally, int]) -> Iterator[tuple[str, str]]:
    """Entered = here + ended."""
    sums: Counter[str] = Counter()
    for tally, number in numbers.items():
        sums[tally.what] += number
        if number < 0:
            yield tally.node, f"{tally.what} {tally.way}".strip() + f" is {number}"
    if sums["entered"] != sums["here"] + sums["ended"]:
        yield "", f"{sums['entered']} entered, and {sums['here']} are in it and {sums['ended']} have ended"


def _nodes(plan: Plan, numbers: Mapping[Tally, int]) -> Iterator[tuple[str, str]]:
    """Whoever left a node for another arrived there: counted along the edges, and again where they stand."""
    arrived: Counter[str] = Counter()
    there: Counter[str] = Counter()
    known = set(plan.nodes)
    for tally, number in numbers.items():
        if tally.what == "entered":
            arrived[plan.start] += number
        elif tally.what == "arrived":  # from another version, and not by the start
            arrived[tally.node] += number
            arrived[plan.start] -= number
        elif tally.what == "here":
            there[tally.node] += number
        elif tally.what == "left":
            there[tally.node] += number
            following = plan.nodes[tally.node].next.get(tally.way) if tally.node in known else None
            if following is not None:
                arrived[following] += number
    for node in sorted(known | there.keys()):
        if node not in known and there[node]:
            yield node, f"{there[node]} are or were at a node that this version does not have"
        elif arrived[node] != there[node]:
            yield node, f"{arrived[node]} arrived along the edges, and {there[node]} are there or have left it"
