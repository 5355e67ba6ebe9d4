"""What a person fills in to let leads into a campaign, and how it is carried out: one answer for Prefect's forms and for
the canvas, so that a dry run on the one page is the same question as a run on the other.

No field is optional in the sense of a switch between a type and "None": left empty is empty.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from nurture.leads import LeadOptions, parse_map

if TYPE_CHECKING:
    from nurture.engine.engine import Engine

__all__ = [
    "ENTRY_RULE",
    "EVERYBODY",
    "FORMS",
    "SUFFIXES",
    "Backfill",
    "Form",
    "Moment",
    "RunCampaign",
    "audience",
    "campaigns",
    "count_rows",
    "file_below",
    "leads_files",
    "moment",
    "segments",
]

ENTRY_RULE = "whom the campaign is for"
"""The audience that a campaign names itself, in `entry.when`; a segment narrows it down further."""

EVERYBODY = {"any": [{"field": "email", "op": "known"}, {"field": "email", "op": "unknown"}]}
"""A condition that holds for every lead; the campaign's own rule is asked in any case."""

SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".xlsx"})
NOT_LEADS = frozenset({"definitions", "content", "outbox", "rejects"})
"""Folders of an installation that hold other things than leads files."""
MOST_FILES = 500

Progress = Callable[[str, int, int], None]
"""What is done, how much of it, and of how much; 0 where nobody knows how much there is."""


def _written(value: object) -> object:
    """As a form sends it: a program may hand over a datetime, or None for nothing."""
    return "" if value is None else value.isoformat() if isinstance(value, datetime) else value


Moment = Annotated[str, BeforeValidator(_written)]
"""A point in time, ISO 8601 with Z or an offset; empty for the present."""


def moment(text: str) -> datetime | None:
    """The instant of a `Moment` in UTC, None for the present. ValueError says what is wrong with it."""
    text = text.strip()
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"'{text}' is not a time; write it as 2026-03-02T18:00:00+08:00") from None
    if found.tzinfo is None:
        raise ValueError(f"'{text}' does not say in which time zone; {text}+08:00 is Beijing, {text}Z is UTC")
    return found.astimezone(UTC)


# --- the forms -------------------------------------------------------------------------------------------------


NOW = "For tests: pretend that it is this moment, such as 2026-03-02T18:00:00+08:00. Left empty, it is now."
UNTIL = "For tests: go on in virtual time until this moment. Left empty, this run ends at once."


