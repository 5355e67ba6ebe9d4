"""What `nurture up` asks of Prefect. Import it only when Prefect's variables are set: they are read once, at import."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
from prefect.client.schemas.objects import State, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import PrefectException
from prefect.states import Cancelled, Crashed

__all__ = ["NoAnswer", "close_runs", "deployed_since", "healthy", "paused", "start_heartbeat"]

HEARTBEAT = "tick/tick"


class NoAnswer(Exception):
    """Prefect could not be asked, or would not say."""


def healthy() -> bool:
    """Whether the server answers."""
    try:
        with _client() as client:
            return client.hello().status_code == httpx.codes.OK
    except NoAnswer:
        return False


def deployed_since(moment: datetime) -> bool:
    """Whether the deployments were made, or made again, after `moment`."""
    try:
        with _client() as client:
            made = client.read_deployment_by_name(HEARTBEAT).updated
    except NoAnswer:  # also where there is no such deployment yet
        return False
    return made is not None and made > moment


def paused() -> bool:
    """Whether a person paused the heartbeat."""
    with _client() as client:
        return client.read_deployment_by_name(HEARTBEAT).paused


def start_heartbeat() -> None:
    """Ask for a heartbeat run; the runner starts it within seconds."""
    with _client() as client:
        client.create_flow_run_from_deployment(client.read_deployment_by_name(HEARTBEAT).id)


def close_runs(*, stopped: bool) -> int:
    """Give a final state to the runs of processes that are no more; says how many there were.

    Prefect itself never does: a run whose runner was killed stays `Running` for good. This only tidies the list that
    a person looks at, nothing depends on it. `stopped`: we ended them ourselves, just now.
    """
    state: State[object] = (
        Cancelled(message="nurture was stopped") if stopped else Crashed(message="its process is no more")
    )
    going = FlowRunFilter(
        state=FlowRunFilterState(
            type=FlowRunFilterStateType(any_=[StateType.RUNNING, StateType.PENDING, StateType.CANCELLING])
        )
    )
    with _client() as client:
        runs = client.read_flow_runs(flow_run_filter=going, limit=200, sort=FlowRunSort.EXPECTED_START_TIME_DESC)
        for run in runs:
            client.set_flow_run_state(run.id, state, force=True)
    return len(runs)


@contextmanager
def _client() -> Iterator[SyncPrefectClient]:
    try:
        with get_client(sync_client=True) as client:
            yield client
    except (httpx.HTTPError, PrefectException) as problem:
        raise NoAnswer(f"Prefect does not answer: {type(problem).__name__}") from problem
