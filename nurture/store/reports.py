"""Counting and telling: what `status` and `history` read."""

from __future__ import annotations

from typing import Any

from nurture.store.database import Tx

__all__ = [
    "due_and_stuck",
    "enrollments_after",
    "enrollments_of",
    "entered",
    "handoffs_of",
    "notes_of",
    "open_handoffs",
    "person",
    "signals_of_lead",
    "steps_of",
    "stuck_by_cause",
    "stuck_leads",
    "touch_states",
    "touches_of_lead",
    "waiting",
]


def due_and_stuck(tx: Tx, campaign: str, *, now: int) -> tuple[int, int]:
    """How many leads are due, and how many stuck: each from an index that holds no others."""
    due = tx.value(
        "SELECT COUNT(*) FROM enrollments WHERE campaign = ? AND status = 'waiting' AND due_at <= ?", campaign, now
    )
    return int(due), int(tx.value("SELECT COUNT(*) FROM enrollments WHERE campaign = ? AND status = 'stuck'", campaign))


def waiting(tx: Tx, campaign: str) -> int:
    """How many leads wait, those that are due included: counted apart from where they stand."""
    return int(tx.value("SELECT COUNT(*) FROM enrollments WHERE campaign = ? AND status = 'waiting'", campaign))


def entered(tx: Tx, campaign: str) -> int:
    """All enrollments there ever were, by the numbers each lead's entries were given: counted apart from states."""
    return int(
        tx.value(
            "SELECT COALESCE(SUM(entries), 0) FROM"
            " (SELECT MAX(entry) AS entries FROM enrollments WHERE campaign = ? GROUP BY lead_id) AS leads",
            campaign,
        )
    )


def touch_states(tx: Tx) -> dict[str, int]:
    """State to number of touches; those known from history only are left out: we did not send them."""
    return dict(tx.rows("SELECT state, COUNT(*) FROM touches WHERE past = 0 GROUP BY state"))


def stuck_by_cause(tx: Tx, cause: str | None = None) -> list[Any]:
    """(campaign, node, cause, number, first and last time at which one of them came to the node) of stuck enrollments,
    the most frequent first. With `cause`, only those whose cause contains it."""
    where, words = _stuck(cause)
    return tx.rows(
        f"SELECT campaign, node, reason, COUNT(*), MIN(entered_at), MAX(entered_at) FROM enrollments WHERE {where}"
        " GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3",
        *words,
    )


def stuck_leads(tx: Tx, campaign: str, node: str, cause: str, *, limit: int) -> list[str]:
    """Some of those who are stuck there for this cause: an address, or the key of who has none."""
    rows = tx.rows(
        "SELECT l.email, l.external_id, l.phone, l.wechat FROM enrollments e JOIN leads l ON l.id = e.lead_id"
        " WHERE e.campaign = ? AND e.status = 'stuck' AND e.node = ? AND e.reason = ? ORDER BY e.id LIMIT ?",
        campaign, node, cause, limit,
    )  # fmt: skip
    prefixes = ("", "id:", "phone:", "wechat:")
    return [
        next(prefix + value for prefix, value in zip(prefixes, row, strict=True) if value) for row in rows if any(row)
    ]


def _stuck(cause: str | None, **only: Any) -> tuple[str, tuple[Any, ...]]:
    """A condition, and its words. A cause is compared letter by letter; of `only`, what is None narrows nothing."""
    asked = {f"{column} = ?": word for column, word in only.items() if word is not None}
    if cause:
        asked["replace(reason, ?, '') <> reason"] = cause
    return " AND ".join(["status = 'stuck'", *asked]), tuple(asked.values())


def retry(
    tx: Tx,
    cause: str | None,
    *,
    now: int,
    campaign: str | None = None,
    node: str | None = None,
    lead_id: int | None = None,
) -> int:
    """Stuck enrollments are due again, and so are the messages they could not write; says how many enrollments.

    With `cause`, only those whose cause contains it, letter by letter; with the others, only those of them.
    """
    stuck, words = _stuck(cause, campaign=campaign, node=node, lead_id=lead_id)
    tx.run(
        f"UPDATE touches SET due_at = ? WHERE state = 'pending' AND enrollment_id IN"
        f" (SELECT id FROM enrollments WHERE {stuck})",
        now,
        *words,
    )
    return tx.run(
        f"UPDATE enrollments SET status = 'waiting', reason = NULL, because = 'tried again', due_at = ? WHERE {stuck}",
        now,
        *words,
    )


