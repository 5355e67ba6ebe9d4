"""From files to versions: everything checked, every content file taken along, stored under one hash."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from nurture import canonical
from nurture import definition as definitions
from nurture.content import Catalogue
from nurture.crashpoints import crash_point
from nurture.definition import Definition, version_hash
from nurture.engine.plans import calendar, evidence
from nurture.plan import World, check, compile
from nurture.problems import Problem, Rejected, errors
from nurture.registry import node_types
from nurture.settings import Settings
from nurture.store import Store
from nurture.store import versions as stored
from nurture.store.database import micros

__all__ = ["Published", "campaign_files", "check_files", "publish", "world"]


@dataclass(frozen=True, slots=True)
class Published:
    campaign: str
    version: int
    hash: str
    id: int
    new: bool

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


def publish(store: Store, settings: Settings, files: Iterable[Path], *, now: datetime) -> list[Published]:
    """Store these campaigns as versions, all of them or none. Same bytes and contents: no new version.

    Raises `Rejected` with every error of every file; warnings do not stop it.
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
            contents = _contents(definition, around, catalogue)
            number = version_hash(text, contents)
            version, new = stored.publish(tx, definition.campaign, number, text, contents, now=micros(now))
            done.append(Published(version.campaign, version.version, version.hash, version.id, new))
        crash_point("publish.committing")
    return done


def _contents(definition: Definition, around: World, catalogue: Catalogue) -> dict[str, str]:
    """Every content file the campaign refers to: path below the content folder to text."""
    plan, problems = compile(definition, around)
    if plan is None:
        raise Rejected(problems)
    files: dict[str, str] = {}
    for planned in plan.nodes.values():
        for channel, content in planned.node.contents():
            files |= catalogue.files(content, channel)
    return files
