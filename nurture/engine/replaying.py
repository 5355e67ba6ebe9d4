"""Decide again from the journal, and compare: the proof that a path is what the lead's behaviour implies."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from nurture.engine.deciding import in_turn, renamed, signal_from_row, touch_from_row
from nurture.engine.plans import NotRunnable, Plans
from nurture.identity import dice
from nurture.moving import LEFT
from nurture.node import Go
from nurture.plan import Plan
from nurture.snapshot import Facts, Lead, Signal, Snapshot, Touch
from nurture.store import Store, Tx
from nurture.store import enrollments as facts_of
from nurture.store import reports as stored
from nurture.store.database import from_micros

__all__ = ["ReplayReport", "replay"]

BATCH = 500


@dataclass(slots=True)
class ReplayReport:
    """How many enrollments were decided again, and which came out otherwise."""

    leads: int = 0
    equal: int = 0
    different: list[dict[str, Any]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {"leads": self.leads, "equal": self.equal, "different": self.different}


def replay(store: Store, plans: Plans, *, lead_id: int | None = None, campaign: str | None = None) -> ReplayReport:
    """Replay one lead's enrollments, or all there are, some hundred at a time."""
    report = ReplayReport()
    after = 0
    while True:
        with store.read() as tx:
            rows = stored.enrollments_after(tx, after, lead_id=lead_id, campaign=campaign, limit=BATCH)
            if not rows:
                return report
            for problem in _batch(tx, plans, rows):
                if problem is not None:
                    report.different.append(problem)
                else:
                    report.equal += 1
        report.leads += len(rows)
        after = rows[-1][0]


def _batch(tx: Tx, plans: Plans, rows: Sequence[Any]) -> Iterator[dict[str, Any] | None]:
    ids = [row[0] for row in rows]
    steps: dict[int, list[Any]] = defaultdict(list)
    for step in stored.steps_of(tx, ids):
        steps[step[0]].append(step)
    signals: dict[int, dict[str, Signal]] = defaultdict(dict)
    for row in facts_of.signals_of(tx, sorted({row[3] for row in rows})):
        signals[row[0]][str(row[1])] = signal_from_row(row)
    touches: dict[int, list[Touch]] = defaultdict(list)
    for row in facts_of.touches_of(tx, ids):
        touches[row[0]].append(touch_from_row(row))
    for row in rows:
        found = _replay(plans, row, steps[row[0]], signals[row[3]], touches[row[0]])
        yield None if found is None else {"lead": row[10] or row[11], "campaign": row[2], **found}


def _replay(
    plans: Plans, row: Any, steps: Sequence[Any], signals: Mapping[str, Signal], touches: Sequence[Touch]
) -> dict[str, Any] | None:
    """What differs, or None."""
    _, key, campaign, _, version_id, node, entered_at, status, reason, count, _, _, placed, names = row
    try:
        plan = plans.get(version_id).plan
    except NotRunnable as error:
        return {"node": node, "recorded": "a version that ran", "replayed": f"cannot run here: {error}"}
    if [step[1] for step in steps] != list(range(1, count + 1)):
        return {"node": node, "recorded": f"{count} steps", "replayed": f"{len(steps)} in the journal"}
    touches = in_turn(plan, list(touches))
    if names is not None:
        signals = {signal.id: signal for signal in renamed(list(signals.values()), campaign, names)}
    at_node: str | None = placed or plan.start
    since: int | None = None
    for step in steps:
        _, _, step_node, step_entered, at, _, outcome, because, effects, saw = step
        if step_node != at_node or (since is not None and step_entered < since):
            return {"node": step_node, "recorded": step_node, "replayed": at_node}
        if outcome is not None and outcome.startswith("exit:"):
            if not _left_by(outcome.removeprefix("exit:"), plan, signals, at):
                return {"node": step_node, "recorded": outcome, "replayed": "no such signal was heard"}
            at_node, since = None, at
            continue
        if outcome in LEFT:
            # Decided by people, when another version was published: the journal's last word about this one.
            if reason != outcome:
                return {"node": step_node, "recorded": outcome, "replayed": f"ended as {reason}"}
            at_node, since = None, at
            continue
        try:
            facts = _facts(plan, campaign, key, json.loads(saw) if saw else {}, signals, touches)
        except _Gone as gone:
            return {"node": step_node, "recorded": outcome, "replayed": str(gone)}
        again = _decide(plan, step_node, facts, from_micros(step_entered), from_micros(at))
        recorded = (outcome, because, json.loads(effects) if effects else [])
        if again != recorded:
            return {"node": step_node, "recorded": list(recorded), "replayed": list(again)}
        following = plan.nodes[step_node].next.get(outcome) if outcome is not None else None
        at_node, since = following, at
    if status == "ended":
        return None if at_node is None else {"node": node, "recorded": reason, "replayed": f"at {at_node}"}
    if at_node != node or (since is not None and entered_at < since):
        return {"node": node, "recorded": node, "replayed": at_node or "ended"}
    return None


def _left_by(kind: str, plan: Plan, signals: Mapping[str, Signal], at: int) -> bool:
    moment = from_micros(at)
    return kind in plan.exit_on and any(s.kind == kind and s.at <= moment for s in signals.values())


class _Gone(Exception):
    """Something that a decision has seen cannot be shown to it again."""


def _facts(
    plan: Plan,
    campaign: str,
    key: str,
    saw: Mapping[str, Any],
    signals: Mapping[str, Signal],
    touches: Sequence[Touch],
) -> Facts:
    """The facts that the decision read, as the journal kept them, whatever has changed since."""
    lead = saw.get("lead", {})
    known = dict(lead.get("fields", {}))
    states = saw.get("touches", [])
    seen = []
    if len(touches) < len(states):
        raise _Gone(f"{len(states)} messages were seen, and {len(touches)} are still stored")
    # What was asked for later is not among what was seen; it stands behind it.
    for touch, (node, state) in zip(touches[: len(states)], states, strict=True):
        if touch.node != node:
            raise _Gone(f"the message of '{node}' that was seen is no longer stored")
        settled = state not in ("pending", "sending")
        seen.append(
            Touch(
                touch.node,
                touch.channel,
                touch.content,
                state,
                touch.asked_at,
                touch.started_at,
                touch.settled_at if settled else None,
                touch.because,
            )
        )
    missing = [id for id in saw.get("signals", []) if id not in signals]
    if missing:
        raise _Gone(f"signal {missing[0]} that was heard is no longer stored")
    return Facts(
        campaign,
        [signals[id] for id in saw.get("signals", [])],
        seen,
        lambda: Lead(
            known,
            tags=lead.get("tags", ()),
            score=lead.get("score", 0),
            owner=lead.get("owner"),
            time_zone=saw.get("time_zone"),
        ),
        lambda node: dice(key, node),
        plan.calendar,
    )


def _decide(
    plan: Plan, node: str, facts: Facts, entered_at: datetime, at: datetime
) -> tuple[str | None, str, list[Any]]:
    try:
        answer = plan.nodes[node].node.decide(Snapshot(facts, node, entered_at, at))
    except Exception as error:  # noqa: BLE001  # whatever a plugin raises is the difference to be told
        return f"raised {type(error).__name__}", str(error), []
    if not isinstance(answer, Go):
        return f"waits until {answer.until}", answer.because, []
    return answer.outcome, answer.because, json.loads(json.dumps([effect.as_json() for effect in answer.effects]))
