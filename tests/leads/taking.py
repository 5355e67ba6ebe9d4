"""Leads into a store, and what came of it, in a few words."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from nurture.identity import address_hash
from nurture.leads import LeadOptions, import_leads
from nurture.store.suppressions import suppress

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
SECRET = b"secret"


def into(store, path, *, now=NOW, progress=None, **options):
    report = import_leads(
        store, path, LeadOptions(**options), secret=SECRET, rejects=path.parent / "rejects", now=now, progress=progress
    )
    counts = report.as_json()
    assert counts["read"] == sum(counts[name] for name in ("new", "updated", "unchanged", "rejected", "suppressed"))
    return report


def people(store):
    """All leads by e-mail key, with their tags."""
    with store.read() as tx:
        tags = {}
        for lead_id, tag in tx.rows("SELECT lead_id, tag FROM tags ORDER BY tag"):
            tags.setdefault(lead_id, []).append(tag)
        names = "id key email email_key external_id phone wechat owner language time_zone basis consent fields change"
        rows = [
            dict(zip(names.split(), row, strict=True))
            for row in tx.rows(f"SELECT {', '.join(names.split())} FROM leads ORDER BY id")
        ]
    return {
        row["email_key"]: row | {"fields": json.loads(row["fields"]), "tags": tags.get(row["id"], [])} for row in rows
    }


def said(report):
    return {
        name: number for name, number in report.as_json().items() if number and name not in ("read", "rejects_file")
    }


def silence(store, kind, identity, key):
    with store.write() as tx:
        suppress(tx, [(address_hash(SECRET, identity, key), kind, 1, None)])


def silenced(store):
    with store.read() as tx:
        return set(map(tuple, tx.rows("SELECT address_hash, kind FROM suppressions")))
