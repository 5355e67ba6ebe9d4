"""A campaign ready to run: every node built, every outcome wired, nothing left to fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from nurture.building import build, without_the_wrong
from nurture.calendar import Calendar, SendWindow
from nurture.condition import Condition
from nurture.definition import END, Definition, NodeSpec, edges, read
from nurture.findings import Findings
from nurture.node import Node
from nurture.order import ordered
from nurture.problems import Problem, pointer
from nurture.proofs import Paths, Standpoint
from nurture.snapshot import ALWAYS_EXITS, SIGNAL_KINDS
from nurture.words import did_you_mean, listed, quoted, safe

__all__ = ["Plan", "PlannedNode", "World", "check", "compile"]


SAID_BY = frozenset({"channel", "content"})
"""The settings by which a message is named, whatever the type of its node."""


def _weekends(country: str | None, zone: str) -> Calendar | None:
    return Calendar(zone) if country is None else None


@dataclass(frozen=True, slots=True)
class World:
    """All that a campaign may refer to."""

    node_types: Mapping[str, type[Node]]
    channels: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Channel to the signal kinds by which a response to it can be seen."""
    contents: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Content to the channels it is written for."""
    check_content: Callable[[str, str], Sequence[Problem]] = lambda content, channel: ()
    """(content, channel) to what is wrong with its files."""
    calendar: Callable[[str | None, str], Calendar | None] = _weekends
    """(country, time zone) to its workdays; None for a country it does not know."""


@dataclass(frozen=True, slots=True)
class PlannedNode:
    """A node with its edges: outcome to the node that follows, None where the campaign ends."""

    id: str
    node: Node
    next: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What the engine walks leads through."""

    campaign: str
    definition: Definition
    start: str
    nodes: Mapping[str, PlannedNode]
    exit_on: frozenset[str]
    calendar: Calendar
    send_window: SendWindow | None
    order: tuple[str, ...]
    """All nodes, topologically; what hangs on an earlier outcome comes first."""


def check(data: bytes | str, world: World, file: str = "") -> list[Problem]:
    """Everything that is wrong with this text or dubious about it, at once; errors first, at most a hundred."""
    found = Findings()
    definition, _ = read(data, found)
    if definition is not None:
        _Compiler(definition, world, found).run()
    return found.listed(file)


def compile(definition: Definition, world: World) -> tuple[Plan | None, list[Problem]]:
    """The plan, or None and why there is none. Warnings come with a plan, too."""
    return _Compiler(definition, world, Findings()).run()


