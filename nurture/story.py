"""Stories: the examples by which marketers test a campaign. Here they are read; `rehearsal` lives them.

A story is a sentence, a lead, what happens, and the path that follows:

    {"a lead who never answers ends in the pool": {
        "lead": {"tags": ["registered"]},
        "happens": {"bait": "viewed after 2 hours"},
        "path": ["bait: sent", "viewed: yes", "...", "to_pool"]}}

The language of `happens` is small, and definitions/README.md explains all of it to those who write it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nurture import strict_json
from nurture.calendar import Duration
from nurture.chance import arms
from nurture.findings import Findings
from nurture.problems import Problem, pointer
from nurture.snapshot import SIGNAL_KINDS, Scalar
from nurture.words import did_you_mean, kind_of, quoted

if TYPE_CHECKING:
    from nurture.plan import Plan

__all__ = ["ANYTHING", "ENTERS", "REFUSED", "Happening", "Moment", "Person", "Story", "read"]

ANSWERS = ("accepted", "returned")
OTHERS_SAY = {
    "opened": "viewed",
    "open": "viewed",
    "read": "viewed",
    "unsubscribe": "unsubscribed",
    "bought": "converted",
}
"""What other systems call a thing that happens."""
REFUSED = "refused"
"""What happens to a message that its channel does not take."""
ANYTHING = "..."
"""In a path: any number of steps, or none."""
ENTERS = datetime(2026, 3, 2, 10, 0)  # noqa: DTZ001  # a time on the wall; the campaign's zone makes it a moment
"""When a lead enters, unless the story says otherwise: a Monday morning without holidays near."""
SOON = Duration(1, "hour")
"""What happens without saying when happens so much later."""

STORY_KEYS = ("lead", "enters", "happens", "path", "then")
_EVERY = re.compile(r"every (?P<channel>[a-z][a-z0-9_-]*)")
_SPAN = re.compile(r"(?P<span>[0-9]+ [a-z]+) (?P<side>before|after)")
_VALUE = re.compile(r"(?P<what>[^\s:]+)(?: after (?P<delay>[^:]+?))?(?:: (?P<reason>.+))?", re.DOTALL)
_ENTERS = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Person:
    """What a story says of its lead; what it leaves out is not known."""

    tags: tuple[str, ...] = ()
    score: int | None = None
    owner: str | None = None
    language: str | None = None
    time_zone: str | None = None
    fields: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Happening:
    """What happens some time after a message was sent or a lead was handed over."""

    what: str
    """A signal kind, or `refused`."""
    delay: Duration = SOON
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """What happens some time before or after the lead entered, whatever the campaign does meanwhile."""

    span: Duration
    before: bool
    kind: str | None = None
    reason: str | None = None
    facts: Person | None = None
    """What is known of the lead from then on; its tags come on top."""


@dataclass(frozen=True, slots=True)
class Story:
    """One example, read and understood."""

    sentence: str
    lead: Person = Person()
    enters: datetime = ENTERS
    """On the wall, in the lead's time zone."""
    messages: Mapping[str, tuple[Happening, ...]] = field(default_factory=dict)
    """Node id to what happens to its message."""
    channels: Mapping[str, tuple[Happening, ...]] = field(default_factory=dict)
    """Channel to what happens to each of its messages of which `messages` says nothing."""
    answers: Mapping[str, tuple[Happening, ...]] = field(default_factory=dict)
    """Node id to what SDR or sales answer."""
    chances: Mapping[str, float] = field(default_factory=dict)
    """Node id to the number that chance gives there, in [0, 1)."""
    moments: tuple[Moment, ...] = ()
    path: tuple[str, ...] = ()
    then: Person | None = None
    """What is true of the lead in the end: it has these tags, this score, these fields."""


def read(data: bytes | str, plan: Plan) -> tuple[list[Story], list[Problem]]:
    """The stories of this campaign in the text, and everything that is wrong with them, each with its place.

    A story with a problem is left out. Codes: those of JSON (`strict_json.read`), `E_TYPE`, `E_UNKNOWN_KEY`,
    `E_CONFIG` and `E_STORY`.
    """
    value, faults = strict_json.read(data)
    found = Findings(faults)
    if not isinstance(value, dict):
        if not faults:
            found.add("", "E_TYPE", f"stories are an object of sentences, {{...}}, and this is {kind_of(value)}")
        return [], found.listed()
    stories = []
    for sentence, written in value.items():
        story = _Reader(plan, found, pointer(sentence)).story(sentence, written)
        if story is not None:
            stories.append(story)
    return stories, found.listed()


