"""The versions of a campaign: which there are, how two of them differ, and what would become of the leads inside."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nurture.content import Catalogue
from nurture.definition import Definition, load
from nurture.difference import Difference, compare, sentences
from nurture.engine.moving import standing
from nurture.engine.publishing import UnknownVersion, contents_of, world
from nurture.engine.reporting import iso
from nurture.store import Tx, moves
from nurture.store import versions as stored

if TYPE_CHECKING:
    from nurture.engine.engine import Engine

__all__ = ["Compared", "compared", "versions_of"]


def versions_of(engine: Engine, campaign: str) -> dict[str, Any]:
    """`{"campaign", "versions": [...], "moves": [...]}`, newest first; no versions for a campaign never published."""
    with engine.store.read() as tx:
        rows = stored.listed(tx, campaign)
        log = moves.of_campaign(tx, campaign)
    numbers = {row[0]: row[1] for row in rows}
    return {
        "campaign": campaign,
        "versions": [
            {
                "version": version,
                "hash": hash,
                "published_at": iso(published_at),
                "current": bool(current),
                "inside": inside,
                "entered": entered,
            }
            for _, version, hash, published_at, current, inside, entered in rows
        ],
        "moves": [
            {
                "to": numbers.get(move.version_id),
                "running": move.choice,
                "map": json.loads(move.map),
                "at": iso(move.asked_at),
                "finished_at": iso(move.finished_at),
                "moved": 0,
                "removed": 0,
                "kept": {},
                **json.loads(move.counts),
            }
            for move in log
        ],
    }


@dataclass(frozen=True, slots=True)
class Compared:
    """Two versions side by side. A version of None is the file as it stands."""

    before_version: int | None
    after_version: int | None
    before: Definition
    after: Definition
    difference: Difference
    waiting: dict[str, int]
    """Node to number of the leads inside that run another version than the second one."""

    def lines(self, language: str) -> list[str]:
        return sentences(self.difference, self.before, self.after, language, self.waiting)

    def as_json(self, language: str = "en") -> dict[str, Any]:
        return {
            "campaign": self.after.campaign,
            "before": self.before_version,
            "after": self.after_version,
            **self.difference.as_json(),
            "waiting": self.waiting,
            "words": self.lines(language),
        }

    def edges(self) -> list[str]:
        """The edges that lead elsewhere, as `node|outcome`."""
        return [f"{c.node}|{c.name}" for c in self.difference.changes if c.kind == "rewired"]


def compared(
    engine: Engine, campaign: str, before: int | None = None, after: int | None = None, *, file: Path | None = None
) -> Compared:
    """A version (default: the one that new enrollments get) against another (default: the file as it stands, which is
    `file` where it is not called as the campaign is).

    Raises `UnknownVersion`, and `Rejected` for a file that is no campaign or lacks a content.
    """
    with engine.store.read() as tx:
        old = _stored(tx, campaign, before)
        new = None if after is None else _stored(tx, campaign, after)
        waiting = standing(tx, campaign, None if new is None else new.id)
    old_definition = load(old.definition)
    if new is not None:
        new_definition, files = load(new.definition), new.files
    else:
        file = file or _file(engine, campaign)
        new_definition = load(file.read_bytes(), file=str(file))
        catalogue = Catalogue.load(engine.settings.content)
        files = contents_of(new_definition, world(catalogue), catalogue)
    found = compare(old_definition, new_definition, old.files, files)
    return Compared(old.version, None if new is None else new.version, old_definition, new_definition, found, waiting)


def _stored(tx: Tx, campaign: str, number: int | None) -> stored.Version:
    found = stored.current(tx, campaign) if number is None else stored.by_number(tx, campaign, number)
    if found is None:
        what = "was never published" if number is None else f"has no version {number}"
        raise UnknownVersion(f"campaign '{campaign}' {what}")
    return found


def _file(engine: Engine, campaign: str) -> Path:
    path = engine.settings.definitions / f"{campaign}.json"
    if not path.is_file():
        raise UnknownVersion(f"there is no file {path.name} in definitions/")
    return path
