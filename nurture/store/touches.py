"""The outbox: claim what may go out, write verdicts. `intents` starts a message, `recovery` is for what a crash left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from nurture.identity import IdentityKind
from nurture.store import paces
from nurture.store.database import Tx
from nurture.store.waking import cancel_pending, wake
from nurture.store.workers import present

__all__ = [
    "Outbound",
    "Settled",
    "any_due",
    "any_started",
    "claim_pending",
    "let_go",
    "next_pending",
    "next_recovery",
    "note",
    "postpone",
    "release",
    "renew",
    "settle",
    "started_of",
    "strand",
]


class Outbound(NamedTuple):
    """A touch in our hands until the lease runs out."""

    enrollment_id: int
    node: str
    n: int
    lead_id: int
    version_id: int
    channel: str
    content: str
    purpose: str
    on_unknown: str
    asked_at: int
    expires_at: int
    attempts: int
    epoch: int
    started_at: int | None
    """Of an earlier, ambiguous attempt that the node's policy repeats: the copy carries the same Date."""
    copies: int = 0
    """How often it was put back although it may have left."""

    @property
    def key(self) -> tuple[int, str, int]:
        return self.enrollment_id, self.node, self.n


COLUMNS = ", ".join(Outbound._fields)
CLAIM = f"""
UPDATE touches SET epoch = epoch + 1, worker_id = ?, lease_until = ?
WHERE (enrollment_id, node, n) IN (
    SELECT enrollment_id, node, n FROM touches
    WHERE state = 'pending' AND due_at <= ? AND lease_until <= ? AND {{channels}}
    AND version_id NOT IN (
        SELECT v.id FROM versions v JOIN campaigns c ON c.campaign = v.campaign WHERE c.paused_at IS NOT NULL)
    ORDER BY due_at LIMIT ? {{skip_locked}})
RETURNING {COLUMNS}
"""


def claim_pending(
    tx: Tx,
    *,
    now: int,
    wall: int,
    worker: int,
    lease_until: int,
    limit: int,
    only: str | None = None,
    but: Sequence[str] = (),
) -> list[Outbound]:
    """Touches whose time has come, the longest asked for first, each to one worker only. `only` of this channel, or of
    all `but` these."""
    present(tx, worker)
    if only is not None:
        found = tx.rows(CLAIM.replace("{channels}", "channel = ?"), worker, lease_until, now, wall, only, limit)
    elif but:
        found = tx.rows(
            CLAIM.replace("{channels}", "NOT (channel IN {many})"), worker, lease_until, now, wall, list(but), limit
        )
    else:
        found = tx.rows(CLAIM.replace("{channels}", "1 = 1"), worker, lease_until, now, wall, limit)
    return sorted(map(Outbound._make, found), key=lambda touch: (touch.asked_at, touch.key))


def next_pending(tx: Tx, *, now: int) -> int | None:
    """When the next touch is due. Those of paused campaigns do not count; those of a channel that rests, or has given
    away its turns, not before it is open again."""
    running = (
        "state = 'pending' AND version_id NOT IN ("
        "SELECT v.id FROM versions v JOIN campaigns c ON c.campaign = v.campaign WHERE c.paused_at IS NOT NULL)"
    )
    shut = {channel: pace.open_at for channel, pace in paces.known(tx, now=now).items() if pace.open_at}
    if not shut:
        value = tx.value(f"SELECT MIN(due_at) FROM touches WHERE {running}")
        return None if value is None else int(value)
    others = "NOT (channel IN {many})"
    times = [tx.value(f"SELECT MIN(due_at) FROM touches WHERE {running} AND {others}", list(shut))]
    for channel, open_at in shut.items():
        due = tx.value(f"SELECT MIN(due_at) FROM touches WHERE {running} AND channel = ?", channel)
        times.append(None if due is None else max(due, open_at))
    return min((int(time) for time in times if time is not None), default=None)


def any_due(tx: Tx, *, now: int) -> bool:
    """Whether delivery has anything to do."""
    due = next_pending(tx, now=now)
    if due is not None and due <= now:
        return True
    return tx.value("SELECT 1 WHERE EXISTS (SELECT 1 FROM touches WHERE state = 'sending')") is not None


def next_recovery(tx: Tx) -> int | None:
    """When the oldest message that is on its way was started: in virtual time, nothing goes on before it is settled."""
    value = tx.value("SELECT MIN(started_at) FROM touches WHERE state = 'sending'")
    return None if value is None else int(value)


class Recipient(NamedTuple):
    """A lead, as delivery needs it."""

    id: int
    email: str | None
    email_key: str | None
    external_id: str | None
    phone: str | None
    wechat: str | None
    language: str | None
    time_zone: str | None
    owner: str | None
    score: int
    fields: str
    """JSON object."""
    consent: str | None = None
    """yes, no, or None for not asked."""

    def identities(self) -> dict[str, str | None]:
        """What a channel may take an address from."""
        return {"email": self.email, "phone": self.phone, "wechat": self.wechat, "id": self.external_id}

    def identity_of(self, address: str) -> tuple[IdentityKind, str]:
        """(kind, normalised form) of one of this lead's addresses, as the suppression list knows it."""
        if address == self.email and self.email_key is not None:
            return "email", self.email_key
        if address == self.phone:
            return "phone", address
        return ("wechat", address) if address == self.wechat else ("id", address)


