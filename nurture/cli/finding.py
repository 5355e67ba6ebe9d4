"""Files by the names people call them: a campaign by its name, or by where it lies."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from nurture.problems import Problem, Rejected
from nurture.settings import Settings
from nurture.words import did_you_mean, quoted

if TYPE_CHECKING:
    from nurture.plan import Plan

__all__ = ["by_name_or_path", "campaign_file", "campaign_files", "sound_plan"]


def campaign_files(here: Settings) -> list[Path]:
    """Every campaign below `definitions/`."""
    from nurture.engine.publishing import campaign_files as found

    return found(here)


def campaign_file(here: Settings, name: str) -> Path:
    """The file of a campaign. Raises `Rejected` where there is none."""
    for path in (here.definitions / f"{name}.json", Path(name)):
        if path.is_file():
            return path
    names = [path.stem for path in campaign_files(here)]
    what = f"there is no campaign {quoted(name)} in {here.definitions}"
    raise Rejected([Problem("", "E_CAMPAIGN", what, did_you_mean(name, names))])


def by_name_or_path(folder: Path, files: Iterable[Path]) -> list[Path]:
    """Each as a file: where it is one, itself; else the one of this name in the folder. Raises `Rejected` for names
    that nothing has; a path that leads nowhere is left to whoever reads it."""
    named = {file: folder / f"{file}.json" for file in files}
    found = [path if not file.is_file() and path.is_file() else file for file, path in named.items()]
    known = [path.stem for path in folder.glob("*.json")]
    wrong = [file.name for file in found if len(file.parts) == 1 and not file.suffix and not file.exists()]
    if wrong:
        raise Rejected(
            Problem("", "E_FILE", f"there is no {quoted(name)} in {folder}", did_you_mean(name, known))
            for name in wrong
        )
    return found


def sound_plan(here: Settings, file: Path) -> Plan:
    """The campaign in this file, ready to run. Raises `Rejected` with every error."""
    from nurture import definition
    from nurture.content import Catalogue
    from nurture.engine.publishing import world
    from nurture.plan import compile
    from nurture.problems import errors

    try:
        data = file.read_bytes()
    except OSError as error:
        raise Rejected([Problem("", "E_FILE", f"cannot be read: {error.strerror}", file=str(file))]) from error
    plan, problems = compile(definition.load(data, file=str(file)), world(Catalogue.load(here.content)))
    if plan is None or errors(problems):
        raise Rejected(problem if problem.file else problem.at(str(file)) for problem in errors(problems))
    return plan
