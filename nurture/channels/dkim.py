"""Signing mails (RFC 6376), for those whose relay does not: last of all, over every header that says who writes to whom
and how to opt out."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from pathlib import Path

import dkim  # type: ignore[import-untyped]  # it brings no types along
from dkim.crypto import UnparsableKeyError, parse_pem_private_key  # type: ignore[import-untyped]  # nor does this

__all__ = ["SIGNED", "Signer", "signer"]

SIGNED = (
    *(b"From", b"To", b"Reply-To", b"Subject", b"Date", b"Message-ID", b"MIME-Version", b"Content-Type"),
    *(b"List-Unsubscribe", b"List-Unsubscribe-Post"),
)
"""What a signature covers. From stands twice in it: nobody can add a second one."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs for one domain with one key."""

    domain: str
    selector: str
    key: bytes = field(repr=False)

    def sign(self, raw: bytes) -> bytes:
        """The mail with its signature in front: head and body as they are, CRLF line ends."""
        present = {line.partition(b":")[0].lower() for line in raw.partition(b"\r\n\r\n")[0].split(b"\r\n")}
        covered = [name for name in SIGNED if name.lower() in present]
        signature: bytes = dkim.sign(
            raw,
            self.selector.encode(),
            self.domain.encode(),
            self.key,
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=[*covered, b"From"],
        )
        return signature + raw

    @property
    def public_key(self) -> str:
        """What has to be published as p=, in base64."""
        found = parse_pem_private_key(self.key)
        return base64.b64encode(_subject_public_key(found["modulus"], found["publicExponent"])).decode()


def signer(path: Path, selector: str, domain: str) -> Signer:
    """The signer with the RSA key in this PEM file. Raises `ValueError` with a sentence for the operator."""
    if not selector:
        raise ValueError("a signature names the selector under which its key is published: NURTURE_DKIM_SELECTOR")
    try:
        key = path.read_bytes()
        parse_pem_private_key(key)
    except OSError as error:
        raise ValueError(f"the key {path} cannot be read: {error.strerror}") from None
    except (UnparsableKeyError, ValueError, KeyError) as error:
        raise ValueError(f"{path} holds no RSA key in PEM form ({type(error).__name__})") from None
    return Signer(domain, selector, key)


def _subject_public_key(modulus: int, exponent: int) -> bytes:
    """SubjectPublicKeyInfo in DER, as DKIM publishes keys."""
    key = _der(0x30, _integer(modulus) + _integer(exponent))
    algorithm = bytes.fromhex("300d06092a864886f70d0101010500")  # rsaEncryption, no parameters
    return _der(0x30, algorithm + _der(0x03, b"\0" + key))


def _integer(value: int) -> bytes:
    return _der(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content
