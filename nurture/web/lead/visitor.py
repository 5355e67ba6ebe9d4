"""Who knocks: what a request tells about the program that makes it, and from where."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, NamedTuple

from nurture.channels.addresses import is_loopback
from nurture.evidence import APPLE

if TYPE_CHECKING:
    from starlette.types import Scope

__all__ = ["Visitor", "looks_ahead", "visitor"]

LONGEST_AGENT = 200
_APPLES = ip_network("17.0.0.0/8")
_AHEAD = frozenset({b"purpose", b"sec-purpose", b"x-purpose", b"x-moz"})


class Visitor(NamedTuple):
    source: str
    """A keyed hash of the network address: enough to see that two come from one place."""
    agent: str


def looks_ahead(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a program fetches this in case somebody wants it later."""
    return any(name in _AHEAD and (b"prefetch" in value or b"preview" in value) for name, value in headers)


def visitor(scope: Scope, secret: bytes) -> Visitor:
    """Whoever makes this request. A proxy on this machine tells for whom it asks; nobody else is believed."""
    client = scope.get("client")
    address = str(client[0]) if client else ""
    agent = ""
    for name, value in scope["headers"]:
        if name == b"user-agent":
            agent = value.decode("latin-1").replace("\0", "")[:LONGEST_AGENT]
        elif name == b"x-forwarded-for" and is_loopback(address):
            address = value.decode("latin-1").rpartition(",")[2].strip()[:64] or address
    place, apple = _place(address)
    if apple:
        agent = f"{APPLE} {agent}"
    return Visitor(hmac.digest(secret, b"source\0" + place.encode(), "sha256")[:8].hex(), agent)


def _place(address: str) -> tuple[str, bool]:
    """(what is one place, whether it is Apple's). Whoever has an IPv6 address has 2**64 of them, and is in one place."""
    try:
        known = ip_address(address)
    except ValueError:
        return address, False
    if isinstance(known, IPv6Address):
        if known.ipv4_mapped is None:
            return str(ip_network((known, 64), strict=False)), False
        known = known.ipv4_mapped
    return str(known), known in _APPLES
