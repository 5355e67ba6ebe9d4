"""The port to whoever carries out what takes long: lets leads in, fills back. The canvas asks, and is told how it goes.

An implementation is offered by the entry-point group `nurture.runs` (object: a class that is opened with the settings);
ours is in `flows/`, which alone knows Prefect. `tests/web/runs_exam.py` is what every implementation has to pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

__all__ = ["NoAnswer", "Refused", "Run", "Runs", "State", "UnknownRun"]

State = Literal["waiting", "running", "done", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Run:
    """One time that something was carried out. Nothing in it is about a person."""

    id: str
    kind: str
    """What was asked for, such as `backfill`; see `nurture.engine.letting_in.FORMS`."""
    campaign: str
    dry_run: bool
    state: State
    message: str = ""
    """Why it failed; else how it goes, in a few words."""
    url: str = ""
    """Where one can look closer, in a browser; empty where there is no such place."""
    began: str | None = None
    ended: str | None = None
    share: float | None = None
    """How much of the work is done, from 0 to 1; None where nobody knows."""
    counts: tuple[tuple[str, int], ...] = ()
    """What came of it, or would come of it: (what, how many)."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Runs(Protocol):
    """Whoever carries out what is asked for. Every method raises `NoAnswer` where it cannot be reached just now."""

    name: str
    """What people call it."""
    remedy: str
    """The command that makes it answer."""

    def forms(self) -> Mapping[str, Mapping[str, Any]]:
        """Kind to the JSON schema of what it takes."""

    def start(self, kind: str, values: Mapping[str, Any], *, click: str) -> Run:
        """Begin, and return at once. The same `click` begins once, however often it comes.

        Raises `Refused` where the values are not what its form takes; then nothing was begun.
        """

    def look(self, id: str) -> Run:
        """How it goes now. Once it is done, failed or cancelled, it stays so. Raises `UnknownRun`."""

    def latest(self, campaign: str) -> list[Run]:
        """The last few of a campaign, newest first."""


class NoAnswer(Exception):
    """It could not be reached, or makes no sense; the message says which, for people."""


class Refused(Exception):
    """It will not begin with these values; the message says why, for people."""


class UnknownRun(Exception):
    """There is no run of this id (any more)."""
