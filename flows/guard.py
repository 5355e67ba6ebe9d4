"""Who may reach Prefect. Its API runs code for whoever may call it, so without a password it stays on this machine."""

from __future__ import annotations

from urllib.parse import urlsplit

from nurture.channels.addresses import is_loopback

__all__ = ["Unguarded", "refuse_open_api", "refuse_open_host"]


class Unguarded(Exception):
    """Prefect would be, or is, open to the network without a password. The message is one line, with a way out."""


def refuse_open_host(host: str, password: str | None) -> None:
    """Raise `Unguarded` where a server on `host` could be called by the network without a password."""
    if not password and not is_loopback(host):
        raise Unguarded(
            f"Prefect on {host} without a password would run code for anyone on the network: "
            "use 127.0.0.1, or set PREFECT_SERVER_API_AUTH_STRING to user:password"
        )


def refuse_open_api(url: str, password: str | None) -> None:
    """Raise `Unguarded` where we would take work from a Prefect API that asks nobody for a password."""
    host = urlsplit(url).hostname or ""
    if not password and not is_loopback(host):
        raise Unguarded(
            f"the Prefect API at {host} asks for no password, so anyone could have us send mail: "
            "set PREFECT_API_AUTH_STRING (or PREFECT_API_KEY), as its server does"
        )
