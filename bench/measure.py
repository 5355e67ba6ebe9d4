"""How a figure is taken: pairs of runs, ours and the reference in turn, and the median of their ratios."""

from __future__ import annotations

import os
import platform
import sqlite3
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Figure", "Pair", "Taken", "take"]


@dataclass(frozen=True, slots=True)
class Pair:
    """One measurement and its reference, from the same minute."""

    ours: float
    reference: float
    notes: dict[str, float] | None = None
    """What else was seen, such as memory."""


@dataclass(frozen=True, slots=True)
class Figure:
    """Something that is measured, and what it must reach."""

    name: str
    what: str
    reference: str
    unit: str
    goal: float
    """For the ratio; for `difference`, for ours minus the reference."""
    better: Literal["higher", "lower"]
    measure: Callable[[], Pair]
    leads: int = 0
    difference: bool = False
    missing: Callable[[], str] = lambda: ""
    """What this machine lacks for it, or ''."""


@dataclass(frozen=True, slots=True)
class Taken:
    figure: Figure
    pairs: tuple[Pair, ...]

    @property
    def values(self) -> list[float]:
        if self.figure.difference:
            return [pair.ours - pair.reference for pair in self.pairs]
        return [pair.ours / pair.reference for pair in self.pairs]

    @property
    def value(self) -> float:
        return statistics.median(self.values)

    @property
    def met(self) -> bool:
        return self.value >= self.figure.goal if self.figure.better == "higher" else self.value <= self.figure.goal

    def as_json(self) -> dict[str, Any]:
        """One document, with all that two commits need to be compared."""
        figure = self.figure
        return {
            "figure": figure.name,
            "what": figure.what,
            "reference": figure.reference,
            "unit": figure.unit,
            "leads": figure.leads,
            "ours": [pair.ours for pair in self.pairs],
            "referred_to": [pair.reference for pair in self.pairs],
            "compared": "difference" if figure.difference else "ratio",
            "each": self.values,
            "median": self.value,
            "goal": figure.goal,
            "better": figure.better,
            "met": self.met,
            "notes": [pair.notes for pair in self.pairs if pair.notes],
            **surroundings(),
        }


def take(figure: Figure, runs: int, told: Callable[[str], None]) -> Taken:
    pairs = []
    for run in range(runs):
        pair = figure.measure()
        pairs.append(pair)
        told(f"{figure.name} {run + 1}/{runs}: {pair.ours:,.4g} against {pair.reference:,.4g} {figure.unit}")
    return Taken(figure, tuple(pairs))


def surroundings() -> dict[str, str | int]:
    """Where it was measured."""
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty"],  # noqa: S607  # whichever git the developer has
        capture_output=True,
        text=True,
        check=False,
    )
    return {
        "commit": asked.stdout.strip(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "machine": platform.machine(),
        "system": sys.platform,
        "cores": os.cpu_count() or 0,
    }
