"""A door for any system that knows what leads do: the web site, a shop for downloads, an event tool, a CRM.

Signed by the rules of Standard Webhooks. A call tells one thing or a list of them, as `nurture signal` does, and may add
what is known of the lead since:

    {"kind": "registered", "lead": "ada@example.com", "campaign": "welcome", "node": "course", "fields": {"budget": "20k"}}
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from standardwebhooks.webhooks import Webhook
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request

from nurture import strict_json
from nurture.calendar import time_zone
from nurture.engine import Engine, Incoming
from nurture.engine.telling import Told, tell
from nurture.identity import BadIdentity, LeadRef
from nurture.snapshot import CONFIDENCE, SIGNAL_KINDS
from nurture.step import writable
from nurture.web.lead.body import bounded
from nurture.words import did_you_mean, quoted

__all__ = ["router"]

LARGEST = 256 * 1024
TOLERANCE = timedelta(minutes=5)
MOST = 1_000
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LONGEST_TEXT = 5_000
KEYS = ("kind", "lead", "campaign", "node", "at", "reason", "confidence", "fields", "tags")
PROTECTED = frozenset("email id phone wechat owner score tags consent basis external_id".split())
"""What says who a lead is, or that we may write to it, comes in by import alone."""
SPOKEN = ("language", "time_zone")
_language = re.compile(r"[a-z]{2,3}").fullmatch
_field = re.compile(r"[a-z][a-z0-9_]{0,63}").fullmatch
_unknown = Webhook(b"nobody signs with this, but finding out takes as long")


def router(engine: Engine, clock: Callable[[], datetime]) -> APIRouter:
    made = APIRouter()
    doors = {name: Webhook(secret) for name, secret in engine.settings.hook_secrets.items()}

    @made.post("/hook/{name}")
    async def hook(request: Request, name: str) -> Response:
        """200 when everything is stored durably, or will never be; the answer says what was not understood."""
        now = clock()
        data = await bounded(request, LARGEST)
        sent_at = _sealed(doors.get(name), request.headers, data, now)
        if sent_at is None:
            raise HTTPException(401)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise HTTPException(415)
        value, problems = strict_json.read(data)
        if problems:
            return JSONResponse({"error": "; ".join(str(problem) for problem in problems[:5])}, 400)
        events = value.get("events") if isinstance(value, dict) and set(value) == {"events"} else [value]
        if not isinstance(events, list) or len(events) > MOST:
            return JSONResponse({"error": f"`events` is a list of at most {MOST}"}, 400)
        call = f"hook:{name}/{request.headers['webhook-id']}"
        read = _read(events, call, sent_at)
        report = await run_in_threadpool(tell, engine, read.told, now=now)
        return JSONResponse(
            {
                "heard": report.heard,
                "known": report.known,
                "unknown_leads": report.unknown_leads,
                "rejected": [{"event": n, "what": what} for n, what in read.rejected],
            }
        )

    return made


def _sealed(door: Webhook | None, headers: Mapping[str, str], data: bytes, now: datetime) -> datetime | None:
    """When this was sent, if it was sealed with the secret of this door and lies within five minutes; else None."""
    id, stamp, seals = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not (0 < len(id) <= 200) or not id.isascii() or not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 11):
        return None
    try:
        text = data.decode()
        sent_at = datetime.fromtimestamp(int(stamp), UTC)
    except (ValueError, OverflowError, OSError):
        return None
    # The library's own `verify` reads the clock; its seal is what we need, and time is an argument here.
    wanted = (door or _unknown).sign(id, sent_at, text).encode()
    good = any(hmac.compare_digest(wanted, seal.encode()) for seal in seals.split(" ")[:20])
    return sent_at if good and door is not None and abs(now - sent_at) <= TOLERANCE else None


@dataclass(slots=True)
class _Read:
    told: list[Told] = field(default_factory=list)
    rejected: list[tuple[int, str]] = field(default_factory=list)


def _read(events: list[Any], call: str, sent_at: datetime) -> _Read:
    read = _Read()
    for n, event in enumerate(events):
        try:
            read.told.append(_understood(event, f"{call}/{n}", sent_at))
        except _NotUnderstood as error:
            read.rejected.append((n, str(error)))
    return read


class _NotUnderstood(ValueError):
    """This is no event; the message says why."""


def _understood(event: Any, id: str, sent_at: datetime) -> Told:
    if not isinstance(event, dict):
        raise _NotUnderstood("an event is an object")
    for key in event:
        if key not in KEYS:
            raise _NotUnderstood(f"{quoted(str(key)[:100])} is not a part of an event; {did_you_mean(key, KEYS)}")
    words = {key: event.get(key) for key in ("kind", "lead", "campaign", "node", "at", "reason", "confidence")}
    for key, word in words.items():
        if word is not None and not (isinstance(word, str) and len(word) <= LONGEST_TEXT and writable(word)):
            raise _NotUnderstood(f"`{key}` is a text")
    kind = words["kind"]
    if kind is not None and kind not in SIGNAL_KINDS:
        raise _NotUnderstood(f"{quoted(kind[:100])} is nothing that can happen; {did_you_mean(kind, SIGNAL_KINDS)}")
    if words["confidence"] not in (None, *CONFIDENCE):
        raise _NotUnderstood(f"`confidence` is {', '.join(CONFIDENCE)}")
    try:
        lead = LeadRef.parse(words["lead"] or "")
        at = datetime.fromisoformat(words["at"]) if words["at"] else sent_at
    except BadIdentity as error:
        raise _NotUnderstood(error.what) from None
    except ValueError:
        raise _NotUnderstood("`at` is a time with its zone, such as 2026-03-02T09:00:00Z") from None
    if at.tzinfo is None:
        raise _NotUnderstood("`at` does not say in which time zone")
    if at < EARLIEST:
        raise _NotUnderstood("`at` lies too far back")
    # What lies in the future would stand against every later word.
    at = min(at, sent_at + TOLERANCE)
    fields, tags = _facts(event)
    if kind is None and not fields and not tags:
        raise _NotUnderstood(
            "`kind` says what happened, `fields` and `tags` what is known since: one of them is needed"
        )
    signal = None
    if kind is not None:
        signal = Incoming(
            kind, lead, at, words["campaign"], words["node"], id, words["reason"],
            words["confidence"] or "human",
        )  # fmt: skip
    return Told(lead, at, signal, fields, tags)


def _check_spoken(name: str, value: Any) -> None:
    """What messages to this lead go by: one that cannot be used would hold all of them back."""
    if name == "language" and not (isinstance(value, str) and _language(value)):
        raise _NotUnderstood("`language` is a tag such as zh or en")
    if name == "time_zone":
        try:
            time_zone(value if isinstance(value, str) else "")
        except ValueError:
            raise _NotUnderstood("`time_zone` is a name such as Asia/Shanghai") from None


def _facts(event: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """What is known of the lead since."""
    fields, tags = event.get("fields") or {}, event.get("tags") or []
    if not isinstance(fields, dict) or len(fields) > 100:
        raise _NotUnderstood("`fields` is an object of values")
    if not isinstance(tags, list) or len(tags) > 100:
        raise _NotUnderstood("`tags` is a list of texts")
    for name, value in fields.items():
        if not _field(name) or name in PROTECTED:
            raise _NotUnderstood(f"{quoted(name[:100])} is no field that a call may set")
        if not (value is None or isinstance(value, str | int | float)) or (
            isinstance(value, str) and (len(value) > LONGEST_TEXT or not writable(value))
        ):
            raise _NotUnderstood(f"{quoted(name)} is a text, a number, true, false or null")
        if name in SPOKEN and value is not None:
            _check_spoken(name, value)
    for tag in tags:
        if not (isinstance(tag, str) and 0 < len(tag) <= 200 and writable(tag)):
            raise _NotUnderstood("`tags` is a list of texts")
    return fields, tags
