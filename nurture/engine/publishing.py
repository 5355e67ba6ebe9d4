"""From files to versions: everything checked, every content file taken along, stored under one hash."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from nurture import canonical
from nurture import definition as definitions
from nurture.content import Catalogue
from nurture.crashpoints import crash_point
from nurture.definition import Definition, version_hash
from nurture.engine.moving import begin
from nurture.engine.plans import calendar, evidence, make
from nurture.moving import KEEP, Running
from nurture.plan import World, check, compile
from nurture.problems import Problem, Rejected, errors
from nurture.registry import node_types
from nurture.settings import Settings
from nurture.store import Store
from nurture.store import versions as stored
from nurture.store.database import micros

__all__ = [
    "Published",
    "UnknownVersion",
    "campaign_files",
    "check_files",
    "contents_of",
    "publish",
    "roll_back",
    "world",
]


class UnknownVersion(Exception):
    """This campaign has no version of this number."""


@dataclass(frozen=True, slots=True)
class Published:
    campaign: str
    version: int
    hash: str
    id: int
    new: bool
    before: Mapping[str, int] = field(default_factory=dict)
    """Node to number of the leads that run older versions, as they stood when it was published."""

    def as_json(self) -> dict[str, object]:
        return {"campaign": self.campaign, "version": self.version, "hash": self.hash}


def campaign_files(settings: Settings) -> list[Path]:
    """Every campaign below `definitions/`."""
    if not settings.definitions.is_dir():
        return []
    return sorted(path for path in settings.definitions.glob("*.json") if path.name != "schema.json")


def world(catalogue: Catalogue) -> World:
    """What a campaign that is being written may refer to: what is installed, and the content on disk."""
    return World(
        node_types=node_types(),
        channels=evidence(),
        contents=catalogue.names,
        check_content=catalogue.problems,
        calendar=calendar,
    )


def check_files(settings: Settings, files: Iterable[Path]) -> list[Problem]:
    """All problems of these campaigns, each with its file and place."""
    around = world(Catalogue.load(settings.content))
    found: list[Problem] = []
    for path in files:
        try:
            data = path.read_bytes()
        except OSError as error:
            found.append(Problem("", "E_FILE", f"cannot be read: {error.strerror}", file=str(path)))
            continue
        found += check(data, around, str(path))
    return found


def publish(
    store: Store, settings: Settings, files: Iterable[Path], *, now: datetime, running: Running = KEEP
) -> list[Published]:
    """Store these campaigns as versions, all of them or none. Same bytes and contents: no new version.

    What becomes of the leads that run older versions is written down in the same transaction, and carried out
    afterwards. Raises `Rejected` with every error of every file and of `running`; warnings do not stop it.
    """
    paths = list(files)
    wrong = errors(check_files(settings, paths))
    if wrong:
        raise Rejected(wrong)
    catalogue = Catalogue.load(settings.content)
    around = world(catalogue)
    done = []
    with store.write(durable=True) as tx:
        for path in paths:
            definition = definitions.load(path.read_bytes(), file=str(path))
            text = canonical.write(definition.raw, around.node_types)
            contents = contents_of(definition, around, catalogue)
            number = version_hash(text, contents)
            version, new = stored.publish(tx, definition.campaign, number, text, contents, now=micros(now))
            before = begin(tx, make(version), running, now=now)
            done.append(Published(version.campaign, version.version, version.hash, version.id, new, before))
        crash_point("publish.committing")
    crash_point("publish.committed")
    return done


def roll_back(store: Store, campaign: str, number: int, *, now: datetime, running: Running = KEEP) -> Published:
    """New enrollments get this version of old again: the same bytes under the same hash.

    Raises `UnknownVersion`, `Rejected` for a `running` that makes no sense, `NotRunnable` for a version that cannot run here any more.
    """
    with store.write(durable=True) as tx:
        version = stored.by_number(tx, campaign, number)
        if version is None:
            raise UnknownVersion(f"campaign '{campaign}' has no version {number}")
        ready = make(version)
        stored.publish(tx, campaign, version.hash, version.definition, version.files, now=micros(now))
        before = begin(tx, ready, running, now=now)
        crash_point("publish.committing")
    return Published(campaign, version.version, version.hash, version.id, False, before)


def contents_of(definition: Definition, around: World, catalogue: Catalogue) -> dict[str, str]:
    """Every content file the campaign refers to: path below the content folder to text."""
    plan, problems = compile(definition, around)
    if plan is None:
        raise Rejected(problems)
    files: dict[str, str] = {}
    for planned in plan.nodes.values():
        for channel, content in planned.node.contents():
            files |= catalogue.files(content, channel)
    return files
