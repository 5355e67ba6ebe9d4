"""What the Prefect UI offers. `python -m flows.deployments` creates it and runs what is asked for, until stopped.

    python -m flows.deployments                 serve: this process starts the runs, on this machine
    python -m flows.deployments --pool NAME     only create them, for workers of that pool on any number of machines
    python -m flows.deployments --refresh       only create them again, for example when a campaign was added

Run from the marketer's folder, or with NURTURE_HOME set; PREFECT_API_URL says which server.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from prefect import serve
from prefect.deployments.runner import RunnerDeployment
from prefect.events import DeploymentEventTrigger
from prefect.settings import get_current_settings
from prefect.types.entrypoint import EntrypointType

from flows.backfill import backfill
from flows.blocks import CREDENTIALS
from flows.guard import Unguarded, refuse_open_api
from flows.run_campaign import run_campaign
from flows.tick import HOURLY, tick
from flows.trace_lead import trace_lead

if TYPE_CHECKING:
    from prefect import Flow

__all__ = ["AT_ONCE", "SIGNAL_HEARD", "deployments", "main"]

AT_ONCE = 8
"""Runs at once on this machine. The heartbeat takes one place, two while one hands over to the next."""
POLL = 3.0
"""Seconds between two questions to Prefect for new runs: half of what a marketer waits after a click."""
SIGNAL_HEARD = "nurture.signal.heard"
"""An event of this name ticks now. A heartbeat on this machine needs none, it sees the signal in the store."""
BURST = timedelta(seconds=5)
"""However many signals are heard in this time, they are one tick."""


def deployments(pool: str | None = None) -> list[RunnerDeployment]:
    """The four deployments, with today's campaigns and segments in their forms."""
    heard = DeploymentEventTrigger(
        name="nurture: a signal was heard",
        description="Ticks when something happened on a lead's side, at most once in five seconds.",
        expect={SIGNAL_HEARD},
        threshold=1,
        within=BURST,
        parameters={"once": True},
    )
    return [
        _deployment(run_campaign, pool, tags=["campaigns"]),
        _deployment(backfill, pool, tags=["campaigns"]),
        _deployment(trace_lead, pool, tags=["campaigns"]),
        _deployment(tick, pool, tags=["heartbeat"], cron=HOURLY, triggers=[heard]),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 3: Prefect's API is open to the network, so it would not be only us who command a send."""
    parser = argparse.ArgumentParser(prog="python -m flows.deployments", description="What the Prefect UI offers.")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--pool", help="create the deployments for workers of this pool, and end")
    only.add_argument("--refresh", action="store_true", help="create the deployments again, and end")
    chosen = parser.parse_args(arguments)
    try:
        _refuse_open_api()
    except Unguarded as problem:
        print(problem, file=sys.stderr)
        return 3
    for credentials in CREDENTIALS:
        credentials.register_type_and_schema()
    if chosen.pool or chosen.refresh:
        for deployment in deployments(chosen.pool):
            deployment.apply()
        return 0
    # The schedule stays on when we stop: a run whose hour is over ends by itself.
    serve(*deployments(), limit=AT_ONCE, query_seconds=POLL, pause_on_shutdown=False)
    return 0


def _deployment(flow: Flow[..., Any], pool: str | None, **more: Any) -> RunnerDeployment:
    made = flow.to_deployment(
        flow.name,
        work_pool_name=pool,
        # By the module's name: the flows are installed, there is no code to fetch.
        entrypoint_type=EntrypointType.MODULE_PATH,
        **more,
    )
    assert isinstance(made, RunnerDeployment)  # a coroutine only inside async code
    return made


def _refuse_open_api() -> None:
    api = get_current_settings().api
    secret = api.auth_string or api.key
    refuse_open_api(api.url or "", secret.get_secret_value() if secret else None)


if __name__ == "__main__":
    sys.exit(main())
