"""A campaign's report as one page of HTML: the flow with widths by leads, the funnel, the contents, the days.

It holds its pictures and styles, runs no script and refers to nothing outside: it can be mailed, printed and kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from nurture.definition import in_language
from nurture.drawing.picture import svg
from nurture.drawing.sketch import CHINESE
from nurture.plan import Plan
from nurture.words import safe

__all__ = ["STYLE", "page"]

STYLE = """
:root { color-scheme: light dark; --paper: #fbfbf9; --ink: #1d2733; --soft: #5c6878; --line: #d9dee4; --bar: #2563c9;
  --entered: #2563c9; --sent: #16836f; --ended: #8b3a62; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181d; --ink: #e7ebf0; --soft: #9aa6b4; --line: #353e48;
  --bar: #6ea2f5; --entered: #6ea2f5; --sent: #4fc0aa; --ended: #d687ad; } }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; }
main { max-width: 1000px; margin: 0 auto; padding: 28px 20px 48px; }
h1 { font-size: 24px; margin: 0; } h2 { font-size: 17px; margin: 32px 0 10px; } p { margin: 4px 0; color: var(--soft); }
.flow { overflow-x: auto; } .flow svg { max-width: 100%; height: auto; min-width: min(100%, 560px); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { white-space: nowrap; text-align: left; font-size: 13px; color: var(--soft); font-weight: 600; }
th, td { padding: 7px 10px; border-bottom: 1px solid var(--line); } .n { text-align: right; }
.wide { overflow-x: auto; } td { white-space: nowrap; } svg.bars { width: 100%; min-width: 600px; height: auto; display: block; } svg.bars text { fill: var(--ink); }
svg.bars .soft { fill: var(--soft); } .entered { fill: var(--entered); } .sent { fill: var(--sent); }
.ended { fill: var(--ended); } .bar { fill: var(--bar); } .rule { stroke: var(--line); }
@media print { body { background: none; } svg.bars { min-width: 0; } h2 { break-after: avoid; } .flow, svg.bars, tr { break-inside: avoid; } }
"""

WORDS = {
    "report": ("Report", "报告"),
    "flow": ("The flow", "流程"),
    "funnel": ("Funnel", "漏斗"),
    "contents": ("By content", "按内容"),
    "days": ("By day", "按日趋势"),
    "content": ("Content", "内容"),
    "channel": ("Channel", "渠道"),
    "entered": ("entered", "进入"),
    "reached": ("got a message", "已触达"),
    "responded": ("responded", "有回应"),
    "handed_off": ("handed to people", "已移交"),
    "accepted": ("accepted", "已接受"),
    "converted": ("converted", "已转化"),
    "sent": ("sent", "已发出"),
    "refused": ("refused", "被拒收"),
    "ambiguous": ("ambiguous", "无法确认"),
    "pending": ("pending", "待发"),
    "cancelled": ("cancelled", "已取消"),
    "viewed": ("viewed", "查看"),
    "clicked": ("clicked", "点击"),
    "replied": ("replied", "回复"),
    "ended": ("ended", "结束"),
    "none": ("Nothing yet.", "暂无数据。"),
    "people": ("Responses of machines are left out; a message that was answered twice counts once.",
               "不含机器产生的行为；同一消息多次回应只计一次。"),
}  # fmt: skip
COLUMNS = ("sent", "ambiguous", "refused", "viewed", "clicked", "replied")


def page(plan: Plan, numbers: Mapping[str, Any], language: str = "en") -> str:
    """The whole page. `numbers` is the document of the report."""
    chinese = language.partition("-")[0] == "zh"

    def say(word: str) -> str:
        return WORDS[word][int(chinese)] if word in WORDS else CHINESE.get(word, word) if chinese else word

    status = numbers["status"]
    title = in_language(plan.definition.title, language, plan.campaign)
    inside = status["waiting"] + status["due"] + status["stuck"]
    ended = "、" if chinese else ", "
    ends = ended.join(f"{_outcome(reason, chinese)} {number:,}" for reason, number in status["ended"].items())
    summary = (
        f"进入 {status['entered']:,} · 在途 {inside:,} · 结束：{ends or '无'}"
        if chinese
        else f"{status['entered']:,} entered · {inside:,} inside · ended: {ends or 'none yet'}"
    )
    flow = svg(plan, status["nodes"], language, widest=22.0)
    return "".join(
        [
            (
                f'<!doctype html><html lang="{"zh" if chinese else "en"}"><head><meta charset="utf-8">'
                '<meta name="viewport" content="width=device-width, initial-scale=1">'
                f"<title>{_text(title)} · {say('report')}</title><style>{STYLE}</style></head><body><main>"
            ),
            f"<h1>{_text(title)}</h1><p>{_text(numbers['campaign'])} · {_text(numbers['at'][:16].replace('T', ' '))} UTC</p>",
            f"<p>{_text(summary)}</p>",
            f'<h2>{say("funnel")}</h2><div class="wide" tabindex="0">{_funnel(numbers["funnel"], say)}</div>',
            f"<h2>{say('contents')}</h2>{_contents(numbers['contents'], say)}<p>{say('people')}</p>",
            f'<h2>{say("days")}</h2><div class="wide" tabindex="0">{_days(numbers["days"], say)}</div><p>{_text(numbers["time_zone"])}</p>',
            f'<h2>{say("flow")}</h2><div class="flow" tabindex="0">{flow}</div>',
            "</main></body></html>\n",
        ]
    )


def _funnel(funnel: Mapping[str, int], say: Any) -> str:
    """Bars below one another, each with its share of the first."""
    most = max(funnel.get("entered", 0), 1)
    rows = []
    for n, (step, number) in enumerate(funnel.items()):
        y, wide = n * 34, 560 * min(number / most, 1.0)
        rows.append(
            f'<text x="130" y="{y + 20}" text-anchor="end">{say(step)}</text>'
            f'<rect class="bar" x="240" y="{y + 4}" width="{max(wide, 1):.1f}" height="22" rx="4"/>'
            f'<text x="145" y="{y + 20}">{number:,} <tspan class="soft">{100 * number / most:.0f} %</tspan></text>'
        )
    label = ", ".join(f"{say(step)} {number:,}" for step, number in funnel.items())
    return (
        f'<svg class="bars" viewBox="0 0 840 {len(funnel) * 34}" font-size="14" role="img" aria-label="{_text(label)}">'
        f"{''.join(rows)}</svg>"
    )


def _contents(contents: Sequence[Mapping[str, Any]], say: Any) -> str:
    if not contents:
        return f"<p>{say('none')}</p>"
    head = "".join(f'<th class="n" scope="col">{say(column)}</th>' for column in COLUMNS)
    rows = []
    for one in contents:
        left = one.get("sent", 0) + one.get("ambiguous", 0)
        cells = []
        for column in COLUMNS:
            number = one.get(column, 0)
            share = f" · {100 * number / left:.0f} %" if column in COLUMNS[3:] and left and number else ""
            cells.append(f'<td class="n">{number:,}{share}</td>')
        rows.append(f"<tr><td>{_text(one['content'])}</td><td>{_text(one['channel'])}</td>{''.join(cells)}</tr>")
    return (
        f'<div class="wide" tabindex="0"><table><thead><tr><th scope="col">{say("content")}</th><th scope="col">{say("channel")}</th>{head}</tr>'
        f"</thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _days(days: Sequence[Mapping[str, Any]], say: Any) -> str:
    """Three rows of bars on one line of days."""
    if not days:
        return f"<p>{say('none')}</p>"
    step = 760 / len(days)
    parts = []
    for n, what in enumerate(("entered", "sent", "ended")):
        floor = n * 84 + 78
        most = max((day[what] for day in days), default=0)
        parts.append(
            f'<text x="0" y="{floor - 56}">{say(what)}</text><text class="soft" x="0" y="{floor - 38}">≤ {most:,}</text>'
        )
        parts.append(f'<line class="rule" x1="75" x2="840" y1="{floor}" y2="{floor}"/>')
        for place, day in enumerate(days):
            if day[what]:
                high = max(64 * day[what] / most, 1.5)
                parts.append(
                    f'<rect class="{what}" x="{78 + place * step:.1f}" y="{floor - high:.1f}" width="{max(min(step - 1, 40), 1):.1f}"'
                    f' height="{high:.1f}"><title>{day["day"]}: {day[what]:,}</title></rect>'
                )
    for place, anchor in ((0, "start"), (len(days) - 1, "end")):
        x = 78 if anchor == "start" else 840
        if place or anchor == "start":
            parts.append(f'<text class="soft" x="{x}" y="272" text-anchor="{anchor}">{days[place]["day"]}</text>')
    return f'<svg class="bars" viewBox="0 0 840 280" font-size="13" role="img" aria-label="{say("days")}">{"".join(parts)}</svg>'


ENDED = {"completed": "完成", "pool": "回流量池", "moved": "已迁移", "removed": "已移出"}


def _outcome(reason: str, chinese: bool) -> str:
    if not chinese:
        return reason
    kind, _, signal = reason.partition(":")
    return f"退出（{CHINESE.get(signal, signal)}）" if signal else ENDED.get(kind, kind)


def _text(text: object) -> str:
    return escape(safe(str(text)))
