"""From requests to signals: when it can be said who made a request, it is heard, by when it was made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from nurture.crashpoints import crash_point
from nurture.evidence import NEAR, REACH, SETTLE, Hit, HitKind, judge
from nurture.store import Store, Tx, hits
from nurture.store import signals as stored
from nurture.store.database import insist, micros
from nurture.store.hits import StoredHit
from nurture.store.signals import Heard
from nurture.store.touches import note, started_of
from nurture.store.waking import wake_leads

__all__ = ["next_weighing", "weigh"]

BATCH = 5_000
"""In one transaction. What lies around a batch is read with it: for small ones, the same again and again."""
KEPT = timedelta(hours=1)
RESPONSES = ("viewed", "clicked")
"""The kinds that become signals; the others only tell who the visitor is."""
MICROSECOND = timedelta(microseconds=1)
_near, _reach, _settle, _kept = (span // MICROSECOND for span in (NEAR, REACH, SETTLE, KEPT))


def weigh(store: Store, *, now: datetime) -> int:
    """Judge every request for which that can be done by now; says how many signals were heard."""
    at, heard = micros(now), 0
    with store.read() as tx:
        oldest = hits.next_judgement(tx)
        if oldest is None:
            return 0
        sources = [_ripe] if oldest <= at - _settle else []
        if _before_opt_outs(tx, at):
            sources.append(_before_opt_outs)
    for source in sources:
        judged = BATCH
        while judged == BATCH:
            judged, new = insist(lambda source=source: _weigh_batch(store, source, at))  # type: ignore[misc]  # bound now
            heard += new
    return heard


def next_weighing(tx: Tx) -> int | None:
    """When the next request can be judged."""
    oldest = hits.next_judgement(tx)
    return None if oldest is None else oldest + _settle


def _ripe(tx: Tx, now: int) -> list[StoredHit]:
    """What was asked for so long ago that nothing that bears on it is still to come."""
    return hits.ripe(tx, until=now - _settle, limit=BATCH)


def _before_opt_outs(tx: Tx, now: int) -> list[StoredHit]:
    """What was asked for just before its lead opted out: that is judged at once, by what came until then."""
    return hits.before_opt_outs(tx, since=now - _settle, until=now, limit=BATCH)


def _weigh_batch(store: Store, source: Callable[[Tx, int], list[StoredHit]], now: int) -> tuple[int, int]:
    """(requests judged, signals heard)."""
    with store.write() as tx:
        batch = source(tx, now)
        if not batch:
            return 0, 0
        enrollments = sorted({hit.enrollment_id for hit in batch})
        messages = started_of(tx, enrollments)
        opted_out = hits.opt_outs(tx, batch, reach=_reach)
        signals = _signals(batch, hits.around(tx, batch, near=_near, reach=_reach), messages, opted_out)
        new = stored.hear(tx, signals, now=now)
        unproven = hits.unproven(tx, enrollments)
        for hit in batch:
            key = (hit.enrollment_id, hit.node, hit.n)
            if key in unproven:
                # Machine or person: nobody opens what did not come.
                unproven.discard(key)
                note(tx, key, hit.at, "arrived", "something in it was opened, so it did arrive")
        hits.judged(tx, [hit.id for hit in batch])
        if opted_out:
            # Not everything becomes a signal, and whoever has opted out waits for nothing.
            wake_leads(tx, sorted(opted_out), now=now)
        hits.forget(tx, before=now - _kept)
        crash_point("weigh.committing")
    crash_point("weigh.committed")
    return len(batch), len(new)


def _signals(
    batch: Sequence[StoredHit],
    around: Sequence[StoredHit],
    messages: Mapping[tuple[int, str, int], tuple[str, int | None]],
    opted_out: Mapping[int, Sequence[int]],
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
        stop = next((at for at in opted_out.get(hit.lead_id, ()) if at >= hit.at), None)
        if stop is not None:
            # However late this is judged: what came after the opt-out was not known when it ended the campaign.
            near = [other for other in near if other.at <= timedelta(microseconds=stop)]
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
