"""What is wrong with something a person wrote: always everything at once, each with its place and a way out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Literal

__all__ = ["Problem", "Rejected", "errors", "pointer"]

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, where, and what to do about it."""

    where: str
    """JSON pointer (RFC 6901) into the file, `""` for the whole of it; line and column for text that is not JSON."""
    code: str
    """`E_...` for errors, `W_...` for warnings; stable, so that tools may rely on it."""
    what: str
    hint: str = ""
    severity: Severity = "error"
    file: str = ""

    def at(self, file: str) -> Problem:
        """The same problem, in this file."""
        return replace(self, file=file)

    def under(self, prefix: str) -> Problem:
        """The same problem, seen from a document in which this one stands at `prefix`."""
        return replace(self, where=prefix + self.where)

    def as_json(self) -> dict[str, str]:
        """The shape of `nurture check --json`."""
        return asdict(self)

    def __str__(self) -> str:
        place = f"{self.file}{'#' if self.file and self.where else ''}{self.where}"
        return f"{place}: {self.what}" + (f" ({self.hint})" if self.hint else "")


class Rejected(Exception):
    """The input has problems; nothing was written. `problems` holds all of them, never only the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(map(str, self.problems)) or "rejected")


def errors(problems: Iterable[Problem]) -> list[Problem]:
    """Those that forbid publishing."""
    return [problem for problem in problems if problem.severity == "error"]


def pointer(*steps: str | int) -> str:
    """A JSON pointer from its steps: `pointer("nodes", "a/b")` is `/nodes/a~1b`."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)
