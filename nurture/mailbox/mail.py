"""A mail, read as far as we need it, whatever it holds: bounded in size, in depth and in number of parts.

The standard library's parser follows every nesting a stranger cares to send. Here it reads single heads only, and the
parts are cut by hand, a few deep.
"""

from __future__ import annotations

import quopri
import re
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import HeaderParser
from email.policy import compat32
from email.utils import collapse_rfc2231_value

from nurture.words import safe

__all__ = ["MOST_BYTES", "Mail", "Part", "read_mail"]

MOST_BYTES = 512 * 1024
"""So much of a mail is fetched and read; what we look for stands at its beginning."""
MOST_HEAD = 64 * 1024
MOST_DEPTH = 6
MOST_PARTS = 40
MOST_TEXT = 32 * 1024
LONGEST_VALUE = 4096

_head_end = re.compile(rb"\r?\n\r?\n")
_parser = HeaderParser(policy=compat32)
CHARSETS = {"gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "unknown-8bit": "utf-8", "default": "utf-8"}
"""What mails say, and what is meant: GB18030 holds both of its predecessors."""


@dataclass(frozen=True, slots=True)
class Part:
    """A leaf of a mail, or a mail within a mail."""

    kind: str
    """Such as `text/plain`, lower case."""
    head: Message
    body: bytes
    """As it stands in the mail, its transfer encoding not undone."""

    def text(self) -> str:
        """Its text, decoded as well as that goes; never an error."""
        raw = self._decoded()[:MOST_TEXT]
        said = _parameter(self.head, "charset").strip("\"' ").lower()
        for charset in (CHARSETS.get(said, said) or "utf-8", "utf-8", "gb18030"):
            try:
                return raw.decode(charset)
            except (LookupError, UnicodeDecodeError, ValueError):
                continue
        return raw.decode("utf-8", "replace")

    def _decoded(self) -> bytes:
        encoding = str(self.head.get("content-transfer-encoding", "")).strip().lower()
        # Twice the text is enough for what base64 and quoted-printable add.
        raw = self.body[: MOST_TEXT * 3]
        if encoding == "quoted-printable":
            return quopri.decodestring(raw)
        if encoding == "base64":
            kept = re.sub(rb"[^A-Za-z0-9+/]", b"", raw)
            whole = kept[:-1] if len(kept) % 4 == 1 else kept
            return b64decode(whole + b"=" * (-len(whole) % 4))
        return raw


@dataclass(frozen=True, slots=True)
class Mail:
    """What we look at of a mail."""

    head: Message
    parts: list[Part] = field(default_factory=list)
    """Leaves in their order, mails within this mail among them as `message/rfc822` or `text/rfc822-headers`."""

    def value(self, name: str) -> str:
        """A header as text, decoded; '' where it is missing."""
        return _value(self.head, name)

    def values(self, *names: str) -> list[str]:
        """All headers of these names, as they stand."""
        return [str(value)[:LONGEST_VALUE] for name in names for value in self.head.get_all(name, [])]

    @property
    def kind(self) -> str:
        return self.head.get_content_type()

    def first_text(self) -> str:
        """What the writer wrote, if that is plain text."""
        return next((part.text() for part in self.parts if part.kind == "text/plain"), "")


def read_mail(raw: bytes) -> Mail:
    """The mail in these octets. Never raises: from what is no mail, an empty one is read."""
    head, body = _split(raw[:MOST_BYTES])
    parts: list[Part] = []
    for part in _leaves(head, body, 0):
        parts.append(part)
        if len(parts) == MOST_PARTS:
            break
    return Mail(head, parts)


def inner(part: Part) -> Message:
    """The head of the mail that this part carries."""
    return _split(part._decoded() if part.kind == "text/rfc822-headers" else part.body)[0]


def blocks(part: Part) -> Iterator[Message]:
    """The groups of fields in a machine-readable report, each as a head."""
    for number, block in enumerate(re.split(r"\r?\n[ \t]*\r?\n", part.text())):
        if number == MOST_PARTS:
            return
        if block.strip():
            yield _parse(block.strip() + "\n")


def _value(head: Message, name: str) -> str:
    raw = str(head.get(name, ""))[:LONGEST_VALUE]
    try:
        decoded = str(make_header(decode_header(raw)))
    except (LookupError, UnicodeError, MessageError, ValueError):
        decoded = raw
    return safe(" ".join(decoded.split()))


def _parameter(head: Message, name: str) -> str:
    """A parameter of the Content-Type; '' for none, and for one in an encoding that cannot be undone."""
    try:
        return collapse_rfc2231_value(head.get_param(name, "") or "").strip()
    except (LookupError, ValueError, TypeError):
        return ""


def _split(raw: bytes) -> tuple[Message, bytes]:
    found = _head_end.search(raw, 0, MOST_HEAD)
    head, body = (raw[: found.start()], raw[found.end() :]) if found else (raw[:MOST_HEAD], b"")
    return _parse(head.decode("utf-8", "replace") + "\n"), body


def _parse(text: str) -> Message:
    # The parser takes a head of any length; a line break in a value stays in the value.
    return _parser.parsestr(text, headersonly=True)


def _leaves(head: Message, body: bytes, depth: int) -> Iterator[Part]:
    kind = head.get_content_type()
    boundary = _parameter(head, "boundary")
    if kind.startswith("multipart/") and boundary and depth < MOST_DEPTH:
        for piece in _pieces(body, boundary.encode("utf-8", "replace")):
            # A part may have no head at all; then it begins with an empty line.
            inside, rest = (
                (Message(policy=compat32), piece.lstrip(b"\r\n")) if piece[:1] in (b"\r", b"\n") else _split(piece)
            )
            yield from _leaves(inside, rest, depth + 1)
        return
    yield Part(kind, head, body)


def _pieces(body: bytes, boundary: bytes) -> list[bytes]:
    found = re.split(
        rb"(?:\A|\r?\n)--" + re.escape(boundary[:200]) + rb"(--)?[ \t]*\r?(?:\n|\Z)", body, maxsplit=MOST_PARTS
    )
    # Between the pieces stand what the group caught: None, or the -- that ends the parts.
    pieces = []
    for number in range(2, len(found), 2):
        if found[number - 1]:
            break
        pieces.append(found[number])
    return pieces
