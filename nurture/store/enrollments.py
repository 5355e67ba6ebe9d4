"""Enrollments in the store: claim what is due, gather what a batch needs to know, commit what was decided."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from nurture.store import tallies
from nurture.store.changes import next_change
from nurture.store.database import Tx
from nurture.store.meeting import meet
from nurture.store.waking import cancel_pending, release_held
from nurture.store.workers import present

__all__ = [
    "Claimed",
    "Moved",
    "change_leads",
    "claim_due",
    "commit",
    "leads_of",
    "let_go",
    "next_due",
    "signals_of",
    "touches_of",
    "write_down",
    "zones_of",
]


class Claimed(NamedTuple):
    """An enrollment in our hands until the lease runs out."""

    id: int
    key: str
    campaign: str
    lead_id: int
    version_id: int
    enrolled_at: int
    node: str
    entered_at: int
    begun: int
    steps: int
    heard: int
    epoch: int
    names: str | None = None
    """Of one that was moved: the nodes that are gone to what they are called now, as JSON."""
    moved_at: int | None = None


@dataclass(slots=True)
class Moved:
    """What one look changed about one enrollment, ready to be written."""

    claimed: Claimed
    node: str
    entered_at: int
    begun: bool
    status: str
    reason: str | None
    because: str
    due_at: int | None
    eligible_at: int | None
    steps: list[tuple[Any, ...]]
    """(node, entered_at, at, outcome, because, effects JSON, saw JSON)"""
    touches: list[tuple[Any, ...]]
    """(node, n, channel, content, purpose, on_unknown, asked_at, expires_at)"""
    tags: list[tuple[str, bool, int]]
    points: int
    fields: list[tuple[str, Any, int]]
    hand_offs: list[tuple[Any, ...]]
    """(node, to, team, opened_at, answer_by)"""


# claim_due: whoever is due at the same moment comes as the index has them; PostgreSQL would sort them all for each batch.
CLAIM = """
UPDATE enrollments SET epoch = epoch + 1, worker_id = ?, lease_until = ?
WHERE id IN (
    SELECT id FROM enrollments
    WHERE campaign = ? AND status = 'waiting' AND due_at <= ? AND lease_until <= ?
    ORDER BY due_at LIMIT ? {skip_locked})
RETURNING id, key, campaign, lead_id, version_id, enrolled_at, node, entered_at, begun, steps, heard, epoch,
    names, moved_at
"""


def claim_due(
    tx: Tx, campaign: str, *, now: int, wall: int, worker: int, lease_until: int, limit: int
) -> list[Claimed]:
    """Enrollments whose time has come, oldest first, each to one worker only."""
    present(tx, worker)
    found = tx.rows(CLAIM, worker, lease_until, campaign, now, wall, limit)
    return sorted((Claimed._make(row) for row in found), key=lambda claimed: claimed.id)


def let_go(tx: Tx, worker: int) -> None:
    """Whatever this worker holds is free: it has forgotten that it claimed it."""
    tx.run("UPDATE enrollments SET worker_id = NULL, lease_until = 0 WHERE worker_id = ?", worker)


def next_due(tx: Tx, campaigns: Sequence[str]) -> int | None:
    """The earliest due time of these campaigns' waiting enrollments."""
    times = [
        tx.value("SELECT MIN(due_at) FROM enrollments WHERE campaign = ? AND status = 'waiting'", campaign)
        for campaign in campaigns
    ]
    return min((time for time in times if time is not None), default=None)


def signals_of(tx: Tx, lead_ids: list[int]) -> list[Any]:
    """(lead_id, id, kind, at, heard_at, campaign, node, reason, confidence, because) of these leads, in no order."""
    return tx.rows(
        "SELECT lead_id, id, kind, at, heard_at, campaign, node, reason, confidence, because FROM signals"
        " WHERE lead_id IN {many}",
        lead_ids,
    )


