"""How fast each channel goes, and what rests: in the store, because all workers share it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import astuple, fields
from typing import NamedTuple

from nurture.pacing import Pace
from nurture.store.database import Tx

__all__ = ["WHOLE", "Key", "Rest", "forget_idle", "keep", "known", "lock", "look", "park", "resting"]

Key = tuple[str, str]
"""(channel, domain)."""
WHOLE = ""
"""In place of a domain: the channel as a whole."""
FUTURE = 60_000_000
"""What was written so much later than now belongs to a clock that somebody has set back: it holds nobody up."""
IDLE = 24 * 3600 * 1_000_000

COLUMNS = ", ".join(field.name for field in fields(Pace))


def known(tx: Tx, *, now: int) -> dict[str, Pace]:
    """The channels, as wholes, of which anything is known."""
    rows = tx.rows(f"SELECT channel, {COLUMNS} FROM paces WHERE domain = '' AND changed_at <= ?", now + FUTURE)
    return {row[0]: Pace(*row[1:]) for row in rows}


def look(tx: Tx, keys: Iterable[Key], *, now: int) -> dict[Key, Pace]:
    """What is known of these, unlocked."""
    return _read(tx, keys, now, "")


def lock(tx: Tx, keys: Iterable[Key], *, now: int) -> dict[Key, Pace]:
    """All of these, ours until the end of the transaction. It comes last in one, or alone."""
    wanted = sorted(set(keys))
    if tx.postgresql:
        # What is not there cannot be locked.
        tx.many(
            "INSERT INTO paces (channel, domain, changed_at) VALUES (?, ?, ?) ON CONFLICT (channel, domain) DO NOTHING",
            [(*key, now) for key in wanted],
        )
    found = _read(tx, wanted, now, "{for_update}")
    return {key: found.get(key) or Pace() for key in wanted}


def _read(tx: Tx, keys: Iterable[Key], now: int, locked: str) -> dict[Key, Pace]:
    channels: dict[str, list[str]] = {}
    for channel, domain in keys:
        channels.setdefault(channel, []).append(domain)
    found = {}
    for channel, domains in sorted(channels.items()):
        for row in tx.rows(
            f"SELECT domain, {COLUMNS} FROM paces WHERE channel = ? AND domain IN {{many}} AND changed_at <= ?"
            f" ORDER BY domain {locked}",
            channel,
            domains,
            now + FUTURE,
        ):
            found[channel, row[0]] = Pace(*row[1:])
    return found


def keep(tx: Tx, paces: Mapping[Key, Pace], *, now: int) -> None:
    """Write these down."""
    names = [field.name for field in fields(Pace)]
    tx.many(
        f"INSERT INTO paces (channel, domain, changed_at, {COLUMNS}) VALUES (?, ?, ?{', ?' * len(names)})"
        " ON CONFLICT (channel, domain) DO UPDATE SET changed_at = excluded.changed_at, "
        + ", ".join(f"{name} = excluded.{name}" for name in names),
        [(*key, now, *astuple(pace)) for key, pace in sorted(paces.items())],
    )


def park(tx: Tx, channel: str, because: str, *, now: int, domain: str = WHOLE) -> bool:
    """Let a channel rest, or one domain of it, for what was learned elsewhere, such as a report that our mail is not
    wanted. True when it did not rest already."""
    pace = lock(tx, [(channel, domain)], now=now)[channel, domain]
    began = pace.fault(because, now, at_once=True, key=f"{channel}/{domain}")
    keep(tx, {(channel, domain): pace}, now=now)
    return began


class Rest(NamedTuple):
    """A channel, or a domain of it, to which nothing is started at the moment."""

    channel: str
    domain: str
    """'' for the channel as a whole."""
    since: int
    until: int
    """When one message will try."""
    because: str


def resting(tx: Tx) -> list[Rest]:
    """All that rest, wholes first, the longest first."""
    rows = tx.rows(
        "SELECT channel, domain, since, open_at, because FROM paces WHERE rests > 0"
        " ORDER BY CASE WHEN domain = '' THEN 0 ELSE 1 END, since, channel, domain"
    )
    return [Rest(*row) for row in rows]


def forget_idle(tx: Tx, *, now: int) -> None:
    """Drop what a day without change has made void."""
    tx.run("DELETE FROM paces WHERE rests = 0 AND changed_at < ?", now - IDLE)
