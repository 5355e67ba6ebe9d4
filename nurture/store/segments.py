"""Conditions as SQL: which leads of the whole store a segment means. The rules are those of `nurture/condition.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    Double,
    Numeric,
    Text,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    not_,
    or_,
    true,
)
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import TypeEngine

from nurture.calendar import Duration
from nurture.comparing import NUMBER, ORDER, Scalar, is_number, number_of, text_of
from nurture.condition import InvalidCondition
from nurture.condition_shape import problems
from nurture.problems import errors
from nurture.store.schema import leads, signals, tags

__all__ = ["Dialect", "segment_sql"]

Dialect = Literal["sqlite", "postgresql"]

COLUMNS: dict[str, ColumnElement[Any]] = {
    "email": leads.c.email,
    "id": leads.c.external_id,
    "language": leads.c.language,
    "owner": leads.c.owner,
    "phone": leads.c.phone,
    "time_zone": leads.c.time_zone,
    "wechat": leads.c.wechat,
}
"""Fields that have a column of their own; all others are in the JSON object `leads.fields`."""

# `\\Z` means the very end to PostgreSQL and to Python alike; `$` would let a line break pass on one of them.
NUMBER_ONLY = rf"\A{NUMBER}\Z".replace("(", "(?:")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def segment_sql(tree: Mapping[str, Any], dialect: Dialect, now: datetime) -> ColumnElement[bool]:
    """A condition as a `WHERE` over the table `leads`: true for exactly the leads for which `Condition.holds` is.

    Never NULL, so that `NOT` means what it says. Signals count up to `now`. Raises InvalidCondition, a ValueError.
    """
    if found := errors(problems(tree, "")):
        raise InvalidCondition(found)
    return _sql(tree, _Store(dialect), now)


def _sql(tree: Mapping[str, Any], store: _Store, now: datetime) -> ColumnElement[bool]:
    if "all" in tree:
        return and_(true(), *(_sql(part, store, now) for part in tree["all"]))
    if "any" in tree:
        return or_(false(), *(_sql(part, store, now) for part in tree["any"]))
    if "not" in tree:
        return not_(_sql(tree["not"], store, now))
    field: str = tree["field"]
    op: str = tree["op"]
    if field.startswith("signals."):
        ever = _ever(field.removeprefix("signals."), now, tree.get("within"))
        return ever if op == "known" else not_(ever)
    if field == "tags":
        has = exists().where(tags.c.lead_id == leads.c.id, tags.c.tag == tree["value"]).correlate(leads)
        return has if op == "has" else not_(has)
    value = _Score(store) if field == "score" else store.value(field)
    return value.asked(op, tree.get("value"))


def _ever(kind: str, now: datetime, within: str | None) -> ColumnElement[bool]:
    since = None if within is None else _micros(now - Duration.parse(within).roughly)
    return (
        exists()
        .where(
            signals.c.lead_id == leads.c.id,
            signals.c.kind == kind,
            signals.c.confidence == "human",
            signals.c.at <= _micros(now),
            *(() if since is None else (signals.c.at >= since,)),
        )
        .correlate(leads)
    )


def _micros(moment: datetime) -> ColumnElement[int]:
    return literal((moment - EPOCH) // timedelta(microseconds=1), BigInteger())


class _Store:
    """How a field is read in this dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect

    def value(self, field: str) -> _Value:
        if field in COLUMNS:
            return _Value(func.nullif(COLUMNS[field], ""), false(), self)
        text: ColumnElement[Any]
        if self.dialect == "postgresql":
            # Not JSONB: it would rewrite numbers, and rejects texts that JSON lets pass.
            fields = cast(leads.c.fields, JSON)
            kind = func.json_typeof(fields.op("->")(literal(field, Text())))
            text = fields.op("->>", return_type=Text())(literal(field, Text()))
        else:
            path = literal(f'$."{field}"', Text())
            kind = func.json_type(leads.c.fields, path)
            raw = leads.c.fields.op("->", return_type=Text())(path)
            plain = func.json_extract(leads.c.fields, path, type_=Text())
            text = case((kind == "text", plain), (kind == "null", None), else_=raw)
        return _Value(func.nullif(text, ""), kind.in_(("number", "integer", "real")), self)

    def number(self, text: ColumnElement[Any]) -> ColumnElement[Any]:
        """The number that this text is, or NULL."""
        exact: TypeEngine[Any] = Numeric() if self.dialect == "postgresql" else Double()
        return case((text.regexp_match(NUMBER_ONLY), cast(text, exact)), else_=None)

    def literal(self, number: float) -> ColumnElement[Any]:
        if self.dialect == "postgresql":
            return literal(Decimal(repr(number)), Numeric())
        return literal(float(number), Double())


class _Value:
    """A field of the lead: its text, NULL when it is not known, and whether it is a JSON number."""

    def __init__(self, text: ColumnElement[Any], is_json_number: ColumnElement[bool], store: _Store) -> None:
        self._text = text
        self._is_json_number = is_json_number
        self._store = store

    def asked(self, op: str, value: Any) -> ColumnElement[bool]:
        """The comparison; a value that is not known, or is no number where one is needed, makes it false."""
        match op:
            case "known":
                return self._text.is_not(None)
            case "unknown":
                return self._text.is_(None)
            case "=":
                return self._among([value])
            case "!=":
                return and_(self._text.is_not(None), not_(self._among([value])))
            case "in":
                return self._among(value)
            case "contains":
                find = func.strpos if self._store.dialect == "postgresql" else func.instr
                return func.coalesce(find(self._text, literal(value, Text())) > 0, false())
            case "starts_with":
                return func.coalesce(func.substr(self._text, 1, len(value)) == literal(value, Text()), false())
        return func.coalesce(
            ORDER[op](self._store.number(self._text), self._store.literal(number_of(value) or 0)), false()
        )

    def _among(self, literals: Sequence[Scalar]) -> ColumnElement[bool]:
        number = self._store.number(self._text)
        # Against a JSON number every literal counts as a number, against a text only those that are JSON numbers.
        for_numbers = [self._store.literal(one) for one in map(number_of, literals) if one is not None]
        for_texts = [self._store.literal(one) for one in map(number_of, filter(is_number, literals)) if one is not None]
        texts = [literal(text_of(one), Text()) for one in literals if not is_number(one)]
        equal = case(
            (self._is_json_number, number.in_(for_numbers) if for_numbers else false()),
            else_=or_(self._text.in_(texts) if texts else false(), number.in_(for_texts) if for_texts else false()),
        )
        return func.coalesce(equal, false())


class _Score(_Value):
    """The score: a number, and never unknown."""

    def __init__(self, store: _Store) -> None:
        super().__init__(cast(leads.c.score, Text()), true(), store)

    def asked(self, op: str, value: Any) -> ColumnElement[bool]:
        limit = self._store.literal(number_of(value) or 0)
        match op:
            case "=":
                return leads.c.score == limit
            case "!=":
                return leads.c.score != limit
        ordered: ColumnElement[bool] = ORDER[op](leads.c.score, limit)
        return ordered
