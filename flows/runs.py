"""The canvas's door to Prefect: starts the deployments and says how their runs go. `nurture web` is given it by its
entry point, so that it need not know Prefect.

It speaks Prefect's REST API and does not import Prefect: that takes seconds and seventy megabytes, in a process that has
to answer leads at once.
"""

from __future__ import annotations

import base64
import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx

from flows.address import address
from nurture.engine.letting_in import FORMS
from nurture.settings import Settings
from nurture.web.runs import NoAnswer, Refused, Run, State, UnknownRun

__all__ = ["PrefectRuns"]

PATIENCE = httpx.Timeout(10.0, connect=2.0)
BUSY = (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.BAD_GATEWAY, httpx.codes.SERVICE_UNAVAILABLE)
LOOKED_AT = 50
"""So many of the newest runs are looked through for those of one campaign."""
SHOWN = 5
STATES: Mapping[str, State] = {
    "SCHEDULED": "waiting",
    "PENDING": "waiting",
    "RUNNING": "running",
    "PAUSED": "running",
    "CANCELLING": "running",
    "COMPLETED": "done",
    "FAILED": "failed",
    "CRASHED": "failed",
    "CANCELLED": "cancelled",
}


class PrefectRuns:
    """Prefect's server, wherever it is: PREFECT_API_URL, else that of the `nurture up` of this folder."""

    name = "Prefect"
    remedy = "nurture up"

    def __init__(self, settings: Settings) -> None:
        self._home = settings.home

    def forms(self) -> Mapping[str, Mapping[str, Any]]:
        with self._client() as prefect:
            return {kind: _deployment(prefect, kind)["parameter_openapi_schema"] for kind in FORMS}

    def start(self, kind: str, values: Mapping[str, Any], *, click: str) -> Run:
        if kind not in FORMS:
            raise Refused(f"there is no '{kind}'; there are: {', '.join(FORMS)}")
        with self._client() as prefect:
            made = _deployment(prefect, kind)
            # Prefect takes what nobody asks for, and leaves it aside.
            if strange := set(values) - set(made["parameter_openapi_schema"]["properties"]):
                raise Refused(f"'{kind}' takes no {', '.join(sorted(strange))}")
            answer = _post(
                prefect,
                f"deployments/{made['id']}/create_flow_run",
                {"parameters": dict(values), "idempotency_key": f"canvas-{click}", "state": {"type": "SCHEDULED"}},
            )
            if answer.status_code in (httpx.codes.CONFLICT, httpx.codes.UNPROCESSABLE_ENTITY):
                raise Refused(_said(answer))
            return self._run(prefect, _checked(answer), {made["id"]: kind})

    def look(self, id: str) -> Run:
        with self._client() as prefect:
            answer = prefect.get(f"flow_runs/{id}")
            if answer.status_code in (httpx.codes.NOT_FOUND, httpx.codes.UNPROCESSABLE_ENTITY):
                raise UnknownRun(f"Prefect knows no run '{id}' (any more)")
            found = _checked(answer)
            kinds = {found["deployment_id"]: _kind(prefect, found["deployment_id"])}
            return self._run(prefect, found, kinds, counts=True)

    def latest(self, campaign: str) -> list[Run]:
        with self._client() as prefect:
            kinds = {_deployment(prefect, kind)["id"]: kind for kind in FORMS}
            of_ours = {"deployments": {"id": {"any_": list(kinds)}}}
            newest = {**of_ours, "sort": "EXPECTED_START_TIME_DESC", "limit": LOOKED_AT}
            answer = _post(prefect, "flow_runs/filter", newest)
            mine = [found for found in _checked(answer) if found["parameters"].get("campaign") == campaign]
            return [self._run(prefect, found, kinds) for found in mine[:SHOWN]]

    def _run(
        self, prefect: httpx.Client, found: Mapping[str, Any], kinds: Mapping[str, str], *, counts: bool = False
    ) -> Run:
        state = STATES.get(str(found["state_type"]), "waiting")
        asked = found["parameters"]
        table, share = _shown(prefect, found["id"]) if counts else ((), None)
        return Run(
            id=str(found["id"]),
            kind=kinds.get(found["deployment_id"], ""),
            campaign=str(asked.get("campaign", "")),
            dry_run=bool(asked.get("dry_run", True)),
            state=state,
            message="" if state == "done" else str((found.get("state") or {}).get("message") or ""),
            url=f"{_pages(str(prefect.base_url))}/runs/flow-run/{found['id']}",
            began=found["start_time"] or found["expected_start_time"],
            ended=found["end_time"],
            share=1.0 if state == "done" else share,
            counts=table,
        )

    @contextmanager
    def _client(self) -> Iterator[httpx.Client]:
        """A client for one question. Whatever goes wrong on the way, or makes no sense, is `NoAnswer`."""
        url = address(self._home)
        if url is None:
            raise NoAnswer("no Prefect server is known here")
        password = os.environ.get("PREFECT_API_AUTH_STRING", "")
        sealed = {"authorization": f"Basic {base64.b64encode(password.encode()).decode()}"} if password else {}
        # No proxy stands between this machine and itself.
        outside = urlsplit(url).hostname not in ("127.0.0.1", "localhost", "::1")
        try:
            with httpx.Client(base_url=url, timeout=PATIENCE, headers=sealed, trust_env=outside) as prefect:
                prefect.headers.update(_csrf(prefect))
                yield prefect
        except (httpx.HTTPError, httpx.InvalidURL, KeyError, TypeError, ValueError) as error:
            raise NoAnswer(f"Prefect does not answer at {url}: {str(error) or type(error).__name__}") from error


