"""What security scanners, mail programs and people were seen to do with one mail: second by second after it left.

(seconds, kind, link, source, agent). The seconds and agents are those that operators of mail software report; the
addresses are made up.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from nurture.evidence import Hit, HitKind

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)
EDGE = f"{CHROME} Edg/140.0.0.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
FOXMAIL = "Mozilla/5.0 (Windows NT 10.0; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/98.0 Foxmail/7.2"


class Seen(NamedTuple):
    after: float
    kind: HitKind
    link: str = ""
    source: str = "198.51.100.7"
    agent: str = CHROME
    lead: int = 1


def everything(first: float, step: float, *, source: str, agent: str, lead: int = 1) -> list[Seen]:
    """The picture, then every link, the way scanners do."""
    links = ("paper", "course", "about", "unsubscribe", "preferences")
    kinds: tuple[HitKind, ...] = ("clicked", "clicked", "clicked", "page", "page")
    return [
        Seen(first, "viewed", "", source, agent, lead),
        *(
            Seen(first + step * n, kind, link, source, agent, lead)
            for n, (kind, link) in enumerate(zip(kinds, links, strict=True), 1)
        ),
    ]


SCANNERS: dict[str, list[Seen]] = {
    "a gateway that follows every link at once": everything(3, 0.2, source="203.0.113.4", agent=CHROME),
    "a gateway that takes its time": everything(4, 4, source="203.0.113.4", agent=EDGE),
    "a gateway from as many addresses as there are links": [
        seen._replace(source=f"203.0.113.{n}") for n, seen in enumerate(everything(2, 1, source="", agent=CHROME))
    ],
    "a gateway hours later, when somebody opens the mail": everything(9_000, 0.5, source="203.0.113.9", agent=CHROME),
    "a scanner that gives its name and follows one link": [
        Seen(5, "clicked", "paper", "203.0.113.5", f"{CHROME} Mimecast-URLProtect/1.0")
    ],
    "a sandbox without a screen": [
        Seen(20, "clicked", "paper", "203.0.113.6", CHROME.replace("Chrome", "HeadlessChrome"))
    ],
    "a script": [Seen(600, "clicked", "paper", "203.0.113.6", "python-requests/2.32")],
    "a scanner that falls into the trap": [
        Seen(2, "clicked", "paper", "203.0.113.7"),
        Seen(20, "trap", "", "203.0.113.8"),
    ],
    "two links right after the mail left": [Seen(6, "clicked", "paper"), Seen(8, "clicked", "course")],
    "a sandbox that looks at the mail of a whole company": [
        Seen(30 + lead / 10, "clicked", "paper", "203.0.113.20", CHROME, lead) for lead in range(1, 9)
    ],
    "Apple's proxy, which loads every picture": [Seen(40, "viewed", "", "apple", "Mozilla/5.0")],
}
"""Nothing in these is a person."""

PEOPLE: dict[str, list[Seen]] = {
    "looks and clicks": [Seen(3_600, "viewed"), Seen(3_640, "clicked", "paper")],
    "clicks half a minute after it came, to confirm an address": [Seen(31, "clicked", "paper")],
    "reads one thing after the other": [Seen(7_000, "clicked", "paper"), Seen(7_060, "clicked", "course")],
    "opens it on the phone, clicks at the desk": [
        Seen(900, "viewed", "", "192.0.2.1", IPHONE),
        Seen(8_000, "clicked", "paper", "192.0.2.77", EDGE),
    ],
    "reads in Gmail, whose proxy loads the picture": [
        Seen(
            500,
            "viewed",
            "",
            "proxy",
            "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
        )
    ],
    "sits with forty colleagues behind one address, all of whom got it": [
        Seen(600 + 17 * lead, "clicked", "paper", "192.0.2.9", EDGE, lead) for lead in range(1, 41)
    ],
    "uses a mail program that says much about itself": [Seen(300, "viewed", "", "192.0.2.3", FOXMAIL)],
}
"""All of these are people."""

BEHIND_A_GATEWAY = [
    *everything(2, 0.3, source="203.0.113.4", agent=CHROME),
    Seen(5_400, "viewed", "", "192.0.2.50", EDGE),
    Seen(5_460, "clicked", "paper", "192.0.2.50", EDGE),
]
"""First the scanner, then the person for whom it scanned."""


def hit(seen: Seen) -> Hit:
    return Hit(
        (seen.lead, "bait"), seen.lead, seen.kind, seen.link, timedelta(seconds=seen.after), seen.source, seen.agent
    )
