"""Leads that run an older version, and a newer one is published: where each of them would go on, and whether it can.

Pure. A running lead keeps its version unless somebody says otherwise; this module is what is said, and what it means.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, get_args

from nurture.definition import END
from nurture.node import Node
from nurture.plan import Plan
from nurture.problems import Problem
from nurture.proofs import Paths
from nurture.words import did_you_mean, quoted

__all__ = ["KEEP", "LEFT", "Choice", "Kept", "Mover", "Running", "named_nodes"]

Choice = Literal["keep", "move", "exit"]
LEFT = ("moved", "removed")
"""How a step ends that no node has decided: the lead was moved to another version, or taken out."""


@dataclass(frozen=True, slots=True)
class Running:
    """What becomes of the leads that are inside when a version is published."""

    choice: Choice = "keep"
    map: Mapping[str, str] = field(default_factory=dict)
    """Where `move` takes the leads of a node: another node, or `end` for out. A node that is not named keeps its name."""

    def problems(self, plan: Plan, standing: Mapping[str, int], known: Sequence[str]) -> Iterator[Problem]:
        """What is wrong with this, for leads that stand so; `known`: every node of the versions they run."""
        if self.choice not in get_args(Choice):
            yield Problem("", "E_RUNNING", f"running leads cannot {quoted(self.choice)}", "keep, move or exit")
            return
        if self.map and self.choice != "move":
            yield Problem("", "E_RUNNING", f"a map says where leads move, and these {self.choice}", "choose move")
            return
        for source, target in self.map.items():
            if source not in known:
                what = f"no lead is at a node {quoted(source)}, nor ever was"
                yield Problem("", "E_MAP", what, did_you_mean(source, known))
            if target != END and target not in plan.nodes:
                what = f"leads of {quoted(source)} cannot move to {quoted(target)}: the new version has no such node"
                yield Problem("", "E_MAP", what, did_you_mean(target, plan.nodes))
        if self.choice != "move":
            return
        for node, number in sorted(standing.items()):
            if node not in plan.nodes and node not in self.map:
                what = f"{number:,} {'lead stands' if number == 1 else 'leads stand'} at {quoted(node)}, which is gone"
                hint = f"say where they go: --map {node}=NODE, or --map {node}={END} to take them out"
                yield Problem("", "E_MAP", what, hint)


KEEP = Running()


class Kept(Exception):
    """This lead cannot be moved, and stays with its version. Says why."""


class Mover:
    """One move to one version: the answers for all leads alike."""

    def __init__(self, plan: Plan, running: Running) -> None:
        self.plan = plan
        self.running = running
        self._needs: dict[str, tuple[frozenset[str], bool]] = {}

    def target(self, node: str, carried: frozenset[str]) -> str | None:
        """Where a lead goes on that stands at `node`, and takes along messages of the nodes `carried`; None: it is
        taken out. Raises `Kept`."""
        if self.running.choice == "exit":
            return None
        target = self.running.map.get(node, node)
        if target == END:
            return None
        if target not in self.plan.nodes:
            raise Kept(f"node '{node}' is gone, and nothing says where its leads go")
        needs, any_message = self._needed(target)
        if missing := sorted(needs - carried):
            raise Kept(f"it would be asked about '{missing[0]}', which it never got")
        if any_message and not carried:
            raise Kept("it would be asked about a message, and has got none")
        return target

    def names(self, before: Mapping[str, str]) -> dict[str, str]:
        """Under which name the new version knows the nodes of older ones that it has no more; `before`: those that the
        lead brings along from an earlier move."""
        # A node that still exists keeps its name: leads are sent on from it, its messages are not.
        gone = {
            source: target
            for source, target in self.running.map.items()
            if source not in self.plan.nodes and target != END
        }
        return {source: gone.get(target, target) for source, target in before.items()} | gone

    def _needed(self, target: str) -> tuple[frozenset[str], bool]:
        """The nodes about whose messages a lead at `target` may still be asked, and which it will not pass any more;
        and whether it may be asked about "the last one" before it has got any."""
        found = self._needs.get(target)
        if found is None:
            ahead = self._ahead(target)
            needs, any_message = set[str](), False
            for name in ahead:
                for named in named_nodes(self.plan.nodes[name].node):
                    if named is None:
                        before = self._paths.all_always(name)
                        any_message |= not any(n in ahead and self.plan.nodes[n].node.contents() for n in before)
                    elif named in self.plan.nodes and named not in ahead and self.plan.nodes[named].node.contents():
                        needs.add(named)
            found = self._needs[target] = (frozenset(needs), any_message)
        return found

    def _ahead(self, target: str) -> set[str]:
        """The node itself, and all that may follow."""
        ahead = {target}
        for name in self.plan.order:
            if name in ahead:
                ahead |= {following for following in self.plan.nodes[name].next.values() if following is not None}
        return ahead

    @cached_property
    def _paths(self) -> Paths:
        ways = {
            name: [way for way in dict.fromkeys(planned.next.values()) if way is not None]
            for name, planned in self.plan.nodes.items()
        }
        return Paths(self.plan.start, self.plan.order, ways)


def named_nodes(node: Node) -> Iterator[str | None]:
    """The nodes that the settings of this one name; None where such a setting is left empty."""
    for name, info in type(node).model_fields.items():
        extra = info.json_schema_extra
        if isinstance(extra, dict) and extra.get("x-form") == "node":
            value = getattr(node, name)
            yield value if isinstance(value, str) else None
