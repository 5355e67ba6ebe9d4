"""Tokens that leads carry back to us: opaque, bound to one purpose, impossible to guess."""

from __future__ import annotations

import base64
import hmac
from typing import Literal

__all__ = ["Purpose", "read", "sign"]

Purpose = Literal["unsubscribe", "open", "click", "view"]
_MAC = 16


def sign(secret: bytes, purpose: Purpose, subject: str) -> str:
    """A token for this purpose that names `subject` (an effect's key). URL-safe."""
    body = subject.encode()
    return base64.urlsafe_b64encode(_mac(secret, purpose, body) + body).rstrip(b"=").decode()


def read(secret: bytes, purpose: Purpose, token: str) -> str | None:
    """What the token names; None when it was not made by us for this purpose. Takes the same time either way."""
    try:
        packed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        packed = b""
    mac, body = packed[:_MAC], packed[_MAC:]
    if not hmac.compare_digest(mac.ljust(_MAC, b"\0"), _mac(secret, purpose, body)):
        return None
    return body.decode()


def _mac(secret: bytes, purpose: str, body: bytes) -> bytes:
    return hmac.digest(secret, purpose.encode() + b"\0" + body, "sha256")[:_MAC]
