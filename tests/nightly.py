"""One table of what a nightly run saw: `python -m tests.nightly FOLDER` adds up the figures of all its parts."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

__all__ = ["added_up", "main", "table"]

LARGEST = frozenset({"peak MB"})
SMALLEST = frozenset({"rows/s"})


def added_up(lines: Iterable[str]) -> dict[str, dict[str, Any]]:
    """What was done to its figures: numbers are sums, truths hold if they held everywhere, of the rest the last stands.

    A line is a figure when it is a JSON object that says `what` (or `search`) it is about.
    """
    found: dict[str, dict[str, Any]] = {}
    for line in lines:
        try:
            told = json.loads(line)
        except ValueError:
            continue
        name = told.pop("what", None) or told.pop("search", None) if isinstance(told, dict) else None
        if name is None:
            continue
        total = found.setdefault(str(name), {"parts": 0})
        total["parts"] += 1
        told.pop("part", None)
        for key, value in told.items():
            total[key] = _joined(key, total.get(key), value)
    return found


def _joined(key: str, before: Any, value: Any) -> Any:
    if isinstance(value, list):
        value = len(value)
    if before is None:
        return value
    if isinstance(value, bool):
        return before and value
    if key in LARGEST or key in SMALLEST:
        return max(before, value) if key in LARGEST else min(before, value)
    return before + value if isinstance(value, int | float) else value


def table(figures: dict[str, dict[str, Any]]) -> str:
    """As Markdown: a row for everything that was done."""
    rows = ["| what | figures |", "|---|---|"]
    for name, told in figures.items():
        said = ", ".join(
            f"{key} {value:,.1f}" if isinstance(value, float) else f"{key} {value}" for key, value in told.items()
        )
        rows.append(f"| {name} | {said} |")
    return "\n".join(rows)


def main(arguments: list[str] | None = None) -> int:
    (folder,) = arguments or sys.argv[1:]
    logs = (path for path in sorted(Path(folder).glob("*.log")) if path.with_suffix(".passed").exists())
    print(table(added_up(line for log in logs for line in log.read_text(errors="replace").splitlines())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
