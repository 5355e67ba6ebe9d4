"""What went wrong, as exit status and problems: the one place where exceptions become words."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import NamedTuple

from cyclopts import CycloptsError, UnknownCommandError

from nurture.problems import Problem, Rejected
from nurture.words import did_you_mean, quoted

__all__ = ["BROKEN", "KNOWN", "PROBLEMS", "USAGE", "BrokenEnvironment", "explain"]

PROBLEMS, USAGE, BROKEN = 1, 2, 3


class BrokenEnvironment(Rejected):
    """Nothing can be done here until the surroundings are mended. Exit status 3."""


class Known(NamedTuple):
    status: int
    code: str
    hint: str = ""


DATABASE_HINT = "is NURTURE_DATABASE_URL right, and the database running? `nurture doctor` looks closer"

# By name, because naming a class would import its module, and a command that fails early should fail fast.
KNOWN = {
    "nurture.engine.engine.UnknownCampaign": Known(
        PROBLEMS, "E_CAMPAIGN", "`nurture status` lists those that are published"
    ),
    "nurture.engine.publishing.UnknownVersion": Known(
        PROBLEMS, "E_VERSION", "`nurture versions CAMPAIGN` lists a campaign's versions, `nurture status` the campaigns"
    ),
    "nurture.engine.reporting.UnknownLead": Known(PROBLEMS, "E_LEAD", "import it first: `nurture import FILE`"),
    "nurture.engine.taking_out.NotInside": Known(PROBLEMS, "E_LEAD", "`nurture history LEAD` says where it is"),
    "nurture.engine.taking_out.AtWork": Known(PROBLEMS, "E_AT_WORK", "try again in a moment"),
    "nurture.engine.plans.NotRunnable": Known(
        PROBLEMS, "E_VERSION", "install what it needs, or publish a version that needs less"
    ),
    "nurture.store.erasing.OnItsWay": Known(PROBLEMS, "E_ON_ITS_WAY"),
    "nurture.engine.complaints.Stopped": Known(
        PROBLEMS, "E_STOPPED", "mend what people complain of, then `nurture resume CAMPAIGN --despite REASON --by WHO`"
    ),
    "nurture.engine.rights.NotCompact": Known(
        PROBLEMS, "E_NOT_COMPACT", "stop what reads the database, and run it again"
    ),
    "nurture.engine.recognising.ClockJumped": Known(
        BROKEN, "E_CLOCK", "if the clock is right, say so once: `nurture tick --trust-clock`"
    ),
    "nurture.engine.recognising.OtherSecret": Known(BROKEN, "E_SECRET"),
    "nurture.engine.recognising.PutBack": Known(
        BROKEN, "E_RESTORED", "`nurture restore` shows what is held, and lets you decide"
    ),
    "nurture.identity.BadIdentity": Known(
        USAGE, "E_LEAD", "a lead is an e-mail address, or id:..., phone:..., wechat:..."
    ),
    "nurture.registry.BadPlugin": Known(BROKEN, "E_PLUGIN"),
    "nurture.store.migrations.NewerDatabase": Known(BROKEN, "E_DATABASE"),
    "sqlalchemy.exc.OperationalError": Known(BROKEN, "E_DATABASE", DATABASE_HINT),
    "sqlalchemy.exc.InterfaceError": Known(BROKEN, "E_DATABASE", DATABASE_HINT),
    "sqlalchemy.exc.DatabaseError": Known(BROKEN, "E_DATABASE", DATABASE_HINT),
    "sqlalchemy.exc.TimeoutError": Known(BROKEN, "E_DATABASE", DATABASE_HINT),
    "sqlalchemy.exc.ArgumentError": Known(
        BROKEN, "E_DATABASE", "write sqlite:///nurture.db or postgresql://user@host/name"
    ),
    "sqlalchemy.exc.NoSuchModuleError": Known(
        BROKEN, "E_DATABASE", "write sqlite:///nurture.db or postgresql://user@host/name"
    ),
}


def explain(error: Exception) -> tuple[int, tuple[Problem, ...]]:
    """(exit status, what to say) for whatever ended a verb."""
    if isinstance(error, Rejected):
        return _status(error), error.problems
    kind = type(error)
    if known := KNOWN.get(f"{kind.__module__}.{kind.__qualname__}"):
        return known.status, (Problem("", known.code, _first_line(error), known.hint),)
    if isinstance(error, UnknownCommandError):
        return USAGE, (_unknown_verb(error),)
    if isinstance(error, CycloptsError):
        return USAGE, (Problem("", "E_USAGE", _one_line(str(error)), _help_of(error)),)
    if isinstance(error, ModuleNotFoundError):
        extra = "[postgres]" if error.name == "psycopg" else ""
        hint = f"install nurtureflow{extra}, with all it needs"
        return BROKEN, (Problem("", "E_INSTALL", f"{error.name} is not installed", hint),)
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return BROKEN, (Problem("", "E_SYSTEM", f"{place}{error.strerror or error}"),)
    return BROKEN, (_our_own_fault(error),)


def _status(error: Rejected) -> int:
    from nurture.cli.options import Usage

    if isinstance(error, Usage):
        return USAGE
    return BROKEN if isinstance(error, BrokenEnvironment) else PROBLEMS


def _first_line(error: Exception) -> str:
    """What the database's driver said, without the statement and the links that come after it."""
    said = str(getattr(error, "orig", None) or error)
    return _one_line(said.strip().partition("\n")[0])


def _one_line(said: str) -> str:
    return " ".join(said.split())


def _help_of(error: CycloptsError) -> str:
    return " ".join(["see: nurture", *(error.command_chain or ()), "--help"])


def _unknown_verb(error: UnknownCommandError) -> Problem:
    """In words of our own: cyclopts would import every verb to find a similar one."""
    from nurture.cli.app import VERBS

    word = next(iter(error.unused_tokens or ()), "")
    return Problem("", "E_USAGE", f"there is no verb {quoted(word)}", did_you_mean(word, [verb[1] for verb in VERBS]))


def _our_own_fault(error: Exception) -> Problem:
    """Something nobody thought of: where it was and what it was, in one line."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return Problem(
        "",
        "E_FAULT",
        f"a fault of the program itself: {type(error).__name__}: {_one_line(str(error))[:500]}{place}",
        "`python -X dev -m nurture.cli ...` tells all of it; please report it",
    )
