"""Where leads are, and whether the numbers add up: `status` and `history`."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import datetime
from typing import Any

from nurture.engine.plans import NotRunnable, Plans
from nurture.identity import LeadRef
from nurture.plan import Plan
from nurture.store import Store, Tx
from nurture.store import reports as stored
from nurture.store.database import from_micros, micros
from nurture.store.versions import campaigns, version_by_id

__all__ = ["UnknownLead", "history", "iso", "status"]

STATES = ("pending", "sending", "sent", "refused", "ambiguous", "cancelled", "awaiting_confirmation")


class UnknownLead(Exception):
    """Nobody here knows this lead."""


def iso(value: int | None) -> str | None:
    """A stored time as people write it: `2026-11-23T01:00:00Z`."""
    return None if value is None else from_micros(value).isoformat().replace("+00:00", "Z")


def status(store: Store, plans: Plans, campaign: str | None, *, now: datetime) -> dict[str, Any]:
    """The document of `nurture status --json`."""
    with store.read() as tx:
        names = [(name, current, paused) for name, current, paused in campaigns(tx) if campaign in (None, name)]
        told = [_campaign(tx, plans, name, current, paused, micros(now)) for name, current, paused in names]
        touches = stored.touch_states(tx)
    return {
        "campaigns": [shown for shown, _ in told],
        "touches": {state: touches.get(state, 0) for state in STATES},
        "conserved": all(conserved for _, conserved in told),
    }


def _campaign(
    tx: Tx, plans: Plans, name: str, current: int, paused: int | None, now: int
) -> tuple[dict[str, Any], bool]:
    """One campaign's numbers, and whether they add up, for the whole and at every node."""
    waiting = due = stuck = 0
    ended: Counter[str] = Counter()
    for _, state, reason, is_due, number in stored.by_status(tx, name, now=now):
        if state == "ended":
            ended[reason] += number
        elif state == "stuck":
            stuck += number
        elif is_due:
            due += number
        else:
            waiting += number
    here: dict[int, Counter[str]] = defaultdict(Counter)
    for version, node, number in stored.by_node(tx, name):
        here[version][node] += number
    outcomes: dict[int, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for version, node, outcome, number in stored.visits(tx, name):
        outcomes[version][node][outcome or "ended"] += number

    nodes: dict[str, dict[str, Any]] = {}
    conserved = True
    for version in sorted(here.keys() | outcomes.keys()):
        try:
            plan = plans.get(version).plan
        except NotRunnable:
            plan = None
        for node in here[version].keys() | outcomes[version].keys() | (plan.nodes.keys() if plan else set()):
            into = nodes.setdefault(node, {"entered": 0, "here": 0, "outcomes": Counter()})
            into["here"] += here[version][node]
            into["outcomes"] += outcomes[version][node]
            into["entered"] += here[version][node] + outcomes[version][node].total()
        if plan is not None:
            conserved &= _arrivals_agree(plan, here[version], outcomes[version])
    entered = stored.entered(tx, name)
    conserved &= entered == waiting + due + stuck + ended.total()
    order = {node: place for place, node in enumerate(_order(plans, current))}
    shown = {
        "campaign": name,
        "hash": version_by_id(tx, current).hash,
        "paused": paused is not None,
        "entered": entered,
        "waiting": waiting,
        "due": due,
        "stuck": stuck,
        "ended": dict(sorted(ended.items())),
        "nodes": {
            node: {**nodes[node], "outcomes": dict(sorted(nodes[node]["outcomes"].items()))}
            for node in sorted(nodes, key=lambda node: (order.get(node, len(order)), node))
        },
    }
    return shown, conserved


def _order(plans: Plans, version: int) -> tuple[str, ...]:
    try:
        return plans.get(version).plan.order
    except NotRunnable:
        return ()


def _arrivals_agree(plan: Plan, here: Counter[str], outcomes: dict[str, Counter[str]]) -> bool:
    """Whoever left one node for another arrived there: counted along the edges, and again where they stand."""
    arrived: Counter[str] = Counter()
    for planned in plan.nodes.values():
        for outcome, following in planned.next.items():
            if following is not None:
                arrived[following] += outcomes[planned.id][outcome]
    return (
        all(arrived[node] == here[node] + outcomes[node].total() for node in plan.nodes if node != plan.start)
        and not (here.keys() | outcomes.keys()) - plan.nodes.keys()
    )


def history(store: Store, lead: LeadRef) -> dict[str, Any]:
    """The document of `nurture history --json`: who this is, every step with its because, every touch and signal."""
    from nurture.engine.hearing import lead_ids

    with store.read() as tx:
        lead_id = lead_ids(tx, [lead]).get(lead)
        if lead_id is None:
            raise UnknownLead(f"there is no lead {lead}")
        person = _person(tx, lead_id)
        enrollments = stored.enrollments_of(tx, lead_id)
        steps: dict[int, list[Any]] = defaultdict(list)
        ids = [row[0] for row in enrollments]
        for row in stored.steps_of(tx, ids):
            steps[row[0]].append(row)
        notes: dict[tuple[int, str, int], list[Any]] = defaultdict(list)
        for row in stored.notes_of(tx, ids):
            notes[row[:3]].append(row)
        touches = stored.touches_of_lead(tx, lead_id)
        signals = stored.signals_of_lead(tx, lead_id)
        handoffs = stored.handoffs_of(tx, lead_id)
    return {
        "lead": person,
        "enrollments": [_enrollment(row, steps[row[0]]) for row in enrollments],
        "touches": [_touch(row, notes[(row[0], row[2], row[3])]) for row in touches],
        "signals": [
            {
                "kind": kind,
                "at": iso(at),
                "heard_at": iso(heard_at),
                "campaign": campaign,
                "node": node,
                "id": id,
                "reason": reason,
            }
            for kind, at, heard_at, campaign, node, id, reason in signals
        ],
        "handoffs": [
            {
                "campaign": campaign,
                "node": node,
                "to": to,
                "team": team,
                "opened_at": iso(opened_at),
                "answer_by": iso(answer_by),
                "state": state,
                "answered_at": iso(answered_at),
                "reason": reason,
            }
            for campaign, node, to, team, opened_at, answer_by, state, answered_at, reason in handoffs
        ],
    }


def _person(tx: Tx, lead_id: int) -> dict[str, Any]:
    row, tags = stored.person(tx, lead_id)
    names = (
        "key",
        "email",
        "id",
        "phone",
        "wechat",
        "owner",
        "score",
        "language",
        "time_zone",
        "basis",
        "consent",
    )
    known = dict(zip(names, row, strict=False))
    known["fields"] = json.loads(row[-1])
    known["tags"] = tags
    return known


def _enrollment(row: Any, steps: list[Any]) -> dict[str, Any]:
    _, key, campaign, _, hash, entry, enrolled_at, node, entered_at, state, reason, because, due_at, ended_at, _ = row
    return {
        "campaign": campaign,
        "hash": hash,
        "key": key,
        "entry": entry,
        "enrolled_at": iso(enrolled_at),
        "status": state,
        "reason": reason,
        "node": None if state == "ended" else node,
        "since": None if state == "ended" else iso(entered_at),
        "because": because,
        "due_at": iso(due_at),
        "ended_at": iso(ended_at),
        "steps": [
            {
                "node": step_node,
                "at": iso(at),
                "outcome": outcome,
                "because": step_because,
                "decided_at": iso(decided_at),
                "effects": json.loads(effects) if effects else [],
            }
            for _, _, step_node, _, at, decided_at, outcome, step_because, effects, _ in steps
        ],
    }


def _touch(row: Any, notes: list[Any]) -> dict[str, Any]:
    _, campaign, node, n, channel, content, state, asked_at, started_at, settled_at, because, message_id, past, due = (
        row
    )
    return {
        "campaign": campaign,
        "node": node,
        "n": n,
        "channel": channel,
        "content": content,
        "state": state,
        "asked_at": iso(asked_at),
        "started_at": iso(started_at),
        "settled_at": iso(settled_at),
        "due_at": iso(due) if state == "pending" else None,
        "because": because,
        "message_id": message_id,
        "from_history": bool(past),
        "timeline": [{"at": iso(at), "what": what, "because": why} for _, _, _, at, what, why in notes],
    }
