"""Which network addresses may be connected to. Pure."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

__all__ = ["barred", "is_loopback"]

METADATA = frozenset(
    map(ip_address, ("169.254.169.254", "100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254"))
)
"""Where clouds tell a machine its secrets."""
_NAT64 = ip_network("64:ff9b::/96")


def is_loopback(host: str) -> bool:
    """Whether this host, IPv6 with or without brackets, is written as this machine itself.

    A name that merely resolves to it is not.
    """
    name = host.strip("[]").lower()
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def barred(address: IPv4Address | IPv6Address, *, loopback: bool, private: bool) -> str:
    """Why nobody may connect to this address, or ''. `loopback` and `private` are what the operator has allowed."""
    meant = _embedded(address)
    if meant in METADATA:
        return "a cloud's metadata service"
    if meant.is_multicast or meant.is_unspecified or meant.is_link_local or meant == ip_address("255.255.255.255"):
        return "which is no server's address"
    if meant.is_loopback:
        return "" if loopback or private else "this machine, under another name"
    if meant.is_global or private:
        return ""
    return "in a private network; NURTURE_ALLOW_PRIVATE=1 allows that"


def _embedded(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 one stands for, where it does."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    value = int(address)
    # ::a.b.c.d is obsolete, but some resolvers still give it; :: and ::1 are themselves.
    if address in _NAT64 or 1 < value < 1 << 32:
        return IPv4Address(value & 0xFFFFFFFF)
    return address