class _Compiler:
    """Proves one campaign, as far as it can get; `found` may hold what is known to be wrong already."""

    def __init__(self, definition: Definition, world: World, found: Findings) -> None:
        self.definition = definition
        self.world = world
        self.found = found
        self.nodes: dict[str, Node] = {}
        self.halves: dict[str, tuple[Node, frozenset[str]]] = {}
        """Nodes that could only be built without some of their settings, and which: what else is wrong shows, too."""
        self.next: dict[str, dict[str, str | None]] = {}
        """Of the nodes whose every outcome leads somewhere."""

    def run(self) -> tuple[Plan | None, list[Problem]]:
        definition, specs = self.definition, self.definition.nodes
        for name, spec in specs.items():
            self._build(name, spec)
        calendar = self._calendar()
        self._exit_on()
        if definition.entry.when is not None:
            self.found.take(Condition.problems(definition.entry.when, "/entry/when"))
        ways = {name: [target for _, target in edges(spec) if target in specs] for name, spec in specs.items()}
        order, cycles = ordered(definition.start, ways)
        for cycle in cycles:
            self._cycle(cycle)
        if definition.start:
            reached = self._reached(ways, order)
            closing = {(cycle[-2], cycle[-1]) for cycle in cycles}
            onward = {
                name: [target for target in dict.fromkeys(ways[name]) if (name, target) not in closing]
                for name in reached
            }
            self._prove(Paths(definition.start, reached, onward))
            self._warn(reached)
        self._contents()
        if self.found.has_errors() or calendar is None:
            return None, self.found.listed()
        plan = Plan(
            campaign=definition.campaign,
            definition=definition,
            start=definition.start,
            nodes={name: PlannedNode(name, self.nodes[name], self.next[name]) for name in order},
            exit_on=ALWAYS_EXITS.union(definition.exit_on),
            calendar=calendar,
            send_window=definition.send_window,
            order=tuple(order),
        )
        return plan, self.found.listed()

    def _build(self, name: str, spec: NodeSpec) -> None:
        if not spec.type:
            return
        where = pointer("nodes", name)
        node_type = self.world.node_types.get(spec.type)
        if node_type is None:
            what = f"there is no node type {quoted(spec.type)}; a package that brings it may not be installed"
            self.found.add(
                where + "/type", "E_NODE_TYPE", what, partial(did_you_mean, spec.type, self.world.node_types)
            )
            return
        node, problems = build(spec.type, node_type, spec.settings, where)
        self.found.take(problems)
        ways: Any = None
        if node is not None:
            self.nodes[name] = node
            ways = self._asked(name, "ways_out", node.ways_out)
        else:
            half, wrong = without_the_wrong(spec.type, node_type, spec.settings, problems, where)
            if half is not None:
                self.halves[name] = half, wrong
            if node_type.ways_out is Node.ways_out:
                ways = node_type.outcomes
        if ways is not None:
            names = [way for way in ways if isinstance(way, str) and way] if isinstance(ways, tuple) else None
            if names is None or len(set(names)) != len(ways):
                what = f"the type {quoted(spec.type)} declares its ways out wrongly: {safe(repr(ways))[:200]}"
                self.found.add(where, "E_NODE_TYPE", what, "each is a text, and another one")
            else:
                self._wire(name, spec, ways)

    def _wire(self, name: str, spec: NodeSpec, ways: tuple[str, ...]) -> None:
        """Exactly one edge for each outcome."""
        where = pointer("nodes", name, "next")
        written = self.definition.raw.get("nodes", {}).get(name, {}).get("next", spec.next)
        if not ways:
            if written is not None:
                what = f"a node of type {quoted(spec.type)} ends the campaign for its lead, and has no `next`"
                self.found.add(where, "E_OUTCOME", what, "leave `next` out")
            self.next[name] = {}
        elif written is None or written == {}:
            if not self.found.at(where):
                hint = f'add "next": "end"; its ways out are: {listed(ways)}'
                self.found.add(where, "E_DEADEND", f"nothing follows on node {quoted(name)}", hint)
        elif isinstance(spec.next, str):
            self.next[name] = dict.fromkeys(ways, _way(spec.next))
        elif spec.next is not None:
            for outcome in written:
                if outcome and outcome not in ways:
                    what = f"{quoted(outcome)} is not a way out of node {quoted(name)}"
                    self.found.add(
                        where + pointer(outcome),
                        "E_OUTCOME",
                        what,
                        partial(did_you_mean, outcome, ways),
                    )
            for outcome in ways:
                if outcome not in written:
                    what = f"nothing follows on node {quoted(name)} when it goes {quoted(outcome)}"
                    self.found.add(where + pointer(outcome), "E_BRANCH", what, f'add "{safe(outcome)}": "end"')
            self.next[name] = {way: _way(spec.next[way]) for way in ways if way in spec.next}

    def _calendar(self) -> Calendar | None:
        country, zone = self.definition.calendar, self.definition.time_zone
        calendar = self.world.calendar(country, zone)
        if calendar is None:
            what = f"the workdays of {quoted(country)} are not known"
            self.found.add("/calendar", "E_CALENDAR", what, "a country's two letters, such as 'CN'")
        return calendar

    def _exit_on(self) -> None:
        kinds = {*SIGNAL_KINDS, *(kind for evidence in self.world.channels.values() for kind in evidence)}
        for n, kind in enumerate(self.definition.exit_on):
            where = pointer("exit_on", n)
            if kind not in kinds and not self.found.at(where):
                what = f"{quoted(kind)} is not a signal kind, so nobody would ever leave by it"
                self.found.add(where, "E_SIGNAL", what, partial(did_you_mean, kind, kinds))

    def _cycle(self, cycle: list[str]) -> None:
        last, first = cycle[-2], cycle[-1]
        shown = cycle if len(cycle) <= 12 else [*cycle[:6], "…", *cycle[-5:]]
        what = f"leads would go around for ever: {' -> '.join(safe(name[:64]) for name in shown)}"
        hint = "each node is visited once; send a lead through again with `again_after` of the entry"
        self.found.add(_edge(self.definition, last, first), "E_CYCLE", what, hint)

    def _reached(self, ways: Mapping[str, Sequence[str]], order: Sequence[str]) -> list[str]:
        """What a lead may come to, in order; complains of the rest, and of edges back to the start."""
        start, specs = self.definition.start, self.definition.nodes
        reached, front = {start}, [start]
        while front:
            fresh = [target for target in ways[front.pop()] if target not in reached]
            reached.update(fresh)
            front.extend(fresh)
        for name in specs:
            if name not in reached:
                hint = f"lead to it by a `next`, or take it out; the campaign starts at {quoted(start)}"
                self.found.add(
                    pointer("nodes", name), "E_UNREACHABLE", f"no lead ever comes to node {quoted(name)}", hint
                )
            if start in ways[name]:
                what = f"node {quoted(name)} leads back to the start {quoted(start)}"
                self.found.add(_edge(self.definition, name, start), "E_START", what, "nothing leads to the first node")
        return [name for name in order if name in reached]

    def _prove(self, paths: Paths) -> None:
        """Let each node look around, if all that a lead may have met before it could be built."""
        # What a node sends is what its place is judged by: one whose words are in doubt stands for nothing.
        known = self.nodes | {name: half for name, (half, wrong) in self.halves.items() if not wrong & SAID_BY}
        missing = [name for name in self.definition.nodes if name not in known]
        for name in paths.order:
            node, wrong = self._as_far_as_built(name)
            # The base class has nothing to say, and most types leave it at that.
            if (
                self.found.full
                or node is None
                or type(node).check is Node.check
                or any(paths.sometimes(each, name) for each in missing)
            ):
                continue
            place = Standpoint(name, pointer("nodes", name), paths, known, self.world.channels, self.world.contents)
            found = self._asked(name, "check", partial(_looked_around, node, place)) or ()
            self.found.take(problem for problem in found if not _about(problem.where, pointer("nodes", name), wrong))

    def _contents(self) -> None:
        """Every channel and content that a node may send by exists."""
        known: dict[tuple[str, str], Sequence[Problem]] = {}
        for name in (*self.nodes, *self.halves):
            node, wrong = self._as_far_as_built(name)
            assert node is not None
            if wrong & SAID_BY:
                continue
            for channel, content in self._asked(name, "contents", partial(_messages, node)) or ():
                settings = self.definition.nodes[name].settings
                at_channel = pointer("nodes", name) + _found_at(settings, "channel", channel)
                at_content = pointer("nodes", name) + _found_at(settings, "content", content)
                written_for = self.world.contents.get(content)
                if channel not in self.world.channels:
                    what = f"there is no channel {quoted(channel)}"
                    self.found.add(at_channel, "E_CHANNEL", what, partial(did_you_mean, channel, self.world.channels))
                if written_for is None:
                    what = f"there is no content {quoted(content)}"
                    self.found.add(at_content, "E_CONTENT", what, partial(did_you_mean, content, self.world.contents))
                elif channel in self.world.channels and channel not in written_for:
                    what = f"the content {quoted(content)} is not written for the channel {quoted(channel)}"
                    hint = f"it is written for: {listed(sorted(written_for))}" if written_for else ""
                    self.found.add(at_content, "E_CONTENT", what, hint)
                elif (channel, content) not in known and channel in self.world.channels:
                    known[channel, content] = self.world.check_content(content, channel)
                    self.found.take(
                        problem if problem.file else problem.under(at_content) for problem in known[channel, content]
                    )

    def _as_far_as_built(self, name: str) -> tuple[Node | None, frozenset[str]]:
        """The node, and the settings that had to be left out of it."""
        node = self.nodes.get(name)
        return (node, frozenset()) if node is not None else self.halves.get(name, (None, frozenset()))

    def _warn(self, order: Sequence[str]) -> None:
        """Of what is allowed and hardly meant."""
        came_from: dict[str, str] = {}
        for name in order:
            node = self.nodes.get(name)
            if node is None:
                continue
            sends = bool(self._asked(name, "contents", partial(_messages, node)))
            if sends and name in came_from:
                what = f"this message may follow at once on that of node {quoted(came_from[name])}"
                hint = "put a wait between them"
                self.found.add(pointer("nodes", name), "W_NO_WAIT", what, hint, "warning")
            ways = self.next.get(name, {})
            for outcome, target in ways.items():
                # Nobody has got a message that was not sent, so its substitute may follow at once.
                sent = name if sends and outcome != "unsent" else came_from.get(name)
                if sent is not None and target is not None and not node.waits:
                    came_from.setdefault(target, sent)
            if node.waits and not sends and len(ways) == 1 and set(ways.values()) == {None}:
                what = "after this wait nothing happens any more"
                self.found.add(pointer("nodes", name), "W_WAIT_AT_END", what, "take it out", "warning")

    def _asked(self, name: str, method: str, answer: Callable[[], Any]) -> Any:
        """The answer of a node type, which may be a stranger's; None if it fails."""
        try:
            return answer()
        except Exception as error:  # noqa: BLE001  # one bad type must not hide what else is wrong
            what = (
                f"`{method}` of type {quoted(self.definition.nodes[name].type)} failed: {type(error).__name__}: {error}"
            )
            where = pointer("nodes", name)
            self.found.add(where, "E_NODE_TYPE", safe(what)[:500], "its author would like to know")
            return None


