"""From requests to signals: when it can be said who made a request, it is heard, by when it was made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from nurture.evidence import REACH, SETTLE, Hit, HitKind, judge
from nurture.store import Store, Tx, hits
from nurture.store import signals as stored
from nurture.store.database import insist, micros
from nurture.store.hits import StoredHit
from nurture.store.signals import Heard
from nurture.store.touches import note, started_of

__all__ = ["next_weighing", "weigh"]

BATCH = 1000
KEPT = timedelta(hours=1)
RESPONSES = ("viewed", "clicked")
"""The kinds that become signals; the others only tell who the visitor is."""
MICROSECOND = timedelta(microseconds=1)
_reach, _settle, _kept = (span // MICROSECOND for span in (REACH, SETTLE, KEPT))


def weigh(store: Store, *, now: datetime) -> int:
    """Judge every request for which that can be done by now; says how many signals were heard."""
    at, heard = micros(now), 0
    with store.read() as tx:
        oldest = hits.next_judgement(tx)
    if oldest is None or oldest > at - _settle:
        return 0
    while True:
        judged, new = insist(lambda: _weigh_batch(store, at))
        heard += new
        if judged < BATCH:
            return heard


def next_weighing(tx: Tx) -> int | None:
    """When the next request can be judged."""
    oldest = hits.next_judgement(tx)
    return None if oldest is None else oldest + _settle


def _weigh_batch(store: Store, now: int) -> tuple[int, int]:
    """(requests judged, signals heard)."""
    with store.write() as tx:
        batch = hits.ripe(tx, until=now - _settle, limit=BATCH)
        if not batch:
            return 0, 0
        enrollments = sorted({hit.enrollment_id for hit in batch})
        messages = started_of(tx, enrollments)
        signals = _signals(batch, hits.around(tx, batch, reach=_reach), messages)
        new = stored.hear(tx, signals, now=now)
        unproven = hits.unproven(tx, enrollments)
        for hit in batch:
            key = (hit.enrollment_id, hit.node, hit.n)
            if key in unproven:
                # Machine or person: nobody opens what did not come.
                unproven.discard(key)
                note(tx, key, hit.at, "arrived", "something in it was opened, so it did arrive")
        hits.judged(tx, [hit.id for hit in batch])
        hits.forget(tx, before=now - _kept)
    return len(batch), len(new)


def _signals(
    batch: Sequence[StoredHit],
    around: Sequence[StoredHit],
    messages: Mapping[tuple[int, str, int], tuple[str, int | None]],
) -> list[Heard]:
    by_message: dict[tuple[int, str, int], list[Hit]] = defaultdict(list)
    by_source: dict[str, list[Hit]] = defaultdict(list)
    for hit in around:
        known = _as_evidence(hit)
        by_message[hit.enrollment_id, hit.node, hit.n].append(known)
        by_source[hit.source].append(known)
    found = []
    for hit in batch:
        key = (hit.enrollment_id, hit.node, hit.n)
        # A seal of ours on a message that never left: somebody has our secret, or a backup was restored.
        if hit.kind not in RESPONSES or key not in messages:
            continue
        campaign, settled_at = messages[key]
        after = None if settled_at is None else timedelta(microseconds=hit.at - settled_at)
        near = by_message[key] + by_source[hit.source]
        judgement = judge(_as_evidence(hit), near, after_sending=after)
        # Looking ten times within a minute is looking once; the same request stored twice is heard once.
        name = f"{hit.kind}/{hit.link}/{hit.at // 60_000_000}/{judgement.confidence}"
        found.append(
            Heard(
                hit.lead_id,
                hit.kind,
                hit.at,
                campaign,
                hit.node,
                f"hit:{hit.enrollment_id}/{hit.node}/{hit.n}/{name}",
                None,
                judgement.confidence,
                judgement.because or None,
            )
        )
    return found


def _as_evidence(hit: StoredHit) -> Hit:
    kind: HitKind = hit.kind  # type: ignore[assignment]  # the column holds these
    at = timedelta(microseconds=hit.at)
    return Hit((hit.enrollment_id, hit.node, hit.n), hit.lead_id, kind, hit.link, at, hit.source, hit.agent)
