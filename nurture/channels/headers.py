"""What may stand in the head of a mail, and how it is written there.

Everything that reaches a header or the envelope passes one of the gates here. A gate rejects; it never repairs.
"""

from __future__ import annotations

import re
from base64 import b64encode
from functools import lru_cache
from typing import NamedTuple

import idna

__all__ = [
    "BadAddress",
    "BadHeader",
    "Mailbox",
    "clean_header",
    "encode_words",
    "header",
    "mailbox",
    "named_mailbox",
    "one_line",
    "phrase",
]

LONGEST_NAME = 200
LONGEST_LINE = 76
LONGEST_WORD_BYTES = 45  # in base64 with its frame, 75 characters: the most that RFC 2047 allows

# C0, DEL, C1, the line and paragraph separators, everything with Bidi_Control, lone surrogates.
_forbidden = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
).search
_line_break = re.compile(r"[ \t]*(?:\r\n|\r|\n)[ \t]*")
# A line break, and after it what a mail server would read as a header of ours.
_second_header = re.compile(r"[\r\n][ \t]*[!-9;-~]{1,64}[ \t]*:").search
_plain_phrase = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*").fullmatch
_local_ascii = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*").fullmatch
_label = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?").fullmatch
_mailbox = re.compile(r"\s*(?:(?P<name>[^<>]*?)\s*<(?P<framed>[^<>\s]+)>|(?P<bare>[^<>\s]+))\s*").fullmatch


class BadHeader(ValueError):
    """This text must not stand in a header."""


class BadAddress(ValueError):
    """No mail can be addressed like this."""


def clean_header(text: str, what: str = "header") -> str:
    """The text as it is, or `BadHeader` for a control character, a line break, a bidi control, half a surrogate pair."""
    found = _forbidden(text)
    if found is not None:
        raise BadHeader(f"the {what} holds the character U+{ord(found[0]):04X}, which no header may hold")
    return text


def one_line(text: str, what: str = "value") -> str:
    """A value for a header slot. A line break, as spreadsheet cells have them, becomes one space.

    Raises `BadHeader` where what follows the break reads as a header: nobody's name looks like that.
    """
    if "\n" in text or "\r" in text:
        if _second_header(text):
            raise BadHeader(f"the {what} holds a line break and a header after it")
        text = _line_break.sub(" ", text).strip()
    return text


@lru_cache(maxsize=2048)
def encode_words(text: str, room: int) -> str:
    """The text for an unstructured header, folded; `room` is what is left of the first line.

    ASCII stays readable and is folded at spaces; anything else becomes encoded words (RFC 2047) that end at
    character borders. Cached, because a campaign says the same to many.
    """
    if text.isascii() and "=?" not in text:
        folded = _fold(text, room)
        if folded is not None:
            return folded
    return _encoded(text, room)


def _encoded(text: str, room: int) -> str:
    words: list[str] = []
    chunk = b""
    # "=?utf-8?b?" and "?=" frame four characters for every three bytes.
    most = max(3, min(LONGEST_WORD_BYTES, (room - 12) // 4 * 3))
    for char in text:
        encoded = char.encode()
        if len(chunk) + len(encoded) > most:
            words.append(_word(chunk))
            chunk, most = b"", LONGEST_WORD_BYTES
        chunk += encoded
    words.append(_word(chunk))
    return "\r\n ".join(words)


def _word(chunk: bytes) -> str:
    return f"=?utf-8?b?{b64encode(chunk).decode('ascii')}?="


def _fold(text: str, room: int) -> str | None:
    """ASCII folded before single spaces; None where that does not do."""
    if len(text) <= room:
        return text
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        if len(word) > LONGEST_LINE - 1 or not word:
            return None
        if line and len(line) + 1 + len(word) > room:
            lines.append(line)
            line, room = word, LONGEST_LINE - 1
        else:
            line = f"{line} {word}" if line else word
    lines.append(line)
    return "\r\n ".join(lines)


def header(name: str, text: str) -> str:
    """One unstructured header line (or more, folded), with its CRLF. Raises `BadHeader`."""
    return f"{name}: {encode_words(clean_header(text, name), LONGEST_LINE - len(name) - 2)}\r\n"


def phrase(name: str) -> str:
    """A display name as RFC 5322 wants it before an address; longer ones are cut at 200 characters."""
    if len(name) > LONGEST_NAME:
        name = name[: LONGEST_NAME - 1].rstrip() + "…"
    clean_header(name, "name")
    if not name.isascii() or "=?" in name or len(name) > 60:
        return _encoded(name, 60)
    if _plain_phrase(name):
        return name
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


# -- addresses ------------------------------------------------------------------------------------------------------


class Mailbox(NamedTuple):
    """An address that may go onto the wire: the same object is checked, written into the head and named to the peer."""

    local: str
    domain: str
    """ASCII: international labels are encoded by IDNA 2008."""

    @property
    def needs_utf8(self) -> bool:
        """Only a peer with SMTPUTF8 can take it."""
        return not self.local.isascii()

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"


def mailbox(address: str, *, local_host: bool = False) -> Mailbox:
    """The address, checked as what it will be on the wire. Raises `BadAddress`; nothing is guessed or mended.

    `local_host` lets `somebody@localhost` pass, which is what a laptop sends as.
    """
    if len(address) > 254:
        raise BadAddress("the address is longer than 254 characters")
    local, at, domain = address.rpartition("@")
    if not at or not local or not domain:
        raise BadAddress("an address is a name, an @ and a domain")
    if len(local.encode("utf-8", "replace")) > 64:
        raise BadAddress("the part before the @ is longer than 64 octets")
    if not (_local_ascii(local) if local.isascii() else _local_international(local)):
        raise BadAddress("the part before the @ holds what no plain address holds")
    return Mailbox(local, domain if local_host and domain == "localhost" else _wire_domain(domain))


def _local_international(local: str) -> bool:
    """Letters beyond ASCII, next to what ASCII allows."""
    if _forbidden(local) or not local.isprintable() or any(char.isspace() for char in local):
        return False
    ascii_part = "".join(char if char.isascii() else "x" for char in local)
    return _local_ascii(ascii_part) is not None


@lru_cache(maxsize=4096)
def _wire_domain(domain: str) -> str:
    wire = domain
    if not domain.isascii():
        try:
            wire = idna.encode(domain.lower(), strict=True).decode("ascii")
        except (idna.IDNAError, UnicodeError) as error:
            raise BadAddress(f"the domain is not valid: {error}") from None
    labels = wire.split(".")
    if len(wire) > 253 or len(labels) < 2 or not all(map(_label, labels)) or labels[-1].isdigit():
        raise BadAddress("the domain is not one that mail can be sent to")
    return wire


def named_mailbox(text: str) -> tuple[str, Mailbox]:
    """`Ada <ada@example.com>` or a bare address, as a person writes a sender. Raises `BadAddress`."""
    found = _mailbox(text)
    if found is None:
        raise BadAddress("a sender is written as an address, or as: Name <address>")
    return (found["name"] or "").strip().strip('"'), mailbox(found["framed"] or found["bare"], local_host=True)
