"""Where boxes and arrows stand: layers from top to bottom, as few crossings as can be found, straight where possible.

The classic four moves: layers by the longest path, an order within each layer, positions, then the arrows. Arrows bend
only between rows, so none runs through a box; a label has a place of its own in a row between, so none lies on another.
Nothing here knows what is drawn, and the same input gives the same picture.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["Laid", "Link", "Size", "arrange"]

ACROSS = 36.0
"""Between two boxes of a row."""
BETWEEN = 20.0
"""Between two arrows, or an arrow and a box."""
ABOVE, BELOW = 20.0, 26.0
"""Between a row of boxes and the labels above it, and below it."""
PORTS = 34.0
"""Between two arrows where they leave a box."""
MANY = 3_000
"""So many items are ordered with fewer looks: a poster of two thousand boxes may have a crossing too many."""
MOST_BENDS = 40_000


@dataclass(frozen=True, slots=True)
class Size:
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Link:
    """An arrow that is to be laid, with the size of its label."""

    source: str
    target: str
    label: Size = Size(0, 0)
    close: bool = False
    """The target is a small box that nothing else leads to; it stands where the label would."""


@dataclass(frozen=True, slots=True)
class Laid:
    """Centres of boxes and labels, and for each link the points at which it goes straight down, from end to end."""

    width: float
    height: float
    boxes: Mapping[str, tuple[float, float]]
    labels: Sequence[tuple[float, float] | None]
    """Of each link, in the order they were given; None for a close one."""
    paths: Sequence[Sequence[tuple[float, float, float]]]
    """(x, from y, to y): the straight pieces of each link; a curve joins each to the next."""
    crossings: int


def arrange(sizes: Mapping[str, Size], links: Sequence[Link]) -> Laid:
    """Lay these out. `sizes` is in topological order; a link against it is drawn upwards."""
    grid = _Grid(sizes, links)
    grid.order()
    grid.place()
    return grid.laid()


class _Grid:
    """Items in rows. Even rows hold boxes, odd ones labels and close boxes; a long link has an item in every row it passes."""

    def __init__(self, sizes: Mapping[str, Size], links: Sequence[Link]) -> None:
        self.sizes = sizes
        self.links = links
        self.names = list(sizes)
        place = {name: n for n, name in enumerate(self.names)}
        self.ends = [sorted((place[link.source], place[link.target])) for link in links]
        self.upwards = [place[link.source] > place[link.target] for link in links]
        self.row = [0] * len(self.names)
        for (first, last), link in sorted(zip(self.ends, links, strict=True), key=lambda pair: pair[0]):
            self.row[last] = max(self.row[last], self.row[first] + (1 if link.close else 2))
        self.width = [sizes[name].width for name in self.names]
        self.ups: list[list[int]] = [[] for _ in self.names]
        self.downs: list[list[int]] = [[] for _ in self.names]
        self.chains: list[list[int]] = []
        """The items of each link, from top to bottom, its boxes not among them."""
        bends = 0
        for link, (first, last) in zip(links, self.ends, strict=True):
            rows = range(self.row[first] + 1, self.row[last])
            bends += len(rows)
            chain = [self._item(row) for row in (rows if bends <= MOST_BENDS else rows[:1])]
            if chain:
                self.width[chain[0]] = max(link.label.width, 1.0)
            self.chains.append(chain)
            for above, below in zip([first, *chain], [*chain, last], strict=True):
                if self.row[below] == self.row[above] + 1:
                    self.downs[above].append(below)
                    self.ups[below].append(above)
        self.rows: list[list[int]] = [[] for _ in range(max(self.row, default=0) + 1)]
        self.x = [0.0] * len(self.row)

    def _item(self, row: int) -> int:
        self.row.append(row)
        self.width.append(1.0)
        self.ups.append([])
        self.downs.append([])
        return len(self.row) - 1

    def order(self) -> None:
        """Put the items of each row into an order with few crossings."""
        best: list[list[int]] = []
        fewest = -1
        many = len(self.row) > MANY
        # Each attempt starts from another walk: sorting gets stuck, and where depends on where it began.
        for attempt in range(1 if many else max(2, min(40, 8_000 // max(len(self.row), 1)))):
            self.rows = self._walked(attempt)
            for turn in range(6 if many else 12):
                crossings = self.crossings()
                if fewest < 0 or crossings < fewest:
                    best, fewest = [row[:] for row in self.rows], crossings
                if fewest == 0:
                    break
                self._by_neighbours(downwards=turn % 2 == attempt % 2)
                if not many:
                    self._swap()
            if fewest == 0:
                break
        self.rows = best

    def _walked(self, attempt: int) -> list[list[int]]:
        """Rows in the order in which a walk through the links comes by; trees have no crossings then."""
        rows: list[list[int]] = [[] for _ in self.rows]
        seen = [False] * len(self.row)
        for root in range(len(self.names)):
            stack = [root]
            while stack:
                item = stack.pop()
                if not seen[item]:
                    seen[item] = True
                    rows[self.row[item]].append(item)
                    # First as they were given, then backwards, then mixed: by a hash, so that it is the same each time.
                    downs = self.downs[item][:: -1 if attempt != 1 else 1]
                    if attempt > 1:
                        downs.sort(key=lambda down: (down + 1) * (attempt * 2_654_435_761 + 40_503) % 1_000_003)
                    stack.extend(downs)
        return rows

    def _by_neighbours(self, *, downwards: bool) -> None:
        """Sort each row by the middle of what each item hangs on."""
        rows = self.rows if downwards else self.rows[::-1]
        beside = self.ups if downwards else self.downs
        for fixed, moved in pairwise(rows):
            place = {item: n for n, item in enumerate(fixed)}
            middle = {
                item: _middle(sorted(place[other] for other in beside[item] if other in place), n)
                for n, item in enumerate(moved)
            }
            moved.sort(key=middle.__getitem__)

    def _swap(self) -> None:
        """Exchange neighbours as long as that takes crossings away."""
        for n, row in enumerate(self.rows):
            above = {item: at for at, item in enumerate(self.rows[n - 1])} if n else {}
            below = {item: at for at, item in enumerate(self.rows[n + 1])} if n + 1 < len(self.rows) else {}
            moved = True
            rounds = 0
            while moved and rounds < 8:
                moved = False
                rounds += 1
                for at in range(len(row) - 1):
                    left, right = row[at], row[at + 1]
                    gain = 0
                    for beside, places in ((self.ups, above), (self.downs, below)):
                        ours = [places[each] for each in beside[left]]
                        theirs = [places[each] for each in beside[right]]
                        gain += sum((a > b) - (a < b) for a in ours for b in theirs)
                    if gain > 0:
                        row[at], row[at + 1] = right, left
                        moved = True

    def crossings(self) -> int:
        total = 0
        for upper, lower in zip(self.rows, self.rows[1:], strict=False):
            place = {item: n for n, item in enumerate(lower)}
            ends: list[int] = []
            for item in upper:
                for end in sorted(place[other] for other in self.downs[item]):
                    total += len(ends) - bisect_right(ends, end)
                    insort(ends, end)
        return total

    def place(self) -> None:
        """Give every item its x: near what it hangs on, long links straight, nobody on anybody."""
        for row in self.rows:
            self._settle(row, dict.fromkeys(row, 0.0))
        turns = 8 if len(self.row) > MANY else 30
        for turn in range(turns):
            rows = self.rows if turn % 2 == 0 else self.rows[::-1]
            # First from one side only, so that all hangs together; then from both, so that it is balanced.
            sides = (self.ups, self.downs) if turn >= turns // 2 else ((self.ups,), (self.downs,))[turn % 2]
            for row in rows:
                wanted: dict[int, float] = {}
                for item in row:
                    pull = weight = 0.0
                    for beside in sides:
                        for other in beside[item]:
                            force = 8.0 if self._straight(item, other) else 1.0
                            pull += force * self.x[other]
                            weight += force
                    wanted[item] = pull / weight if weight else self.x[item]
                self._settle(row, wanted)
        self._straighten()
        left = min((self.x[item] - self.width[item] / 2 for item in range(len(self.row))), default=0.0)
        self.x = [each - left for each in self.x]

    def _straight(self, item: int, other: int) -> bool:
        """Whether these neighbours want to stand exactly below each other: an only child and its only parent."""
        upper, lower = (item, other) if self.row[item] < self.row[other] else (other, item)
        boxes = len(self.names)
        return not ((upper < boxes and len(self.downs[upper]) > 1) or (lower < boxes and len(self.ups[lower]) > 1))

    def _apart(self, left: int, right: int) -> float:
        """The least distance between the centres of two neighbours in a row."""
        both_boxes = left < len(self.names) and right < len(self.names)
        return (self.width[left] + self.width[right]) / 2 + (ACROSS if both_boxes else BETWEEN)

    def _straighten(self) -> None:
        """Move columns instead of items: whatever wants to stand exactly below each other then does."""
        column = self._columns()
        members: dict[int, list[int]] = {}
        for item, first in enumerate(column):
            members.setdefault(first, []).append(item)
        lefts: dict[int, dict[int, float]] = {first: {} for first in members}
        rights: dict[int, dict[int, float]] = {first: {} for first in members}
        for row in self.rows:
            for left, right in pairwise(row):
                a, b, apart = column[left], column[right], self._apart(left, right)
                lefts[b][a] = max(lefts[b].get(a, 0.0), apart)
                rights[a][b] = max(rights[a].get(b, 0.0), apart)
        order = _topological(rights)
        x = {first: sum(self.x[item] for item in items) / len(items) for first, items in members.items()}
        pushed_right, pushed_left = dict(x), dict(x)
        for first in order:
            pushed_right[first] = max([x[first], *(pushed_right[left] + d for left, d in lefts[first].items())])
        for first in reversed(order):
            pushed_left[first] = min([x[first], *(pushed_left[right] - d for right, d in rights[first].items())])
        x = {first: (pushed_right[first] + pushed_left[first]) / 2 for first in order}
        links = {
            first: [
                column[other]
                for item in items
                for other in (*self.ups[item], *self.downs[item])
                if column[other] != first
            ]
            for first, items in members.items()
        }
        for turn in range(8 if len(self.row) > MANY else 40):
            for first in order if turn % 2 == 0 else reversed(order):
                if links[first]:
                    wanted = sum(x[other] for other in links[first]) / len(links[first])
                    wanted = max([wanted, *(x[left] + d for left, d in lefts[first].items())])
                    x[first] = min([wanted, *(x[right] - d for right, d in rights[first].items())])
        self.x = [x[first] for first in column]

    def _columns(self) -> list[int]:
        """Of each item the first one of its column. Columns do not cross, so they can be told left from right."""
        column = list(range(len(self.row)))
        for upper_row, lower_row in zip(self.rows, self.rows[1:], strict=False):
            place = {item: n for n, item in enumerate(lower_row)}
            pairs = [
                (n, place[down])
                for n, item in enumerate(upper_row)
                for down in self.downs[item]
                if self._straight(item, down)
            ]
            taken: list[tuple[int, int]] = []
            # Long links first: a box may stand a little aside, a line with a kink is ugly.
            for pair in sorted(pairs, key=lambda pair: (upper_row[pair[0]] < len(self.names), pair)):
                at = bisect_right(taken, pair)
                fits_left = at == 0 or taken[at - 1][1] < pair[1]
                if fits_left and (at == len(taken) or taken[at][1] > pair[1]):
                    taken.insert(at, pair)
                    column[lower_row[pair[1]]] = column[upper_row[pair[0]]]
        return column

    def _settle(self, row: Sequence[int], wanted: Mapping[int, float]) -> None:
        """The nearest positions to the wanted ones in which the row keeps its order and its distances."""
        offsets = [0.0]
        for left, right in pairwise(row):
            offsets.append(offsets[-1] + self._apart(left, right))
        # Without the distances it is a regression that may not fall; whoever would overtake is pooled with its neighbour.
        pools: list[tuple[float, float, int]] = []
        for item, offset in zip(row, offsets, strict=False):
            weight = 4.0 if item >= len(self.names) else 1.0
            total, count = weight * (wanted[item] - offset), 1
            while pools and pools[-1][0] / pools[-1][1] > total / weight:
                before = pools.pop()
                total, weight, count = total + before[0], weight + before[1], count + before[2]
            pools.append((total, weight, count))
        at = 0
        for total, weight, count in pools:
            for _ in range(count):
                self.x[row[at]] = total / weight + offsets[at]
                at += 1

    def laid(self) -> Laid:
        heights = [0.0] * len(self.rows)
        for n, name in enumerate(self.names):
            heights[self.row[n]] = max(heights[self.row[n]], self.sizes[name].height)
        for link, chain in zip(self.links, self.chains, strict=True):
            if chain:
                heights[self.row[chain[0]]] = max(heights[self.row[chain[0]]], link.label.height)
        tops, bottom = [0.0] * len(self.rows), 0.0
        for n, height in enumerate(heights):
            if n:
                # A wide sweep needs room to be a curve.
                slide = max((abs(self.x[a] - self.x[b]) for a in self.rows[n - 1] for b in self.downs[a]), default=0.0)
                gap = BELOW if n % 2 else ABOVE
                bottom += (gap if height or n % 2 == 0 else gap / 2) + min(slide * 0.1, 60.0)
            tops[n] = bottom
            bottom += height
        middles = [top + height / 2 for top, height in zip(tops, heights, strict=True)]
        boxes = {name: (self.x[n], middles[self.row[n]]) for n, name in enumerate(self.names)}
        paths = [self._path(n, tops, heights, boxes) for n in range(len(self.links))]
        labels = [(self.x[chain[0]], middles[self.row[chain[0]]]) if chain else None for chain in self.chains]
        width = max((self.x[item] + self.width[item] / 2 for item in range(len(self.row))), default=0.0)
        return Laid(width, bottom, boxes, labels, paths, self.crossings())

    def _path(
        self, n: int, tops: Sequence[float], heights: Sequence[float], boxes: Mapping[str, tuple[float, float]]
    ) -> list[tuple[float, float, float]]:
        first, last = self.ends[n]
        chain = self.chains[n]
        leaving = sorted(self.downs[first], key=lambda item: self.x[item])
        spread = min(PORTS, (self.width[first] - 40.0) / max(len(leaving) - 1, 1))
        at = (leaving.index(chain[0] if chain else last) - (len(leaving) - 1) / 2) * spread
        bottom = boxes[self.names[first]][1] + self.sizes[self.names[first]].height / 2
        top = boxes[self.names[last]][1] - self.sizes[self.names[last]].height / 2
        path = [(self.x[first] + at, bottom, bottom)]
        path += [(self.x[item], tops[self.row[item]], tops[self.row[item]] + heights[self.row[item]]) for item in chain]
        path.append((self.x[last], top, top))
        return [(x, end, begin) for x, begin, end in reversed(path)] if self.upwards[n] else path


def _middle(places: Sequence[int], otherwise: int) -> float:
    if not places:
        return float(otherwise)
    half = len(places) // 2
    return float(places[half]) if len(places) % 2 else (places[half - 1] + places[half]) / 2


def _topological(after: Mapping[int, Mapping[int, float]]) -> list[int]:
    waiting = dict.fromkeys(after, 0)
    for others in after.values():
        for other in others:
            waiting[other] += 1
    ready = [item for item, count in waiting.items() if not count]
    for item in ready:
        for other in after[item]:
            waiting[other] -= 1
            if not waiting[other]:
                ready.append(other)
    return ready
