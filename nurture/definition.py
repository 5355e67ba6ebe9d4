"""A campaign as it stands in its file: the shape is right, what it means is not asked yet.

`load` reads what a person wrote and refuses what is not a campaign, with every problem at once. Whether its nodes make
sense together is proven by `plan.compile`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, cast

from nurture import strict_json
from nurture.calendar import Duration, SendWindow, time_zone
from nurture.condition import Condition
from nurture.findings import Findings
from nurture.problems import Problem, Rejected, errors, pointer
from nurture.words import did_you_mean, kind_of, quoted

__all__ = ["END", "Definition", "Entry", "NodeSpec", "Text", "edges", "in_language", "load", "read", "version_hash"]

SCHEMA_VERSION = 1
MOST_NODES = 2_000
MOST_EDGES = 8_000
MOST_KINDS = 100
LONGEST_TITLE = 500
END = "end"

# fmt: off
CAMPAIGN_KEYS = ("$schema", "schema_version", "campaign", "title", "entry", "exit_on",
                 "calendar", "time_zone", "send_window", "start", "nodes")
# fmt: on
"""The members of a campaign, in the order in which they are written."""
ENTRY_KEYS = ("when", "mode", "again_after")
NODE_KEYS = ("type", "title", "next")
"""The members of a node that belong to every type; all others are settings of its type."""

Text = str | Mapping[str, str]
"""A title: one for all languages, or one by language (`zh`, `en`)."""
Mode = Literal["manual", "continuous"]

_NODE_ID = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_CAMPAIGN = re.compile(r"[a-z][a-z0-9_-]{0,63}", re.ASCII)
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", re.ASCII)
_KIND = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Entry:
    """Who enters, and how often."""

    when: Mapping[str, Any] | None = None
    """A condition tree; None stands for everybody who is enrolled by hand."""
    mode: Mode = "manual"
    """`continuous`: a tick enrolls the leads that have come to match."""
    again_after: Duration | None = None
    """How long after an enrollment ended the same lead may enter again; None: never."""


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """One node as written; its type has not been asked about the settings yet."""

    type: str
    title: Text = ""
    next: str | Mapping[str, str] | None = None
    """A node id or `end` for every outcome, or one by outcome; None where nothing was written."""
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Definition:
    """One campaign. Treat it as frozen all the way down, `raw` included."""

    campaign: str
    start: str
    nodes: Mapping[str, NodeSpec]
    title: Text = ""
    entry: Entry = Entry()
    exit_on: tuple[str, ...] = ()
    """Signal kinds that end an enrollment."""
    calendar: str | None = None
    """The country whose workdays count, such as `CN`; None: Monday to Friday."""
    time_zone: str = "UTC"
    """For leads without one of their own."""
    send_window: SendWindow | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)
    """The JSON document itself."""


def load(data: bytes | str, *, file: str = "") -> Definition:
    """The campaign in this text. Raises `Rejected` with every problem of shape; `file` is named in them."""
    definition, problems = read(data)
    if definition is None or errors(problems):
        raise Rejected(problem.at(file) for problem in problems)
    return definition


def read(data: bytes | str, found: Findings | None = None) -> tuple[Definition | None, list[Problem]]:
    """The campaign as far as it can be understood, and what is wrong with its shape, which is also put into `found`.

    With problems the campaign is only good for finding more of them: what was wrong has been left out of it.
    """
    found = Findings() if found is None else found
    value, faults = strict_json.read(data)
    found.spoil(faults)
    if isinstance(value, dict):
        return _Reader(found).campaign(value), found.listed()
    if not faults:
        found.add("", "E_JSON", f"a campaign is an object, {{...}}, and this is {kind_of(value)}")
    return None, found.listed()


def edges(spec: NodeSpec) -> Iterator[tuple[str | None, str]]:
    """(outcome, target) of every edge as written, in that order; the outcome is None where `next` is one for all."""
    if isinstance(spec.next, str):
        yield None, spec.next
    elif spec.next is not None:
        yield from spec.next.items()


def in_language(text: Text, language: str, otherwise: str = "") -> str:
    """The title in this language, else in any, else `otherwise`."""
    if isinstance(text, str):
        return text or otherwise
    return text.get(language) or text.get(language.partition("-")[0]) or next(iter(text.values()), otherwise)


def version_hash(canonical_text: str, contents: Mapping[str, str]) -> str:
    """The name of a version: SHA-256, in hex, over the canonical JSON and every content file it refers to.

    `contents` is file name to text. Lengths stand before the parts, so that no two versions run together to the same.
    """
    digest = hashlib.sha256(b"nurture campaign version 1\n")
    for part in (canonical_text, *(part for name in sorted(contents) for part in (name, contents[name]))):
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(f"{len(encoded)}:".encode("ascii"))
        digest.update(encoded)
    return digest.hexdigest()


class _Reader:
    """Reads one document; whatever is wrong goes into `found`, and reading goes on."""

    def __init__(self, found: Findings) -> None:
        self.found = found

    def campaign(self, raw: dict[str, Any]) -> Definition | None:
        self._unknown("", raw, CAMPAIGN_KEYS, "a campaign")
        version = raw.get("schema_version", SCHEMA_VERSION)
        if not isinstance(version, int) or isinstance(version, bool):
            self._type("/schema_version", "a whole number", version)
        elif version != SCHEMA_VERSION:
            newer = version > SCHEMA_VERSION
            what = f"the file is of version {version}, and this program reads version {SCHEMA_VERSION}"
            self.found.add("/schema_version", "E_VERSION", what, "install a newer nurtureflow" if newer else "")
        if "$schema" in raw and not isinstance(raw["$schema"], str):
            self._type("/$schema", "a text", raw["$schema"])
        nodes = self._nodes(raw)
        if nodes is None:
            return None
        return Definition(
            campaign=self._name(raw),
            start=self._start(raw, nodes),
            nodes=nodes,
            title=self._title("", raw),
            entry=self._entry(raw.get("entry", {})),
            exit_on=self._exit_on(raw.get("exit_on", [])),
            calendar=self._country(raw["calendar"]) if "calendar" in raw else None,
            time_zone=self._zone(raw),
            send_window=self._send_window(raw),
            raw=raw,
        )

    def _name(self, raw: Mapping[str, Any]) -> str:
        name = raw.get("campaign")
        if name is None and "campaign" not in raw:
            self.found.add("/campaign", "E_CONFIG", "`campaign` is missing: the name of this campaign")
        elif not isinstance(name, str):
            self._type("/campaign", "a text", name)
        elif not _CAMPAIGN.fullmatch(name):
            what = f"{quoted(name)} cannot name a campaign"
            self.found.add("/campaign", "E_ID", what, _id_hint(name, "; `title` is free text"))
        return name if isinstance(name, str) else ""

    def _nodes(self, raw: Mapping[str, Any]) -> dict[str, NodeSpec] | None:
        written = raw.get("nodes")
        if not isinstance(written, dict):
            if "nodes" in raw:
                self._type("/nodes", "an object of nodes by their ids", written)
            else:
                self.found.add("/nodes", "E_CONFIG", "`nodes` is missing: an object of nodes by their ids")
            written = {}
        elif not written:
            self.found.add("/nodes", "E_CONFIG", "a campaign has at least one node")
        count = sum(
            len(node["next"]) if isinstance(node.get("next"), dict) else 1
            for node in written.values()
            if isinstance(node, dict)
        )
        for size, most, things in ((len(written), MOST_NODES, "nodes"), (count, MOST_EDGES, "edges")):
            if size > most:
                what = f"the campaign has {size:,} {things}, and {most:,} are the most"
                self.found.add("/nodes", "E_SIZE", what, "split it in two")
                return None
        return {name: self._node(name, node, written) for name, node in written.items()}

    def _node(self, name: str, node: Any, every: Mapping[str, Any]) -> NodeSpec:
        where = pointer("nodes", name)
        if name == END:
            hint = 'give the node another name, such as "the_end"'
            self.found.add(where, "E_ID", "'end' is where a campaign ends, and cannot name a node", hint)
        elif not _NODE_ID.fullmatch(name):
            self.found.add(
                where, "E_ID", f"{quoted(name)} cannot name a node", _id_hint(name, "; `title` is free text")
            )
        if not isinstance(node, dict):
            self._type(where, "an object", node)
            return NodeSpec(type="")
        kind = node.get("type")
        if "type" not in node:
            hint = 'such as "wait" or "send_content"'
            self.found.add(where + "/type", "E_NODE_TYPE", f"node {quoted(name)} does not say its `type`", hint)
        elif not isinstance(kind, str) or not kind:
            self._type(where + "/type", "the name of a node type", kind)
        settings = {key: value for key, value in node.items() if key not in NODE_KEYS}
        return NodeSpec(
            type=kind if isinstance(kind, str) else "",
            title=self._title(where, node),
            next=self._next(where + "/next", node.get("next"), every) if "next" in node else None,
            settings=settings,
        )

    def _next(self, where: str, target: Any, every: Mapping[str, Any]) -> str | dict[str, str] | None:
        if isinstance(target, str):
            self._target(where, target, every)
            return target
        if not isinstance(target, dict):
            self._type(where, "a node's id, or an object of ids by outcome", target)
            return None
        known: dict[str, str] = {}
        for outcome, way in target.items():
            if not outcome:
                self.found.add(where + "/", "E_OUTCOME", "this edge does not say by which outcome it is taken")
            if isinstance(way, str):
                self._target(where + pointer(outcome), way, every)
                known[outcome] = way
            else:
                self._type(where + pointer(outcome), "a node's id", way)
        return known

    def _target(self, where: str, target: str, every: Mapping[str, Any]) -> None:
        if target != END and target not in every:
            what = f"there is no node {quoted(target)}" if target else "this edge leads nowhere"
            self.found.add(where, "E_DANGLING", what, lambda: did_you_mean(target, [*every, END]))

    def _start(self, raw: Mapping[str, Any], nodes: Mapping[str, NodeSpec]) -> str:
        start = raw.get("start")
        if isinstance(start, str) and start in nodes:
            return start
        targets = {target for spec in nodes.values() for _, target in edges(spec)}
        first = [name for name in nodes if name not in targets]
        hint = f"nothing leads to {quoted(first[0])}: is it the first?" if len(first) == 1 else ""
        if not isinstance(start, str):
            here = f"this is {kind_of(start)}" if "start" in raw else "it is missing"
            self.found.add("/start", "E_START", f"`start` is the id of the first node, and {here}", hint)
        elif nodes:
            what = f"`start` names {quoted(start)}, which is not a node"
            self.found.add("/start", "E_START", what, lambda: hint or did_you_mean(start, nodes))
        return ""

    def _title(self, where: str, owner: Mapping[str, Any]) -> Text:
        if "title" not in owner:
            return ""
        title, where = owner["title"], where + "/title"
        if isinstance(title, dict):
            for language, text in title.items():
                place = where + pointer(language)
                if not _LANGUAGE.fullmatch(language):
                    self.found.add(place, "E_CONFIG", f"{quoted(language)} is not a language", "such as 'zh' or 'en'")
                if not isinstance(text, str):
                    self._type(place, "a text", text)
            texts = {language: text for language, text in title.items() if isinstance(text, str)}
        elif isinstance(title, str):
            texts = {"": title}
        else:
            self._type(where, 'a text, or {"zh": ..., "en": ...}', title)
            return ""
        if any(len(text) > LONGEST_TITLE for text in texts.values()):
            self.found.add(where, "E_CONFIG", f"a title has at most {LONGEST_TITLE} characters")
        return texts if isinstance(title, dict) else title

    def _entry(self, entry: Any) -> Entry:
        if not isinstance(entry, dict):
            self._type("/entry", "an object", entry)
            return Entry()
        self._unknown("/entry", entry, ENTRY_KEYS, "`entry`")
        mode = entry.get("mode", "manual")
        if mode not in ("manual", "continuous"):
            hint = "continuous: whoever comes to match enters by itself"
            what = "`mode` may be 'manual' or 'continuous'"
            self.found.add("/entry/mode", "E_CONFIG" if isinstance(mode, str) else "E_TYPE", what, hint)
        when = entry.get("when")
        if "when" in entry:
            self.found.take(Condition.problems(when, "/entry/when"))
        elif mode == "continuous":
            self.found.add("/entry", "E_CONFIG", "a continuous entry needs `when`: who enters by itself")
        again_after = None
        if "again_after" in entry:
            again_after = self._duration("/entry/again_after", entry["again_after"])
        return Entry(when if isinstance(when, dict) else None, cast("Mode", mode), again_after)

    def _duration(self, where: str, text: Any) -> Duration | None:
        if not isinstance(text, str):
            self._type(where, "a duration such as '30 days'", text)
            return None
        try:
            return Duration.parse(text)
        except ValueError as error:
            self.found.add(where, "E_CONFIG", str(error))
            return None

    def _exit_on(self, kinds: Any) -> tuple[str, ...]:
        if not isinstance(kinds, list):
            self._type("/exit_on", "a list of signal kinds", kinds)
            return ()
        if len(kinds) > MOST_KINDS:
            self.found.add("/exit_on", "E_SIZE", f"`exit_on` has {len(kinds):,} kinds, and {MOST_KINDS} are the most")
            return ()
        seen: set[str] = set()
        for n, kind in enumerate(kinds):
            where = pointer("exit_on", n)
            if not isinstance(kind, str):
                self._type(where, "a signal kind such as 'unsubscribed'", kind)
            elif not _KIND.fullmatch(kind):
                self.found.add(where, "E_SIGNAL", f"{quoted(kind)} is not a signal kind", "such as 'unsubscribed'")
            elif kind in seen:
                self.found.add(where, "E_CONFIG", f"{quoted(kind)} stands here twice")
            else:
                seen.add(kind)
        return tuple(kind for kind in kinds if isinstance(kind, str))

    def _country(self, country: Any) -> str | None:
        if not isinstance(country, str):
            self._type("/calendar", "a country such as 'CN'", country)
            return None
        if not _COUNTRY.fullmatch(country):
            hint = f"write {quoted(country.upper())}" if _COUNTRY.fullmatch(country.upper()) else "such as 'CN' or 'DE'"
            self.found.add("/calendar", "E_CALENDAR", f"{quoted(country)} is not a country's two letters", hint)
        return country

    def _zone(self, raw: Mapping[str, Any]) -> str:
        zone = raw.get("time_zone", "UTC")
        if not isinstance(zone, str):
            self._type("/time_zone", "a time zone such as 'Asia/Shanghai'", zone)
            return "UTC"
        try:
            time_zone(zone)
        except ValueError as error:
            self.found.add("/time_zone", "E_TIME_ZONE", str(error))
            return "UTC"
        return zone

    def _send_window(self, raw: Mapping[str, Any]) -> SendWindow | None:
        if "send_window" not in raw:
            return None
        window = raw["send_window"]
        if not isinstance(window, dict):
            self._type("/send_window", "an object", window)
            return None
        self._unknown("/send_window", window, ("days", "from", "to"), "`send_window`")
        try:
            return SendWindow.from_json(window)
        except ValueError as error:
            self.found.add("/send_window", "E_CONFIG", str(error))
            return None

    def _unknown(self, where: str, written: Mapping[str, Any], known: tuple[str, ...], owner: str) -> None:
        for key in written:
            if key not in known:
                what = f"{quoted(key)} is not a key of {owner}"
                self.found.add(where + pointer(key), "E_UNKNOWN_KEY", what, partial(did_you_mean, key, known))

    def _type(self, where: str, wanted: str, value: Any) -> None:
        self.found.add(where, "E_TYPE", f"here belongs {wanted}, and this is {kind_of(value)}")


def _id_hint(name: str, also: str) -> str:
    """The rule, and the name that comes nearest to what was meant."""
    slug = re.sub(r"[^a-z0-9]+", "_", name[:64].casefold(), flags=re.ASCII).strip("_")
    rule = "a name is 1 to 64 small letters, digits and _, and begins with a letter" + also
    return f"write {quoted(slug)}; {rule}" if _NODE_ID.fullmatch(slug) and slug != END else rule
