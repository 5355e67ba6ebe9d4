"""The links of a mail: which there are, what each is called, and how they are led through us.

A link is called by a hash of where it leads, so its name means the same in every release: what a published version
leads to is looked up in the version, and never comes from whoever clicks.
"""

from __future__ import annotations

import re
from base64 import b32encode
from collections.abc import Callable, Collection
from dataclasses import replace
from hashlib import blake2b
from html import escape, unescape

from nurture.channels.base import Rendered

__all__ = ["followable", "link_name", "links_of", "through_us"]

_href = re.compile(r'href="(https?://[^"\s]+)"')
_in_text = re.compile(r"https?://[^\s<>()\"']+")
_slot = re.compile(r"\{\{|\{%")
_safe = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d{1,5})?(?:[/?#][!-~]*)?").fullmatch
"""Where we may send somebody: an ASCII address of a web server, with nothing before the host that could pass for one."""
_body_end = re.compile(r"</body\s*>", re.IGNORECASE)
LONGEST = 2_000


def link_name(url: str) -> str:
    """What this link is called in a token."""
    return b32encode(blake2b(url.encode(), digest_size=5).digest()).decode().lower()


def followable(url: str) -> bool:
    """Whether we may redirect to this: http or https, no user name, no backslash, nothing beyond ASCII."""
    return len(url) <= LONGEST and "\\" not in url and _safe(url) is not None


def links_of(html: str) -> tuple[str, ...]:
    """Where the links of this template's source lead, in their order; those with a slot in them differ by lead."""
    found = (unescape(link[1]) for link in _href.finditer(html) if not _slot.search(link[1]))
    return tuple(url for url in dict.fromkeys(found) if followable(url))


def through_us(rendered: Rendered, links: Collection[str], click: Callable[[str], str], last: str) -> Rendered:
    """The mail with these links led through us. `click` gives a link's address here; `last` stands at the end of the
    page, which is where the picture goes."""
    here = {url: click(link_name(url)) for url in links}

    def in_html(found: re.Match[str]) -> str:
        address = here.get(unescape(found[1]))
        return found[0] if address is None else f'href="{escape(address)}"'

    def in_text(found: re.Match[str]) -> str:
        return here.get(found[0], found[0])

    html = _href.sub(in_html, rendered.html)
    if html:
        ends = list(_body_end.finditer(html))
        at = ends[-1].start() if ends else len(html)
        html = html[:at] + last + html[at:]
    return replace(rendered, html=html, text=_in_text.sub(in_text, rendered.text))
