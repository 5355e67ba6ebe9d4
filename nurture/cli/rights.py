"""Verbs for what a person may ask of us: consent, suppress, unsuppress, export, forget."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from rich.console import Console

from nurture.cli.answer import Answer, text
from nurture.cli.opening import opened
from nurture.cli.options import LEAD, AsJson, Flag, Lead, Now, clock, moment, usage
from nurture.identity import BadIdentity, LeadRef
from nurture.problems import Problem, Rejected

__all__ = ["consent", "export", "forget", "suppress", "unsuppress"]

Reason = Annotated[str, Parameter(help="Why, for the record.")]
By = Annotated[str, Parameter(name="--by", help="Who does this.")]


def consent(
    lead: Lead,
    word: Annotated[Literal["yes", "no"], Parameter(help="What the person said.")],
    *,
    source: Annotated[str, Parameter(help="By which way: a form's address, a contract's number.")],
    basis: Annotated[str | None, Parameter(help="The legal basis.")] = None,
    at: Annotated[datetime | None, Parameter(converter=moment, help="When it was said; default: now.")] = None,
    json: AsJson = False,
    now: Now = None,
) -> Answer:
    """Put on record that a lead has given consent to be written to, or withdrawn it."""
    from nurture.engine import rights

    with opened() as engine:
        document = rights.consent(
            engine, LeadRef.parse(lead), given=word == "yes", source=_said("--source", source), basis=basis,
            at=at or clock(now),
        )  # fmt: skip

    def show(on: Console) -> None:
        for one in document["consents"]:
            basis = f", {one['basis']}" if one["basis"] else ""
            on.print(text(f"{one['at']}  {one['what']}  {one['source']}{basis}"))

    return Answer(document, show, json)


def suppress(
    lead: Annotated[str | None, Parameter(help=LEAD)] = None,
    *,
    file: Annotated[Path | None, Parameter(help="Many of them: a text file with one LEAD a line.")] = None,
    reason: Reason,
    by: By,
    json: AsJson = False,
    now: Now = None,
) -> Answer:
    """No more messages to these people, on any address or channel. Also for addresses that are not known here yet."""
    from nurture.engine import rights

    if (lead is None) == (file is None):
        raise usage("say whom: nurture suppress LEAD, or --file FILE for many")
    refs = [LeadRef.parse(lead)] if lead is not None else _listed(file)  # type: ignore[arg-type]  # one of the two is given
    with opened() as engine:
        document = rights.stop(engine, refs, reason=_said("--reason", reason), actor=_said("--by", by), now=clock(now))
    said = f"{document['stopped']} suppressed, {document['already']} already were"
    return Answer(document, lambda on: on.print(text(said)), json)


def unsuppress(lead: Lead, *, reason: Reason, by: By, json: AsJson = False, now: Now = None) -> Answer:
    """Take back what keeps a lead from being written to. What it was, who took it back and why stays on record."""
    from nurture.engine import rights

    with opened() as engine:
        document = rights.allow(
            engine, LeadRef.parse(lead), reason=_said("--reason", reason), actor=_said("--by", by), now=clock(now)
        )
    lifted = ", ".join(document["lifted"])
    said = f"may be written to again; suppressed as {lifted} before" if lifted else "was not suppressed"
    return Answer(document, lambda on: on.print(text(f"{document['lead']} {said}")), json)


def export(lead: Lead, *, json: AsJson = False) -> Answer:
    """Everything there is about a lead, machine-readable: always one JSON document."""
    from nurture.engine import rights

    with opened() as engine:
        document = rights.export(engine, LeadRef.parse(lead))
    return Answer(document, lambda on: on.print_json(data=document), json)


def forget(
    *leads: Annotated[str, Parameter(help=f"{LEAD}; one or more.")],
    unseen_for: Annotated[
        int | None, Parameter(help="Instead: all who are in no campaign and not heard of for so many days.")
    ] = None,
    dry_run: Annotated[bool, Flag, Parameter(help="With --unseen-for: only say how many.")] = False,
    json: AsJson = False,
    now: Now = None,
) -> Answer:
    """Wipe everything personal: state, journal, signals, rejected rows, mails written into files.

    Numbers stay, without a person. Of somebody who is named, a keyed hash stays on the suppression list, so that no
    file brings them back. The database is written anew, which takes a while where it is large.
    """
    from nurture.engine import rights

    if bool(leads) == (unseen_for is not None):
        raise usage("say whom: nurture forget LEAD, or --unseen-for DAYS")
    if dry_run and unseen_for is None:
        raise usage("--dry-run goes with --unseen-for")
    if unseen_for is not None and unseen_for < 1:
        raise usage("--unseen-for is a number of days, 1 at least")
    with opened() as engine:
        if unseen_for is not None:
            document = rights.forget_unseen(engine, timedelta(days=unseen_for), now=clock(now), dry_run=dry_run)
        else:
            document = rights.forget(engine, [LeadRef.parse(lead) for lead in leads], now=clock(now))
    would = document.get("would_be_forgotten")
    said = f"{document['forgotten']} forgotten" if would is None else f"{would} would be forgotten"
    return Answer(document, lambda on: on.print(text(said)), json)


def _said(option: str, words: str) -> str:
    if not words.strip():
        raise usage(f"{option} is empty; whoever reads the record wants to know")
    return words.strip()[:500]


def _listed(file: Path) -> list[LeadRef]:
    """The leads of a file. Raises `Rejected` with every line that names nobody."""
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Rejected([Problem("", "E_FILE", f"cannot be read: {error}", file=str(file))]) from error
    refs, problems = [], []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            refs.append(LeadRef.parse(line))
        except BadIdentity as bad:
            problems.append(Problem(f"line {number}", "E_LEAD", bad.what, file=str(file)))
    if problems:
        raise Rejected(problems)
    return refs
