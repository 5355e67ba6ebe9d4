"""What a file changes about the leads we know: decided row by row in memory, written by the store in one go.

By default a known lead takes from a file only what it lacks (`fill_empty`); with `overwrite`, everything the file knows.
An empty cell never takes anything away, and a withdrawn consent always counts. The counts are of rows: a second row of
the same lead in one file meets what the first one has made of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from pydantic_core import to_json

from nurture.identity import IdentityKind, lead_key
from nurture.leads.reading import LeadOptions
from nurture.leads.rejects import Reject
from nurture.leads.rows import LeadRow
from nurture.store.leads import Person

__all__ = ["Merge", "Outcome", "identities_of", "key_of", "new_row"]

Outcome = Literal["new", "updated", "unchanged"]

_IDENTITIES = ("email_key", "external_id", "phone", "wechat")
_FILLED = ("email_key", "external_id", "phone", "wechat", "owner", "language", "time_zone")


def key_of(row: LeadRow) -> str:
    """The lead key that this row would give a new lead."""
    known: tuple[tuple[IdentityKind, str | None], ...] = (
        ("email", row.email_key),
        ("id", row.external_id),
        ("phone", row.phone),
        ("wechat", row.wechat),
    )
    for kind, value in known:
        if value is not None:
            return lead_key(kind, value)
    raise ValueError("a row without identity")


def new_row(number: int, row: LeadRow, basis: str | None) -> tuple[object, ...]:
    """The row of a lead nobody knew, as `Person.row` has it."""
    return (
        number,
        lead_key("email", row.email_key) if row.email_key is not None else key_of(row),
        row.email,
        row.email_key,
        row.external_id,
        row.phone,
        row.wechat,
        row.owner,
        row.language,
        row.time_zone,
        basis,
        row.consent,
        to_json(row.fields).decode(),
    )


def identities_of(rows: Iterable[LeadRow]) -> dict[str, list[str]]:
    """Everything by which a lead of these rows may be known: column to values."""
    found: dict[str, dict[str, None]] = {name: {} for name in _IDENTITIES}
    for row in rows:
        for name, value in _named(row):
            found[name][value] = None
    return {name: list(values) for name, values in found.items() if values}


def _named(row: LeadRow) -> list[tuple[str, str]]:
    """(column, value) of each identity."""
    values = (row.email_key, row.external_id, row.phone, row.wechat)
    return [(name, value) for name, value in zip(_IDENTITIES, values, strict=True) if value is not None]


class Merge:
    """One batch of rows against the leads they may mean."""

    def __init__(
        self, known: Sequence[Person], tags: Mapping[int, set[str]], ids: Iterator[int], options: LeadOptions
    ) -> None:
        """`tags` are those of the known leads, `ids` gives new leads theirs."""
        self._options = options
        self._ids = ids
        self._tags = {lead_id: set(found) for lead_id, found in tags.items()}
        self._by_identity: dict[tuple[str, str], Person] = {}
        self._was: dict[int, str] = {}
        self._changed: dict[int, Person] = {}
        self.new: dict[int, Person] = {}
        """By id, in their order."""
        self.new_tags: list[tuple[int, str]] = []
        self.agreed: set[int] = set()
        """Leads of which the file has said something about consent or basis that was not known."""
        self.former: dict[int, list[tuple[str, str]]] = {}
        """(column, value) of identities that the file has replaced, by lead."""
        self.know(known)

    def know(self, people: Iterable[Person]) -> None:
        """These leads are known too."""
        for person in people:
            self._was[person.id] = person.fields
            self._enter(person)

    def has_tags(self, tags: Mapping[int, set[str]]) -> None:
        """These leads have these tags."""
        self._tags.update(tags)

    def strangers(self, rows: Iterable[LeadRow]) -> list[str]:
        """The keys of those rows that mean nobody yet. An address that a lead had once still leads to it."""
        return [key_of(row) for row in rows if not any(name in self._by_identity for name in _named(row))]

    def meant(self, row: LeadRow) -> list[Person]:
        """Whom the row means: nobody, one lead, or (then it cannot be taken) several."""
        found: dict[int, Person] = {}
        for name in _named(row):
            person = self._by_identity.get(name)
            if person is not None:
                found[person.id] = person
        if not found and (former := self._by_identity.get(("key", key_of(row)))) is not None:
            return [former]
        return list(found.values())

    @property
    def changed(self) -> list[tuple[Person, str]]:
        """Known leads whose rows have changed, each with its `fields` as they were."""
        return [(person, self._was[person.id]) for person in self._changed.values()]

    @property
    def tagged(self) -> set[int]:
        """Known leads of which nothing but the tags has changed."""
        return {lead_id for lead_id, _ in self.new_tags} - self._changed.keys() - self.new.keys()

    def take(self, row: LeadRow) -> tuple[Outcome, Person] | Reject:
        """What this row does, and to whom."""
        meant = self.meant(row)
        if len(meant) > 1:
            what = f"its identities belong to {len(meant)} different leads"
            return Reject(row.line, "identity_conflict", what, tuple(row.raw))
        if not meant:
            person = Person(*new_row(next(self._ids), row, self._options.basis))  # type: ignore[arg-type]  # the row is made in the order of the fields
            self.new[person.id] = person
            if person.consent is not None or person.basis is not None:
                self.agreed.add(person.id)
            self._enter(person)
            self._tag(person, row)
            return "new", person
        person = meant[0]
        changed = self._fill(person, row)
        if changed and person.id not in self.new:
            self._changed[person.id] = person
        tagged = self._tag(person, row)
        return ("updated" if changed or tagged else "unchanged"), person

    def _enter(self, person: Person) -> None:
        for name in (*_IDENTITIES, "key"):
            value = getattr(person, name)
            if value is not None:
                self._by_identity[name, value] = person

    def _tag(self, person: Person, row: LeadRow) -> bool:
        has = self._tags.setdefault(person.id, set())
        fresh = [tag for tag in (*row.tags, *self._options.tags) if tag not in has]
        for tag in fresh:
            if tag not in has:
                has.add(tag)
                self.new_tags.append((person.id, tag))
        return bool(fresh)

    def _fill(self, person: Person, row: LeadRow) -> bool:
        overwrite = self._options.policy == "overwrite"
        changed = False
        for name in _FILLED:
            value = getattr(row, name)
            has = getattr(person, name)
            if value is None or value == has or (has is not None and not overwrite):
                continue
            if has is not None and name in _IDENTITIES:
                del self._by_identity[name, has]
                self.former.setdefault(person.id, []).append((name, has))
            setattr(person, name, value)
            if name == "email_key":
                person.email = row.email
            changed = True
        if changed:
            self._enter(person)
        basis = self._options.basis
        if basis is not None and basis != person.basis and (person.basis is None or overwrite):
            person.basis = basis
            self.agreed.add(person.id)
            changed = True
        # To withdraw must be as easy as to give: a no needs no policy.
        may_change = row.consent == "no" or person.consent is None or overwrite
        if row.consent is not None and row.consent != person.consent and may_change:
            person.consent = row.consent
            self.agreed.add(person.id)
            changed = True
        return self._fill_fields(person, row, overwrite) or changed

    def _fill_fields(self, person: Person, row: LeadRow, overwrite: bool) -> bool:
        if not row.fields:
            return False
        mine = to_json(row.fields).decode()
        if mine == person.fields:
            return False
        fields = json.loads(person.fields)
        taken = {
            name: value
            for name, value in row.fields.items()
            if fields.get(name) != value and (overwrite or fields.get(name) in (None, ""))
        }
        if not taken:
            return False
        person.fields = to_json(fields | taken).decode()
        return True