def touches_of(tx: Tx, enrollment_ids: list[int]) -> list[Any]:
    """(enrollment_id, node, n, channel, content, state, asked_at, started_at, settled_at, because), in no order."""
    return tx.rows(
        "SELECT enrollment_id, node, n, channel, content, state, asked_at, started_at, settled_at, because"
        " FROM touches WHERE enrollment_id IN {many}",
        enrollment_ids,
    )


def leads_of(tx: Tx, lead_ids: list[int]) -> tuple[list[Any], list[Any]]:
    """(id, email, external_id, phone, wechat, owner, score, language, time_zone, fields JSON), and (lead_id, tag)."""
    people = tx.rows(
        "SELECT id, email, external_id, phone, wechat, owner, score, language, time_zone, fields"
        " FROM leads WHERE id IN {many}",
        lead_ids,
    )
    return people, tx.rows("SELECT lead_id, tag FROM tags WHERE lead_id IN {many}", lead_ids)


def zones_of(tx: Tx, lead_ids: list[int]) -> dict[int, str]:
    """The time zones of those who have one."""
    return dict(tx.rows("SELECT id, time_zone FROM leads WHERE time_zone IS NOT NULL AND id IN {many}", lead_ids))


UPDATE = """
UPDATE enrollments SET node = ?, entered_at = ?, begun = ?, status = ?, reason = ?, because = ?,
    due_at = ?, steps = ?, worker_id = NULL, lease_until = 0, ended_at = ?, eligible_at = ?
WHERE id = ? AND epoch = ?
"""


def commit(tx: Tx, moved: Sequence[Moved], *, now: int) -> int:
    """Write a batch. Those that another worker has claimed since are left out; says how many were written.

    One that was woken since it was claimed is left out, too, and stays due: the look did not know all that was heard.
    What was written is nobody's any more; so the same batch again, after a commit without an answer, changes nothing.
    """
    meet(tx, [m.claimed.lead_id for m in moved if m.points or m.fields or m.tags or m.hand_offs or m.reason == "pool"])
    standing = {
        id: (epoch, heard, worker is not None)
        for id, epoch, heard, worker in tx.rows(
            "SELECT id, epoch, heard, worker_id FROM enrollments WHERE id IN {many} ORDER BY id {for_update}",
            [m.claimed.id for m in moved],
        )
    }
    mine = [m for m in moved if standing.get(m.claimed.id) == (m.claimed.epoch, m.claimed.heard, True)]
    written = {m.claimed.id for m in mine}
    tx.many(
        "UPDATE enrollments SET worker_id = NULL, lease_until = 0 WHERE id = ? AND epoch = ?",
        [(m.claimed.id, m.claimed.epoch) for m in moved if m.claimed.id not in written],
    )
    tx.at_once(
        UPDATE,
        [
            (
                m.node, m.entered_at, int(m.begun), m.status, m.reason, m.because,
                m.due_at, m.claimed.steps + len(m.steps), now if m.status == "ended" else None, m.eligible_at,
                m.claimed.id, m.claimed.epoch,
            )
            for m in mine
        ],
    )  # fmt: skip
    tx.at_once(
        "INSERT INTO steps (enrollment_id, seq, node, entered_at, at, decided_at, outcome, because, effects, saw)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (m.claimed.id, seq, node, entered_at, at, now, outcome, because, effects, saw)
            for m in mine
            for seq, (node, entered_at, at, outcome, because, effects, saw) in enumerate(m.steps, m.claimed.steps + 1)
        ],
    )
    tx.at_once(
        "INSERT INTO touches (enrollment_id, node, n, lead_id, version_id, channel, content, purpose, on_unknown,"
        " state, asked_at, due_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', ?, ?, ?)",
        [
            (
                m.claimed.id, node, n, m.claimed.lead_id, m.claimed.version_id, channel, content, purpose,
                on_unknown, asked_at, now, expires_at,
            )
            for m in mine
            for node, n, channel, content, purpose, on_unknown, asked_at, expires_at in m.touches
        ],
    )  # fmt: skip
    tx.at_once(
        'INSERT INTO handoffs (enrollment_id, node, lead_id, campaign, "to", team, opened_at, answer_by, state)'
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'open')"
        # A lead that was moved here brings its hand-off along; the new settings say to whom and by when.
        ' ON CONFLICT (enrollment_id, node) DO UPDATE SET "to" = excluded."to", team = excluded.team,'
        " opened_at = excluded.opened_at, answer_by = excluded.answer_by, state = 'open', answered_at = NULL",
        [
            (m.claimed.id, node, m.claimed.lead_id, m.claimed.campaign, to, team, opened_at, answer_by)
            for m in mine
            for node, to, team, opened_at, answer_by in m.hand_offs
        ],
    )
    _close_hand_offs(tx, mine, now=now)
    pooled = [m.claimed.id for m in mine if m.reason == "pool"]
    if pooled:
        _give_back(tx, pooled, now=now)
    ended = [m.claimed.id for m in mine if m.status == "ended"]
    if ended:
        cancel_pending(tx, ended, now=now)
    # Last, as it is counted by a row that all who change leads take turns at.
    change_leads(tx, mine)
    tallies.moved(tx, mine)
    return len(mine)


