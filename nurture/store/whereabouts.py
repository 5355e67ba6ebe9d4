"""Who stands where: what somebody who watches a campaign asks for."""

from __future__ import annotations

from typing import Any

from nurture.store.database import Tx

__all__ = ["due_before", "standing_at"]


def due_before(tx: Tx, campaign: str, before: int) -> int:
    """How many leads of a campaign are to be looked at before this moment."""
    return int(
        tx.value(
            "SELECT COUNT(*) FROM enrollments WHERE campaign = ? AND status = 'waiting' AND due_at < ?",
            campaign,
            before,
        )
    )


def standing_at(tx: Tx, campaign: str, node: str, *, after: int, limit: int) -> list[Any]:
    """(enrollment id, status, reason, because, entered_at, due_at, email, external_id, phone, wechat, fields) of leads
    that stand at a node, by enrollment."""
    return tx.rows(
        "SELECT e.id, e.status, e.reason, e.because, e.entered_at, e.due_at, l.email, l.external_id, l.phone, l.wechat,"
        " l.fields FROM enrollments e JOIN leads l ON l.id = e.lead_id"
        " WHERE e.campaign = ? AND e.node = ? AND e.status <> 'ended' AND e.id > ? ORDER BY e.id LIMIT ?",
        campaign,
        node,
        after,
        limit,
    )