def recipients(tx: Tx, lead_ids: list[int]) -> dict[int, Recipient]:
    """These leads, by id."""
    rows = tx.rows(
        "SELECT id, email, email_key, external_id, phone, wechat, language, time_zone, owner, score, fields,"
        " consent FROM leads WHERE id IN {many}",
        lead_ids,
    )
    return {row[0]: Recipient._make(row) for row in rows}


def keys_of(tx: Tx, enrollment_ids: list[int]) -> dict[int, str]:
    """Enrollment keys by id."""
    return dict(tx.rows("SELECT id, key FROM enrollments WHERE id IN {many}", enrollment_ids))


def started_of(tx: Tx, enrollment_ids: list[int]) -> dict[tuple[int, str, int], tuple[str, int | None]]:
    """Messages that have left, or may have: touch key to campaign and the time of the verdict, if there is one."""
    rows = tx.rows(
        "SELECT t.enrollment_id, t.node, t.n, e.campaign, t.settled_at"
        " FROM touches t JOIN enrollments e ON e.id = t.enrollment_id"
        " WHERE t.enrollment_id IN {many} AND t.started_at IS NOT NULL",
        enrollment_ids,
    )
    return {(row[0], row[1], row[2]): (row[3], row[4]) for row in rows}


def ended_among(tx: Tx, enrollment_ids: list[int]) -> set[int]:
    """Which of these enrollments have ended."""
    if not enrollment_ids:
        return set()
    rows = tx.rows("SELECT id FROM enrollments WHERE status = 'ended' AND id IN {many}", enrollment_ids)
    return {row[0] for row in rows}


def owned(tx: Tx, lead_ids: list[int]) -> dict[int, str]:
    """Which of these leads somebody works with, and who."""
    rows = tx.rows(
        "SELECT lead_id, MIN(\"to\") FROM handoffs WHERE lead_id IN {many} AND state IN ('open', 'accepted')"
        " GROUP BY lead_id",
        lead_ids,
    )
    return dict(rows)


def started_since(tx: Tx, lead_ids: list[int], since: int) -> dict[int, list[int]]:
    """When marketing messages to these leads were started after `since`, oldest first."""
    found: dict[int, list[int]] = {}
    for lead_id, started_at in tx.rows(
        "SELECT lead_id, started_at FROM touches WHERE lead_id IN {many} AND purpose = 'marketing'"
        # What a lead brought along from an older version is counted there.
        " AND started_at > ? AND past < 2 AND state IN ('sending', 'sent', 'ambiguous', 'awaiting_confirmation')"
        " ORDER BY started_at",
        lead_ids,
        since,
    ):
        found.setdefault(lead_id, []).append(started_at)
    return found


class Settled(NamedTuple):
    """A verdict: the last word about a touch, or its return to the queue."""

    touch: Outbound
    state: str
    """sent, refused, ambiguous, awaiting_confirmation, or pending (not sent: to be tried again at `due_at`)."""
    at: int
    because: str
    due_at: int = 0
    burnt: bool = True
    """Whether the try counts as an attempt."""
    resent: bool = False
    """Whether the earlier try may have left: the next one is a copy."""


def settle(tx: Tx, verdicts: Sequence[Settled], *, now: int) -> int:
    """Write verdicts and wake the enrollments they concern, in one transaction. Says how many stood.

    A verdict whose epoch has passed changes nothing: recovery has spoken, and what it said stays. A copy that was
    refused leaves the touch ambiguous, as its first attempt was.
    """
    if not verdicts:
        return 0
    enrollment_ids = sorted({verdict.touch.enrollment_id for verdict in verdicts})
    if tx.postgresql:
        tx.rows("SELECT id FROM enrollments WHERE id IN {many} ORDER BY id {for_update}", enrollment_ids)
    standing = {
        (enrollment, node, n): (state, epoch)
        for enrollment, node, n, state, epoch, worker in tx.rows(
            "SELECT enrollment_id, node, n, state, epoch, worker_id FROM touches WHERE enrollment_id IN {many}"
            " ORDER BY enrollment_id, node, n {for_update}",
            enrollment_ids,
        )
        # Nobody's: this very verdict is written already, by a commit whose answer got lost.
        if worker is not None
    }
    mine = [
        verdict
        for verdict in verdicts
        if (found := standing.get(verdict.touch.key)) is not None
        and found[0] in ("pending", "sending")
        and found[1] == verdict.touch.epoch
    ]
    final = [verdict for verdict in mine if verdict.state != "pending"]
    again = [verdict for verdict in mine if verdict.state == "pending"]
    tx.at_once(
        # An ambiguous one is dated at its intent: it may have left at any moment since.
        "UPDATE touches SET state = ?, settled_at = CASE WHEN ? = 1 THEN COALESCE(started_at, ?) ELSE ? END,"
        " because = ?, worker_id = NULL, lease_until = 0 WHERE enrollment_id = ? AND node = ? AND n = ?",
        [
            (state, int(state == "ambiguous"), v.at, v.at, v.because, *v.touch.key)
            for v in final
            for state in ["ambiguous" if v.state == "refused" and v.touch.started_at is not None else v.state]
        ],
    )
    tx.many(
        "UPDATE touches SET state = 'pending', started_at = CASE WHEN ? = 1 THEN started_at ELSE ? END, due_at = ?,"
        " because = ?, worker_id = NULL, lease_until = 0, attempts = attempts + ?, copies = copies + ? WHERE enrollment_id = ? AND node = ? AND n = ?",
        # The intent has counted this try already; one that failed before its intent is counted here.
        [
            (
                int(v.resent),
                v.touch.started_at,
                v.due_at,
                v.because,
                int(v.burnt) - was_sending,
                int(v.resent),
                *v.touch.key,
            )
            for v in again
            for was_sending in [standing[v.touch.key][0] == "sending"]
        ],
    )
    for verdict in again:
        note(tx, verdict.touch.key, verdict.at, "resent" if verdict.resent else "retried", verdict.because)
    # Whose campaign has ended meanwhile gets nothing more from it.
    if ended := ended_among(tx, [verdict.touch.enrollment_id for verdict in again]):
        cancel_pending(tx, sorted(ended), now=now)
    wake(tx, [verdict.touch.enrollment_id for verdict in final], now=now)
    return len(mine)


