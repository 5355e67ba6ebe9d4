"""`nurture status` for people: a line a campaign, and its nodes as a funnel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from nurture.cli.answer import table, text

__all__ = ["bar", "show_funnel", "show_status"]

BAR = 24
"""Characters of the longest bar."""


def show_status(on: Console, document: Mapping[str, Any]) -> None:
    """The document of `nurture status --json`."""
    if not document["campaigns"]:
        on.print(text("no campaign is published yet; `nurture publish FILE` does it"))
    for one in document["campaigns"]:
        line = text(one["campaign"], style="bold")
        line.append(f"  {one['hash'][:12]}", style="dim")
        if one.get("paused"):
            line.append("  paused", style="yellow")
        line.append(f"  {one['entered']:,} entered, {one['waiting']:,} waiting, {one['due']:,} due")
        line.append(f", {one['stuck']:,} stuck", style="bold red" if one["stuck"] else "")
        ended = one["ended"]
        line.append(f", {sum(ended.values()):,} ended")
        if ended:
            line.append(" (" + ", ".join(f"{reason} {number:,}" for reason, number in ended.items()) + ")")
        on.print(line)
        show_funnel(on, one["nodes"], one["entered"])
    touches = {state: number for state, number in document["touches"].items() if number}
    if touches:
        on.print(text("messages: " + ", ".join(f"{number:,} {state}" for state, number in touches.items())))
    for rest in document["resting"]:
        who = rest["domain"] or rest["channel"]
        told = f"{who} rests since {rest['since']}, tries again at {rest['until']}: {rest['because']}"
        on.print(text(told, style="bold red" if not rest["domain"] else "yellow"))
    if not document["conserved"]:
        on.print(text("the numbers do not add up: run `nurture doctor` and `nurture replay --all`", style="bold red"))


def show_funnel(on: Console, nodes: Mapping[str, Any], entered: int) -> None:
    """Each node with its numbers, in the order in which leads come through them."""
    rows = table(on, "node", "entered", "", "here", "went", right=("entered", "here"))
    for node, numbers in nodes.items():
        went = ", ".join(f"{outcome} {number:,}" for outcome, number in numbers["outcomes"].items())
        here = numbers["here"]
        rows.add_row(
            text(node),
            f"{numbers['entered']:,}",
            bar(on, numbers["entered"], entered),
            text(f"{here:,}" if here else "", style="magenta"),
            text(went),
        )
    on.print(rows)


def bar(on: Console, number: int, of: int) -> Text:
    """How much `number` is of `of`; at least a trace where there is anything."""
    share = min(number / of, 1.0) if of else 0.0
    if (on.encoding or "").lower().replace("-", "") != "utf8":
        return Text("#" * max(round(share * BAR), 1 if number else 0))
    eighths = max(round(share * BAR * 8), 1 if number else 0)
    return Text("█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip(), style="cyan")