def _deployment(prefect: httpx.Client, kind: str) -> dict[str, Any]:
    answer = prefect.get(f"deployments/name/{kind}/{kind}")
    if answer.status_code == httpx.codes.NOT_FOUND:
        raise NoAnswer(f"Prefect has no deployment '{kind}' (yet); `nurture up` makes it")
    return dict(_checked(answer))


def _kind(prefect: httpx.Client, deployment: str | None) -> str:
    """What this deployment is called; a run without one was not started by us."""
    answer = prefect.get(f"deployments/{deployment}")
    return "" if answer.status_code == httpx.codes.NOT_FOUND else str(_checked(answer)["name"])


def _post(prefect: httpx.Client, path: str, told: Mapping[str, Any]) -> httpx.Response:
    """Ask again where the server is only busy: on SQLite it says so when its database is locked. Nothing that we POST
    does more when it is said twice."""
    for pause in (0.2, 0.5, 1.0, 2.0):
        answer = prefect.post(path, json=told)
        if answer.status_code not in BUSY:
            return answer
        time.sleep(pause)
    return prefect.post(path, json=told)


def _csrf(prefect: httpx.Client) -> dict[str, str]:
    """What a server that guards itself against pages of others wants to see with every POST. A token belongs to a client,
    and a newer one of the same client ends it: each of our threads is one."""
    client = f"nurture-{os.getpid()}-{threading.get_ident()}"
    answer = prefect.get("csrf-token", params={"client": client})
    if answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY:  # it does not guard itself so
        return {}
    return {"prefect-csrf-token": _checked(answer)["token"], "prefect-csrf-client": client}


def _shown(prefect: httpx.Client, run: str) -> tuple[tuple[tuple[str, int], ...], float | None]:
    """What a run has left to look at so far: its table of counts, and how much of it is done."""
    table: tuple[tuple[str, int], ...] = ()
    share = None
    for one in _checked(_post(prefect, "artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [run]}}})):
        if one["type"] == "progress":
            share = float(one["data"]) / 100
        elif one["type"] == "table":
            rows = json.loads(one["data"])
            if rows and set(rows[0]) == {"what", "how many"}:
                table = tuple((row["what"], row["how many"]) for row in rows if isinstance(row["how many"], int))
    return table, share


def _checked(answer: httpx.Response) -> Any:
    return answer.raise_for_status().json()


def _said(answer: httpx.Response) -> str:
    """Why Prefect refuses, in its own words."""
    told = answer.json().get("detail", answer.text)
    if isinstance(told, list):
        return "; ".join(str(one.get("msg", one)) if isinstance(one, dict) else str(one) for one in told)
    return str(told)


def _pages(api: str) -> str:
    """Where a person looks at this server's runs."""
    return (os.environ.get("PREFECT_UI_URL") or f"{api.rstrip('/').removesuffix('/api')}/v2").rstrip("/")