def _close_hand_offs(tx: Tx, moved: Sequence[Moved], *, now: int) -> None:
    """A hand-off that is open when its enrollment leaves the node lapses: nobody owns the lead any more. Unless the
    answer was heard before the hand-off was written; then it stands as answered."""
    left = [m.claimed.id for m in moved if m.steps or m.status == "ended"]
    if not left:
        return
    opened = {(m.claimed.id, hand_off[0]) for m in moved for hand_off in m.hand_offs}
    outcomes = {(m.claimed.id, step[0]): step[3] for m in moved for step in m.steps}
    closing = [
        (found if (found := outcomes.get(key)) in ("accepted", "returned") else "lapsed", now, *key)
        for key in map(
            tuple,
            tx.rows("SELECT enrollment_id, node FROM handoffs WHERE state = 'open' AND enrollment_id IN {many}", left),
        )
        if key not in opened or key in outcomes
    ]
    tx.at_once("UPDATE handoffs SET state = ?, answered_at = ? WHERE enrollment_id = ? AND node = ?", closing)


def _give_back(tx: Tx, enrollment_ids: list[int], *, now: int) -> None:
    """Who goes to the pool is marketing's again: nobody works with them, and what was held may go out."""
    held = "state IN ('open', 'accepted') AND enrollment_id IN {many}"
    leads = [lead_id for (lead_id,) in tx.rows(f"SELECT DISTINCT lead_id FROM handoffs WHERE {held}", enrollment_ids)]
    if not leads:
        return
    release_held(tx, leads, now=now)
    tx.run(
        f"UPDATE handoffs SET state = 'returned', answered_at = ?, reason = 'back to the pool' WHERE {held}",
        now,
        enrollment_ids,
    )


def change_leads(tx: Tx, moved: Sequence[Moved]) -> None:
    """The lead's side of a batch: tags, points, fields."""
    _write_tags(tx, moved)
    tx.many(
        "UPDATE leads SET score = score + ? WHERE id = ?",
        [(m.points, m.claimed.lead_id) for m in moved if m.points],
    )
    for m in moved:
        for name, value, at in m.fields:
            _write_field(tx, m.claimed, name, value, at)
    changed = [m.claimed.lead_id for m in moved if m.tags or m.points or m.fields]
    if changed:
        tx.run("UPDATE leads SET change = ? WHERE id IN {many}", next_change(tx), changed)


def write_down(
    tx: Tx, lead_id: int, enrollment_id: int, fields: Mapping[str, Any], tags: Mapping[str, bool], *, at: int
) -> None:
    """What a lead (or somebody who knows it) has told us: fields, and tags on or off. The later of two writes stands,
    whoever wrote; `enrollment_id` is the one that asked, 0 where none did. Meets at the lead's row by itself."""
    meet(tx, [lead_id])
    if enrollment_id == 0 and fields:
        fields = _standing(tx, lead_id, fields, at=at)
    claimed = Claimed(enrollment_id, "", "", lead_id, 0, 0, "", 0, 0, 0, 0, 0)
    told = Moved(
        claimed, "", 0, True, "", None, "", None, None, [], [],
        [(tag, on, at) for tag, on in tags.items()], 0, [(name, value, at) for name, value in fields.items()], [],
    )  # fmt: skip
    change_leads(tx, [told])


