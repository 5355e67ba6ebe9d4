"""Three leads' stories, in plain words, from the journal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from nurture.definition import in_language
from nurture.demo.people import Person
from nurture.demo.playing import CAMPAIGN, Playing
from nurture.identity import LeadRef
from nurture.plan import Plan

__all__ = ["Told", "tell_three"]

BOOKKEEPING = ("tag", "score", "set_field")
_answered = re.compile(r"(?P<kind>\w+) at .+, (?P<span>.+) after it was sent").fullmatch
_handed = re.compile(r"(?P<answer>\w+) by (?P<who>.+?) at [^:]+:\d\d(?:: (?P<reason>.+))?").fullmatch
DID = {"viewed": "Read it", "clicked": "Clicked", "replied": "Replied", "submitted": "Filled in the form"}
DID |= {"registered": "Signed up", "attended": "Came", "downloaded": "Downloaded it", "visited": "Had a look"}
WAYS = {"email": "Mailed", "wechat": "Wrote by WeChat", "sms": "Sent an SMS", "webhook": "Passed on"}


@dataclass(frozen=True, slots=True)
class Told:
    """One lead's way through the campaign."""

    about: str
    """`the one who became an opportunity`"""
    person: Person
    lines: tuple[tuple[str, str], ...]
    """(when, what), on the lead's own clock."""

    def as_json(self) -> dict[str, Any]:
        return {
            "lead": self.person.email,
            "name": self.person.name,
            "about": self.about,
            "told": [f"{when}  {what}" for when, what in self.lines],
        }


def tell_three(playing: Playing) -> list[Told]:
    """Somebody sales took over, somebody who stopped it, somebody who never answered: as far as there are such."""
    plan = playing.engine.ready(CAMPAIGN, now=playing.now).plan
    wanted = [
        ("the one sales took over", [p for p in playing.people if p.email in playing.won], "completed"),
        ("the one who had enough", [p for p in playing.people if p.email in playing.opted_out], "exit:unsubscribed"),
        ("the one who never answered", [p for p in playing.people if p.email not in playing.answered], "pool"),
    ]
    stories: list[Told] = []
    for about, people, reason in wanted:
        # In turn a Chinese and an English one, where there are both.
        preferred = "en" if len(stories) == 1 else "zh"
        for person in sorted(people, key=lambda p: (p.language != preferred, -playing.answered[p.email])):
            document = playing.engine.history(LeadRef.parse(person.email))
            journey = document["enrollments"][0] if document["enrollments"] else None
            if journey is not None and journey["reason"] == reason:
                stories.append(Told(about, person, tuple(_lines(journey, document, person, plan))))
                break
    return stories


def _lines(
    journey: Mapping[str, Any], document: Mapping[str, Any], person: Person, plan: Plan
) -> Iterator[tuple[str, str]]:
    zone = ZoneInfo(person.time_zone)
    sent = {touch["node"]: touch for touch in document["touches"]}
    yield _when(journey["enrolled_at"], zone), "Came in from the spring fair"
    noted: list[str] = []
    noted_at = ""
    for step in journey["steps"]:
        node, because = step["node"], step["because"]
        spec = plan.definition.nodes.get(node)
        if spec is not None and spec.type in BOOKKEEPING:
            noted.append(because)
            noted_at = _when(step["at"], zone)
            continue
        when = _when(step["at"], zone)
        if noted:
            yield noted_at, f"Noted: {', '.join(noted)}"
            noted = []
        title = in_language(spec.title, "en") if spec is not None and spec.title else node
        what = _sentence(spec.type if spec is not None else "", title, step, sent.get(node))
        if what:
            yield when, what
    if noted:
        yield noted_at, f"Noted: {', '.join(noted)}"


def _sentence(kind: str, title: str, step: Mapping[str, Any], touch: Mapping[str, Any] | None) -> str:
    """One step, in words; '' for what nobody wants to hear of."""
    outcome, because = str(step["outcome"] or ""), str(step["because"])
    if outcome.startswith("exit:"):
        return f"{outcome.removeprefix('exit:').capitalize()}: out at once, and nothing more is sent"
    if kind == "send_content" and touch is not None:
        way = WAYS.get(touch["channel"], f"Sent by {touch['channel']}")
        return f"{way}: “{title}”" if outcome == "sent" else f"Not sent by {touch['channel']}: {_plain(because)}"
    if kind == "check_response":
        answered = _answered(because)
        if answered is not None:
            return f"{DID.get(answered['kind'], answered['kind'].capitalize())}, {answered['span']} after it was sent"
        # What was never sent has been told already.
        return "" if because.startswith("never sent") else f"No answer: {because}"
    if kind == "route" and outcome:
        handed = _handed(because)
        reason = f", “{handed['reason']}”" if handed is not None and handed["reason"] else ""
        return f"{title}: {outcome}{reason}"
    if kind in ("check", "switch"):
        return f"{title} {'' if title.endswith('?') else '→ '}{outcome}: {because}".replace("? ", "? → ", 1)
    if kind == "wait":
        return f"{title}: {because}"
    return because[:1].upper() + because[1:]


def _plain(because: str) -> str:
    return because.partition(": ")[2] or because


def _when(iso: str, zone: ZoneInfo) -> str:
    at = datetime.fromisoformat(iso).astimezone(zone)
    return f"{at:%a} {at.day:>2} {at:%b %H:%M}"
