"""What a person may ask of us: record or withdraw consent, stop or allow messages, tell everything, forget everything."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress as ignoring
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nurture.engine.hearing import Incoming, lead_ids
from nurture.engine.reporting import UnknownLead, history, iso
from nurture.identity import BadIdentity, LeadRef, address_hash, every_hash, every_identity
from nurture.store import Tx, consents
from nurture.store import signals as stored
from nurture.store.database import micros
from nurture.store.erasing import compact, erase, everything, message_ids_of, unseen_since
from nurture.store.leads import find
from nurture.store.suppressions import lift, suppress, suppressing

if TYPE_CHECKING:
    from nurture.engine.engine import Engine

__all__ = ["NotCompact", "allow", "consent", "export", "forget", "forget_unseen", "stop"]

WHOLE_ROWS = 500
"""Leads that a retention job erases in one transaction."""


class NotCompact(Exception):
    """Everything was wiped, but another process kept the database from being written anew. Run it again."""


def consent(
    engine: Engine, lead: LeadRef, *, given: bool, source: str, basis: str | None, at: datetime
) -> dict[str, Any]:
    """Put on record what a person has said, and by which way. Raises `UnknownLead`."""
    with engine.store.write(durable=True) as tx:
        lead_id = _known(tx, lead)
        word: consents.Word = "given" if given else "withdrawn"
        consents.record(tx, lead_id, word, at=micros(at), source=source, basis=basis)
        records = consents.of_lead(tx, lead_id)
    return {
        "lead": str(lead),
        "consents": [
            {"at": iso(at), "what": what, "source": source, "basis": basis} for at, what, source, basis in records
        ],
    }


def stop(engine: Engine, leads: Iterable[LeadRef], *, reason: str, actor: str, now: datetime) -> dict[str, int]:
    """No more messages to these people; an address that nobody knows here is kept off the list of a later day."""
    refs = list(dict.fromkeys(leads))
    said = f"{reason} (by {actor})"
    with engine.store.write(durable=True) as tx:
        known = lead_ids(tx, refs)
        strangers = [address_hash(engine.secret, ref.kind, ref.key) for ref in refs if ref not in known]
        before = suppressing(tx, strangers)
        suppress(tx, [(hashed, "unsubscribed", micros(now), said) for hashed in strangers])
    fresh = sum("unsubscribed" not in before.get(hashed, ()) for hashed in strangers)
    report = engine.hear(
        [Incoming("unsubscribed", ref, now, id=f"stop:{lead_id}", reason=said) for ref, lead_id in known.items()],
        now=now,
    )
    return {"stopped": report.heard + fresh, "already": len(refs) - report.heard - fresh}


def allow(engine: Engine, lead: LeadRef, *, reason: str, actor: str, now: datetime) -> dict[str, Any]:
    """Take back what keeps this person from being written to. What was there, and who took it back why, stays on record."""
    with engine.store.write(durable=True) as tx:
        found = lead_ids(tx, [lead]).get(lead)
        people = stored.identities(tx, [found]) if found is not None else []
        hashes = {address_hash(engine.secret, lead.kind, lead.key)}
        hashes |= {hashed for person in people for hashed in every_hash(engine.secret, person)}
        kinds = lift(tx, sorted(hashes), why=reason, actor=actor, now=micros(now))
        if found is not None and kinds:
            stored.hear_again(tx, found, sorted(kinds), f":lifted:{micros(now)}")
    return {"lead": str(lead), "lifted": sorted(kinds)}


def export(engine: Engine, lead: LeadRef) -> dict[str, Any]:
    """Everything there is about a person: told as `history` tells it, and every row as it is stored.

    Raises `UnknownLead`.
    """
    told = history(engine.store, lead)
    with engine.store.read() as tx:
        lead_id = _known(tx, lead)
        hashes = [hashed for person in stored.identities(tx, [lead_id]) for hashed in every_hash(engine.secret, person)]
        rows = everything(tx, lead_id, hashes)
    return {"lead": str(lead), "history": told, "stored": rows}


def forget(engine: Engine, leads: Sequence[LeadRef], *, now: datetime) -> dict[str, Any]:
    """Wipe these people: every table, rejected rows, mails written into files. On the suppression list stays a keyed
    hash, so that no file brings them back. Raises `UnknownLead`, `OnItsWay`, `NotCompact`.
    """
    with engine.store.read() as tx:
        known = lead_ids(tx, leads)
    missing = [str(lead) for lead in leads if lead not in known]
    if missing:
        raise UnknownLead(f"there is no lead {', '.join(missing[:5])}")
    files = _erase(engine, sorted(set(known.values())), remember=True, now=now)
    _compact(engine)
    return {"forgotten": len(set(known.values())), "files": files}


def forget_unseen(engine: Engine, span: timedelta, *, now: datetime, dry_run: bool = False) -> dict[str, Any]:
    """Wipe whoever is in no campaign, and of whom nothing was heard for so long. They may come again by themselves."""
    forgotten = files = 0
    while True:
        with engine.store.read() as tx:
            ids = unseen_since(tx, micros(now - span), limit=10**9 if dry_run else WHOLE_ROWS)
        if dry_run:
            return {"forgotten": 0, "would_be_forgotten": len(ids), "files": 0}
        if not ids:
            break
        files += _erase(engine, ids, remember=False, now=now)
        forgotten += len(ids)
    if forgotten:
        _compact(engine)
    return {"forgotten": forgotten, "files": files}


def _erase(engine: Engine, ids: list[int], *, remember: bool, now: datetime) -> int:
    """One transaction; then the files. Says how many files were changed or removed."""
    wall = time.time_ns() // 1000  # a lease runs in real time
    with engine.store.write(durable=True) as tx:
        people = find(tx, {"id": ids})
        identities = {ref for person in people for ref in every_identity(person)}
        names = {person.email for person in people if person.email}
        letters = message_ids_of(tx, ids)
        hashes = sorted({hashed for person in people for hashed in every_hash(engine.secret, person)})
        erase(tx, ids, hashes, remember=remember, now=micros(now), wall=wall)
    return _wipe_rejects(engine.settings.rejects, identities, names) + _remove_letters(engine, letters)


def _compact(engine: Engine) -> None:
    if not compact(engine.store):
        raise NotCompact(NotCompact.__doc__)


def _known(tx: Tx, lead: LeadRef) -> int:
    found = lead_ids(tx, [lead]).get(lead)
    if found is None:
        raise UnknownLead(f"there is no lead {lead}")
    return found


# -- files ----------------------------------------------------------------------------------------------------------


def _remove_letters(engine: Engine, message_ids: list[str]) -> int:
    """Mails to them that were written into files."""
    removed = 0
    for folder in _mail_folders(engine):
        for message_id in message_ids:
            with ignoring(FileNotFoundError):
                (folder / f"{message_id.partition('@')[0]}.eml").unlink()
                removed += 1
    return removed


def _mail_folders(engine: Engine) -> list[Path]:
    from nurture.channels.email import MailUrl

    folder = MailUrl.parse(engine.settings.mail).folder
    return [] if folder is None else [folder]


def _wipe_rejects(folder: Path, identities: set[LeadRef], names: set[str]) -> int:
    """Rows of rejects files in which they are named. A row keeps its length: an import that goes on counts bytes."""
    changed = 0
    for path in sorted(folder.glob("*.csv")) if folder.is_dir() else ():
        before = path.read_bytes()
        after = _without(before, identities, names)
        if after != before:
            with path.open("r+b") as file:
                file.write(after)
            changed += 1
    return changed


def _without(raw: bytes, identities: set[LeadRef], names: set[str]) -> bytes:
    # Latin 1 is every octet as one character, so that lengths stay what they are.
    lines = raw.decode("latin-1").splitlines(keepends=True)
    reader = csv.reader(io.StringIO("".join(lines), newline=""))
    kept: list[str] = []
    begun = 0
    for row in reader:
        record = "".join(lines[begun : reader.line_num])
        begun = reader.line_num
        if row and row[0].isdigit() and any(_names(cell, identities, names) for cell in row[3:]):
            end = "\r\n" if record.endswith("\r\n") else "\n" if record.endswith("\n") else ""
            record = f"{row[0]},{row[1]},erased".ljust(len(record) - len(end))[: len(record) - len(end)] + end
        kept.append(record)
    return "".join(kept).encode("latin-1")


def _names(cell: str, identities: set[LeadRef], names: set[str]) -> bool:
    text = cell.encode("latin-1").decode("utf-8", "replace").strip().removeprefix("'")
    if any(name.lower() in text.lower() for name in names):
        return True
    for kind in ("email", "phone", "wechat", "id"):
        with ignoring(BadIdentity):
            if LeadRef.parse(text if kind == "email" else f"{kind}:{text}") in identities:
                return True
    return False
