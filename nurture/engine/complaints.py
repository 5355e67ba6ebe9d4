"""The brake: people who mark our mail as spam are a campaign's last readers if nobody stops it.

The big mail systems stop taking mail from whoever reaches 0.3 %, and ask everybody to stay under 0.1 %.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from nurture.store import Tx, campaign_notes, versions

__all__ = ["LEAST", "PAUSES", "STOPS", "WITHIN", "Stopped", "brake", "release"]

WITHIN = timedelta(days=7)
WITHIN_LONGER = timedelta(days=30)
"""Complaints come days after their mail. Where a campaign has sent less in a week than it got complaints, they are about
earlier mails."""
PAUSES, STOPS = 0.001, 0.003
"""The share of complaints at which a campaign pauses, and at which only a person with a reason lets it go on."""
LEAST = 2
"""One complaint is one person's; of a small campaign it would be many percent."""


class Stopped(Exception):
    """Complaints have stopped this campaign."""


def release(tx: Tx, campaign: str, *, despite: str, actor: str | None, now: int) -> None:
    """A person lets a campaign go on. Raises `Stopped` where that takes a reason, and there is none."""
    notes = campaign_notes.notes_of(tx, campaign)
    last = next((note for note in reversed(notes) if note[1] in ("paused", "stopped", "warned", "resumed")), None)
    if last is None or last[1] == "resumed":
        return
    if last[1] == "stopped" and not despite.strip():
        raise Stopped(f"{campaign}: {last[2]}")
    campaign_notes.add(tx, campaign, "resumed", despite.strip() or "by hand", actor=actor, now=now)


def brake(tx: Tx, campaigns: Iterable[str], *, now: int) -> list[str]:
    """Pause or stop those of these campaigns that get too many complaints; says which. Where no rate is known, warn."""
    braked = []
    for campaign in sorted(set(campaigns)):
        found = _measured(tx, campaign, now=now)
        if found is None:
            continue
        what, because = found
        known = [said for _, said, *_ in campaign_notes.notes_of(tx, campaign)]
        since = known[len(known) - known[::-1].index("resumed") :] if "resumed" in known else known
        if what in since or "stopped" in since:
            continue
        if what != "warned":
            if not versions.pause(tx, campaign, now=now):
                continue
            braked.append(campaign)
        campaign_notes.add(tx, campaign, what, because, actor=None, now=now)
    return braked


def _measured(tx: Tx, campaign: str, *, now: int) -> tuple[str, str] | None:
    """What is to be done about this campaign's complaints, and why; None: nothing."""
    complaints = campaign_notes.complaints(tx, campaign, since=_ago(now, WITHIN))
    if complaints < LEAST:
        return None
    within = WITHIN
    messages = campaign_notes.messages(tx, campaign, since=_ago(now, within))
    if messages < complaints:
        within = WITHIN_LONGER
        messages = campaign_notes.messages(tx, campaign, since=_ago(now, within))
    if messages < complaints:
        return "warned", (
            f"{complaints} people complained within {WITHIN.days} days of {messages:,} messages within"
            f" {within.days}: no rate is known"
        )
    rate = complaints / messages
    if rate < PAUSES:
        return None
    because = f"{complaints} people complained of {messages:,} messages within {within.days} days ({rate:.2%})"
    return "stopped" if rate >= STOPS else "paused", because


def _ago(now: int, span: timedelta) -> int:
    return now - span // timedelta(microseconds=1)