def postpone(tx: Tx, held: Sequence[tuple[Outbound, str, int, str, int]]) -> None:
    """Put claimed touches back: (touch, what, until, because, at). The same reason again is noted once."""
    tx.many(
        "INSERT INTO touch_notes (enrollment_id, node, n, at, what, because)"
        " SELECT enrollment_id, node, n, ?, ?, ? FROM touches"
        " WHERE enrollment_id = ? AND node = ? AND n = ? AND epoch = ? AND state = 'pending'"
        " AND (because IS NULL OR because <> ?)",
        [(at, what, because, *touch.key, touch.epoch, because) for touch, what, _, because, at in held if what],
    )
    tx.at_once(
        "UPDATE touches SET due_at = ?, because = ?, worker_id = NULL, lease_until = 0"
        " WHERE enrollment_id = ? AND node = ? AND n = ? AND epoch = ? AND state = 'pending'",
        [(until, because, *touch.key, touch.epoch) for touch, _, until, because, _ in held],
    )


def strand(tx: Tx, stranded: Sequence[tuple[Outbound, str]], *, now: int) -> None:
    """Messages that cannot be written, each with its cause: the lead is stuck where it asked for one, and the message
    waits, until somebody mends the cause and has them tried again, or it expires."""
    # A new epoch: a tick that holds the enrollment would write "waiting" over this.
    tx.many(
        "UPDATE enrollments SET status = 'stuck', reason = ?, because = ?, due_at = NULL, epoch = epoch + 1,"
        " worker_id = NULL, lease_until = 0 WHERE id = ? AND node = ? AND status = 'waiting'",
        [(cause, cause, touch.enrollment_id, touch.node) for touch, cause in stranded],
    )
    postpone(tx, [(touch, "stuck", touch.expires_at, cause, now) for touch, cause in stranded])


def release(tx: Tx, touches: Sequence[Outbound]) -> None:
    """Claimed and not tried: free for the next one who asks."""
    tx.at_once(
        "UPDATE touches SET worker_id = NULL, lease_until = 0"
        " WHERE enrollment_id = ? AND node = ? AND n = ? AND epoch = ? AND state = 'pending'",
        [(*touch.key, touch.epoch) for touch in touches],
    )


def let_go(tx: Tx, worker: int) -> None:
    """Free what this worker claimed and has forgotten of, because the answer to its commit got lost."""
    tx.run(
        "UPDATE touches SET worker_id = NULL, lease_until = 0 WHERE worker_id = ? AND state = 'pending'",
        worker,
    )


def note(tx: Tx, key: tuple[int, str, int], at: int, what: str, because: str) -> None:
    """A line on the touch's timeline."""
    tx.run(
        "INSERT INTO touch_notes (enrollment_id, node, n, at, what, because) VALUES (?, ?, ?, ?, ?, ?)",
        *key,
        at,
        what,
        because,
    )


def renew(tx: Tx, touches: Sequence[Outbound], *, worker: int, lease_until: int) -> None:
    """These are still on their way: the final dot alone may take ten minutes."""
    present(tx, worker)
    tx.at_once(
        "UPDATE touches SET lease_until = ? WHERE enrollment_id = ? AND node = ? AND n = ? AND epoch = ?"
        " AND state IN ('pending', 'sending')",
        [(lease_until, *touch.key, touch.epoch) for touch in touches],
    )


def any_started(tx: Tx) -> bool:
    """Whether any message of ours has left, or may have: its links are sealed with our secret."""
    return tx.value("SELECT 1 FROM touches WHERE message_id IS NOT NULL LIMIT 1") is not None
