"""Prefect's server with its pages, as a process that can be stopped. `python -m flows.server`.

Prefect's own start command waits for open event streams before it ends, and a browser keeps one open for good.
"""

from __future__ import annotations

import sys

import uvicorn

from flows.guard import Unguarded, refuse_open_host
from flows.pages import at_home

__all__ = ["main"]

GOODBYE = 2
"""Seconds that open requests and event streams get when the server is told to stop."""


def main() -> int:
    """Serve until told to stop. Exit status 3: the API would be open to the network."""
    from prefect.server.api.server import create_app
    from prefect.settings import get_current_settings

    api = get_current_settings().server.api
    password = api.auth_string.get_secret_value() if api.auth_string else None
    try:
        refuse_open_host(api.host, password)
    except Unguarded as problem:
        print(problem, file=sys.stderr)
        return 3
    uvicorn.run(
        at_home(create_app(final=True)),
        host=api.host,
        port=api.port,
        timeout_keep_alive=api.keepalive_timeout,
        timeout_graceful_shutdown=GOODBYE,
        ws_ping_interval=api.websocket_ping_interval,
        ws_ping_timeout=api.websocket_ping_timeout,
        log_level="warning",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
