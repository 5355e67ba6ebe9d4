"""The environment in which Prefect's processes run: a home of their own, loopback, quiet towards the outside."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

__all__ = ["api_url", "surroundings", "ui_url"]

QUIET = {
    # Nothing is reported to anybody: not by the server, not by the client library, not by the pages.
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
    "PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
}
SAFE = {
    # Prefect's own defaults are pickle, no CSRF protection and CORS for everybody.
    "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
    "PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED": "true",
    "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
}
UNHURRIED = {
    # The server's housekeeping: at its defaults it costs more of a core than the heartbeat itself.
    "PREFECT_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS": "60",
    "PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_LOOP_SECONDS": "60",
    "PREFECT_SERVER_SERVICES_CANCELLATION_CLEANUP_LOOP_SECONDS": "60",
    "PREFECT_SERVER_SERVICES_CLEANUP_RECONCILER_LOOP_SECONDS": "60",
    "PREFECT_SERVER_SERVICES_FOREMAN_LOOP_SECONDS": "60",
    "PREFECT_SERVER_SERVICES_REPOSSESSOR_LOOP_SECONDS": "60",
    "PREFECT_SERVER_SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS": "30",
}


def api_url(host: str, port: int) -> str:
    """Where Prefect's API answers."""
    return f"{ui_url(host, port)}/api"


def ui_url(host: str, port: int) -> str:
    """Where to click."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def surroundings(outer: Mapping[str, str], *, home: Path, host: str, port: int) -> dict[str, str]:
    """The variables for all our Prefect processes: `outer` (the environment as found) and ours, which win.

    `home` is Prefect's own folder, not the marketer's. A password that the user set is passed on to the clients.
    """
    ours = {
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": api_url(host, port),
        "PREFECT_SERVER_API_HOST": host,
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS": f"{ui_url(host, port)},{ui_url('localhost', port)}",
        **QUIET,
        **SAFE,
    }
    if password := outer.get("PREFECT_SERVER_API_AUTH_STRING"):
        ours["PREFECT_API_AUTH_STRING"] = password
    chosen = {name: value for name, value in UNHURRIED.items() if name not in outer}
    return {**outer, **chosen, **ours}
