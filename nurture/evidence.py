"""Was it a person? What a request for something in a mail is worth as evidence, judged from what came around it.

Pure, and a function of what happened alone: a request is judged when all that could bear on it has been heard, so neither
the order in which requests are heard nor the moment of judging makes a difference.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, NamedTuple

from nurture.snapshot import Confidence

__all__ = ["APPLE", "NEAR", "REACH", "SETTLE", "Hit", "HitKind", "Judgement", "judge"]

HitKind = Literal["viewed", "clicked", "trap", "page"]
"""`trap` is the link that no person sees; `page` a page of ours that changes nothing by being looked at."""

LINKS_WITHIN = timedelta(seconds=10)
"""Nobody follows two links of a mail in this time; scanners follow all of them."""
CROWD_WITHIN = timedelta(seconds=10)
CROWD = 5
"""So many recipients from one address in that time are no people at their desks, even where an office shares one."""
TRAP_WITHIN = timedelta(seconds=30)
NEAR = max(LINKS_WITHIN, CROWD_WITHIN)
REACH = max(NEAR, TRAP_WITHIN)
"""How far before and after a request the others may lie that bear on it; beyond `NEAR` those are traps."""
SETTLE = timedelta(seconds=45)
"""How long after a request it is judged: what follows within `REACH` has been heard by then, buffers included."""
SOON = timedelta(seconds=120)
"""What comes so soon after the hand-over is not suspicious by itself, and makes worse what is."""

APPLE = "apple-proxy"
"""How an agent begins whose request came from Apple's network, where pictures are loaded for everybody."""

_MACHINES: tuple[tuple[str, str], ...] = (
    (r"barracuda|cudasvc", "Barracuda"),
    (r"mimecast", "Mimecast"),
    (r"proofpoint|urldefense|ppe[-_ ]", "Proofpoint"),
    (r"safelinks|bingpreview|microsoft office existence|ms[-_ ]?defender|skypeuripreview", "Microsoft's link check"),
    (r"trendmicro|trend micro", "Trend Micro"),
    (r"symantec|messagelabs|fireeye|forcepoint|sophos|cisco|ironport|zscaler|fortimail|fortinet", "a mail gateway"),
    (r"qianxin|sangfor|coremail|eyoung|huorong", "a mail gateway"),
    (r"virustotal|urlscan|phishtank|safebrowsing|google-safety", "a link check"),
    (r"headlesschrome|phantomjs|puppeteer|playwright|selenium|electron/\S+ headless", "a browser without a screen"),
    (r"curl/|wget/|python|aiohttp|httpx|go-http-client|java/|okhttp|libwww|ruby|node-fetch|axios|scrapy", "a program"),
    (r"\bbot\b|bot/|[a-z]bot\b|crawl|spider|slurp|preview|facebookexternalhit|whatsapp|monitor|scan", "a robot"),
)
_known_machine = tuple((re.compile(pattern, re.IGNORECASE).search, name) for pattern, name in _MACHINES)
_PICTURE_PROXY = re.compile(r"googleimageproxy|yahoomailproxy", re.IGNORECASE).search


class Hit(NamedTuple):
    """A request for something that a mail points to."""

    message: Hashable
    lead: Hashable
    kind: HitKind
    link: str
    """Which link; empty for the picture."""
    at: timedelta
    """Since any fixed moment, the same for all."""
    source: str
    """From where: equal texts are equal places."""
    agent: str
    """What the program called itself."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """Who it was, and why we think so."""

    confidence: Confidence
    because: str


def judge(hit: Hit, around: Iterable[Hit], *, after_sending: timedelta | None = None) -> Judgement:
    """What this request is worth. `around`: the requests within `REACH` for the same message or from the same place,
    itself included or not; `after_sending`: how long after the hand-over it came, if that is known."""
    near = [other for other in around if abs(other.at - hit.at) <= REACH]
    certain = _machine(hit, near)
    if certain:
        return Judgement("machine", certain)
    doubt = _doubt(hit, near)
    if doubt:
        soon = after_sending is not None and timedelta() <= after_sending <= SOON
        return Judgement("machine", f"{doubt}, right after it was sent") if soon else Judgement("unknown", doubt)
    if hit.kind == "viewed" and not hit.link:
        proxy = " through the mailbox provider" if _PICTURE_PROXY(hit.agent) else ""
        return Judgement("human", f"weak: a picture was loaded{proxy}")
    return Judgement("human", "")


def _machine(hit: Hit, near: list[Hit]) -> str:
    """What shows beyond doubt that this was no person, or ''."""
    if not _PICTURE_PROXY(hit.agent):
        for known, name in _known_machine:
            if known(hit.agent):
                return f"{name} looks at every mail"
    if not hit.link and (hit.agent.startswith(APPLE) or hit.agent.strip() == "Mozilla/5.0"):
        return "a mail program that loads every picture ahead"
    if any(other.kind == "trap" and other.message == hit.message for other in near):
        return "the link that no person sees was followed, too"
    links = _links(hit, near)
    return f"{len(links)} links within {LINKS_WITHIN.seconds} seconds" if len(links) > 2 else ""


def _doubt(hit: Hit, near: list[Hit]) -> str:
    """What makes it possible that this was no person, or ''."""
    links = _links(hit, near)
    if len(links) == 2:
        return f"2 links within {LINKS_WITHIN.seconds} seconds"
    leads = {
        other.lead for other in [hit, *near] if other.source == hit.source and abs(other.at - hit.at) <= CROWD_WITHIN
    }
    if len(leads) >= CROWD:
        return f"{len(leads)} recipients at once from one place"
    return "" if hit.agent.strip() else "it did not say what program it is"


def _links(hit: Hit, near: list[Hit]) -> set[str]:
    """The links of the same message that were followed with this one."""
    return {
        other.link
        for other in [hit, *near]
        if other.message == hit.message and other.link and abs(other.at - hit.at) <= LINKS_WITHIN
    }
