"""What was done to a campaign as a whole, by whom, and why; and what its complaints amount to."""

from __future__ import annotations

from typing import Any

from nurture.store.database import Tx

__all__ = ["add", "complaints", "messages", "notes_of", "unsettled"]


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


def unsettled(tx: Tx) -> dict[str, tuple[str, str]]:
    """Campaigns that complaints have stopped or paused, or warned of, and that nobody has let go on since: (what, why)."""
    latest: dict[str, tuple[str, str]] = {}
    for campaign, what, because in tx.rows("SELECT campaign, what, because FROM campaign_notes ORDER BY at, id"):
        if what in ("paused", "stopped", "warned", "resumed"):
            latest[campaign] = (what, because)
    return {campaign: said for campaign, said in latest.items() if said[0] != "resumed"}


def complaints(tx: Tx, campaign: str, *, since: int) -> int:
    """People who complained of a campaign since then."""
    return int(
        tx.value(
            "SELECT COUNT(DISTINCT lead_id) FROM signals WHERE kind = 'complained' AND campaign = ? AND at >= ?",
            campaign,
            since,
        )
    )


def messages(tx: Tx, campaign: str, *, since: int) -> int:
    """Marketing messages of a campaign that left since then."""
    return int(
        tx.value(
            "SELECT COUNT(*) FROM touches t JOIN versions v ON v.id = t.version_id WHERE v.campaign = ?"
            " AND t.started_at >= ? AND t.past = 0 AND t.purpose = 'marketing' AND t.state IN ('sent', 'ambiguous')",
            campaign,
            since,
        )
    )
