"""Entering a campaign: who may, who may not and why, and where each one starts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from nurture.crashpoints import crash_point
from nurture.engine.plans import NotRunnable, Plans, Ready
from nurture.identity import enrollment_key, every_hash
from nurture.jurisdiction import may_hold, rules_for
from nurture.store import Store, Tx, versions
from nurture.store import entries as stored
from nurture.store import touches as outbox
from nurture.store.changes import latest_change
from nurture.store.database import chunks, insist, micros
from nurture.store.entries import Candidate, Past
from nurture.store.meeting import meet
from nurture.store.segments import segment_sql
from nurture.store.suppressions import suppressed

__all__ = ["EnrollReport", "Entering", "Entrance", "Start", "dialect", "enroll", "enter_matching", "next_entry"]

DAY = 86_400_000_000
"""Microseconds."""
BATCH = 1000
"""Leads in one transaction."""


@dataclass(slots=True)
class EnrollReport:
    enrolled: int = 0
    not_enrolled: Counter[str] = field(default_factory=Counter)
    """Reason to number of leads."""
    placed: Counter[str] = field(default_factory=Counter)
    """Node to number of leads that start there."""

    def add(self, other: EnrollReport) -> None:
        self.enrolled += other.enrolled
        self.not_enrolled += other.not_enrolled
        self.placed += other.placed

    def as_json(self) -> dict[str, Any]:
        return {"enrolled": self.enrolled, "not_enrolled": dict(sorted(self.not_enrolled.items()))}


@dataclass(frozen=True, slots=True)
class Start:
    """Where one lead begins: at the campaign's start, or where its own past implies."""

    node: str
    entered_at: int
    due_at: int
    begun: bool = False
    because: str = "enrolled"
    enrolled_at: int | None = None
    steps: tuple[tuple[Any, ...], ...] = ()
    """Journal rows: (node, entered_at, at, outcome, because, effects, saw)."""
    touches: tuple[tuple[Any, ...], ...] = ()
    """What was sent before: (node, channel, content, asked at, sent at)."""
    changes: Mapping[str, Any] = field(default_factory=dict)
    """What those steps changed about the lead: `tags`, `points`, `fields`, as in the store's `Moved`."""


class Entering(NamedTuple):
    """A lead on the doorstep."""

    lead_id: int
    key: str
    """Of the enrollment to be."""
    at: int


@dataclass(frozen=True, slots=True)
class Entrance:
    """One call to enroll: into which version, from which file, and how."""

    ready: Ready
    secret: bytes
    now: datetime
    import_id: int | None = None
    same_file: frozenset[int] = frozenset()
    """Imports of the same file: whoever entered from it once does not enter from it again."""
    pace: int | None = None
    """Enrollments a day; None: all at once."""
    jurisdiction: str = ""
    """The country of leads that name none."""
    place: Callable[[Tx, list[Entering]], Mapping[int, Start | str]] | None = None
    """Where each lead (by id) starts, or why it does not; one that is left out starts at the start."""


def dialect(tx: Tx) -> Any:
    return "postgresql" if tx.postgresql else "sqlite"


