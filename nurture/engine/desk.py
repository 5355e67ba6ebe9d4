"""The desk of SDR and sales: which leads are theirs, and what they do with one.

Loopback knows no logins: people say who they are, and what they do is written down under that name.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from nurture.engine.hearing import Incoming
from nurture.engine.reporting import iso
from nurture.identity import LeadRef
from nurture.store import desk as stored
from nurture.store.database import from_micros, micros
from nurture.store.desk import HandOff

if TYPE_CHECKING:
    from nurture.engine.engine import Engine

__all__ = ["NotYours", "answer", "leads", "note"]

MOST_LEADS = 200


class NotYours(Exception):
    """Somebody else was faster, or the time is over. `code` and `by` say what to tell."""

    def __init__(self, code: Literal["taken", "returned", "late", "gone"], by: str = "", at: str | None = None) -> None:
        self.code, self.by, self.at = code, by, at
        super().__init__({
            "taken": f"somebody has accepted this lead already: {by}",
            "returned": f"this lead was given back already: {by}",
            "late": "the time to answer has run out, and the campaign has gone on",
            "gone": "there is no such hand-off",
        }[code])  # fmt: skip


def leads(engine: Engine, to: str, team: str | None, who: str, *, now: datetime) -> dict[str, Any]:
    """`{"now", "teams": [...], "leads": [...]}`: what waits for this team, oldest due first, then what `who` has."""
    with engine.store.read() as tx:
        found = stored.in_hands(tx, to, team, who, limit=MOST_LEADS)
        teams = stored.teams(tx)
    return {
        "now": iso(micros(now)),
        "teams": [{"to": one, "team": name, "open": number} for one, name, number in teams],
        "leads": [_shown(hand_off) for hand_off in found],
    }


def answer(
    engine: Engine,
    enrollment: int,
    node: str,
    kind: Literal["accepted", "returned"],
    *,
    who: str,
    reason: str,
    click: str,
    now: datetime,
) -> dict[str, Any]:
    """Accept a lead, or give it back with a reason. The same click twice is once. Raises `NotYours`."""
    signal = f"desk:{click}"
    with engine.store.read() as tx:
        hand_off = stored.one(tx, enrollment, node)
        again = stored.heard(tx, signal)
    if hand_off is None:
        raise NotYours("gone")
    if again:
        return _shown(hand_off)
    _still_open(hand_off, kind, now)
    said = f"{who}: {reason}" if reason else who
    heard = Incoming(kind, _ref(hand_off), now, hand_off.campaign, node, id=signal, reason=said)
    engine.hear([heard], now=now)
    with engine.store.write() as tx:
        after = stored.one(tx, enrollment, node)
        # Two who click in the same moment: the one whose words stand has it.
        mine = after is not None and after.state == kind and after.reason == said
        if mine and kind == "accepted":
            stored.change(tx, hand_off, fields=[("owner", who)], now=micros(now))
    if after is None:
        raise NotYours("gone")
    if not mine:
        raise NotYours("taken" if after.state == "accepted" else "returned", after.reason or "", iso(after.answered_at))
    return _shown(after)


def _still_open(hand_off: HandOff, kind: str, now: datetime) -> None:
    if hand_off.state == "open" and now >= from_micros(hand_off.answer_by):
        raise NotYours("late")
    if hand_off.state == "lapsed":
        raise NotYours("late")
    if hand_off.state == "returned" or (hand_off.state == "accepted" and kind == "accepted"):
        code: Literal["taken", "returned"] = "taken" if hand_off.state == "accepted" else "returned"
        raise NotYours(code, hand_off.reason or "", iso(hand_off.answered_at))


def note(
    engine: Engine,
    enrollment: int,
    node: str,
    what: Literal["note", "tag", "untag", "score"],
    text: str,
    *,
    who: str,
    click: str,
    now: datetime,
) -> None:
    """A note on the lead's timeline; a tag put on or taken off; points given or taken. The same click twice is once.

    Raises `NotYours`, and ValueError for points that are no number.
    """
    points = int(text) if what == "score" else 0
    if abs(points) > 1000:
        raise ValueError("points are a whole number between -1000 and 1000")
    with engine.store.write() as tx:
        hand_off = stored.one(tx, enrollment, node)
        if hand_off is None:
            raise NotYours("gone")
        if stored.remark(tx, hand_off.lead_id, who, what, text, id=f"desk:{click}", now=micros(now)):
            tags = [(text, what == "tag")] if what in ("tag", "untag") else []
            if tags or points:
                stored.change(tx, hand_off, tags=tags, points=points, now=micros(now))


def _ref(hand_off: HandOff) -> LeadRef:
    return LeadRef.parse(_named(hand_off) or "")


def _named(hand_off: HandOff) -> str | None:
    known = (
        ("", hand_off.email),
        ("id:", hand_off.external_id),
        ("phone:", hand_off.phone),
        ("wechat:", hand_off.wechat),
    )
    return next((prefix + value for prefix, value in known if value), None)


def _shown(hand_off: HandOff) -> dict[str, Any]:
    fields = json.loads(hand_off.fields)
    return {
        "enrollment": hand_off.enrollment_id,
        "node": hand_off.node,
        "campaign": hand_off.campaign,
        "to": hand_off.to,
        "team": hand_off.team,
        "opened_at": iso(hand_off.opened_at),
        "answer_by": iso(hand_off.answer_by),
        "state": hand_off.state,
        "answered_at": iso(hand_off.answered_at),
        "reason": hand_off.reason,
        "lead": _named(hand_off),
        "score": hand_off.score,
        "owner": hand_off.owner,
        **{name: fields.get(name) for name in ("name", "company", "title")},
    }
