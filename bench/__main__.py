"""Takes the figures and prints them: `python -m bench [--full] [--runs N] [--json [FILE]] [FIGURE...]`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import TextIO

from rich.console import Console
from rich.table import Table

from bench.figures import figures
from bench.measure import Taken, take


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("figure", nargs="*", help="only these")
    parser.add_argument("--full", action="store_true", help="the sizes that the goals speak of: takes an hour")
    parser.add_argument("--runs", type=int, default=3, help="paired runs for each figure (default 3)")
    parser.add_argument(
        "--json", nargs="?", const="-", metavar="FILE", help="one JSON document per figure, a line each"
    )
    parser.add_argument("--list", action="store_true", help="only say what there is")
    asked = parser.parse_args()

    known = figures(full=asked.full)
    unknown = set(asked.figure) - {figure.name for figure in known}
    if unknown:
        parser.error(
            f"there is no {', '.join(sorted(unknown))}; there are: {', '.join(figure.name for figure in known)}"
        )
    chosen = [figure for figure in known if not asked.figure or figure.name in asked.figure]
    if asked.list:
        for figure in chosen:
            print(f"{figure.name:16} {figure.what}; reference: {figure.reference}")
        return 0

    told = Console(stderr=True, highlight=False)
    taken = []
    for figure in chosen:
        if missing := figure.missing():
            told.print(f"{figure.name}: left out, needs {missing}")
            continue
        taken.append(take(figure, asked.runs, told.print))
    if asked.json == "-":
        write(taken, sys.stdout)
    else:
        Console(highlight=False, width=max(Console().width, 100)).print(table(taken), *notes(taken), sep="\n")
        if asked.json:
            with Path(asked.json).open("w", encoding="utf-8") as file:
                write(taken, file)
    return 0


def write(taken: list[Taken], file: TextIO) -> None:
    file.writelines(json.dumps(one.as_json(), ensure_ascii=False) + "\n" for one in taken)


def table(taken: list[Taken]) -> Table:
    shown = Table()
    for heading in ("figure", "leads", "ours", "reference", "unit", "ratio", "goal", ""):
        shown.add_column(heading, justify="left" if heading in ("figure", "unit", "") else "right", no_wrap=True)
    for one in taken:
        figure = one.figure
        middle = sorted(one.pairs, key=lambda pair: pair.ours)[len(one.pairs) // 2]
        plus = "+" if figure.difference else ""
        shown.add_row(
            figure.name,
            f"{figure.leads:,}" if figure.leads else "",
            said(middle.ours),
            said(middle.reference),
            figure.unit,
            f"{plus}{one.value:.2f}",
            f"{'≥' if figure.better == 'higher' else '≤'} {plus}{figure.goal:g}",
            "[green]met[/green]" if one.met else "[red]missed[/red]",
        )
    return shown


def notes(taken: list[Taken]) -> Iterator[str]:
    """What each row says, in words."""
    for one in taken:
        seen = {name: median(pair.notes[name] for pair in one.pairs if pair.notes) for name in one.pairs[0].notes or {}}
        more = "".join(f"; {name}: {said(value)}" for name, value in seen.items())
        yield f"{one.figure.name}: {one.figure.what}; reference: {one.figure.reference}{more}"
    yield "Medians. The ratio is ours to the reference of the same run; with a plus, the difference."


def said(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


if __name__ == "__main__":
    sys.exit(main())
