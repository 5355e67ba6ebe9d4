"""`nurture history` for people: what happened to one lead, oldest first, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, NamedTuple

from rich.console import Console

from nurture.calendar import time_zone
from nurture.cli.answer import table, text
from nurture.moving import LEFT

__all__ = ["show_history"]

STYLES = {"stuck": "bold red", "ended": "dim", "heard": "cyan", "message": "blue", "hand-off": "magenta"}


ENTERED, HEARD, ENDED = -2, -1, 1_000_000


class Event(NamedTuple):
    """One line of the story."""

    at: datetime
    order: tuple[int, int]
    """Of what happens at the same instant: which step of the journal, then what leads to it before the step itself."""
    campaign: str
    kind: str
    what: str
    because: str


def show_history(on: Console, document: Mapping[str, Any], now: datetime, zone_name: str | None) -> None:
    """The document of `nurture history --json`, told as one story on the clock of this zone."""
    zone, zone_name = _zone(zone_name)
    _show_lead(on, document["lead"])
    for one in document["enrollments"]:
        on.print(_standing(one, zone, now))
    events = sorted(_events(document, zone), key=lambda event: (event.at, event.order))
    if not events:
        on.print(text("nothing has happened yet"))
        return
    rows = table(on, f"when ({zone_name})", "campaign", "", "what", "because")
    for event in events:
        style = STYLES.get(event.kind, "")
        rows.add_row(
            _wall(event.at, zone), text(event.campaign), text(event.kind, style), text(event.what), text(event.because)
        )
    on.print(rows)


def _show_lead(on: Console, lead: Mapping[str, Any]) -> None:
    fields = lead["fields"]
    names = [str(fields[name]) for name in ("name", "title", "company") if fields.get(name)]
    known = [lead[key] for key in ("email", "phone", "wechat") if lead[key]]
    on.print(text(" · ".join([*names, *known] or [f"id:{lead['id']}" if lead["id"] else lead["key"]]), style="bold"))
    facts = [f"score {lead['score']}"]
    facts += [f"tags {', '.join(lead['tags'])}"] if lead["tags"] else []
    facts += [f"{key} {lead[key]}" for key in ("owner", "language", "basis", "consent") if lead[key]]
    facts += [
        f"{key} {value}" for key, value in fields.items() if key in ("industry", "region", "source", "status") and value
    ]
    on.print(text(" · ".join(facts)))


def _standing(one: Mapping[str, Any], zone: tzinfo, now: datetime) -> Any:
    """Where an enrollment stands, in a sentence."""
    line = text(one["campaign"], style="bold")
    line.append(f" {one['hash'][:12]}", style="dim")
    if one["status"] == "ended":
        line.append(f"  ended {_wall(_ended(one), zone)}: {one['reason']}")
    elif one["status"] == "stuck":
        line.append(f"  stuck at {one['node']} since {_when(one['since'], zone)}: {one['reason']}", style="bold red")
    else:
        due = _at(one["due_at"])
        until = "due now" if due <= now else f"until {_when(one['due_at'], zone)}, {_span(due - now)}"
        line.append(f"  at {one['node']}, {until}" + (f": {one['because']}" if one["because"] else ""))
    return line


def _ended(one: Mapping[str, Any]) -> datetime:
    """It ended when its last step counts from, however late somebody looked."""
    return _at(one["steps"][-1]["at"] if one["steps"] else one["ended_at"])


WHO = {"machine": "by a machine", "unknown": "by nobody knows whom"}


def _events(document: Mapping[str, Any], zone: tzinfo) -> Iterator[Event]:
    places: dict[tuple[str, str], int] = {}
    moved = {(one["campaign"], one["entry"]) for one in document["enrollments"] if one["reason"] == "moved"}
    taken: dict[str, int] = defaultdict(int)
    for one in document["enrollments"]:
        campaign, first = one["campaign"], taken[one["campaign"]]
        yield from _of_enrollment(one, first, goes_on=(campaign, one["entry"] - 1) in moved)
        for n, step in enumerate(one["steps"], first):
            places[campaign, step["node"]] = n
        taken[campaign] += len(one["steps"])
    for touch in document["touches"]:
        yield from _of_touch(touch, zone, places.get((touch["campaign"], touch["node"]), ENDED - 2))
    for over in document["handoffs"]:
        yield from _of_hand_off(over, zone, places.get((over["campaign"], over["node"]), ENDED - 2))
    for signal in document["signals"]:
        to = f" (to {signal['node']})" if signal["node"] else ""
        late = f"heard of {_when(signal['heard_at'], zone)}" if signal["heard_at"] != signal["at"] else ""
        who = "" if signal["confidence"] == "human" else WHO[signal["confidence"]]
        reason = ", ".join(part for part in (signal["reason"] or "", who, signal["because"] or "", late) if part)
        yield Event(_at(signal["at"]), (HEARD, 0), signal["campaign"] or "", "heard", f"{signal['kind']}{to}", reason)


def _of_enrollment(one: Mapping[str, Any], first: int, *, goes_on: bool) -> Iterator[Event]:
    """`first`: how many steps the lead had taken in this campaign before."""
    campaign = one["campaign"]
    again = f", entry {one['entry']}" if one["entry"] > 1 else ""
    if not goes_on:  # one that was moved here from another version says so there, in its last step
        yield Event(_at(one["enrolled_at"]), (ENTERED, 0), campaign, "entered", f"the campaign{again}", "")
    for n, step in enumerate(one["steps"], first):
        outcome = step["outcome"]
        left = outcome is not None and (outcome in LEFT or outcome.startswith("exit:"))
        way = "" if outcome is None else f", {outcome}" if left else f" → {outcome}"
        kind = "left" if left else "step"
        yield Event(_at(step["at"]), (n, 1), campaign, kind, f"{step['node']}{way}", step["because"])
    steps = one["steps"]
    if one["status"] == "ended" and not (steps and steps[-1]["outcome"] == one["reason"]):
        yield Event(_ended(one), (ENDED, 0), campaign, "ended", one["reason"] or "", "")
    if one["status"] == "stuck":
        because = one["because"] or one["reason"] or ""
        yield Event(_at(one["since"]), (ENDED, 0), campaign, "stuck", f"at {one['node']}", because)


def _of_touch(touch: Mapping[str, Any], zone: tzinfo, place: int) -> Iterator[Event]:
    campaign, what = touch["campaign"], f"{touch['content']} by {touch['channel']}"
    end = touch["settled_at"] or touch["started_at"]
    asked = _at(touch["asked_at"])
    if end is None or touch["timeline"] or (_at(end) - asked).total_seconds() >= 60:
        waits = f"not before {_when(touch['due_at'], zone)}" if end is None and touch["due_at"] else ""
        yield Event(asked, (place, 0), campaign, "message", f"{what} asked for", waits)
    for note in touch["timeline"]:
        yield Event(_at(note["at"]), (place, 0), campaign, "message", f"{what} {note['what']}", note["because"])
    if end is not None:
        yield Event(_at(end), (place, 0), campaign, "message", f"{what} {touch['state']}", touch["because"] or "")


def _of_hand_off(over: Mapping[str, Any], zone: tzinfo, place: int) -> Iterator[Event]:
    team = f", team {over['team']}" if over["team"] else ""
    until = f"answer by {_when(over['answer_by'], zone)}" if over["answer_by"] else ""
    yield Event(_at(over["opened_at"]), (place, 0), over["campaign"], "hand-off", f"to {over['to']}{team}", until)
    if over["answered_at"]:
        what, reason = f"{over['to']} {over['state']}", over["reason"] or ""
        yield Event(_at(over["answered_at"]), (place, 0), over["campaign"], "hand-off", what, reason)


def _zone(name: str | None) -> tuple[tzinfo, str]:
    if name:
        try:
            return time_zone(name), name
        except ValueError:
            pass
    return UTC, "UTC"


def _at(iso: str) -> datetime:
    return datetime.fromisoformat(iso)


def _wall(moment: datetime, zone: tzinfo) -> str:
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def _when(iso: str, zone: tzinfo) -> str:
    return _wall(_at(iso), zone)


def _span(left: timedelta) -> str:
    minutes = int(left.total_seconds() // 60)
    for size, name in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            number = minutes // size
            return f"in {number} {name}{'s' if number > 1 else ''}"
    return "in less than a minute"
