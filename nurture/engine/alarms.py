"""What must not go unseen: leads and messages that nobody looks at, and numbers that do not add up. Cheap to ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from nurture.engine import conserving
from nurture.engine.conserving import Broken
from nurture.engine.plans import Plans
from nurture.engine.recognising import put_back
from nurture.store import Store, Tx, health, tallies
from nurture.store.database import from_micros, micros

__all__ = ["LATE", "RESTORE", "Alarm", "alarms", "late", "lost", "recounted"]

LATE = timedelta(minutes=15)
"""The heartbeat looks at everybody within a minute; a quarter of an hour means that it does not beat."""
BEAT = "is `nurture up` running, or something that calls `nurture tick` every minute?"
RESTORE = "`nurture restore` shows what is held, and lets you decide"
KEEP = "`nurture pause CAMPAIGN`, keep a copy of the database, and report it; `nurture replay --all` names leads that differ"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing that somebody has to look at now."""

    what: str
    """`overdue`, `conserved` or `put_back`."""
    where: str
    """Campaign, version and node, as far as it is about one."""
    since: str
    """ISO 8601; empty where nobody knows."""
    sentence: str
    hint: str

    def as_json(self) -> dict[str, str]:
        return asdict(self)


def alarms(store: Store, plans: Plans, *, now: datetime) -> list[Alarm]:
    """By indexes that hold only what is waiting, and by the running counts: for every minute."""
    why = put_back(store)
    if why is not None:
        return [Alarm("put_back", "the database", "", f"nothing is sent, a backup was put back: {why}", RESTORE)]
    with store.read() as tx:
        return [*late(tx, now=now), *lost(tx, conserving.broken(tx, plans, tallies.kept(tx)))]


def recounted(store: Store, plans: Plans) -> list[Alarm]:
    """What does not add up when every enrollment and every step is counted: for every hour."""
    with store.read() as tx:
        tx.hold_still()
        return lost(tx, conserving.recount(tx, plans))


def late(tx: Tx, *, now: datetime) -> list[Alarm]:
    """Leads and messages that are overdue by a quarter of an hour; those of paused campaigns may wait."""
    before = micros(now - LATE)
    found = []
    for campaign, number, since, node in health.overdue(tx, before=before):
        moment = _iso(from_micros(since))
        sentence = f"{campaign}: {_leads(number)} overdue, the first of them at node {node} since {moment}"
        found.append(Alarm("overdue", campaign, moment, sentence, BEAT))
    for campaign, number, since in health.overdue_messages(tx, before=before):
        moment = _iso(from_micros(since))
        are = "1 message is" if number == 1 else f"{number:,} messages are"
        found.append(
            Alarm(
                "overdue", f"{campaign}: messages", moment, f"{campaign}: {are} overdue, the first since {moment}", BEAT
            )
        )
    return found


def lost(tx: Tx, wrong: Sequence[Broken]) -> list[Alarm]:
    """What does not add up, with the moment when it last did."""
    sound = conserving.last_sound(tx) if wrong else None
    since = _iso(sound) if sound else ""
    told = f"; the numbers last added up at {since}" if since else ""
    return [Alarm("conserved", one.place, since, f"{one}{told}", KEEP) for one in wrong]


def _leads(number: int) -> str:
    return "1 lead is" if number == 1 else f"{number:,} leads are"


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="minutes").replace("+00:00", "Z")
