"""Leads that have a past: each is placed where its own history implies, and nothing is sent for what has been."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from nurture.crashpoints import crash_point
from nurture.engine.deciding import People, journal_rows, lead_changes, signal_from_row
from nurture.engine.enrolling import EnrollReport, Entering, Start
from nurture.engine.hearing import Incoming, lead_ids, stop_writing_to
from nurture.engine.plans import Ready
from nurture.identity import LeadRef, dice
from nurture.leads.history import HistoryFile, HistoryRow, Resolved, name_key, resolve
from nurture.leads.importing import ImportReport
from nurture.leads.rejects import Reject, RejectsWriter
from nurture.plan import Plan
from nurture.snapshot import Facts, Signal, Touch, in_order
from nurture.step import Advance, Standing, advance
from nurture.store import Store, Tx
from nurture.store import enrollments as stored
from nurture.store import signals as heard
from nurture.store.database import chunks, micros
from nurture.store.signals import Heard

__all__ = ["BackfillReport", "HistoryReport", "Pasts", "placer", "take_in"]

BATCH = 5000
"""Lines of a history in one transaction."""


@dataclass(slots=True)
class HistoryReport:
    """What a history said: lines read, signals new to us, sends, lines rejected."""

    read: int = 0
    signals: int = 0
    sends: int = 0
    rejected: int = 0
    rejects_file: Path | None = None
    reasons: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def as_json(self) -> dict[str, Any]:
        return {
            "read": self.read,
            "signals": self.signals,
            "sends": self.sends,
            "rejected": self.rejected,
            "rejects_file": None if self.rejects_file is None else str(self.rejects_file),
            "reasons": dict(sorted(self.reasons.items())),
        }


@dataclass(frozen=True, slots=True)
class BackfillReport:
    """What became of a file, its history, and the enrollments."""

    imported: ImportReport | None
    history: HistoryReport | None
    enrolled: EnrollReport

    def as_json(self) -> dict[str, Any]:
        """The shape of `nurture backfill --json`."""
        told: dict[str, Any] = {} if self.imported is None else self.imported.as_json()
        if self.history is not None:
            told["history"] = self.history.as_json()
        return {**told, **self.enrolled.as_json(), "placed": dict(sorted(self.enrolled.placed.items()))}


Sent = tuple[datetime, tuple[tuple[str, str, str], ...]]
"""(when, the (node, channel, content) of this campaign that it may have been, in the order of the campaign)."""


@dataclass(slots=True)
class Pasts:
    """What was sent to each lead before, by lead id."""

    sends: dict[int, set[Sent]] = field(default_factory=dict)


def take_in(
    store: Store,
    secret: bytes,
    ready: Ready,
    file: HistoryFile,
    *,
    now: datetime,
    rejects: Path,
    progress: Callable[[int], None] | None = None,
) -> tuple[HistoryReport, Pasts]:
    """Hear everything a history tells, and remember what was sent. The same file again changes nothing."""
    report = HistoryReport()
    pasts = Pasts()
    nodes = _Nodes(ready.plan)
    names: dict[str, list[int]] | None = None
    lines: set[int] = set()
    writer = RejectsWriter(rejects, file.columns.header)
    for batch in chunks(file.rows(now=now), BATCH):
        lines.update(item.line for item in batch)
        rejected = []
        if names is None and any(isinstance(item, HistoryRow) and item.name for item in batch):
            names = _names(store)
        with store.write(durable=True) as tx:
            signals = []
            for found in _resolved(tx, batch, names or {}):
                if isinstance(found, Reject):
                    report.rejected += 1
                    report.reasons[found.code] += 1
                    rejected.append(found)
                elif found.row.kind == "sent":
                    report.sends += 1
                    nodes.remember(pasts, found)
                else:
                    signals.append(nodes.signal(found))
            new = heard.hear(tx, signals, now=micros(now))
            stop_writing_to(tx, secret, new)
            report.signals += len(new)
            crash_point("backfill.history_committing")
        crash_point("backfill.history_committed")
        writer.write(rejected)
        writer.sync()
        crash_point("backfill.rejects_written")
        if progress is not None:
            progress(len(batch))
    report.read = len(lines)
    report.rejects_file = rejects if report.rejected else None
    return report, pasts


def _resolved(
    tx: Tx, batch: Sequence[HistoryRow | Reject], names: Mapping[str, Sequence[int]]
) -> Iterator[Resolved | Reject]:
    refs = [item.ref for item in batch if isinstance(item, HistoryRow) and item.ref is not None]
    return resolve(batch, lead_ids(tx, list(dict.fromkeys(refs))), names)


def _names(store: Store) -> dict[str, list[int]]:
    """All leads by name, for histories that know no better way to say who is meant."""
    found: dict[str, list[int]] = defaultdict(list)
    with store.read() as tx:
        for lead_id, name in heard.names(tx):
            found[name_key(name)].append(lead_id)
    return found


class _Nodes:
    """Which node of the campaign a line of the history speaks of."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._by_content: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for name in plan.order:
            for channel, content in plan.nodes[name].node.contents():
                self._by_content[content].append((name, channel))

    def of(self, row: HistoryRow) -> list[tuple[str, str, str]]:
        """(node, channel, content) of the messages a line may mean, in the order of the campaign."""
        if row.campaign not in (None, self.plan.campaign):
            return []
        if row.node is not None:
            if row.node not in self.plan.nodes:
                return []
            return [(row.node, channel, content) for channel, content in self.plan.nodes[row.node].node.contents()]
        if row.content is None:
            return []
        return [(node, channel, row.content) for node, channel in self._by_content.get(row.content, ())]

    def remember(self, pasts: Pasts, found: Resolved) -> None:
        """Keep a send; which node it was is known when all of them are."""
        meant = tuple(self.of(found.row))
        if meant:
            pasts.sends.setdefault(found.lead, set()).add((found.row.at, meant))

    @staticmethod
    def walked(sends: set[Sent]) -> list[tuple[str, str, str, datetime]]:
        """(node, channel, content, when), oldest first: a send counts for the first node it may mean that has none yet.
        The order of the lines in the file makes no difference."""
        taken: dict[str, tuple[str, str, str, datetime]] = {}
        for at, meant in sorted(sends):
            for node, channel, content in meant:
                if node not in taken:
                    taken[node] = (node, channel, content, at)
                    break
        return sorted(taken.values(), key=lambda send: send[3])

    def signal(self, found: Resolved) -> Heard:
        """The signal of a line. One that answers a message of this campaign names its node."""
        row = found.row
        meant = self.of(row)
        campaign, node = row.campaign, row.node
        if len(meant) == 1:
            campaign, node = self.plan.campaign, meant[0][0]
        lead = row.ref or LeadRef("id", row.name or "")
        return Incoming(row.kind, lead, row.at, campaign, node, row.id or "", row.reason).of(found.lead)


