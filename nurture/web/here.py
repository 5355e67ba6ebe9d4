"""Runs in this very process: every dry run, and what is really done where nobody else answers.

An engine of its own each time: a dry run is a transaction that is taken back, and nothing that leads do meanwhile may
be written into it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from nurture.engine import Engine, UnknownCampaign
from nurture.engine.letting_in import FORMS, Backfill, RunCampaign, count_rows, moment
from nurture.engine.plans import NotRunnable
from nurture.engine.reporting import iso
from nurture.problems import Rejected
from nurture.settings import Settings
from nurture.store.database import micros
from nurture.web.runs import Refused, Run, UnknownRun

__all__ = ["Here"]

REMEMBERED = 50
"""So many runs can be looked at; what came of them is in the store in any case."""


class Here:
    """One run at a time, in a thread. What had begun when the process ends may simply be begun again."""

    name = "nurture web"
    remedy = "nurture web"

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._runs: OrderedDict[str, Run] = OrderedDict()

    def forms(self) -> Mapping[str, Mapping[str, Any]]:
        return {kind: form.model_json_schema() for kind, form in FORMS.items()}

    def start(self, kind: str, values: Mapping[str, Any], *, click: str) -> Run:
        form, now = self._form(kind, values)
        with self._lock:
            if click in self._runs:
                return self._runs[click]
            if any(run.state == "running" for run in self._runs.values()):
                raise Refused("something is being worked on here already: wait until it has ended")
            run = Run(click, kind, form.campaign, form.dry_run, "running", began=iso(micros(self._clock())))
            self._runs[click] = run
            while len(self._runs) > REMEMBERED:
                self._runs.popitem(last=False)
        threading.Thread(target=self._work, args=(run, form, now), name=f"run {kind}", daemon=True).start()
        return run

    def look(self, id: str) -> Run:
        with self._lock:
            if id not in self._runs:
                raise UnknownRun(f"there is no run '{id}' here (any more)")
            return self._runs[id]

    def latest(self, campaign: str) -> list[Run]:
        with self._lock:
            return [run for run in reversed(self._runs.values()) if run.campaign == campaign]

    def _form(self, kind: str, values: Mapping[str, Any]) -> tuple[RunCampaign | Backfill, datetime]:
        if kind not in FORMS:
            raise Refused(f"there is no '{kind}'; there are: {', '.join(FORMS)}")
        try:
            form = FORMS[kind].model_validate(values)
            now = moment(form.now) or self._clock()
            end = moment(form.until)
        except ValidationError as error:
            raise Refused("; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())) from error
        except ValueError as error:
            raise Refused(str(error)) from error
        if end is not None and not form.dry_run:
            raise Refused("until: virtual time is for runs elsewhere; leave it empty, or `nurture tick --until`")
        return form, now

    def _work(self, run: Run, form: RunCampaign | Backfill, now: datetime) -> None:
        def told(what: str, done: int, of: int) -> None:
            self._now(run, message=f"{what} {done:,}", share=done / of if of else None)

        try:
            with Engine.open(self._settings) as engine:
                counts = form.carry_out(engine, now=now, dry_run=form.dry_run, progress=told)
        except (Rejected, UnknownCampaign, NotRunnable, ValueError, OSError) as error:
            self._ended(run, state="failed", message=str(error))
        except Exception as error:  # noqa: BLE001  # whatever it was, who waits for it has to be told
            self._ended(run, state="failed", message=f"{type(error).__name__}: {error}")
        else:
            rows = tuple((what, number) for what, number in count_rows(counts) if isinstance(number, int))
            self._ended(run, state="done", message="", counts=rows, share=1.0)

    def _ended(self, run: Run, **told: Any) -> None:
        self._now(run, ended=iso(micros(self._clock())), **told)

    def _now(self, run: Run, **told: Any) -> None:
        with self._lock:
            if run.id in self._runs:
                self._runs[run.id] = replace(self._runs[run.id], **told)