def enroll(
    store: Store,
    entrance: Entrance,
    lead_ids: Iterable[int],
    *,
    limit: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> EnrollReport:
    """Enroll these leads, a thousand in a transaction. Whoever is in already, or must not be, is counted with why."""
    report = EnrollReport()
    before = _on_their_way(store, entrance)
    for batch in chunks(lead_ids, BATCH):
        if limit is not None and report.enrolled >= limit:
            break
        left = None if limit is None else limit - report.enrolled
        report.add(insist(partial(_enroll_batch, store, entrance, batch, before + report.enrolled, left)))
        crash_point("enroll.committed")
        if progress is not None:
            progress(len(batch))
    return report


def _on_their_way(store: Store, entrance: Entrance) -> int:
    """Who entered from this file by a run that was stopped: the pace goes on after them, and does not begin again."""
    if entrance.pace is None or not entrance.same_file:
        return 0
    with store.read() as tx:
        return stored.entered_since(
            tx, entrance.ready.plan.campaign, sorted(entrance.same_file), micros(entrance.now) - DAY
        )


def enter_matching(store: Store, plans: Plans, secret: bytes, *, now: datetime, jurisdiction: str = "") -> int:
    """Enroll the leads that have come to match a continuous campaign since the last look; says how many."""
    total = 0
    at = micros(now)
    with store.read() as tx:
        running = [current for _, current, paused in versions.campaigns(tx) if paused is None]
    for version in running:
        try:
            ready = plans.get(version)
        except NotRunnable:
            continue  # its leads are stuck and say why; nobody new should join them
        campaign, entry = ready.plan.campaign, ready.plan.definition.entry
        if entry.mode != "continuous":
            continue
        with store.read() as tx:
            latest = latest_change(tx)
            since, looked_at = versions.scanned(tx, campaign)
            condition = None if entry.when is None else segment_sql(entry.when, dialect(tx), now)
            found = stored.changed_since(tx, condition, since=since, looked_at=looked_at, campaign=campaign, now=at)
        if found:
            total += enroll(store, Entrance(ready, secret, now, jurisdiction=jurisdiction), found).enrolled
        if (since, looked_at) != (latest, at):
            with store.write() as tx:
                versions.scan(tx, campaign, to=latest, at=at)
                crash_point("enroll.scanning")
    return total


def next_entry(store: Store, plans: Plans, *, after: datetime) -> int | None:
    """When the next lead may enter a continuous campaign again (microseconds)."""
    times = []
    with store.read() as tx:
        for campaign, version, paused in versions.campaigns(tx):
            if paused is None and _continuous(plans, version):
                times.append(stored.next_eligible(tx, campaign, after=micros(after)))
    return min((time for time in times if time is not None), default=None)


def _continuous(plans: Plans, version: int) -> bool:
    try:
        return plans.get(version).plan.definition.entry.mode == "continuous"
    except NotRunnable:
        return False


def _enroll_batch(store: Store, entrance: Entrance, lead_ids: list[int], before: int, left: int | None) -> EnrollReport:
    """One transaction; `before` leads were enrolled from this file already, as far as the pace counts them."""
    report = EnrollReport()
    with store.write() as tx:
        _enter(tx, entrance, lead_ids, report, before, left)
        crash_point("enroll.committing")
    return report


def _enter(
    tx: Tx, entrance: Entrance, lead_ids: list[int], report: EnrollReport, before: int, left: int | None
) -> None:
    # Two who enroll the same lead take turns, and a signal heard meanwhile is seen or wakes the new enrollment.
    meet(tx, lead_ids)
    plan, version = entrance.ready.plan, entrance.ready.version
    now = micros(entrance.now)
    people = stored.candidates(tx, lead_ids)
    past = stored.past_of(tx, plan.campaign, lead_ids)
    when = plan.definition.entry.when
    welcome = (
        set(lead_ids) if when is None else stored.matching(tx, segment_sql(when, dialect(tx), entrance.now), lead_ids)
    )
    hashes = {person.id: every_hash(entrance.secret, person) for person in people}
    barred = suppressed(tx, [value for values in hashes.values() for value in values])
    owned = outbox.owned(tx, lead_ids)

    entering: list[Candidate] = []
    for person in people:
        reason = _why_not(entrance, person, past.get(person.id))
        if reason is None and person.id not in welcome:
            reason = "no_match"
        if reason is None:
            reason = next((f"suppressed:{barred[value]}" for value in hashes[person.id] if value in barred), None)
        if reason is None and person.id in owned:
            reason = "owned"
        if reason is not None:
            report.not_enrolled[reason] += 1
        elif left is not None and len(entering) >= left:
            report.not_enrolled["limit"] += 1
        else:
            entering.append(person)
    doorstep = []
    entries = {}
    for n, person in enumerate(entering):
        entries[person.id] = entry = past[person.id].entries + 1 if person.id in past else 1
        key = enrollment_key(plan.campaign, person.key, entry)
        doorstep.append(Entering(person.id, key, now + _paced(entrance.pace, before + n)))
    placed = entrance.place(tx, doorstep) if entrance.place else {}
    rows, pasts = [], []
    for lead_id, key, at in doorstep:
        start = placed.get(lead_id) or Start(plan.start, at, at)
        if isinstance(start, str):
            report.not_enrolled[start] += 1
            continue
        report.enrolled += 1
        report.placed[start.node] += 1
        rows.append(
            (
                key,
                plan.campaign,
                lead_id,
                entries[lead_id],
                version.id,
                entrance.import_id,
                now if start.enrolled_at is None else start.enrolled_at,
                start.node,
                start.entered_at,
                int(start.begun),
                start.because,
                start.due_at,
                len(start.steps),
            )
        )
        if start.steps or start.touches or start.changes:
            changes = start.changes or {"tags": [], "points": 0, "fields": []}
            pasts.append(stored.PastOf(lead_id, plan.campaign, version.id, start.steps, start.touches, changes))
    stored.insert(tx, rows)
    if pasts:
        stored.insert_past(tx, plan.campaign, pasts, now=now)
    stored.count(tx, rows, pasts)


def _why_not(entrance: Entrance, person: Candidate, past: Past | None) -> str | None:
    """What keeps this lead out, apart from what its addresses and owners say."""
    if past is not None and past.active:
        return "already_enrolled"
    if past is not None and past.imports & entrance.same_file:
        return "already_enrolled_from_this_file"
    if person.consent == "no":
        return "no_consent"
    if not (person.basis or person.consent == "yes"):
        return "no_basis"
    home = entrance.jurisdiction
    if person.consent != "yes" and may_hold(person.fields, home) and rules_for(json.loads(person.fields), home).opt_in:
        return "opt_in_required"
    if past is not None:
        if past.eligible_at is None:
            return "already_completed"
        if past.eligible_at > micros(entrance.now):
            return "too_early"
    return None


def _paced(pace: int | None, nth: int) -> int:
    """How much later the nth enrollment starts (microseconds): whole days, so that one day's leads go together."""
    return 0 if pace is None else (nth // pace) * DAY