class _Reader:
    """Reads one story of one campaign; what is wrong goes into `found`, and reading goes on."""

    def __init__(self, plan: Plan, found: Findings, where: str) -> None:
        self.plan = plan
        self.found = found
        self.where = where
        self.sound = True

    def story(self, sentence: str, written: Any) -> Story | None:
        if not isinstance(written, dict):
            self._bad("", "E_TYPE", f"a story is an object, and this is {kind_of(written)}")
            return None
        for key in written:
            if key not in STORY_KEYS:
                what = f"{quoted(key)} is not a part of a story"
                self._bad(pointer(key), "E_UNKNOWN_KEY", what, did_you_mean(key, STORY_KEYS))
        if "path" not in written:
            self._bad("/path", "E_CONFIG", "a story says which `path` the lead takes")
        messages: dict[str, tuple[Happening, ...]] = {}
        channels: dict[str, tuple[Happening, ...]] = {}
        answers: dict[str, tuple[Happening, ...]] = {}
        chances: dict[str, float] = {}
        moments: list[Moment] = []
        happens = written.get("happens", {})
        if not isinstance(happens, dict):
            self._bad("/happens", "E_TYPE", f"`happens` is an object, and this is {kind_of(happens)}")
            happens = {}
        for key, value in happens.items():
            at = pointer("happens", key)
            if match := _SPAN.fullmatch(key):
                moments.extend(self._moments(at, match, value))
            elif match := _EVERY.fullmatch(key):
                channels[match["channel"]] = self._of_message(at, value)
            elif key not in self.plan.nodes:
                hint = did_you_mean(key, self.plan.nodes) or "write '3 days after', 'every email' or the id of a node"
                self._bad(at, "E_STORY", f"there is no node {quoted(key)} for anything to happen at", hint)
            elif self.plan.nodes[key].node.contents():
                messages[key] = self._of_message(at, value)
            elif set(ANSWERS) <= set(self.plan.nodes[key].next):
                answers[key] = self._of_hand_off(at, value)
            else:
                self._chance(at, key, value, chances)
        story = Story(
            sentence,
            self._person("/lead", written.get("lead", {})),
            self._enters(written.get("enters")),
            messages,
            channels,
            answers,
            chances,
            tuple(moments),
            self._path(written.get("path", [])),
            self._person("/then", written["then"]) if "then" in written else None,
        )
        return story if self.sound else None

    def _bad(self, at: str, code: str, what: str, hint: str = "") -> None:
        self.sound = False
        self.found.add(self.where + at, code, what, hint)

    def _moments(self, at: str, match: re.Match[str], value: Any) -> Iterator[Moment]:
        span, before = self._duration(at, match["span"]), match["side"] == "before"
        if span is None:
            return
        for n, each in enumerate(value if isinstance(value, list) else [value]):
            here = at + (pointer(n) if isinstance(value, list) else "")
            if isinstance(each, dict):
                if before:
                    self._bad(here, "E_STORY", "what was known before belongs into `lead`")
                yield Moment(span, before, facts=self._person(here.removeprefix(self.where), each))
            elif (heard := self._happening(here, each)) is not None:
                if heard.delay is not SOON:
                    what = f"{quoted(each)} says when, and so does its key"
                    self._bad(here, "E_STORY", what, "leave one of them out")
                self._known(here, heard.what, SIGNAL_KINDS)
                yield Moment(span, before, heard.what, heard.reason)

    def _of_message(self, at: str, value: Any) -> tuple[Happening, ...]:
        kinds = tuple(kind for kind in (*SIGNAL_KINDS, REFUSED) if kind not in ANSWERS)
        heard = self._happenings(at, value, kinds)
        if len(heard) > 1 and any(each.what == REFUSED for each in heard):
            self._bad(at, "E_STORY", "a message that was refused gets no response", "leave the others out")
        return heard

    def _of_hand_off(self, at: str, value: Any) -> tuple[Happening, ...]:
        return self._happenings(at, value, ANSWERS)

    def _happenings(self, at: str, value: Any, kinds: tuple[str, ...]) -> tuple[Happening, ...]:
        heard = []
        for n, each in enumerate(value if isinstance(value, list) else [value]):
            here = at + (pointer(n) if isinstance(value, list) else "")
            one = self._happening(here, each)
            if one is not None and self._known(here, one.what, kinds):
                heard.append(one)
        return tuple(heard)

    def _happening(self, at: str, value: Any) -> Happening | None:
        if not isinstance(value, str):
            self._bad(at, "E_TYPE", f"what happens is a text such as 'viewed after 2 hours', not {kind_of(value)}")
            return None
        match = _VALUE.fullmatch(value)
        if match is None:
            hint = "such as 'viewed', 'viewed after 2 hours' or 'returned after 1 day: no budget'"
            self._bad(at, "E_STORY", f"{quoted(value)} does not say what happens", hint)
            return None
        delay = self._duration(at, match["delay"]) if match["delay"] else SOON
        return None if delay is None else Happening(match["what"], delay, match["reason"])

    def _known(self, at: str, what: str, kinds: tuple[str, ...]) -> bool:
        if what in kinds or (what in self.plan.exit_on and kinds is not ANSWERS):
            return True
        hint = f"did you mean {quoted(ours)}?" if (ours := OTHERS_SAY.get(what)) in kinds else did_you_mean(what, kinds)
        self._bad(at, "E_STORY", f"{quoted(what)} cannot happen here", hint)
        return False

    def _chance(self, at: str, node: str, value: Any, chances: dict[str, float]) -> None:
        planned = self.plan.nodes[node]
        falls = arms(planned, self.plan)
        if len(falls) < 2:
            hint = "name the message or the hand-over to which something happens"
            self._bad(at, "E_STORY", f"node {quoted(node)} is not one at which anything happens to a lead", hint)
        elif not isinstance(value, str) or value not in falls:
            what = f"chance at node {quoted(node)} cannot fall on {quoted(value)}"
            self._bad(at, "E_STORY", what, did_you_mean(str(value), falls))
        else:
            chances[node] = falls[value]

    def _duration(self, at: str, text: str) -> Duration | None:
        try:
            return Duration.parse(text)
        except ValueError as error:
            self._bad(at, "E_STORY", str(error))
            return None

    def _person(self, at: str, written: Any) -> Person:
        if not isinstance(written, dict):
            self._bad(at, "E_TYPE", f"a lead is an object, and this is {kind_of(written)}")
            return Person()
        tags, score = written.get("tags", []), written.get("score")
        if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
            self._bad(at + "/tags", "E_TYPE", "`tags` are a list of texts")
            tags = []
        if score is not None and (not isinstance(score, int) or isinstance(score, bool)):
            self._bad(at + "/score", "E_TYPE", f"`score` is a whole number, not {kind_of(score)}")
            score = None
        own: dict[str, str | None] = {}
        for key in ("owner", "language", "time_zone"):
            if not isinstance(written.get(key), str | None):
                self._bad(at + pointer(key), "E_TYPE", f"`{key}` is a text, not {kind_of(written[key])}")
            else:
                own[key] = written.get(key)
        if own.get("time_zone") is not None:
            try:
                self.plan.calendar.in_zone(own["time_zone"])
            except ValueError as error:
                self._bad(at + "/time_zone", "E_TIME_ZONE", str(error))
        fields = {key: value for key, value in written.items() if key not in ("tags", "score", *own)}
        for key, value in fields.items():
            if isinstance(value, dict | list):
                self._bad(at + pointer(key), "E_TYPE", f"a field of a lead is a single value, not {kind_of(value)}")
        return Person(tuple(tags), score, own.get("owner"), own.get("language"), own.get("time_zone"), fields)

    def _enters(self, written: Any) -> datetime:
        if written is None:
            return ENTERS
        try:
            if not isinstance(written, str) or not _ENTERS.fullmatch(written):
                raise ValueError
            return datetime.fromisoformat(written)
        except ValueError:
            self._bad("/enters", "E_STORY", "`enters` is a date and a time", "such as '2026-03-02 10:00'")
            return ENTERS

    def _path(self, written: Any) -> tuple[str, ...]:
        if not isinstance(written, list) or not all(isinstance(step, str) for step in written):
            self._bad("/path", "E_TYPE", "a path is a list of steps such as 'bait: sent'")
            return ()
        for n, step in enumerate(written):
            node, _, outcome = step.partition(": ")
            if step == ANYTHING or node in ("exit", "stuck", "does not enter"):
                continue
            at = pointer("path", n)
            planned = self.plan.nodes.get(node)
            if planned is None:
                self._bad(at, "E_STORY", f"there is no node {quoted(node)}", did_you_mean(node, self.plan.nodes))
            elif outcome not in (planned.next or ("",)):
                ways = ", ".join(planned.next)
                what = (
                    f"node {quoted(node)} has no way out {quoted(outcome)}"
                    if ways
                    else (f"the campaign ends at node {quoted(node)}, so nothing stands behind it")
                )
                self._bad(at, "E_STORY", what, f"there is: {ways}" if ways else "")
        return tuple(written)
