"""Published versions: immutable, found again by their hash."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from nurture.store.database import Tx

__all__ = [
    "Version",
    "by_number",
    "campaigns",
    "current",
    "find",
    "listed",
    "numbers",
    "pause",
    "publish",
    "scan",
    "scanned",
    "unpause",
    "version_by_id",
]


PUBLISH_LOCK = 7_316_203
"""An arbitrary number, the same everywhere: PostgreSQL's advisory lock for publishing."""


class Version(NamedTuple):
    id: int
    campaign: str
    version: int
    hash: str
    definition: str
    contents: str

    @property
    def files(self) -> dict[str, str]:
        """The content files stored with it: path to text."""
        found: dict[str, str] = json.loads(self.contents)
        return found


def publish(
    tx: Tx, campaign: str, hash: str, definition: str, contents: Mapping[str, str], *, now: int
) -> tuple[Version, bool]:
    """The stored version with these bytes, and whether it is new. It is what new enrollments get from now on."""
    if tx.postgresql:
        # A writing transaction of SQLite is alone anyway; here two that publish take turns, so that numbers do not clash.
        tx.rows("SELECT pg_advisory_xact_lock(?)", PUBLISH_LOCK)
    found = find(tx, campaign, hash)
    if found is None:
        number = int(tx.value("SELECT COALESCE(MAX(version), 0) + 1 FROM versions WHERE campaign = ?", campaign))
        packed = json.dumps(dict(sorted(contents.items())), ensure_ascii=False)
        tx.run(
            "INSERT INTO versions (campaign, version, hash, definition, contents, published_at)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            campaign, number, hash, definition, packed, now,
        )  # fmt: skip
    version = find(tx, campaign, hash)
    assert version is not None
    tx.run(
        "INSERT INTO campaigns (campaign, current) VALUES (?, ?)"
        " ON CONFLICT (campaign) DO UPDATE SET current = excluded.current",
        campaign,
        version.id,
    )
    return version, found is None


def find(tx: Tx, campaign: str, hash: str) -> Version | None:
    row = tx.row(
        "SELECT v.id, v.campaign, v.version, v.hash, v.definition, v.contents FROM versions v"
        " WHERE v.campaign = ? AND v.hash = ?",
        campaign,
        hash,
    )
    return None if row is None else Version._make(row)


def by_number(tx: Tx, campaign: str, number: int) -> Version | None:
    row = tx.row(
        "SELECT v.id, v.campaign, v.version, v.hash, v.definition, v.contents FROM versions v"
        " WHERE v.campaign = ? AND v.version = ?",
        campaign,
        number,
    )
    return None if row is None else Version._make(row)


def listed(tx: Tx, campaign: str) -> list[Any]:
    """(id, version, hash, published_at, whether new enrollments get it, leads inside, enrollments ever), newest first."""
    return tx.rows(
        "SELECT v.id, v.version, v.hash, v.published_at, CASE WHEN c.current = v.id THEN 1 ELSE 0 END,"
        " COUNT(CASE WHEN e.status <> 'ended' THEN 1 END), COUNT(e.id)"
        " FROM versions v JOIN campaigns c ON c.campaign = v.campaign LEFT JOIN enrollments e ON e.version_id = v.id"
        " WHERE v.campaign = ? GROUP BY v.id, v.version, v.hash, v.published_at, c.current ORDER BY v.version DESC",
        campaign,
    )


def current(tx: Tx, campaign: str) -> Version | None:
    """The version that new enrollments of this campaign get."""
    row = tx.row(
        "SELECT v.id, v.campaign, v.version, v.hash, v.definition, v.contents FROM versions v"
        " JOIN campaigns c ON c.current = v.id WHERE c.campaign = ?",
        campaign,
    )
    return None if row is None else Version._make(row)


def version_by_id(tx: Tx, id: int) -> Version:
    row = tx.row(
        "SELECT v.id, v.campaign, v.version, v.hash, v.definition, v.contents FROM versions v WHERE v.id = ?", id
    )
    if row is None:
        raise LookupError(f"version {id} is not stored")
    return Version._make(row)


def campaigns(tx: Tx) -> list[tuple[str, int, int | None]]:
    """(campaign, current version id, paused at) of all published campaigns."""
    return [tuple(row) for row in tx.rows("SELECT campaign, current, paused_at FROM campaigns ORDER BY campaign")]


def numbers(tx: Tx) -> dict[int, tuple[str, int]]:
    """Version id to (campaign, number of the version)."""
    return {row[0]: (row[1], row[2]) for row in tx.rows("SELECT id, campaign, version FROM versions")}


def pause(tx: Tx, campaign: str, *, now: int) -> bool:
    """No new intent after this is committed. Says whether there is such a campaign."""
    return tx.run("UPDATE campaigns SET paused_at = COALESCE(paused_at, ?) WHERE campaign = ?", now, campaign) > 0


def unpause(tx: Tx, campaign: str, *, now: int) -> bool:
    """Go on. Messages that could not go out meanwhile get the time back. Says whether there is such a campaign."""
    paused_at = tx.value("SELECT paused_at FROM campaigns WHERE campaign = ?", campaign)
    if paused_at is not None and now > paused_at:
        tx.run(
            "UPDATE touches SET expires_at = expires_at + ? WHERE state = 'pending'"
            " AND version_id IN (SELECT id FROM versions WHERE campaign = ?)",
            now - paused_at,
            campaign,
        )
    return tx.run("UPDATE campaigns SET paused_at = NULL WHERE campaign = ?", campaign) > 0


def scanned(tx: Tx, campaign: str) -> tuple[int | None, int | None]:
    """Continuous entry: (the latest change that was looked at, when); None: nobody was looked at yet."""
    row = tx.row("SELECT scanned_to, scanned_at FROM campaigns WHERE campaign = ?", campaign)
    return (None, None) if row is None else (row[0], row[1])


def scan(tx: Tx, campaign: str, *, to: int, at: int) -> None:
    """Leads changed up to this number have been looked at."""
    tx.run("UPDATE campaigns SET scanned_to = ?, scanned_at = ? WHERE campaign = ?", to, at, campaign)
