"""The last word before a message leaves: everything that forbids it, asked in the transaction of its intent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from nurture.store import installation
from nurture.store.beats import GONE_BACK
from nurture.store.database import Tx
from nurture.store.meeting import meet
from nurture.store.suppressions import opted_out, suppressed
from nurture.store.touches import Outbound, ended_among, owned, started_since
from nurture.store.workers import present

__all__ = ["LEFT_BEFORE", "Intent", "commit_intents"]

LEFT_BEFORE = "it left before the database was put back: its Message-ID is in the relay's log"


class Intent(NamedTuple):
    """What we are about to do, written down before the first byte leaves."""

    touch: Outbound
    address_hash: str
    person_hashes: tuple[str, ...]
    """Of every address known of the person: an opt-out by one of them counts for all."""
    message_id: str
    at: int
    cap: int
    """How many marketing messages a person may get ..."""
    cap_period: int
    """... within this time (microseconds); 0: no cap."""


def commit_intents(tx: Tx, intents: Sequence[Intent], *, worker: int, lease_until: int) -> list[str]:
    """For each intent, '' when it is now committed, else why it may not start.

    Everything that forbids a message is asked again here, in the transaction of the intent itself: what was committed
    before this moment counts, whoever committed it.
    """
    enrollment_ids = [intent.touch.enrollment_id for intent in intents]
    present(tx, worker)
    # Two workers with messages to one person must see each other's intents, and neither may miss an opt-out.
    meet(tx, [intent.touch.lead_id for intent in intents])
    standing = {
        (enrollment, node, n): (state, epoch)
        for enrollment, node, n, state, epoch in tx.rows(
            "SELECT enrollment_id, node, n, state, epoch FROM touches WHERE enrollment_id IN {many}"
            " ORDER BY enrollment_id, node, n {for_update}",
            enrollment_ids,
        )
    }
    # A pause that is being committed now is waited for, and none comes between this look and our commit.
    paused = {
        row[0]
        for row in tx.rows(
            "SELECT v.id, c.paused_at FROM versions v JOIN campaigns c ON c.campaign = v.campaign {for_share}"
        )
        if row[1] is not None
    }
    ended = ended_among(tx, enrollment_ids)
    barred = suppressed(tx, [intent.address_hash for intent in intents])
    silent = opted_out(tx, [hashed for intent in intents for hashed in intent.person_hashes])
    lead_ids = [intent.touch.lead_id for intent in intents if intent.touch.purpose == "marketing"]
    owners = owned(tx, lead_ids)
    longest = max((intent.cap_period for intent in intents), default=0)
    recent = started_since(tx, lead_ids, min(i.at for i in intents) - longest) if longest and lead_ids else {}
    gone_back = installation.known(tx, GONE_BACK)
    ids = [intent.message_id for intent in intents]
    left = {row[0] for row in tx.rows("SELECT message_id FROM left_before WHERE message_id IN {many}", ids)}
    answers: list[str] = []
    starting: list[tuple[object, ...]] = []
    for intent in intents:
        touch = intent.touch
        marketing = touch.purpose == "marketing"
        times = [at for at in recent.get(touch.lead_id, []) if at > intent.at - intent.cap_period]
        # Ours already: this was committed, and the answer got lost. What forbids it is asked again all the same.
        ours = standing.get(touch.key) == ("sending", touch.epoch)
        if gone_back is not None:
            answers.append("the database was put back, and a person has to look first")
        elif intent.message_id in left:
            answers.append(LEFT_BEFORE)
        elif not ours and standing.get(touch.key) != ("pending", touch.epoch):
            answers.append("another worker has it, or it was cancelled")
        elif intent.address_hash in barred:
            answers.append(f"suppressed: {barred[intent.address_hash]}")
        elif said := next((silent[hashed] for hashed in intent.person_hashes if hashed in silent), None):
            answers.append(f"suppressed: {said}")
        elif touch.enrollment_id in ended:
            answers.append("the enrollment ended")
        elif touch.version_id in paused:
            answers.append("the campaign is paused")
        elif marketing and touch.lead_id in owners:
            answers.append(f"{owners[touch.lead_id]} works with this lead")
        elif marketing and intent.cap_period and not ours and len(times) >= intent.cap:
            answers.append("the frequency cap")
        else:
            answers.append("")
            if ours:
                continue
            if marketing:
                recent.setdefault(touch.lead_id, []).append(intent.at)
            starting.append(
                (intent.at, intent.address_hash, intent.message_id, worker, lease_until, *touch.key, touch.epoch)
            )
    tx.at_once(
        # A copy that a node's policy allows is dated like the first one: a response may be to either.
        "UPDATE touches SET state = 'sending', started_at = COALESCE(started_at, ?), address_hash = ?,"
        " message_id = ?, worker_id = ?,"
        " lease_until = ?, attempts = attempts + 1"
        " WHERE enrollment_id = ? AND node = ? AND n = ? AND epoch = ? AND state = 'pending'",
        starting,
    )
    return answers
