"""Where leads are, and whether the numbers add up: `status` and `history`."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from nurture.engine import conserving
from nurture.engine.conserving import Broken
from nurture.engine.plans import NotRunnable, Plans
from nurture.identity import LeadRef
from nurture.store import Store, Tx, paces, tallies, versions
from nurture.store import reports as stored
from nurture.store.database import from_micros, micros
from nurture.store.desk import remarks_of
from nurture.store.tallies import Tally
from nurture.store.versions import version_by_id

__all__ = ["UnknownLead", "history", "iso", "standing", "status", "stuck", "survey"]

Numbers = dict[Tally, int]
EXAMPLES = 3
STATES = ("pending", "sending", "sent", "refused", "ambiguous", "cancelled", "awaiting_confirmation")


class UnknownLead(Exception):
    """Nobody here knows this lead."""


def iso(value: int | None) -> str | None:
    """A stored time as people write it: `2026-11-23T01:00:00Z`."""
    return None if value is None else from_micros(value).isoformat().replace("+00:00", "Z")


def status(store: Store, plans: Plans, campaign: str | None, *, now: datetime, quick: bool = False) -> dict[str, Any]:
    """The document of `nurture status --json`."""
    return survey(store, plans, campaign, now=now, quick=quick)[0]


def survey(
    store: Store, plans: Plans, campaign: str | None, *, now: datetime, quick: bool = False
) -> tuple[dict[str, Any], list[Broken]]:
    """The document of `nurture status --json`, and what does not add up, if anything.

    Everything is counted in the tables themselves and compared with the running counts; `quick` takes those as they
    are, which costs the same for ten leads and for a million.
    """
    with store.read() as tx:
        tx.hold_still()
        running = tallies.kept(tx, campaign)
        numbers = running if quick else tallies.counted(tx, campaign)
        wrong = conserving.disagreeing(tx, plans, numbers, running)
        told = _campaigns(tx, plans, campaign, numbers, micros(now), quick=quick)
        touches = stored.touch_states(tx)
        rests = paces.resting(tx)
    for shown in told:
        parts = (shown["waiting"], shown["due"], shown["stuck"], sum(shown["ended"].values()))
        if shown["entered"] != sum(parts):
            waiting, due, stuck, ended = parts
            what = f"{shown['entered']} entered; {waiting} wait, {due} are due, {stuck} stuck, {ended} ended"
            wrong.append(Broken(shown["campaign"], 0, "", what))
    return {
        "campaigns": told,
        "touches": {state: touches.get(state, 0) for state in STATES},
        "resting": [
            {
                "channel": rest.channel,
                "domain": rest.domain,
                "since": iso(rest.since),
                "until": iso(rest.until),
                "because": rest.because,
            }
            for rest in rests
        ],
        "conserved": not wrong,
    }, wrong


def standing(store: Store, plans: Plans, campaign: str | None, *, now: datetime) -> list[dict[str, Any]]:
    """The campaigns of `status`, by the running counts alone: for whoever asks every second. No message is looked at,
    and of the enrollments only those that are due or stuck, in their indexes."""
    with store.read() as tx:
        tx.hold_still()
        return _campaigns(tx, plans, campaign, tallies.kept(tx, campaign), micros(now), quick=True)


def _campaigns(
    tx: Tx, plans: Plans, campaign: str | None, numbers: Numbers, now: int, *, quick: bool
) -> list[dict[str, Any]]:
    by_campaign: dict[str, Numbers] = defaultdict(dict)
    named = versions.numbers(tx)
    for tally, number in numbers.items():
        by_campaign[named[tally.version_id][0]][tally] = number
    return [
        _campaign(tx, plans, each, by_campaign[each[0]], now, quick=quick)
        for each in versions.campaigns(tx)
        if campaign in (None, each[0])
    ]


def _campaign(
    tx: Tx, plans: Plans, campaign: tuple[str, int, int | None], numbers: Numbers, now: int, *, quick: bool
) -> dict[str, Any]:
    """One campaign's numbers."""
    name, current, paused = campaign
    ended: Counter[str] = Counter()
    sums: Counter[str] = Counter()
    nodes: dict[str, dict[str, Any]] = {node: _untouched() for node in _order(plans, current)}
    for tally, number in sorted(numbers.items()):
        sums[tally.what] += number
        if tally.what == "ended":
            ended[tally.way] += number
        elif tally.what not in ("entered", "arrived"):
            at = nodes.setdefault(tally.node, _untouched())
            at["entered"] += number
            if tally.what == "here":
                at["here"] += number
            else:
                at["outcomes"][tally.way or "ended"] += number
    due, stuck = stored.due_and_stuck(tx, name, now=now)
    waiting = (sums["here"] - stuck if quick else stored.waiting(tx, name)) - due
    return {
        "campaign": name,
        "hash": version_by_id(tx, current).hash,
        "paused": paused is not None,
        "entered": sums["entered"] if quick else stored.entered(tx, name),
        "waiting": waiting,
        "due": due,
        "stuck": stuck,
        "ended": dict(sorted(ended.items())),
        "nodes": {
            node: {**counts, "outcomes": dict(sorted(counts["outcomes"].items()))} for node, counts in nodes.items()
        },
    }


def stuck(store: Store, cause: str | None = None) -> list[dict[str, Any]]:
    """Why leads are stuck, one entry a cause and node, the most frequent first, each with some of its leads."""
    with store.read() as tx:
        return [
            {
                "campaign": campaign,
                "node": node,
                "cause": why,
                "leads": number,
                "first": iso(first),
                "last": iso(last),
                "examples": stored.stuck_leads(tx, campaign, node, why, limit=EXAMPLES),
            }
            for campaign, node, why, number, first, last in stored.stuck_by_cause(tx, cause)
        ]


def _untouched() -> dict[str, Any]:
    return {"entered": 0, "here": 0, "outcomes": Counter()}


def _order(plans: Plans, version: int) -> tuple[str, ...]:
    try:
        return plans.get(version).plan.order
    except NotRunnable:
        return ()


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
        rests = {rest.channel: rest for rest in paces.resting(tx) if not rest.domain}
        signals = stored.signals_of_lead(tx, lead_id)
        handoffs = stored.handoffs_of(tx, lead_id)
        remarks = remarks_of(tx, lead_id)
    return {
        "lead": person,
        "enrollments": [_enrollment(row, steps[row[0]]) for row in enrollments],
        "touches": [_touch(row, notes[(row[0], row[2], row[3])], rests.get(row[4])) for row in touches],
        "signals": [
            {
                "kind": kind,
                "at": iso(at),
                "heard_at": iso(heard_at),
                "campaign": campaign,
                "node": node,
                "id": id,
                "reason": reason,
                "confidence": confidence,
                "because": because,
            }
            for kind, at, heard_at, campaign, node, id, reason, confidence, because in signals
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
        "remarks": [{"at": iso(at), "who": who, "what": what, "text": text} for at, who, what, text in remarks],
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


def _touch(row: Any, notes: list[Any], rest: paces.Rest | None) -> dict[str, Any]:
    """`rest`: of its channel, which keeps a message that is due where it is; that is one row and not a note for each."""
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
        "timeline": [
            *({"at": iso(at), "what": what, "because": why} for _, _, _, at, what, why in notes),
            *(_held_by(rest, max(asked_at, rest.since)) if rest is not None and state == "pending" else ()),
        ],
    }


def _held_by(rest: paces.Rest, at: int) -> Iterator[dict[str, Any]]:
    yield {"at": iso(at), "what": "held", "because": f"{rest.channel} rests until {iso(rest.until)}: {rest.because}"}
