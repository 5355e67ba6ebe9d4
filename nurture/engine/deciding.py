"""The tick: claim, gather, decide, commit, for a batch of enrollments at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from pydantic_core import to_json

from nurture.crashpoints import crash_point
from nurture.effects import Effect
from nurture.engine.plans import NotRunnable, Plans
from nurture.engine.stopping import Stop
from nurture.evidence import SETTLE
from nurture.identity import dice
from nurture.plan import Plan
from nurture.snapshot import Facts, Lead, Signal, Touch, in_order
from nurture.step import Advance, Book, Standing, advance
from nurture.store import Store, Tx, hits
from nurture.store import enrollments as stored
from nurture.store.database import UNWRITABLE, from_micros, gone, insist, micros
from nurture.store.enrollments import Claimed, Moved

__all__ = [
    "Decider",
    "People",
    "in_turn",
    "journal_rows",
    "lead_changes",
    "lead_from_row",
    "renamed",
    "signal_from_row",
    "touch_from_row",
]


T = TypeVar("T")
A_SECOND = timedelta(seconds=1)


@dataclass(slots=True)
class Ticked:
    looked: int = 0
    steps: int = 0


class Decider:
    """Moves enrollments. Holds nothing about leads between two batches."""

    def __init__(
        self,
        store: Store,
        plans: Plans,
        *,
        worker: int,
        wall: Callable[[], int],
        lease: int,
        batch: int,
        stop: Stop | None = None,
    ) -> None:
        """`wall` is the real time in microseconds, for leases alone; `lease` is in microseconds."""
        self.store = store
        self.plans = plans
        self.worker = worker
        self.wall = wall
        self.lease = lease
        self.batch = batch
        self.stop = stop or Stop()

    def run(self, campaigns: Sequence[str], now: datetime) -> Ticked:
        """Decide all that is due in these campaigns."""
        total = Ticked()
        for campaign in campaigns:
            while not self.stop.asked:
                looked, steps = self.one_batch(campaign, now)
                if not looked:
                    break
                total.looked += looked
                total.steps += steps
        return total

    def one_batch(self, campaign: str, now: datetime) -> tuple[int, int]:
        """(enrollments looked at, steps written)."""
        at = micros(now)
        claimed = self._claim(campaign, at)
        if not claimed:
            return 0, 0
        crash_point("tick.claimed")
        moved = insist(lambda: self._decide(claimed, now))
        crash_point("tick.decided")
        try:
            self._commit(moved, at)
        except UNWRITABLE as error:
            if gone(error):
                raise
            moved = self._one_by_one(moved, at)
        crash_point("tick.committed")
        return len(claimed), sum(len(m.steps) for m in moved)

    def _claim(self, campaign: str, at: int) -> list[Claimed]:
        tried = False

        def claim() -> list[Claimed]:
            nonlocal tried
            with self.store.write() as tx:
                if tried:
                    # The try before may have been committed: then we hold what we know nothing of.
                    stored.let_go(tx, self.worker)
                tried = True
                wall = self.wall()
                claimed = stored.claim_due(
                    tx, campaign, now=at, wall=wall, worker=self.worker, lease_until=wall + self.lease, limit=self.batch
                )
                if claimed:
                    crash_point("tick.claiming")
            return claimed

        return insist(claim)

    def _commit(self, moved: Sequence[Moved], at: int) -> None:
        def write() -> None:
            with self.store.write() as tx:
                stored.commit(tx, moved, now=at)
                crash_point("tick.committing")

        insist(write)

    def _one_by_one(self, moved: Sequence[Moved], at: int) -> list[Moved]:
        """Something in the batch cannot be stored: find it, and let nobody else wait for it."""
        written = []
        for each in moved:
            try:
                self._commit([each], at)
            except UNWRITABLE as error:
                each = _stuck(each.claimed, f"what was decided cannot be stored: {error}"[:300])
                self._commit([each], at)
            written.append(each)
        return written

    def _decide(self, claimed: Sequence[Claimed], now: datetime) -> list[Moved]:
        lead_ids = sorted({c.lead_id for c in claimed})
        signals: dict[int, list[Signal]] = {}
        touches: dict[int, list[Touch]] = {}
        with self.store.read() as tx:
            for row in stored.signals_of(tx, lead_ids):
                signals.setdefault(row[0], []).append(signal_from_row(row))
            for heard in signals.values():
                if len(heard) > 1:
                    heard.sort(key=in_order)
            for row in stored.touches_of(tx, [c.id for c in claimed]):
                touches.setdefault(row[0], []).append(touch_from_row(row))
            unjudged = hits.unjudged(tx, lead_ids, until=micros(now))
        crash_point("tick.gathered")
        people = People(lead_ids, self.store.read)
        moved = []
        for c in claimed:
            try:
                ready = self.plans.get(c.version_id)
            except NotRunnable as error:
                moved.append(_stuck(c, f"this version cannot run here: {error}"))
                continue
            heard = signals.get(c.lead_id, [])
            facts = Facts(
                c.campaign,
                heard if c.names is None else renamed(heard, c.campaign, c.names),
                in_turn(ready.plan, touches.get(c.id, [])),
                lambda lead_id=c.lead_id: people.get(lead_id),  # type: ignore[misc]  # a default binds it now
                lambda node, key=c.key: dice(key, node),  # type: ignore[misc]  # a default binds it now
                ready.plan.calendar,
                lambda lead_id=c.lead_id: people.zone(lead_id),  # type: ignore[misc]  # a default binds it now
            )
            standing = Standing(
                c.node,
                from_micros(c.entered_at),
                bool(c.begun),
                from_micros(c.enrolled_at),
                from_micros(c.moved_at) if c.moved_at is not None and c.steps == 0 else None,
            )
            since = unjudged.get(c.lead_id)
            found = (
                advance(ready.plan, standing, facts, now)
                if since is None
                else _up_to(since, ready.plan, standing, facts, now)
            )
            if people.failed is not None:
                # The store failed while a node was reading the lead: that is not the node's fault, nor the lead's.
                raise people.failed
            try:
                moved.append(_moved(c, found, ready.plan, now))
            except Exception as error:  # noqa: BLE001  # a stranger's effect that cannot be written stops its own lead only
                moved.append(
                    _stuck(c, f"what was decided cannot be written down: {type(error).__name__}: {error}"[:500])
                )
        return moved


def _up_to(since: int, plan: Plan, standing: Standing, facts: Facts, now: datetime) -> Advance:
    """Look no further than the first request of which nobody can say yet who made it: what comes after it may hang on it.

    Then it is looked at again when that can be said, which takes less than a minute.
    """
    before, known_at = from_micros(since - 1), max(from_micros(since) + SETTLE, now + A_SECOND)
    if before < standing.entered_at:
        because = "something was opened or clicked, and in a moment it is known by whom"
        return Advance([], Book(), standing.node, standing.entered_at, standing.begun, due=known_at, because=because)
    found = advance(plan, standing, facts, before)
    if found.due is not None:
        found.due = max(found.due, known_at)
    return found


class People:
    """The leads of a batch, read from the store when the first of them is asked for."""

    def __init__(self, lead_ids: list[int], tx: Callable[[], AbstractContextManager[Tx]]) -> None:
        self._lead_ids = lead_ids
        self._tx = tx
        self._rows: dict[int, tuple[Any, frozenset[str]]] | None = None
        self._zones: dict[int, str] | None = None
        self.failed: Exception | None = None

    def get(self, lead_id: int) -> Lead:
        """One of them, whole."""
        if self._rows is None:
            self._rows = self._read(self._load)
        row, tags = self._rows[lead_id]
        return lead_from_row(row, tags)

    def zone(self, lead_id: int) -> str | None:
        """Where one of them lives: asked by every node that waits, and much cheaper than the whole lead."""
        if self._zones is None:
            self._zones = self._read(lambda tx: stored.zones_of(tx, self._lead_ids))
        return self._zones.get(lead_id)

    def _read(self, load: Callable[[Tx], T]) -> T:
        try:
            with self._tx() as tx:
                return load(tx)
        except Exception as error:
            self.failed = error
            raise

    def _load(self, tx: Tx) -> dict[int, tuple[Any, frozenset[str]]]:
        people, tags = stored.leads_of(tx, self._lead_ids)
        by_lead: dict[int, set[str]] = {}
        for lead_id, tag in tags:
            by_lead.setdefault(lead_id, set()).add(tag)
        return {row[0]: (row, frozenset(by_lead.get(row[0], ()))) for row in people}


def lead_from_row(row: Any, tags: frozenset[str]) -> Lead:
    """A lead from `leads_of`'s columns."""
    _, email, external_id, phone, wechat, owner, score, language, time_zone, fields = row
    known = {"email": email, "id": external_id, "phone": phone, "wechat": wechat, **json.loads(fields)}
    known["language"], known["time_zone"], known["owner"] = language, time_zone, owner
    return Lead(known, tags=tags, score=score, owner=owner, language=language, time_zone=time_zone)


