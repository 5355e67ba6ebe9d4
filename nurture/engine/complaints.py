"""The brake: people who mark our mail as spam are a campaign's last readers if nobody stops it.

The big mail systems stop taking mail from whoever reaches 0.3 %, and ask everybody to stay under 0.1 %.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from nurture.store import Tx, campaign_notes, versions

__all__ = ["LEAST", "PAUSES", "STOPS", "WITHIN", "Stopped", "brake", "release"]

WITHIN = timedelta(days=7)
PAUSES, STOPS = 0.001, 0.003
"""The share of complaints at which a campaign pauses, and at which only a person with a reason lets it go on."""
LEAST = 2
"""One complaint is one person's; of a small campaign it would be many percent."""


class Stopped(Exception):
    """Complaints have stopped this campaign."""


def release(tx: Tx, campaign: str, *, despite: str, actor: str | None, now: int) -> None:
    """A person lets a campaign go on. Raises `Stopped` where that takes a reason, and there is none."""
    notes = campaign_notes.notes_of(tx, campaign)
    last = next((note for note in reversed(notes) if note[1] in ("paused", "stopped", "resumed")), None)
    if last is None or last[1] == "resumed":
        return
    if last[1] == "stopped" and not despite.strip():
        raise Stopped(f"{campaign}: {last[2]}")
    campaign_notes.add(tx, campaign, "resumed", despite.strip() or "by hand", actor=actor, now=now)


def brake(tx: Tx, campaigns: Iterable[str], *, now: int) -> list[str]:
    """Pause or stop those of these campaigns that get too many complaints; says which."""
    braked = []
    for campaign in sorted(set(campaigns)):
        complaints, messages = campaign_notes.complaint_counts(
            tx, campaign, since=now - WITHIN // timedelta(microseconds=1)
        )
        rate = complaints / messages if messages else 1.0
        if complaints < LEAST or rate < PAUSES:
            continue
        what = "stopped" if rate >= STOPS else "paused"
        known = [said for _, said, *_ in campaign_notes.notes_of(tx, campaign)]
        since = known[len(known) - known[::-1].index("resumed") :] if "resumed" in known else known
        if what in since or "stopped" in since or not versions.pause(tx, campaign, now=now):
            continue
        because = f"{complaints} people complained of {messages:,} messages within {WITHIN.days} days ({rate:.2%})"
        campaign_notes.add(tx, campaign, what, because, actor=None, now=now)
        braked.append(campaign)
    return braked