class Form(BaseModel):
    """A form as it was filled in. The descriptions of its fields are what every page shows beside them."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: ClassVar[str]
    """The name of what is started; that of the deployment, where Prefect starts it."""

    campaign: str = Field(description="Which campaign. The list holds the campaigns in definitions/.")

    def carry_out(
        self, engine: Engine, *, now: datetime, dry_run: bool, progress: Progress | None = None
    ) -> dict[str, Any]:
        """Do it, or only see what would be done; the counts. Raises ValueError, `Rejected`, `UnknownCampaign`."""
        raise NotImplementedError


class RunCampaign(Form):
    kind: ClassVar[str] = "run-campaign"

    audience: str = Field(
        ENTRY_RULE,
        description="Everybody whom the campaign is for, or only those of them in one of your segments"
        " (definitions/segments/).",
    )
    tag: str = Field("", description="Only leads with this tag. Left empty, tags do not matter.")
    limit: int = Field(0, ge=0, description="At most so many leads, oldest first. 0 stands for all of them.")
    dry_run: bool = Field(True, description="On, this only counts who would enter. Turn it off to really start.")
    now: Moment = Field("", description=NOW)
    until: Moment = Field("", description=UNTIL)

    def carry_out(
        self, engine: Engine, *, now: datetime, dry_run: bool, progress: Progress | None = None
    ) -> dict[str, Any]:
        segment = audience(self.audience, self.tag, engine.settings.home)
        told = None if progress is None else lambda done: progress("enroll", done, 0)
        return engine.enroll(
            self.campaign, segment=segment, limit=self.limit or None, now=now, dry_run=dry_run, progress=told
        ).as_json()


class Backfill(Form):
    kind: ClassVar[str] = "backfill"

    file: str = Field(
        "",
        description="The leads file, such as leads.csv or crm/leads.xlsx. Left empty, leads we know are taken, see audience.",
    )
    audience: str = Field(ENTRY_RULE, description="Without a file, which of the leads we know.")
    mapping: str = Field(
        "",
        description="Columns with other names than ours, one on each line, such as company=Firma. Common headers in"
        " English and Chinese need none.",
    )
    history: str = Field("", description="A file with what happened to these leads before, such as history.csv.")
    history_mapping: str = Field("", description="The same as mapping, for the history file.")
    tag: str = Field("", description="A tag that every lead of the file gets.")
    basis: str = Field(
        "",
        description="The legal basis for the whole file. A lead with neither basis nor consent does not enter.",
    )
    pace: int = Field(0, ge=0, description="At most so many enrollments a day. 0 stands for all at once.")
    dry_run: bool = Field(True, description="On, this only shows who would stand where. Turn it off to really start.")
    now: Moment = Field("", description=NOW)
    until: Moment = Field("", description=UNTIL)

    def carry_out(
        self, engine: Engine, *, now: datetime, dry_run: bool, progress: Progress | None = None
    ) -> dict[str, Any]:
        home = engine.settings.home
        return engine.backfill(
            self.campaign,
            file_below(home, self.file) if self.file else None,
            options=LeadOptions(
                map=parse_map(_lines(self.mapping)), tags=(self.tag,) if self.tag else (), basis=self.basis or None
            ),
            segment=None if self.file else audience(self.audience, "", home) or EVERYBODY,
            history=file_below(home, self.history) if self.history else None,
            history_map=parse_map(_lines(self.history_mapping)),
            pace=self.pace or None,
            now=now,
            dry_run=dry_run,
            progress=progress,
        ).as_json()


FORMS: Mapping[str, type[RunCampaign | Backfill]] = {form.kind: form for form in (RunCampaign, Backfill)}


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def count_rows(counts: Mapping[str, Any], *above: str) -> list[tuple[str, Any]]:
    """`{"enrolled": 2, "not_enrolled": {"no basis": 1}}` as `enrolled 2`, `not_enrolled: no basis 1`."""
    rows: list[tuple[str, Any]] = []
    for name, value in counts.items():
        if isinstance(value, Mapping):
            rows += count_rows(value, *above, str(name))
        elif value is not None:
            rows.append((": ".join((*above, str(name))), value))
    return rows


# --- what can be chosen ----------------------------------------------------------------------------------------


def campaigns(home: Path) -> tuple[str, ...]:
    """The campaigns in `definitions/`, by name. A file that cannot be read is left out: `nurture check` tells why."""
    return tuple(sorted(filter(None, (_campaign(file) for file in (home / "definitions").glob("*.json")))))


def segments(home: Path) -> dict[str, Any]:
    """The segments kept in `definitions/segments/`, name to condition: one file each, holding the condition."""
    found: dict[str, Any] = {}
    for file in sorted((home / "definitions" / "segments").glob("*.json")):
        condition = _read(file)
        if isinstance(condition, dict):
            found[file.stem] = condition
    return found


def audience(name: str, tag: str, home: Path) -> dict[str, Any] | None:
    """The condition that a form's choice means; None for no condition beyond the campaign's own.

    Raises ValueError when the segment is gone since the form was made.
    """
    parts: list[dict[str, Any]] = []
    if name != ENTRY_RULE:
        known = segments(home)
        if name not in known:
            raise ValueError(f"there is no segment '{name}' in definitions/segments (any more)")
        parts.append(known[name])
    if tag:
        parts.append({"field": "tags", "op": "has", "value": tag})
    return {"all": parts} if len(parts) > 1 else parts[0] if parts else None


def leads_files(home: Path) -> list[str]:
    """The files of the marketer's folder that may hold leads, by name, those in its folders included."""
    root = home.resolve()
    folders = [root, *sorted(folder for folder in root.iterdir() if folder.is_dir() and _may_hold_leads(folder))]
    return [file.relative_to(root).as_posix() for folder in folders for file in _files(folder)][:MOST_FILES]


def _may_hold_leads(folder: Path) -> bool:
    return folder.name not in NOT_LEADS and not folder.name.startswith((".", "_"))


def _files(folder: Path) -> Iterator[Path]:
    return (file for file in sorted(folder.iterdir()) if file.suffix.lower() in SUFFIXES and file.is_file())


def file_below(home: Path, name: str) -> Path:
    """The file of this name in the marketer's folder. A form must not reach other files of the machine: ValueError."""
    root = home.resolve()
    file = (root / name).resolve()
    if not file.is_relative_to(root) or file.suffix.lower() not in SUFFIXES:
        raise ValueError(f"{name!r} is not a leads file in the Nurture folder; {', '.join(sorted(SUFFIXES))} may be")
    if not file.is_file():
        raise ValueError(f"there is no file {name!r} in the Nurture folder")
    return file


def _campaign(file: Path) -> str | None:
    raw = _read(file)
    name = raw.get("campaign") if isinstance(raw, dict) else None
    return name if isinstance(name, str) else None


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
