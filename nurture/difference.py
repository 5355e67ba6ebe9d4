"""How two versions of a campaign differ, node by node and setting by setting: as data, and in words.

Pure. Nodes are known by their id: one that is called otherwise now is a node gone and another one new.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from nurture.definition import END, Definition, NodeSpec, edges, in_language
from nurture.drawing.sketch import CHINESE

__all__ = ["Change", "Difference", "Kind", "compare", "sentences"]

Kind = Literal["added", "removed", "changed", "rewired"]

CAMPAIGN = ("title", "entry", "exit_on", "calendar", "time_zone", "send_window", "start")
"""What may differ beside the nodes, in the order in which it is written."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is not as it was. `before` or `after` is None where there was, or is, nothing."""

    kind: Kind
    node: str | None
    """None: the campaign itself."""
    name: str = ""
    """The setting, or the outcome whose edge leads elsewhere; '' for the node as such."""
    before: Any = None
    after: Any = None

    def as_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "node": self.node, "name": self.name, "before": self.before, "after": self.after}


@dataclass(frozen=True, slots=True)
class Difference:
    changes: tuple[Change, ...]
    """The campaign first, then the nodes in the order in which the new version has them, those that are gone last."""
    contents: tuple[str, ...] = ()
    """Content files that are new, gone, or say something else."""

    def __bool__(self) -> bool:
        return bool(self.changes or self.contents)

    def marks(self) -> dict[str, Kind]:
        """Each node that differs, and how: for a drawing."""
        found: dict[str, Kind] = {}
        for change in self.changes:
            if change.node is not None and found.get(change.node) != "changed":
                found[change.node] = change.kind
        return found

    def as_json(self) -> dict[str, Any]:
        return {"changes": [change.as_json() for change in self.changes], "contents": list(self.contents)}


def compare(
    before: Definition,
    after: Definition,
    before_files: Mapping[str, str] | None = None,
    after_files: Mapping[str, str] | None = None,
) -> Difference:
    """From one version to another, with the content files that each was stored with."""
    changes = [
        Change("changed", None, name, before.raw.get(name), after.raw.get(name))
        for name in CAMPAIGN
        if before.raw.get(name) != after.raw.get(name)
    ]
    for name, spec in after.nodes.items():
        old = before.nodes.get(name)
        changes += [Change("added", name)] if old is None else _node(name, old, spec)
    changes += [Change("removed", name) for name in before.nodes if name not in after.nodes]
    old_files, new_files = before_files or {}, after_files or {}
    contents = sorted(
        path for path in old_files.keys() | new_files.keys() if old_files.get(path) != new_files.get(path)
    )
    return Difference(tuple(changes), tuple(contents))


def _node(name: str, before: NodeSpec, after: NodeSpec) -> Iterator[Change]:
    if before.type != after.type:
        yield Change("changed", name, "type", before.type, after.type)
    if before.title != after.title:
        yield Change("changed", name, "title", before.title, after.title)
    for setting in [*after.settings, *(old for old in before.settings if old not in after.settings)]:
        was, now = before.settings.get(setting), after.settings.get(setting)
        if was != now:
            yield Change("changed", name, setting, was, now)
    was_to, now_to = dict(_edges(before)), dict(_edges(after))
    for outcome in [*now_to, *(way for way in was_to if way not in now_to)]:
        if was_to.get(outcome) != now_to.get(outcome):
            yield Change("rewired", name, outcome, was_to.get(outcome), now_to.get(outcome))


def _edges(spec: NodeSpec) -> Iterator[tuple[str, str]]:
    return ((outcome or "next", target) for outcome, target in edges(spec))


def sentences(
    difference: Difference,
    before: Definition,
    after: Definition,
    language: str,
    waiting: Mapping[str, int] | None = None,
) -> list[str]:
    """What differs, a line each. `waiting`: how many leads stand at each node, told where that node is concerned."""
    words = _Words(before, after, language.partition("-")[0] == "zh")
    lines = []
    told: set[str] = set()
    for change in difference.changes:
        line = words.line(change)
        here = (waiting or {}).get(change.node or "", 0)
        if here and change.node not in told:
            told.add(str(change.node))
            line += words.wait_here(here)
        lines.append(line)
    return lines + [words.content(path) for path in difference.contents]