def _standing(tx: Tx, lead_id: int, fields: Mapping[str, Any], *, at: int) -> dict[str, Any]:
    """Without those that were told for the same moment, and stand: told again in another order, the same one stands."""
    told = tx.rows(
        "SELECT field FROM field_writes WHERE lead_id = ? AND at = ? AND enrollment_id = 0 AND field IN {many}",
        lead_id,
        at,
        sorted(fields),
    )
    if not told:
        return dict(fields)
    [(language, time_zone, others)] = tx.rows("SELECT language, time_zone, fields FROM leads WHERE id = ?", lead_id)
    known = {**json.loads(others), "language": language, "time_zone": time_zone}
    stand = {name for (name,) in told if json.dumps(known.get(name)) > json.dumps(fields[name])}
    return {name: value for name, value in fields.items() if name not in stand}


# write: unless a later one, by (time, enrollment), already stands.
WRITE = (
    "INSERT INTO field_writes (lead_id, field, at, enrollment_id) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (lead_id, field) DO UPDATE SET at = excluded.at, enrollment_id = excluded.enrollment_id"
    " WHERE field_writes.at < excluded.at"
    " OR (field_writes.at = excluded.at AND field_writes.enrollment_id <= excluded.enrollment_id)"
)


def _write_tags(tx: Tx, moved: Sequence[Moved]) -> None:
    """Tags on and off. Where two campaigns disagree, the later one stands, whichever was committed first."""
    changes = [(tag, m.claimed.lead_id, f"tag:{tag}", at, m.claimed.id, add) for m in moved for tag, add, at in m.tags]
    if not changes:
        return
    # Two enrollments of one lead may be in one batch: only the later word is worth writing.
    latest: dict[tuple[int, str], tuple[int, int]] = {}
    for _, lead_id, field, at, enrollment_id, _ in changes:
        latest[lead_id, field] = max(latest.get((lead_id, field), (at, enrollment_id)), (at, enrollment_id))
    tx.at_once(WRITE, [(*written, *word) for written, word in latest.items()])
    stands = "FROM field_writes w WHERE w.lead_id = ? AND w.field = ? AND w.at = ? AND w.enrollment_id = ?"
    tx.at_once(
        f"INSERT INTO tags (tag, lead_id, at) SELECT ?, w.lead_id, w.at {stands} ON CONFLICT DO NOTHING",
        [change[:5] for change in changes if change[5]],
    )
    tx.many(
        f"DELETE FROM tags WHERE tag = ? AND lead_id IN (SELECT w.lead_id {stands})",
        [change[:5] for change in changes if not change[5]],
    )


def _write_field(tx: Tx, claimed: Claimed, name: str, value: Any, at: int) -> None:
    """Set one field, unless a later write already stands."""
    won = tx.value(f"{WRITE} RETURNING 1", claimed.lead_id, name, at, claimed.id)
    if won is None:
        return
    if name == "owner":
        tx.run("UPDATE leads SET owner = ? WHERE id = ?", value, claimed.lead_id)
    elif name == "language":
        tx.run("UPDATE leads SET language = ? WHERE id = ?", value, claimed.lead_id)
    elif name == "time_zone":
        tx.run("UPDATE leads SET time_zone = ? WHERE id = ?", value, claimed.lead_id)
    else:
        fields = json.loads(tx.value("SELECT fields FROM leads WHERE id = ? {for_update}", claimed.lead_id))
        fields[name] = value
        tx.run(
            "UPDATE leads SET fields = ? WHERE id = ?",
            json.dumps(fields, ensure_ascii=False, separators=(",", ":")),
            claimed.lead_id,
        )
