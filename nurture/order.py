"""The order of nodes: who comes before whom, by the edges and, where these leave it open, by the order of outcomes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["ordered"]

MOST_CYCLES = 100
"""How many are walked all around; of the others only the edge that closes them is given."""


def ordered(start: str, ways: Mapping[str, Sequence[str]]) -> tuple[list[str], list[list[str]]]:
    """Every node of `ways` in topological order, and the cycles that stand in the way of one.

    `ways` is node to the nodes its outcomes lead to, in the order of the outcomes; targets that are no nodes are
    skipped. What hangs on an earlier outcome comes first, so a step put in between moves no other. Nodes that the start
    does not reach stand after all that it does. A cycle is the path around it, `[a, b, a]`, one for each edge that
    closes one.
    """
    entered = {target for targets in ways.values() for target in targets}
    seen: set[str] = set()
    cycles: list[list[str]] = []
    first = _block(start, ways, seen, cycles) if start in ways else []
    others = [
        _block(root, ways, seen, cycles) for root in (*sorted(ways.keys() - entered), *sorted(ways)) if root not in seen
    ]
    # A later root may lead into what an earlier one reached, never the other way round.
    return first + [node for block in reversed(others) for node in block], cycles


def _block(root: str, ways: Mapping[str, Sequence[str]], seen: set[str], cycles: list[list[str]]) -> list[str]:
    finished: list[str] = []
    path: list[str] = []
    place: dict[str, int] = {}
    stack: list[tuple[str, Iterator[str]]] = []

    def enter(node: str) -> None:
        seen.add(node)
        place[node] = len(path)
        path.append(node)
        stack.append((node, iter(_last_first(ways[node]))))

    enter(root)
    while stack:
        node, targets = stack[-1]
        for target in targets:
            if target in place:
                cycles.append([*path[place[target] :], target] if len(cycles) < MOST_CYCLES else [node, target])
            elif target in ways and target not in seen:
                enter(target)
                break
        else:
            stack.pop()
            path.pop()
            del place[node]
            finished.append(node)
    finished.reverse()
    return finished


def _last_first(targets: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(targets))[::-1]