def enrollments_of(tx: Tx, lead_id: int) -> list[Any]:
    """(id, key, campaign, version_id, hash, entry, enrolled_at, node, entered_at, status, reason, because, due_at,
    ended_at, begun) of a lead, oldest first."""
    return tx.rows(
        "SELECT e.id, e.key, e.campaign, e.version_id, v.hash, e.entry, e.enrolled_at, e.node, e.entered_at, e.status,"
        " e.reason, e.because, e.due_at, e.ended_at, e.begun FROM enrollments e JOIN versions v ON v.id = e.version_id"
        " WHERE e.lead_id = ? ORDER BY e.enrolled_at, e.id",
        lead_id,
    )


def steps_of(tx: Tx, enrollment_ids: list[int]) -> list[Any]:
    """(enrollment_id, seq, node, entered_at, at, decided_at, outcome, because, effects, saw), in order."""
    return tx.rows(
        "SELECT enrollment_id, seq, node, entered_at, at, decided_at, outcome, because, effects, saw FROM steps"
        " WHERE enrollment_id IN {many} ORDER BY enrollment_id, seq",
        enrollment_ids,
    )


def touches_of_lead(tx: Tx, lead_id: int) -> list[Any]:
    """(enrollment_id, campaign, node, n, channel, content, state, asked_at, started_at, settled_at, because,
    message_id, past, due_at), oldest first."""
    return tx.rows(
        "SELECT t.enrollment_id, e.campaign, t.node, t.n, t.channel, t.content, t.state, t.asked_at, t.started_at,"
        " t.settled_at, t.because, t.message_id, t.past, t.due_at"
        " FROM touches t JOIN enrollments e ON e.id = t.enrollment_id WHERE t.lead_id = ? AND t.past < 2"
        " ORDER BY t.asked_at, t.enrollment_id, t.node",
        lead_id,
    )


def notes_of(tx: Tx, enrollment_ids: list[int]) -> list[Any]:
    """(enrollment_id, node, n, at, what, because) of touches' timelines."""
    return tx.rows(
        "SELECT enrollment_id, node, n, at, what, because FROM touch_notes WHERE enrollment_id IN {many} ORDER BY id",
        enrollment_ids,
    )


def signals_of_lead(tx: Tx, lead_id: int) -> list[Any]:
    """(kind, at, heard_at, campaign, node, external_id, reason, confidence, because), oldest first."""
    return tx.rows(
        "SELECT kind, at, heard_at, campaign, node, external_id, reason, confidence, because FROM signals"
        " WHERE lead_id = ? ORDER BY at, id",
        lead_id,
    )


def handoffs_of(tx: Tx, lead_id: int) -> list[Any]:
    """(campaign, node, to, team, opened_at, answer_by, state, answered_at, reason), oldest first."""
    return tx.rows(
        'SELECT campaign, node, "to", team, opened_at, answer_by, state, answered_at, reason FROM handoffs'
        " WHERE lead_id = ? ORDER BY opened_at",
        lead_id,
    )


def open_handoffs(tx: Tx, campaign: str) -> list[Any]:
    """(enrollment_id, node, to, team, opened_at, answer_by, lead's key, lead's e-mail) of those nobody has answered yet."""
    return tx.rows(
        'SELECT h.enrollment_id, h.node, h."to", h.team, h.opened_at, h.answer_by, l.key, l.email'
        " FROM handoffs h JOIN leads l ON l.id = h.lead_id WHERE h.campaign = ? AND h.state = 'open'"
        " ORDER BY h.opened_at, h.enrollment_id",
        campaign,
    )


def enrollments_after(tx: Tx, after: int, *, lead_id: int | None, campaign: str | None, limit: int) -> list[Any]:
    """(id, key, campaign, lead_id, version_id, node, entered_at, status, reason, steps, email, lead key, placed, names),
    by id."""
    return tx.rows(
        "SELECT e.id, e.key, e.campaign, e.lead_id, e.version_id, e.node, e.entered_at, e.status, e.reason, e.steps,"
        " l.email, l.key, e.placed, e.names FROM enrollments e JOIN leads l ON l.id = e.lead_id"
        " WHERE e.id > ? AND l.erased_at IS NULL AND (e.lead_id = ? OR ? = 1) AND (e.campaign = ? OR ? = 1)"
        " ORDER BY e.id LIMIT ?",
        after,
        lead_id or 0,
        int(lead_id is None),
        campaign or "",
        int(campaign is None),
        limit,
    )


def person(tx: Tx, lead_id: int) -> tuple[Any, list[str]]:
    """(key, email, external_id, phone, wechat, owner, score, language, time_zone, basis, consent, fields), and tags."""
    row = tx.row(
        "SELECT key, email, external_id, phone, wechat, owner, score, language, time_zone, basis, consent, fields"
        " FROM leads WHERE id = ?",
        lead_id,
    )
    return row, [tag for (tag,) in tx.rows("SELECT tag FROM tags WHERE lead_id = ? ORDER BY tag", lead_id)]
