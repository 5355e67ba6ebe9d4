"""Somebody who carries out runs and does nothing: each look is a moment later. It sits the same exam as Prefect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from nurture.engine.letting_in import FORMS
from nurture.web.runs import NoAnswer, Refused, Run, State, UnknownRun

__all__ = ["FakeRuns"]

AT = "2026-03-02T02:00:00Z"
NEXT: Mapping[State, State] = {"waiting": "running", "running": "done"}


class FakeRuns:
    name = "Elsewhere"
    remedy = "elsewhere up"

    def __init__(self) -> None:
        self.answers = True
        self.asked: list[tuple[str, dict[str, Any]]] = []
        """What was begun, with its values."""
        self._runs: dict[str, Run] = {}
        self._clicks: dict[str, str] = {}

    def forms(self) -> Mapping[str, Mapping[str, Any]]:
        self._knock()
        return {kind: form.model_json_schema() for kind, form in FORMS.items()}

    def start(self, kind: str, values: Mapping[str, Any], *, click: str) -> Run:
        self._knock()
        if click not in self._clicks:
            try:
                form = FORMS[kind].model_validate(values)
            except KeyError:
                raise Refused(f"there is no '{kind}'") from None
            except ValidationError as error:
                raise Refused(str(error)) from error
            id = self._clicks[click] = f"run-{len(self._runs)}"
            self.asked.append((kind, dict(values)))
            self._runs[id] = Run(
                id, kind, form.campaign, form.dry_run, "waiting", url=f"http://127.0.0.1:1/{id}", began=AT
            )
        return self._runs[self._clicks[click]]

    def look(self, id: str) -> Run:
        self._knock()
        if id not in self._runs:
            raise UnknownRun(id)
        run = self._runs[id]
        if run.state in NEXT:
            run = self._runs[id] = self._moved(run)
        return run

    def latest(self, campaign: str) -> list[Run]:
        self._knock()
        return [run for run in reversed(self._runs.values()) if run.campaign == campaign]

    def _moved(self, run: Run) -> Run:
        _, values = self.asked[list(self._runs).index(run.id)]
        if values.get("file") == "nobody.csv":
            return replace(run, state="failed", message="there is no file 'nobody.csv' in the folder", ended=AT)
        state = NEXT[run.state]
        if state == "done":
            return replace(
                run, state=state, ended=AT, share=1.0, counts=(("enrolled", 3), ("not_enrolled: no basis", 1))
            )
        return replace(run, state=state, share=0.5)

    def _knock(self) -> None:
        if not self.answers:
            raise NoAnswer("nobody is at home")
