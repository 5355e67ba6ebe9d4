"""What can be proven about the paths of a campaign: who is always before a node, who sometimes is.

Paths through a DAG are exponential, so none is ever listed: dominators answer "always", sets of ancestors "sometimes".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import networkx as nx

from nurture.node import Node
from nurture.problems import Problem
from nurture.words import did_you_mean

__all__ = ["Paths", "Standpoint"]


class Paths:
    """The paths from the start through an acyclic campaign."""

    def __init__(self, start: str, order: Sequence[str], ways: Mapping[str, Iterable[str]]) -> None:
        """`order` is topological and holds what the start reaches; `ways` is node to the nodes after it, in `order`."""
        self._bit = {node: 1 << n for n, node in enumerate(order)}
        self._order = tuple(order)
        graph: nx.DiGraph[str] = nx.DiGraph()
        graph.add_nodes_from(order)
        graph.add_edges_from((node, target) for node in order for target in ways[node])
        self._above = {
            node: above for node, above in nx.immediate_dominators(graph, start).items() if above not in (node, None)
        }
        self._before: dict[str, int] = dict.fromkeys(order, 0)
        self._depth: dict[str, int] = {}
        self._spans: dict[str, tuple[int, int]] = {}
        for node in order:
            known = self._before[node] | self._bit[node]
            for target in ways[node]:
                self._before[target] |= known
            self._depth[node] = self._depth[self._above[node]] + 1 if node in self._above else 0
        self._number_the_tree(start)

    def _number_the_tree(self, start: str) -> None:
        """A node dominates those whose number lies in its span: asking costs no walk."""
        below: dict[str, list[str]] = {}
        for node, above in self._above.items():
            below.setdefault(above, []).append(node)
        size = dict.fromkeys(self._order, 1)
        for node in reversed(self._order):  # a dominator stands before what it dominates
            if node in self._above:
                size[self._above[node]] += size[node]
        first = {start: 0}
        for node in self._order:
            number = first[node]
            self._spans[node] = (number, number + size[node])
            number += 1
            for child in below.get(node, ()):
                first[child] = number
                number += size[child]

    @property
    def order(self) -> tuple[str, ...]:
        """What the start reaches, topologically."""
        return self._order

    def always(self, earlier: str, later: str) -> bool:
        """Whether `earlier` lies on every path to `later`, and is another node."""
        if earlier not in self._spans or earlier == later:
            return False
        number = self._spans[later][0]
        return self._spans[earlier][0] <= number < self._spans[earlier][1]

    def sometimes(self, earlier: str, later: str) -> bool:
        return bool(self._before[later] & self._bit.get(earlier, 0))

    def all_always(self, later: str) -> list[str]:
        """In the order in which every lead comes through them."""
        found: list[str] = []
        node = later
        while node in self._above:
            node = self._above[node]
            found.append(node)
        return found[::-1]

    def all_sometimes(self, later: str) -> list[str]:
        """In topological order."""
        bits = self._before[later]
        return [node for node in self._order if bits & self._bit[node]]

    def count_always(self, later: str) -> int:
        return self._depth[later]

    def count_sometimes(self, later: str) -> int:
        return self._before[later].bit_count()


class _Before(Mapping[str, Node]):
    """The nodes before one: asking for a single one is cheap, all of them are listed only when walked through."""

    __slots__ = ("_always", "_later", "_nodes", "_paths")

    def __init__(self, paths: Paths, later: str, nodes: Mapping[str, Node], *, always: bool) -> None:
        self._paths, self._later, self._nodes, self._always = paths, later, nodes, always

    def __contains__(self, node: object) -> bool:
        holds = self._paths.always if self._always else self._paths.sometimes
        return isinstance(node, str) and holds(node, self._later)

    def __getitem__(self, node: str) -> Node:
        if node not in self:
            raise KeyError(node)
        return self._nodes[node]

    def __iter__(self) -> Iterator[str]:
        return iter((self._paths.all_always if self._always else self._paths.all_sometimes)(self._later))

    def __len__(self) -> int:
        return (self._paths.count_always if self._always else self._paths.count_sometimes)(self._later)


class Standpoint:
    """Where one node stands: the `Place` that its `check` is given."""

    __slots__ = ("_channels", "_contents", "_nodes", "_paths", "_where", "node")

    def __init__(
        self,
        node: str,
        where: str,
        paths: Paths,
        nodes: Mapping[str, Node],
        channels: Mapping[str, frozenset[str]],
        contents: Mapping[str, frozenset[str]],
    ) -> None:
        self.node = node
        self._where = where
        self._paths = paths
        self._nodes = nodes
        self._channels = channels
        self._contents = contents

    def always_before(self) -> Mapping[str, Node]:
        return _Before(self._paths, self.node, self._nodes, always=True)

    def sometimes_before(self) -> Mapping[str, Node]:
        return _Before(self._paths, self.node, self._nodes, always=False)

    def all_nodes(self) -> Mapping[str, Node]:
        return self._nodes

    def channels(self) -> Mapping[str, frozenset[str]]:
        return self._channels

    def contents(self) -> Mapping[str, frozenset[str]]:
        return self._contents

    def error(self, code: str, what: str, hint: str = "", at: str = "") -> Problem:
        return Problem(self._where + at, code, what, hint)

    def warning(self, code: str, what: str, hint: str = "", at: str = "") -> Problem:
        return Problem(self._where + at, code, what, hint, "warning")

    def did_you_mean(self, word: str, among: Iterable[str]) -> str:
        return did_you_mean(word, among)