class _Words:
    def __init__(self, before: Definition, after: Definition, chinese: bool) -> None:
        self.before = before
        self.after = after
        self.chinese = chinese
        self.language = "zh" if chinese else "en"

    def line(self, change: Change) -> str:
        zh = self.chinese
        if change.node is None:
            return f"{self._name(change.name)}{'：' if zh else ': '}{self._from_to(change)}"
        who = self._node(change.node)
        if change.kind == "added":
            return f"新增节点 {who}" if zh else f"{who} is new"
        if change.kind == "removed":
            return f"移除节点 {who}" if zh else f"{who} is gone"
        if change.kind == "rewired":
            return f"{who}：{self._way(change)}" if zh else f"{who}: {self._way(change)}"
        return f"{who}{'：' if zh else ': '}{self._name(change.name)} {self._from_to(change)}"

    def wait_here(self, number: int) -> str:
        if self.chinese:
            return f"；{number:,} 条线索在此等待"
        return f"; {number:,} {'lead waits' if number == 1 else 'leads wait'} here"

    def content(self, path: str) -> str:
        return f"内容 {path} 有改动" if self.chinese else f"content {path} differs"

    def _node(self, name: str) -> str:
        """Its title, and the id where that says something else."""
        spec = self.after.nodes.get(name) or self.before.nodes[name]
        title = in_language(spec.title, self.language, name)
        quotes = "「」" if self.chinese else "''"
        return f"{quotes[0]}{title}{quotes[1]}" + ("" if title == name else f" ({name})")

    def _way(self, change: Change) -> str:
        targets = [self._target(value) for value in (change.before, change.after)]
        way = "" if change.name == "next" else change.name
        way = CHINESE.get(way, way) if self.chinese else way
        if self.chinese:
            return f"{f'出口 {way} ' if way else ''}改为 {targets[0]} → {targets[1]}"
        return f"{f'{way} ' if way else ''}leads elsewhere: {targets[0]} → {targets[1]}"

    def _target(self, name: Any) -> str:
        if name is None:
            return "无" if self.chinese else "nowhere"
        if name == END:
            return "结束" if self.chinese else "the end"
        known = name in self.after.nodes or name in self.before.nodes
        return self._node(name) if known else str(name)

    def _name(self, name: str) -> str:
        return NAMES.get(name, name) if self.chinese else name.replace("_", " ")

    def _from_to(self, change: Change) -> str:
        return f"{self._value(change.before)} → {self._value(change.after)}"

    def _value(self, value: Any) -> str:
        if value is None:
            return "未设置" if self.chinese else "not set"
        if isinstance(value, str):
            return _TIME.sub(lambda found: f"{found[1]} {TIMES[found[2]]}", value) if self.chinese else value
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return ("、" if self.chinese else ", ").join(value) or ("空" if self.chinese else "none")
        text = json.dumps(value, ensure_ascii=False)
        return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


LONGEST = 120
TIMES = {"minute": "分钟", "hour": "小时", "day": "天", "workday": "个工作日", "week": "周", "month": "个月"}
_TIME = re.compile(rf"^(\d+) ({'|'.join(TIMES)})s?$")
NAMES = {
    "title": "标题",
    "entry": "进入条件",
    "exit_on": "退出条件",
    "calendar": "工作日历",
    "time_zone": "时区",
    "send_window": "发送窗口",
    "start": "起点",
    "type": "类型",
    "content": "内容",
    "channel": "渠道",
    "within": "期限",
    "for": "时长",
    "sla": "答复期限",
    "team": "团队",
    "to": "对象",
    "evidence": "依据",
    "add": "添加",
    "remove": "移除",
    "points": "分数",
    "again_after": "再次进入间隔",
}