def signal_from_row(row: Any) -> Signal:
    """A signal from `signals_of`'s columns."""
    _, id, kind, at, heard_at, campaign, node, reason, confidence, because = row
    return Signal(
        kind, from_micros(at), campaign, node, str(id), reason, from_micros(heard_at), confidence, because or ""
    )


def touch_from_row(row: Any) -> Touch:
    """A touch from `touches_of`'s columns."""
    _, node, _, channel, content, state, asked_at, started_at, settled_at, because = row
    return Touch(
        node,
        channel,
        content,
        state,
        from_micros(asked_at),
        None if started_at is None else from_micros(started_at),
        None if settled_at is None else from_micros(settled_at),
        because or "",
    )


def renamed(signals: Sequence[Signal], campaign: str, names: str) -> list[Signal]:
    """Responses to messages of nodes that are gone, under the names that the version a lead was moved to knows."""
    called: dict[str, str] = json.loads(names)
    return [
        signal._replace(node=called[signal.node])
        if signal.campaign == campaign and signal.node is not None and signal.node in called
        else signal
        for signal in signals
    ]


def in_turn(plan: Plan, touches: list[Touch]) -> list[Touch]:
    """Messages in the order they were asked for; within one instant in that of their nodes, not of the nodes' names."""
    if len(touches) > 1:
        touches.sort(key=lambda touch: (touch.asked_at, plan.order.index(touch.node)))
    return touches


