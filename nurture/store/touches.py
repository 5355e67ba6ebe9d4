"""The outbox: claim what may go out, write verdicts. `intents` starts a message, `recovery` is for what a crash left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from nurture.identity import IdentityKind
from nurture.store.database import Tx

__all__ = [
    "Outbound",
    "Settled",
    "any_due",
    "claim_pending",
    "next_pending",
    "next_recovery",
    "note",
    "postpone",
    "release",
    "renew",
    "settle",
    "strand",
    "wake",
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


CLAIM = """
UPDATE touches SET epoch = epoch + 1, worker_id = ?, lease_until = ?
WHERE (enrollment_id, node, n) IN (
    SELECT enrollment_id, node, n FROM touches
    WHERE state = 'pending' AND due_at <= ? AND lease_until <= ?
    AND version_id NOT IN (
        SELECT v.id FROM versions v JOIN campaigns c ON c.campaign = v.campaign WHERE c.paused_at IS NOT NULL)
    ORDER BY due_at, enrollment_id LIMIT ? {skip_locked})
RETURNING enrollment_id, node, n, lead_id, version_id, channel, content, purpose, on_unknown, asked_at, expires_at,
    attempts, epoch, started_at, copies
"""


def claim_pending(tx: Tx, *, now: int, wall: int, worker: int, lease_until: int, limit: int) -> list[Outbound]:
    """Touches whose time has come, the longest asked for first, each to one worker only."""
    found = tx.rows(CLAIM, worker, lease_until, now, wall, limit)
    return sorted(map(Outbound._make, found), key=lambda touch: (touch.asked_at, touch.key))


def next_pending(tx: Tx) -> int | None:
    """When the next touch is due; those of paused campaigns do not count."""
    value = tx.value(
        "SELECT MIN(due_at) FROM touches WHERE state = 'pending' AND version_id NOT IN ("
        "SELECT v.id FROM versions v JOIN campaigns c ON c.campaign = v.campaign WHERE c.paused_at IS NOT NULL)"
    )
    return None if value is None else int(value)


def any_due(tx: Tx, *, now: int) -> bool:
    """Whether delivery has anything to do."""
    found = tx.value(
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM touches WHERE state = 'pending' AND due_at <= ?)"
        " OR EXISTS (SELECT 1 FROM touches WHERE state = 'sending')",
        now,
    )
    return found is not None


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
        "SELECT id, email, email_key, external_id, phone, wechat, language, time_zone, owner, score, fields"
        " FROM leads WHERE id IN {many}",
        lead_ids,
    )
    return {row[0]: Recipient._make(row) for row in rows}


def keys_of(tx: Tx, enrollment_ids: list[int]) -> dict[int, str]:
    """Enrollment keys by id."""
    return dict(tx.rows("SELECT id, key FROM enrollments WHERE id IN {many}", enrollment_ids))


def suppressed(tx: Tx, hashes: list[str]) -> dict[str, str]:
    """Which of these addresses may not be written to, and why."""
    return dict(
        tx.rows("SELECT address_hash, MIN(kind) FROM suppressions WHERE address_hash IN {many} GROUP BY 1", hashes)
    )


def opted_out(tx: Tx, hashes: list[str]) -> dict[str, str]:
    """Which of these addresses belong to somebody who wants no messages at all, and what they said. A bounce is about
    its own address only."""
    rows = tx.rows(
        "SELECT address_hash, MIN(kind) FROM suppressions WHERE address_hash IN {many} AND kind <> 'bounced' GROUP BY 1",
        hashes,
    )
    return dict(rows)


def ended_among(tx: Tx, enrollment_ids: list[int]) -> set[int]:
    """Which of these enrollments have ended."""
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
        " AND started_at > ? AND state IN ('sending', 'sent', 'ambiguous', 'awaiting_confirmation') ORDER BY started_at",
        lead_ids,
        since,
    ):
        found.setdefault(lead_id, []).append(started_at)
    return found


@dataclass(frozen=True, slots=True)
class Settled:
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
        for enrollment, node, n, state, epoch in tx.rows(
            "SELECT enrollment_id, node, n, state, epoch FROM touches WHERE enrollment_id IN {many}"
            " ORDER BY enrollment_id, node, n {for_update}",
            enrollment_ids,
        )
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
    tx.many(
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
    if again:
        tx.run(
            # Whose campaign has ended meanwhile gets nothing more from it.
            "UPDATE touches SET state = CASE WHEN started_at IS NULL THEN 'cancelled' ELSE 'ambiguous' END,"
            " settled_at = COALESCE(started_at, ?), because = 'the enrollment ended' WHERE state = 'pending'"
            " AND enrollment_id IN (SELECT id FROM enrollments WHERE status = 'ended' AND id IN {many})",
            now,
            [verdict.touch.enrollment_id for verdict in again],
        )
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
    tx.many(
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
    tx.many(
        "UPDATE touches SET worker_id = NULL, lease_until = 0"
        " WHERE enrollment_id = ? AND node = ? AND n = ? AND epoch = ? AND state = 'pending'",
        [(*touch.key, touch.epoch) for touch in touches],
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


def wake(tx: Tx, enrollment_ids: list[int], *, now: int) -> None:
    """These enrollments are due now: something they may wait for has happened."""
    if enrollment_ids:
        tx.run(
            "UPDATE enrollments SET heard = heard + 1, due_at = CASE WHEN due_at > ? THEN ? ELSE due_at END"
            " WHERE status = 'waiting' AND id IN {many}",
            now,
            now,
            enrollment_ids,
        )


def renew(tx: Tx, touches: Sequence[Outbound], *, lease_until: int) -> None:
    """These are still on their way: the final dot alone may take ten minutes."""
    tx.many(
        "UPDATE touches SET lease_until = ? WHERE enrollment_id = ? AND node = ? AND n = ? AND epoch = ?"
        " AND state IN ('pending', 'sending')",
        [(lease_until, *touch.key, touch.epoch) for touch in touches],
    )