def _about(where: str, node: str, settings: frozenset[str]) -> bool:
    """Whether this place is one of these settings of the node, or lies inside one."""
    return any(f"{where}/".startswith(f"{node}{pointer(key)}/") for key in settings)


def _looked_around(node: Node, place: Standpoint) -> list[Problem]:
    found = list(node.check(place))
    if not all(isinstance(problem, Problem) for problem in found):
        raise TypeError("a check yields problems")
    return found


def _messages(node: Node) -> list[tuple[str, str]]:
    found = [(channel, content) for channel, content in node.contents()]
    if not all(isinstance(word, str) for pair in found for word in pair):
        raise TypeError("contents are pairs of texts, (channel, content)")
    return found


def _way(target: str) -> str | None:
    return None if target == END else target


def _edge(definition: Definition, node: str, target: str) -> str:
    """The pointer to the first edge that leads from this node to that one."""
    for outcome, way in edges(definition.nodes[node]):
        if way == target and outcome is not None:
            return pointer("nodes", node, "next", outcome)
    return pointer("nodes", node, "next")


def _found_at(settings: Mapping[str, Any], key: str, value: str) -> str:
    """The pointer, below the node, to the setting that says this; to the node itself if none does."""
    for name in (key, *settings):
        written = settings.get(name)
        if written == value:
            return pointer(name)
        if isinstance(written, list) and value in written:
            return pointer(name, written.index(value))
    return ""
