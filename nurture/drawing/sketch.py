"""What a drawing of a campaign shows, whatever draws it: boxes, arrows between them, and the words on both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from nurture.definition import END, Definition, NodeSpec, edges, in_language
from nurture.order import ordered
from nurture.plan import Plan

__all__ = ["Arrow", "Box", "Counts", "Sketch", "number", "sketch"]

Counts = Mapping[str, Mapping[str, Any]]
"""Node to `{"entered": n, "here": n, "outcomes": {outcome: n}}`, as `nurture status` prints it; any part may be missing."""
Kind = Literal["entry", "message", "wait", "question", "change", "end"]
ENTRY = ">"
"""The id of the box in which leads come in; no node can have it."""

CHINESE = {
    "entry": "进入",
    "end": "结束",
    "next": "下一步",
    "yes": "是",
    "no": "否",
    "sent": "已发出",
    "unsent": "未发出",
    "otherwise": "其他",
    "accepted": "已接受",
    "returned": "已退回",
    "unanswered": "未答复",
    "viewed": "查看",
    "clicked": "点击",
    "replied": "回复",
    "submitted": "提交",
    "visited": "访问",
    "downloaded": "下载",
    "registered": "注册",
    "attended": "参会",
    "unsubscribed": "退订",
    "bounced": "退信",
    "complained": "投诉",
    "objected": "拒绝自动化决策",
    "converted": "转化",
    "refused": "被拒收",
    "ambiguous": "无法确认",
    "pending": "待发",
    "sending": "发送中",
    "cancelled": "已取消",
    "awaiting_confirmation": "待确认",
    "completed": "完成",
    "pool": "回到流量池",
    "moved": "已迁移",
    "removed": "已移出",
    "stuck": "卡住",
}


@dataclass(frozen=True, slots=True)
class Box:
    """One node, the way in, or an end of the campaign."""

    id: str
    """A node's id; with a `>` in it for the way in and for the ends of the campaign, each below the node it follows."""
    kind: Kind
    title: str
    detail: str = ""
    """The type and what it is told in a few words; of an end, the outcomes that lead to it."""
    entered: int | None = None
    here: int | None = None


@dataclass(frozen=True, slots=True)
class Arrow:
    """All outcomes of one node that lead to the same box."""

    source: str
    target: str
    label: str = ""
    """The outcomes, where the node has several ways to go."""
    count: int | None = None
    """How many leads went this way."""
    share: float = 0.0
    """The part of the leads that this is, 0 to 1, of the most that any arrow saw."""


@dataclass(frozen=True, slots=True)
class Sketch:
    title: str
    note: str
    """What takes leads out at any time; '' when nothing does."""
    boxes: tuple[Box, ...]
    """In topological order, the way in first."""
    arrows: tuple[Arrow, ...]
    """In the order of the boxes and of their outcomes."""


def sketch(campaign: Plan | Definition, counts: Counts | None, language: str) -> Sketch:
    """The drawing in words. A definition that was not compiled is drawn as it stands, whatever is wrong with it."""
    definition = campaign.definition if isinstance(campaign, Plan) else campaign
    plan = campaign if isinstance(campaign, Plan) else None
    specs = definition.nodes
    chinese = language.partition("-")[0] == "zh"
    order, _ = ordered(definition.start, {name: [way for _, way in edges(spec)] for name, spec in specs.items()})
    entered = _count((counts or {}).get(definition.start, {}).get("entered")) if counts is not None else None
    most = (
        max((_count(n) for each in (counts or {}).values() for n in each.get("outcomes", {}).values()), default=0) or 1
    )
    boxes = [Box(ENTRY, "entry", _word("entry", chinese), entered=entered)]
    arrows = [Arrow(ENTRY, definition.start)] if definition.start in specs else []
    for name in order:
        spec, counted = specs[name], (counts or {}).get(name, {})
        kind_word = spec.type.replace("_", " ")
        if plan is not None and chinese:
            kind_word = type(plan.nodes[name].node).title_zh or kind_word
        boxes.append(
            Box(
                name,
                _kind(name, spec, plan),
                in_language(spec.title, language, name),
                " · ".join([word for word in (kind_word, *_settings(spec.settings)) if word]),
                _count(counted.get("entered")) if counts is not None else None,
                _count(counted.get("here")) if counts is not None else None,
            )
        )
        left = counted.get("outcomes", {}) if counts is not None else None
        for arrow in _arrows(name, _ways(name, spec, plan), left, most, chinese):
            if arrow.target in specs:
                arrows.append(arrow)
            else:
                boxes.append(
                    Box(f"{name}>{arrow.target}", "end", _word(arrow.target, chinese), arrow.label, arrow.count)
                )
                arrows.append(Arrow(name, f"{name}>{arrow.target}", share=arrow.share))
    title = in_language(definition.title, language, definition.campaign)
    note = ""
    if definition.exit_on:
        kinds = [_word(kind, chinese) for kind in definition.exit_on]
        note = f"任何时候退出：{'、'.join(kinds)}" if chinese else f"Leaves at any time when: {', '.join(kinds)}"
    return Sketch(title, note, tuple(boxes), tuple(arrows))


def number(count: int) -> str:
    return f"{count:,}"


def _word(word: str, chinese: bool) -> str:
    return CHINESE.get(word, word) if chinese else word


def _count(value: Any) -> int:
    return int(value or 0)


def _kind(name: str, spec: NodeSpec, plan: Plan | None) -> Kind:
    """What a node is for, judged by what it can do and never by its type's name: a stranger's are drawn like ours."""
    if plan is None:
        return "question" if isinstance(spec.next, Mapping) else "change" if spec.next is not None else "end"
    node, ways = plan.nodes[name].node, plan.nodes[name].next
    if node.contents():
        return "message"
    if not ways:
        return "end"
    if len(ways) > 1:
        return "question"
    return "wait" if node.waits else "change"


def _ways(name: str, spec: NodeSpec, plan: Plan | None) -> list[tuple[str | None, str]]:
    """(outcome, target) in the order of the outcomes."""
    if plan is None:
        return list(edges(spec))
    return [(outcome, END if target is None else target) for outcome, target in plan.nodes[name].next.items()]


def _arrows(
    name: str, ways: Sequence[tuple[str | None, str]], counted: Mapping[str, Any] | None, most: int, chinese: bool
) -> list[Arrow]:
    """One arrow for each target, labelled where there is more than one."""
    together: dict[str, list[str | None]] = {}
    for outcome, target in ways:
        together.setdefault(target, []).append(outcome)
    arrows = []
    for target, outcomes in together.items():
        words = [_word(outcome, chinese) for outcome in outcomes if outcome is not None]
        count = None
        if counted is not None:
            taken = counted if None in outcomes else {way: n for way, n in counted.items() if way in outcomes}
            count = sum(map(_count, taken.values()))
        label = " / ".join(words) if len(together) > 1 else ""
        arrows.append(Arrow(name, target, label, count, (count or 0) / most))
    return arrows


def _settings(settings: Mapping[str, Any], most: int = 3) -> list[str]:
    """The settings that say something in a word or two."""
    found = []
    for value in settings.values():
        word = _short(value)
        if word:
            found.append(word)
    return found[:most]


def _short(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list | tuple):
        return ", ".join(filter(None, (_short(item) for item in value if not isinstance(item, Mapping | list))))
    if isinstance(value, Mapping) and "field" in value and "op" in value:
        return " ".join(filter(None, (_short(value.get(key)) for key in ("field", "op", "value", "within"))))
    return ""
