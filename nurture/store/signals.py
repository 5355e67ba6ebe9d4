"""One door for everything that happens on the lead's side."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from nurture.snapshot import Confidence
from nurture.store.database import Tx
from nurture.store.meeting import meet
from nurture.store.waking import release_held, wake_leads

__all__ = ["ANSWERS", "Heard", "Named", "find_leads", "hear", "hear_again", "identities", "names"]

ANSWERS = frozenset({"accepted", "returned"})
"""What an SDR or sales says about a lead that was handed over."""


class Heard(NamedTuple):
    """A signal of a lead we know."""

    lead_id: int
    kind: str
    at: int
    campaign: str | None
    node: str | None
    id: str
    reason: str | None
    confidence: Confidence = "human"
    because: str | None = None
    """Why it was judged so."""


def find_leads(tx: Tx, column: str, values: list[str]) -> dict[str, int]:
    """Lead ids by one kind of identity: `email_key`, `external_id`, `phone`, `wechat` or `key`."""
    statement = {
        "email_key": "SELECT email_key, id FROM leads WHERE email_key IN {many}",
        "external_id": "SELECT external_id, id FROM leads WHERE external_id IN {many}",
        "phone": "SELECT phone, id FROM leads WHERE phone IN {many}",
        "wechat": "SELECT wechat, id FROM leads WHERE wechat IN {many}",
        "key": "SELECT key, id FROM leads WHERE key IN {many}",
    }[column]
    return dict(tx.rows(statement, values))


def hear(tx: Tx, signals: Sequence[Heard], *, now: int) -> list[Heard]:
    """Store what was not heard before, answer hand-offs, wake the leads. Answers with the new ones."""
    if not signals:
        return []
    known = {
        row[0]
        for row in tx.rows("SELECT external_id FROM signals WHERE external_id IN {many}", [s.id for s in signals])
    }
    fresh: dict[str, Heard] = {}
    for signal in signals:
        if signal.id not in known:
            fresh.setdefault(signal.id, signal)
    new = list(fresh.values())
    if not new:
        return []
    # Whoever enrolls or decides these leads now either sees these signals or is woken by them.
    meet(tx, [signal.lead_id for signal in new])
    # Another door may store the same id at the same time: the unique index decides, and one of them is enough.
    tx.at_once(
        "INSERT INTO signals (lead_id, kind, at, heard_at, campaign, node, external_id, reason, confidence, because)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (external_id) DO NOTHING",
        [(s.lead_id, s.kind, s.at, now, s.campaign, s.node, s.id, s.reason, s.confidence, s.because) for s in new],
    )
    lead_ids = sorted({signal.lead_id for signal in new})
    wake_leads(tx, lead_ids, now=now)
    returned = sorted({signal.lead_id for signal in new if signal.kind == "returned"})
    if returned:
        release_held(tx, returned, now=now)
    _answer(tx, [signal for signal in new if signal.kind in ANSWERS])
    return new


def _answer(tx: Tx, answers: Sequence[Heard]) -> None:
    """SDR or sales took a lead, or gave it back: the hand-offs that an answer may mean, in the order of the answers."""
    if not answers:
        return
    standing: dict[int, list[_HandOff]] = {}
    for row in tx.rows(
        "SELECT lead_id, enrollment_id, node, campaign, state, opened_at, answer_by FROM handoffs"
        " WHERE lead_id IN {many} AND state IN ('open', 'accepted') {for_update}",
        sorted({answer.lead_id for answer in answers}),
    ):
        standing.setdefault(row[0], []).append(_HandOff(*row[1:]))
    for answer in sorted(answers, key=lambda answer: answer.at):
        # Only an open one can be accepted; an accepted one may still be returned.
        before = ("open",) if answer.kind == "accepted" else ("open", "accepted")
        for hand_off in standing.get(answer.lead_id, ()):
            # The same hours in which the node that waits for it would take the answer.
            in_time = hand_off.opened_at <= answer.at < hand_off.answer_by
            if (
                hand_off.state in before
                and (in_time or (hand_off.state == "accepted" and answer.at >= hand_off.opened_at))
                and answer.campaign in (None, hand_off.campaign)
                and answer.node in (None, hand_off.node)
            ):
                hand_off.state, hand_off.answer = answer.kind, answer
    tx.at_once(
        "UPDATE handoffs SET state = ?, answered_at = ?, reason = ? WHERE enrollment_id = ? AND node = ?",
        [
            (hand_off.state, hand_off.answer.at, hand_off.answer.reason, hand_off.enrollment_id, hand_off.node)
            for of_lead in standing.values()
            for hand_off in of_lead
            if hand_off.answer is not None
        ],
    )


@dataclass(slots=True)
class _HandOff:
    """A hand-off that waits for an answer, or was accepted."""

    enrollment_id: int
    node: str
    campaign: str
    state: str
    opened_at: int
    answer_by: int
    answer: Heard | None = None


def names(tx: Tx) -> Iterator[tuple[int, str]]:
    """(lead id, name) of all leads that have a name."""
    for lead_id, fields in tx.rows("SELECT id, fields FROM leads ORDER BY id"):
        name = json.loads(fields).get("name")
        if name:
            yield lead_id, str(name)


def hear_again(tx: Tx, lead_id: int, kinds: list[str], mark: str) -> None:
    """What this lead has said of these kinds goes by other ids from now on: the same link, pressed again, says it anew."""
    tx.run(
        "UPDATE signals SET external_id = external_id || ? WHERE lead_id = ? AND kind IN {many}", mark, lead_id, kinds
    )


class Named(NamedTuple):
    """A lead by everything that names it."""

    id: int
    email_key: str | None
    external_id: str | None
    phone: str | None
    wechat: str | None


def identities(tx: Tx, lead_ids: list[int]) -> list[Named]:
    rows = tx.rows("SELECT id, email_key, external_id, phone, wechat FROM leads WHERE id IN {many}", lead_ids)
    return [Named._make(row) for row in rows]