def placer(ready: Ready, pasts: Pasts, *, now: datetime) -> Callable[[Tx, list[Entering]], Mapping[int, Start | str]]:
    """How `enroll` learns where each lead starts."""
    plan = ready.plan

    def place(tx: Tx, doorstep: list[Entering]) -> Mapping[int, Start | str]:
        known = [entering for entering in doorstep if pasts.sends.get(entering.lead_id)]
        if not known:
            return {}
        signals: dict[int, list[Signal]] = defaultdict(list)
        for row in stored.signals_of(tx, [entering.lead_id for entering in known]):
            signals[row[0]].append(signal_from_row(row))
        for past in signals.values():
            past.sort(key=in_order)
        people = People([entering.lead_id for entering in known], lambda: nullcontext(tx))
        return {
            entering.lead_id: _place(
                plan, people, entering, signals[entering.lead_id], _Nodes.walked(pasts.sends[entering.lead_id]), now
            )
            for entering in known
        }

    return place


def _place(
    plan: Plan,
    people: People,
    entering: Entering,
    signals: Sequence[Signal],
    sends: Sequence[tuple[str, str, str, datetime]],
    now: datetime,
) -> Start | str:
    """Walk the lead through its own past with the same decisions as ever, up to the first thing still to be done."""
    began = sends[0][3]
    # Asked for from the beginning, in the order in which they went out: a send that came later than the campaign
    # would have made it is waited for, and not asked for again.
    asked = [began + timedelta(microseconds=number) for number in range(len(sends))]
    facts = Facts(
        plan.campaign,
        signals,
        [
            Touch(node, channel, content, "sent", since, at, at, "from its history")
            for (node, channel, content, at), since in zip(sends, asked, strict=True)
        ],
        lambda: people.get(entering.lead_id),
        lambda node: dice(entering.key, node),
        plan.calendar,
    )
    found = advance(plan, Standing(plan.start, began, False, began), facts, now)
    touches = tuple(
        (node, channel, content, micros(since), micros(at))
        for (node, channel, content, at), since in zip(sends, asked, strict=True)
    )
    if found.ended is not None:
        return found.ended if found.ended.startswith("exit:") else "already_completed"
    steps = journal_rows(found, micros(began))
    changes = lead_changes(found.book)
    asking = _first_asking(found)
    if asking is None:
        # It waits for something that is still to come, or is stuck where its past has led it: the tick will see.
        due = entering.at if found.due is None else max(micros(found.due), entering.at)
        return Start(
            found.node,
            micros(found.entered_at),
            due,
            found.begun,
            found.because,
            micros(began),
            tuple(steps),
            touches,
            changes,
        )
    # It enters this node on its own day; the journal of what came before stays as it was.
    done = steps[:asking]
    node = steps[asking][0] if asking < len(steps) else found.node
    because = "placed by its history: this is the first thing that has not been done yet"
    enrolled_at = micros(began) if done else None
    return Start(node, entering.at, entering.at, False, because, enrolled_at, tuple(done), touches, changes)


def _first_asking(found: Advance) -> int | None:
    """Which of the steps first asked for a message or a hand-over that the past does not hold; None: none did."""
    asking = {message.node for message in found.book.messages} | {over.node for over in found.book.hand_offs}
    if not asking:
        return None
    for number, step in enumerate(found.steps):
        if step.node in asking:
            return number
    return len(found.steps)