def journal_rows(found: Advance, entered_at: int) -> list[tuple[Any, ...]]:
    """The steps of a look as the journal keeps them; an exit is a step, too."""
    rows: list[tuple[Any, ...]] = []
    for step in found.steps:
        at = micros(step.at)
        rows.append((step.node, entered_at, at, step.outcome, step.because, _effects(step.effects), _saw(step.saw)))
        entered_at = at
    if found.ended is not None and found.ended.startswith("exit:") and found.at is not None:
        rows.append((found.node, entered_at, micros(found.at), found.ended, found.because, None, None))
    return rows


def _moved(claimed: Claimed, found: Advance, plan: Plan, now: datetime) -> Moved:
    """What an advance found, as the store writes it."""
    status, reason = "waiting", None
    if found.ended is not None:
        status, reason = "ended", found.ended
    elif found.stuck is not None:
        status, reason = "stuck", found.stuck
    book = found.book
    return Moved(
        claimed,
        found.node,
        micros(found.entered_at),
        found.begun,
        status,
        reason,
        found.because,
        None if found.due is None else micros(found.due),
        None if found.ended is None else _eligible(plan, found),
        journal_rows(found, claimed.entered_at),
        [
            (m.node, m.n, m.channel, m.content, m.purpose, m.on_unknown, micros(m.at), micros(now + m.expires))
            for m in book.messages
        ],
        hand_offs=[(h.node, h.to, h.team, micros(h.at), micros(h.answer_by)) for h in book.hand_offs],
        **lead_changes(book),
    )


def _eligible(plan: Plan, found: Advance) -> int | None:
    """From when on the lead may enter again: as the pool says, else as the campaign does; None: never."""
    if found.book.eligible is not None:
        return micros(found.book.eligible)
    again = plan.definition.entry.again_after
    return None if again is None or found.at is None else micros(plan.calendar.after(again, found.at))


def lead_changes(book: Book) -> dict[str, Any]:
    """What a look changed about the lead itself: the fields `tags`, `points` and `fields` of `Moved`."""
    return {
        "tags": [(tag, on, micros(at)) for tag, (on, at) in book.tags.items()],
        "points": book.points,
        "fields": [(name, value, micros(at)) for name, (value, at) in book.fields.items()],
    }


def _stuck(claimed: Claimed, cause: str) -> Moved:
    """Where it stood, stuck."""
    return Moved(
        claimed, claimed.node, claimed.entered_at, bool(claimed.begun), "stuck", cause, cause, None, None,
        [], [], [], 0, [], [],
    )  # fmt: skip


_written: dict[tuple[Effect, ...], str] = {}


def _effects(effects: tuple[Effect, ...]) -> str | None:
    """A decision's effects as the journal keeps them. Most come from settings alone, so few differ."""
    if not effects:
        return None
    try:
        found = _written.get(effects)
    except TypeError:  # a plugin's effect that cannot be hashed
        return _json([effect.as_json() for effect in effects])
    if found is None:
        found = _json([effect.as_json() for effect in effects])
        if len(_written) < 4096:
            _written[effects] = found
    return found


def _saw(saw: dict[str, Any]) -> str | None:
    return _json(saw) if saw else None


def _json(value: Any) -> str:
    return to_json(value).decode()
