"""What a person sees of the demo: progress while it runs, and at the end the funnel, the proofs and three stories."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from nurture.demo.checking import Proof
from nurture.demo.playing import Today
from nurture.demo.staging import supply
from nurture.demo.telling import Told
from nurture.words import safe

__all__ = ["Outcome", "funnel", "progress", "show"]

WIDTH = 110
BAR = 44
STAGES = (
    ("showed interest", "interested"),
    ("handed to an SDR", "to_sdr"),
    ("budget, need, team, timing known", "sql"),
    ("taken over by sales", "opportunity"),
)
"""What a later stage is called, and the node that a lead reaches with it."""
ENDED = {"completed": "with sales", "pool": "back in the pool"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """All there is to tell."""

    home: Path
    today: Today
    weeks: int
    seconds: float
    status: Mapping[str, Any]
    """Of the campaign, as `nurture status` has it."""
    refused: int
    proofs: Sequence[Proof]
    stories: Sequence[Told]
    pictures: Sequence[Path]

    def as_json(self) -> dict[str, Any]:
        return {
            "home": str(self.home),
            "weeks": self.weeks,
            "seconds": round(self.seconds, 1),
            "mails": self.today.mails,
            "wechat": self.today.notices,
            "refused": self.refused,
            "signals": self.today.heard,
            "funnel": [{"stage": stage, "leads": leads} for stage, leads in funnel(self.status, self.today)],
            "ended": self.status["ended"],
            "checks": [{"ok": proof.holds, "what": proof.sentence} for proof in self.proofs],
            "stories": [story.as_json() for story in self.stories],
            "pictures": [str(picture) for picture in self.pictures],
            "status": self.status,
        }


def funnel(status: Mapping[str, Any], today: Today) -> list[tuple[str, int]]:
    """(stage, leads that came so far), for the stages that the campaign has."""
    nodes = status["nodes"]
    first = [
        ("came in from the fair", today.entered),
        ("got a mail", today.reached),
        ("read or answered", today.answered),
    ]
    return first + [(stage, nodes[node]["entered"]) for stage, node in STAGES if node in nodes]


@contextmanager
def progress(leads: int) -> Iterator[Callable[[Today], None]]:
    """On stderr: a bar on a terminal, elsewhere a line a week."""
    if not sys.stderr.isatty():
        weeks: set[int] = set()

        def line(today: Today) -> None:
            if today.week not in weeks:
                weeks.add(today.week)
                print(_day(today), file=sys.stderr, flush=True)

        yield line
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task(f"{leads:,} leads come in", total=leads)
        yield lambda today: bar.update(task, completed=today.out, description=_day(today))


def _day(today: Today) -> str:
    return (
        f"week {today.week:>2}  {today.at:%a %d %b}  {today.mails:>6,} mails  {today.notices:>4,} WeChat"
        f"  {today.heard:>6,} answers  {today.out:>5,} of {today.entered:,} out"
    )


def show(outcome: Outcome) -> None:
    """Tell it, on stdout."""
    terminal = sys.stdout.isatty()
    on = Console(file=sys.stdout, highlight=False, markup=False, emoji=False, width=None if terminal else WIDTH)
    on.print()
    headline = (
        f"{outcome.status['entered']:,} leads, {outcome.weeks} weeks of virtual time, {outcome.seconds:.0f} seconds"
    )
    on.print(Text(headline, style="bold"))
    on.print(
        f"{outcome.today.mails:,} mails by SMTP, {outcome.today.notices:,} WeChat notices, {outcome.refused:,} that could"
        f" not be sent, {outcome.today.heard:,} answers"
    )
    on.print()
    on.print(_bars(outcome))
    on.print(Text(_ended(outcome.status["ended"]), style="dim"))
    on.print()
    for proof in outcome.proofs:
        mark = ("✓ ", "bold green") if proof.holds else ("✗ ", "bold red")
        on.print(Text.assemble(mark, safe(proof.sentence)))
    for story in outcome.stories:
        on.print()
        on.print(_story(story))
    on.print()
    _show_next(on, outcome)


def _bars(outcome: Outcome) -> Table:
    stages = funnel(outcome.status, outcome.today)
    most = max(1, stages[0][1])
    rows = Table.grid(padding=(0, 1))
    for stage, leads in stages:
        eighths = round(BAR * 8 * leads / most)
        bar = "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()
        rows.add_row(
            Text(stage), Text(bar, style="bright_blue"), Text(f"{leads:,}", style="bold"), f"{leads / most:.0%}"
        )
    rows.columns[2].justify = rows.columns[3].justify = "right"
    rows.columns[1].min_width = BAR
    return rows


def _ended(ended: Mapping[str, int]) -> str:
    words = [
        f"{number:,} {ENDED.get(reason, reason.removeprefix('exit:'))}"
        for reason, number in sorted(ended.items(), key=lambda item: -item[1])
    ]
    return "came out: " + ", ".join(words)


def _story(story: Told) -> Table:
    person = story.person
    head = f"{person.name}, {person.title} at {person.company}, {person.region}: {story.about}"
    rows = Table.grid(padding=(0, 2))
    rows.title = Text(safe(head), style="bold")
    rows.title_justify = "left"
    for when, what in story.lines:
        rows.add_row(Text(when, style="dim"), Text(safe(what)))
    return rows


def _show_next(on: Console, outcome: Outcome) -> None:
    """Commands stand whole on their lines, however long, to be copied."""
    who = outcome.stories[0].person.email if outcome.stories else "LEAD"
    verb = _command()
    lines = (
        (str(outcome.pictures[0]), "the campaign as a picture, with counts: open it in a browser"),
        (str(outcome.home / "mails"), "what the leads got to read, one mail of each kind"),
        (f"export NURTURE_HOME={shlex.quote(str(outcome.home))}", "makes the commands below speak of the demo"),
        (f"{verb} web", "the canvas with these counts, at http://127.0.0.1:8765"),
        (f"{verb} history {who}", "this lead's way, step by step, with the reasons"),
        (f"{verb} status welcome", "where everybody is, and whether it adds up"),
        (f"{verb} replay --all", "decide everything again from the journal, and compare"),
    )
    widest = max(len(what) for what, _ in lines)
    on.print(Text("Where to go next", style="bold"))
    for what, why in lines:
        on.print(Text.assemble((what.ljust(widest), "cyan"), "  ", why), soft_wrap=True)


def _command() -> str:
    """How `nurture` is called here."""
    # In a checkout this works in any shell; whether `nurture` is on the user's own path cannot be seen from here.
    return "python3 dev.py nurture" if (supply() / "dev.py").is_file() else "nurture"
