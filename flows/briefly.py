"""Asking Prefect without waiting for it: a server that takes connections and answers nothing must hold nobody up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prefect.context import SyncClientContext
from prefect.settings import PREFECT_API_REQUEST_TIMEOUT, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

__all__ = ["briefly"]

PATIENCE = 5.0
"""Seconds for an answer. Prefect's own client waits for a minute, and asks six times."""


@contextmanager
def briefly() -> Iterator[None]:
    """In here each question to Prefect is asked once, and has an answer or an `httpx.HTTPError` within seconds."""
    with (
        temporary_settings({PREFECT_API_REQUEST_TIMEOUT: PATIENCE, PREFECT_CLIENT_MAX_RETRIES: 0}),
        # The client of the run was made with the run's patience; with settings of its own, this context makes another.
        SyncClientContext(httpx_settings={"timeout": PATIENCE}),
    ):
        yield
