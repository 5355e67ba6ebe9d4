"""What was done to a campaign as a whole, by whom, and why; and what its complaints amount to."""

from __future__ import annotations

from typing import Any

from nurture.store.database import Tx

__all__ = ["add", "complaint_counts", "notes_of", "stopped"]


def add(tx: Tx, campaign: str, what: str, because: str, *, actor: str | None, now: int) -> None:
    tx.run(
        "INSERT INTO campaign_notes (campaign, at, what, because, actor) VALUES (?, ?, ?, ?, ?)",
        campaign,
        now,
        what,
        because,
        actor,
    )


def notes_of(tx: Tx, campaign: str) -> list[Any]:
    """(at, what, because, actor), oldest first."""
    return tx.rows("SELECT at, what, because, actor FROM campaign_notes WHERE campaign = ? ORDER BY at, id", campaign)


def stopped(tx: Tx) -> dict[str, str]:
    """Campaigns that complaints have stopped or paused and that nobody has let go on since, and why."""
    latest: dict[str, tuple[str, str]] = {}
    for campaign, what, because in tx.rows("SELECT campaign, what, because FROM campaign_notes ORDER BY at, id"):
        if what in ("paused", "stopped", "resumed"):
            latest[campaign] = (what, because)
    return {campaign: because for campaign, (what, because) in latest.items() if what != "resumed"}


def complaint_counts(tx: Tx, campaign: str, *, since: int) -> tuple[int, int]:
    """(people who complained, marketing messages that left) of a campaign since then."""
    complaints = tx.value(
        "SELECT COUNT(DISTINCT lead_id) FROM signals WHERE kind = 'complained' AND campaign = ? AND at >= ?",
        campaign,
        since,
    )
    messages = tx.value(
        "SELECT COUNT(*) FROM touches t JOIN versions v ON v.id = t.version_id WHERE v.campaign = ?"
        " AND t.started_at >= ? AND t.past = 0 AND t.purpose = 'marketing' AND t.state IN ('sent', 'ambiguous')",
        campaign,
        since,
    )
    return int(complaints), int(messages)
