"""Tokens that leads carry back to us: opaque, bound to one purpose, impossible to guess.

A token is a seal of 128 bits over what it names. It may begin with the name of the key it was sealed with, and a point:
so keys can be changed, and links in mails that have left go on working for as long as their key is kept.
"""

from __future__ import annotations

import base64
import hmac
import re
from binascii import b2a_base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Keyring", "Purpose", "read", "sign"]

Purpose = Literal["unsubscribe", "open", "click", "trap", "view", "preferences", "form"]
_MAC = 16
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
LONGEST = 400
"""No token of ours is longer: whoever sends more costs us no hashing."""
_key = re.compile(r"(?P<name>[a-z0-9]{1,8}):(?P<secret>.{16,})").fullmatch


@dataclass(frozen=True, slots=True)
class Keyring:
    """What tokens are sealed with, and what they may have been sealed with."""

    own: bytes = field(repr=False)
    """The installation's own secret: its tokens name no key."""
    named: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """Newest first; the first one seals."""
    retired: bool = False
    """Whether tokens that name no key are refused by now."""

    @classmethod
    def parse(cls, own: bytes, text: str) -> Keyring:
        """`"b:SECRET,a:OLDER SECRET"`, newest first; a `-` at the end retires the installation's own secret.

        Raises `ValueError` with a sentence for the operator, which repeats no secret.
        """
        named: dict[str, bytes] = {}
        parts = [part.strip() for part in text.split(",") if part.strip()]
        retired = parts[-1:] == ["-"]
        for part in parts[:-1] if retired else parts:
            found = _key(part)
            if found is None or found["name"] in named:
                raise ValueError(
                    "token keys are like 'b:SECRET,a:SECRET': names differ, secrets have 16 characters or more"
                )
            named[found["name"]] = found["secret"].encode()
        if retired and not named:
            raise ValueError("the installation's own secret can be retired only when there is another key")
        return cls(own, named, retired)

    def sign(self, purpose: Purpose, subject: str) -> str:
        """A token for this purpose that names `subject`. URL-safe."""
        for name, secret in self.named.items():
            return f"{name}.{sign(secret, purpose, subject)}"
        return sign(self.own, purpose, subject)

    def read(self, purpose: Purpose, token: str) -> str | None:
        """What the token names; None when it was not made by us for this purpose."""
        if len(token) > LONGEST:
            return None
        name, point, sealed = token.rpartition(".")
        if not point:
            return None if self.retired else read(self.own, purpose, sealed)
        secret = self.named.get(name)
        # A key that nobody knows takes the same time as a wrong seal.
        subject = read(self.own if secret is None else secret, purpose, sealed)
        return None if secret is None else subject


def sign(secret: bytes, purpose: Purpose, subject: str) -> str:
    """A token for this purpose that names `subject` (an effect's key). URL-safe."""
    body = subject.encode()
    return b2a_base64(_mac(secret, purpose, body) + body, newline=False).translate(_URL_SAFE).rstrip(b"=").decode()


def read(secret: bytes, purpose: Purpose, token: str) -> str | None:
    """What the token names; None when it was not made by us for this purpose. Takes the same time either way."""
    try:
        packed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except ValueError:
        packed = b""
    if base64.urlsafe_b64encode(packed).rstrip(b"=") != token.encode("utf-8", "replace"):
        # The same bytes written otherwise: bits that nobody reads were changed.
        packed = b""
    mac, body = packed[:_MAC], packed[_MAC:]
    if not hmac.compare_digest(mac.ljust(_MAC, b"\0"), _mac(secret, purpose, body)):
        return None
    return body.decode()


def _mac(secret: bytes, purpose: str, body: bytes) -> bytes:
    return hmac.digest(secret, purpose.encode() + b"\0" + body, "sha256")[:_MAC]
