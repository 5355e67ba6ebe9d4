"""Addresses that say by themselves which message they answer: `news+r<token>@example.com`.

The token holds the enrollment's number, masked, and a seal over purpose and message: nobody who has one can make
another, and a reply address does not unsubscribe. It is lower case, because mail systems change the case of what stands
before the @, and short, because that is 64 octets at most.
"""

from __future__ import annotations

import hmac
import re
from base64 import b32decode, b32encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

__all__ = ["LONGEST_LOCAL", "PlusAddress", "PlusToken", "Purpose", "plus_addresses", "read_plus", "seals"]

Purpose = Literal["b", "r", "u"]
"""`b`: the envelope's sender, to which bounces return; `r`: replies; `u`: opt-outs."""

_MASKED, _SEAL = 10, 26
LONGEST_LOCAL = 64 - 2 - _MASKED - _SEAL
"""So long may be what stands before the @ of the mailbox itself."""

_found = re.compile(rf"\+([{''.join(get_args(Purpose))}])([a-z2-7]{{{_MASKED}}})([a-z2-7]{{{_SEAL}}})@", re.IGNORECASE)


class PlusToken(NamedTuple):
    """A token as it stands in an address; nothing is proven yet."""

    purpose: str
    masked: str
    seal: str


@dataclass(frozen=True, slots=True)
class PlusAddress:
    """Makes the addresses of one mailbox. Raises `ValueError` for one that has no room for tokens."""

    secret: bytes
    local: str
    domain: str

    def __post_init__(self) -> None:
        if not self.secret:
            raise ValueError("tokens need a secret key")
        if not 0 < len(self.local) <= LONGEST_LOCAL or not self.local.isascii() or "+" in self.local:
            raise ValueError(
                f"a mailbox whose mail is read has up to {LONGEST_LOCAL} plain letters before its @, and no +"
            )

    @classmethod
    def of(cls, secret: bytes, address: str) -> PlusAddress:
        local, _, domain = address.strip().rpartition("@")
        return cls(secret, local, domain)

    def make(self, purpose: Purpose, enrollment_id: int, message: str) -> str:
        """The address for this purpose of a message (its key, `enrollment/node/n`)."""
        seal = _seal(self.secret, purpose, message)
        masked = enrollment_id ^ _mask(self.secret, seal)
        return f"{self.local}+{purpose}{_b32(masked.to_bytes(6, 'big'))}{_b32(seal)}@{self.domain}"


def plus_addresses(headers: Iterable[str]) -> Iterator[PlusToken]:
    """The tokens that stand in these header values, each once."""
    seen = set()
    for text in headers:
        for found in _found.finditer(text):
            token = PlusToken(found[1].lower(), found[2].lower(), found[3].lower())
            if token not in seen:
                seen.add(token)
                yield token


def read_plus(secret: bytes, token: PlusToken) -> int:
    """Which enrollment the token claims to belong to. Proven only when `seals` says so of one of its messages."""
    return int.from_bytes(b32decode(token.masked.upper() + "======")[:6], "big") ^ _mask(secret, _unb32(token.seal))


def seals(secret: bytes, token: PlusToken, message: str) -> bool:
    """Whether this token was made by us for this message and purpose."""
    return hmac.compare_digest(_unb32(token.seal), _seal(secret, token.purpose, message))


def _seal(secret: bytes, purpose: str, message: str) -> bytes:
    return hmac.digest(secret, f"plus:{purpose}:{message}".encode(), "sha256")[:16]


def _mask(secret: bytes, seal: bytes) -> int:
    # The seal differs from message to message, so the same number never looks the same twice.
    return int.from_bytes(hmac.digest(secret, b"plus-mask:" + seal, "sha256")[:6], "big")


def _b32(raw: bytes) -> str:
    return b32encode(raw).decode().rstrip("=").lower()


def _unb32(text: str) -> bytes:
    return b32decode(text.upper() + "=" * (-len(text) % 8))
