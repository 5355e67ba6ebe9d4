"""Where in a piece of HTML a slot stands, because what is harmless in a paragraph is not in an address.

Follows the template's own text, tag by tag. In a slot of text or of an ordinary attribute, escaping is enough; at the
start of an address only http, https and mailto may follow; inside an address the value is percent-encoded; in scripts,
styles, event handlers, tag names and unquoted attributes no slot may stand at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from html import escape
from typing import Literal
from urllib.parse import quote

__all__ = ["START", "BadUrl", "Slot", "Spot", "escape", "url_part", "url_whole"]

Mode = Literal["text", "tag", "after_name", "before_value", "value", "unquoted", "comment", "raw"]
Slot = Literal["text", "url_start", "url_inside"]

URL_ATTRIBUTES = frozenset(
    {"href", "src", "action", "formaction", "background", "poster", "cite", "data", "longdesc", "xlink:href"}
)
RAW_ELEMENTS = frozenset({"script", "style", "xmp", "iframe", "noembed", "noframes", "plaintext"})

_outlook = re.compile(r"<!--\[if[^\]>]*\]>(?:<!-->)?|<!(?:--<!)?\[endif\]-->|<!--<!\[endif\]-->").match
_tag_start = re.compile(r"</?([A-Za-z][^\s/>]*)").match
_plain_url = re.compile(r"[A-Za-z0-9%/:?#\[\]@!$&'()*+,;=~._-]*").fullmatch
_whole_url = re.compile(r"(?:https?://[^/?#\s]|mailto:[^\s])[^\s<>\"\\\x00-\x20\x7f]*").fullmatch


class BadUrl(ValueError):
    """This value is not an address that a mail may lead to."""


def url_whole(value: str) -> str:
    """A value that stands for a whole address. Raises `BadUrl` unless it is http, https or mailto."""
    if not _whole_url(value):
        raise BadUrl("it is not a http, https or mailto address")
    if not _plain_url(value):
        value = quote(value, safe="%/:?#[]@!$&'()*+,;=~-._")
    return value.replace("&", "&amp;").replace("'", "&#x27;")


def url_part(value: str) -> str:
    """A value inside an address, percent-encoded: it can change neither the host nor what follows."""
    return value if value.isascii() and value.isalnum() else quote(value, safe="")


@dataclass(frozen=True, slots=True)
class Spot:
    """A place between two characters of a page."""

    mode: Mode = "text"
    element: str = ""
    attribute: str = ""
    quote: str = ""
    started: bool = False
    """In an attribute's value: something stands before this place."""

    def slot(self) -> Slot | str:
        """What kind of slot this is; any other word says why there may be none."""
        if self.mode in ("text", "comment"):
            return "text"
        if self.mode == "value":
            if self.attribute.startswith("on"):
                return "a slot in an event handler would become a program"
            if self.attribute in ("style", "srcset", "srcdoc"):
                return f"no slot may stand in a {self.attribute} attribute"
            if self.attribute in URL_ATTRIBUTES:
                return "url_inside" if self.started else "url_start"
            return "text"
        if self.mode == "raw":
            return f"no slot may stand in <{self.element}>"
        if self.mode in ("unquoted", "before_value"):
            return "put the value of the attribute in quotes"
        return "no slot may stand inside a tag, except in the value of an attribute"

    def after_slot(self) -> Spot:
        """The place after a slot here."""
        return replace(self, started=True) if self.mode == "value" else self

    def meets(self, other: Spot) -> Spot | None:
        """Where two branches come together; None when they do not."""
        if self == other:
            return self
        if replace(self, started=False) == replace(other, started=False):
            # Perhaps nothing stands before: the stricter reading.
            return replace(self, started=False)
        return None

    def after(self, html: str) -> Spot:
        """The place after this text."""
        spot, at = self, 0
        while at < len(html):
            spot, at = _STEPS[spot.mode](spot, html, at)
        return spot


START = Spot()


def _text(spot: Spot, html: str, at: int) -> tuple[Spot, int]:
    start = html.find("<", at)
    if start < 0:
        return spot, len(html)
    # What Outlook reads as a comment's end and others as a comment: what stands between is a page for Outlook.
    outlook = _outlook(html, start)
    if outlook:
        return spot, outlook.end()
    if html.startswith("<!--", start):
        return Spot("comment"), start + 4
    tag = _tag_start(html, start)
    if tag:
        closing = html[start + 1] == "/"
        return Spot("tag", "" if closing else tag[1].lower()), tag.end()
    if start + 1 >= len(html) or html[start + 1] in "/!?":
        # Whatever comes next, it is in a tag.
        return Spot("tag"), start + 1
    return spot, start + 1


def _tag(spot: Spot, html: str, at: int) -> tuple[Spot, int]:
    char = html[at]
    if char == ">":
        return Spot("raw", spot.element) if spot.element in RAW_ELEMENTS else Spot(), at + 1
    if char.isspace() or char == "/":
        return replace(spot, attribute=""), at + 1
    if char == "=" and spot.attribute:
        return replace(spot, mode="before_value"), at + 1
    if char == "=":
        return spot, at + 1
    end = at
    while end < len(html) and not html[end].isspace() and html[end] not in "=>/":
        end += 1
    return replace(spot, mode="after_name", attribute=html[at:end].lower()), end


def _after_name(spot: Spot, html: str, at: int) -> tuple[Spot, int]:
    char = html[at]
    if char.isspace():
        return spot, at + 1
    if char == "=":
        return replace(spot, mode="before_value"), at + 1
    return replace(spot, mode="tag", attribute=""), at


def _before_value(spot: Spot, html: str, at: int) -> tuple[Spot, int]:
    char = html[at]
    if char.isspace():
        return spot, at + 1
    if char in "\"'":
        return replace(spot, mode="value", quote=char), at + 1
    if char == ">":
        return replace(spot, mode="tag"), at
    return replace(spot, mode="unquoted"), at


def _value(spot: Spot, html: str, at: int) -> tuple[Spot, int]:
    end = html.find(spot.quote, at)
    if end < 0:
        return replace(spot, started=spot.started or bool(html[at:].strip())), len(html)
    return Spot("tag", spot.element), end + 1


def _unquoted(spot: Spot, html: str, at: int) -> tuple[Spot, int]:
    while at < len(html) and not html[at].isspace() and html[at] != ">":
        at += 1
    return (spot, at) if at == len(html) else (Spot("tag", spot.element), at)


def _comment(spot: Spot, html: str, at: int) -> tuple[Spot, int]:
    end = html.find("-->", at)
    return (spot, len(html)) if end < 0 else (START, end + 3)


def _raw(spot: Spot, html: str, at: int) -> tuple[Spot, int]:
    end = html.lower().find(f"</{spot.element}", at)
    return (spot, len(html)) if end < 0 else (Spot("tag"), end + 2 + len(spot.element))


_STEPS = {
    "text": _text,
    "tag": _tag,
    "after_name": _after_name,
    "before_value": _before_value,
    "value": _value,
    "unquoted": _unquoted,
    "comment": _comment,
    "raw": _raw,
}
