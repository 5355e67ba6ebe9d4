"""Verbs that stay: up, web."""

from __future__ import annotations

import runpy
import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from cyclopts import Parameter

from nurture.channels.addresses import is_loopback
from nurture.cli.answer import say
from nurture.cli.failures import BrokenEnvironment
from nurture.cli.opening import opened, settings
from nurture.cli.options import Flag, usage
from nurture.problems import Problem

if TYPE_CHECKING:
    from nurture.settings import Settings
    from nurture.web.runs import Runs

__all__ = ["up", "web"]

PORT = 8765


def up(
    *,
    port: Annotated[int | None, Parameter(help="Of Prefect's pages and API; default 4200.")] = None,
    host: Annotated[str | None, Parameter(help="Default: 127.0.0.1.")] = None,
    no_web: Annotated[bool, Flag, Parameter(help="Without the endpoints and the canvas.")] = False,
) -> None:
    """The whole system on this machine: Prefect's server and pages, deployments, heartbeat, endpoints, canvas."""
    settings()
    arguments = ["--port", str(port)] if port is not None else []
    arguments += ["--host", host] if host is not None else []
    arguments += ["--no-web"] if no_web else []
    # The flows are a program of their own: only they know Prefect, and this command must not load it.
    sys.argv = ["nurture up", *arguments]
    runpy.run_module("flows.up", run_name="__main__", alter_sys=True)


def web(
    *,
    port: Annotated[
        int | None, Parameter(help=f"Default: that of NURTURE_PUBLIC_URL on this machine, else {PORT}.")
    ] = None,
    host: Annotated[
        str, Parameter(help="A loopback address; a reverse proxy with TLS is for the rest of the world.")
    ] = "127.0.0.1",
    leads_only: Annotated[
        bool, Flag, Parameter(help="Only what leads and signed systems may reach: no canvas. Then --host may be any.")
    ] = False,
) -> None:
    """The endpoints that mails point to, and the canvas, on loopback. Ctrl-C stops it."""
    if not is_loopback(host) and not leads_only:
        raise usage(
            f"--host {host} is open to others, and the canvas asks for no password",
            "add --leads-only, or listen on 127.0.0.1 and let a reverse proxy with TLS pass on what leads may see",
        )
    if port is not None and not 0 <= port <= 65535:
        raise usage(f"--port {port}: between 0 and 65535")
    import uvicorn

    from nurture.web.app import app

    with (
        opened() as engine,
        _listening(host, port if port is not None else _port_of(engine.settings.public_url)) as door,
    ):
        server = uvicorn.Server(
            uvicorn.Config(
                app(engine, leads_only=leads_only, runs=None if leads_only else _runs(engine.settings)),
                log_level="warning",
                access_log=False,  # a path holds a lead's token
                server_header=False,
                # Uvicorn waits for open event streams for ever, unless it is told not to.
                timeout_graceful_shutdown=3,
            )
        )
        name = f"[{host}]" if ":" in host else host
        say(f"nurture web: http://{name}:{door.getsockname()[1]}  (Ctrl-C stops it)")
        # Uvicorn has said goodbye to everybody when it passes on what stopped it.
        with suppress(KeyboardInterrupt):
            server.run(sockets=[door])


def _runs(settings: Settings) -> Runs | None:
    """Who is installed to carry out what the canvas starts; None for nobody."""
    from nurture.registry import runs_types

    return next((offered(settings) for offered in runs_types().values()), None)


def _listening(host: str, port: int) -> socket.socket:
    """The open door, before anybody is told where it is. Raises `BrokenEnvironment` where it cannot be opened."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        what = f"port {port} on {host} cannot be used: {error.strerror}"
        raise BrokenEnvironment([Problem("", "E_PORT", what, "take another: --port N")]) from error


def _port_of(public_url: str) -> int:
    """The port at which leads of this machine itself would knock; the usual one where a proxy stands before us."""
    parts = urlsplit(public_url)
    return parts.port if parts.port and is_loopback(parts.hostname or "") else PORT
