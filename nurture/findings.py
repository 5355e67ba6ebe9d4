"""Problems as they are found: each once, the hundred worst at most, hints only for those that are shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from nurture.problems import Problem, Severity
from nurture.words import safe

__all__ = ["MOST_PROBLEMS", "Findings"]

MOST_PROBLEMS = 100


class Findings:
    """A growing list of problems in one file."""

    def __init__(self, problems: Iterable[Problem] = ()) -> None:
        self._found: dict[tuple[str, str, str], Problem] = {}
        self._spoiled: set[str] = set()
        self._errors = 0
        self._beyond = 0
        self.take(problems)

    def add(
        self, where: str, code: str, what: str, hint: str | Callable[[], str] = "", severity: Severity = "error"
    ) -> None:
        """One more. A hint that costs time is passed as a function, and only asked for if it will be read."""
        if self.full and severity == "error":
            self._beyond += 1
            return
        self.take([Problem(safe(where), code, what, hint if isinstance(hint, str) else hint(), severity)])

    def take(self, problems: Iterable[Problem]) -> None:
        """More of them; the same code at the same place counts once."""
        for problem in problems:
            if problem.where in self._spoiled and not problem.file:
                continue
            key = (problem.file, problem.where, problem.code)
            if key not in self._found:
                self._found[key] = problem
                self._errors += problem.severity == "error"

    def spoil(self, problems: Iterable[Problem]) -> None:
        """These, and nothing more at their places: what stands there is only a stand-in for what was written."""
        for problem in problems:
            self.take([problem])
            if problem.where:
                self._spoiled.add(problem.where)

    @property
    def full(self) -> bool:
        """Whether there are more errors than anybody will read."""
        return self._errors >= MOST_PROBLEMS

    def at(self, where: str) -> bool:
        """Whether an error stands at this very place."""
        return any(place == where and p.severity == "error" for (_, place, _), p in self._found.items())

    def has_errors(self) -> bool:
        return self._errors > 0

    def listed(self, file: str = "") -> list[Problem]:
        """At most a hundred, errors first, in the order they were found; those without a file are in this one."""
        every = sorted(self._found.values(), key=lambda problem: problem.severity != "error")
        if self._beyond or len(every) > MOST_PROBLEMS:
            every, rest = every[: MOST_PROBLEMS - 1], every[MOST_PROBLEMS - 1 :]
            what = f"{len(rest) + self._beyond:,} more problems are not shown"
            severity = rest[0].severity
            every.append(Problem("", "E_MANY" if severity == "error" else "W_MANY", what, "mend these first", severity))
        return [problem if problem.file else problem.at(file) for problem in every]
