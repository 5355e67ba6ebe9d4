"""What a mail system says became of a message: delivery status (RFC 3464), and complaints (RFC 5965)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.message import Message
from typing import Literal

from nurture.channels.base import NotSent, Refused
from nurture.channels.replies import bounded, judge
from nurture.mailbox.mail import Mail, blocks, inner

__all__ = ["Status", "complaint", "delivery_status", "message_ids", "told_in_words"]

Fate = Literal["bounced", "soft", "policy", "delayed", "delivered"]
"""`bounced`: the address does not exist; `soft`: not this time; `policy`: it is about us, the sender; the last two are
no failures."""

_status = re.compile(r"\s*([245])\.(\d{1,3})\.(\d{1,3})\b").match
_codes = re.compile(r"(?<![\d.])(?P<code>[45]\d\d)[ -](?:#?(?P<enhanced>[45]\.\d{1,3}\.\d{1,3}))?").search
_bare = re.compile(r"(?<![\d.])[45]\.\d{1,3}\.\d{1,3}(?![\d.])").search
_message_id = re.compile(r"<([A-Za-z0-9._+-]{1,200}@[A-Za-z0-9.-]{1,253})>").findall
_RETURNED = ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers", "message/global")


@dataclass(frozen=True, slots=True)
class Status:
    """What became of a message, in one recipient's mail system."""

    fate: Fate
    detail: str


def delivery_status(mail: Mail) -> Status | None:
    """The fate of our message that this mail reports; None for a mail that is no such report."""
    report = next(
        (part for part in mail.parts if part.kind in ("message/delivery-status", "message/global-delivery-status")),
        None,
    )
    if report is None:
        return None
    worst: Status | None = None
    for block in blocks(report):
        found = _of_recipient(block)
        if found is not None and (worst is None or _ORDER.index(found.fate) < _ORDER.index(worst.fate)):
            worst = found
    # A report that cannot be read says that something went wrong, and nothing about the address.
    return worst or Status("soft", "a delivery status that cannot be read")


_ORDER: tuple[Fate, ...] = ("bounced", "policy", "soft", "delayed", "delivered")


def _of_recipient(block: Message) -> Status | None:
    action = str(block.get("action", "")).strip().lower()
    status = str(block.get("status", "")).strip()
    if not action and not status:
        return None
    said = str(block.get("diagnostic-code", "")).partition(";")[2].strip()
    detail = bounded(f"{action or 'failed'} {status} {said}".strip())
    if action == "delayed":
        return Status("delayed", detail)
    if action in ("delivered", "relayed", "expanded"):
        return Status("delivered", detail)
    return Status(_fate(status, said), detail)


def _fate(status: str, said: str) -> Fate:
    """By the status; where that says nothing in particular, by what the last server said."""
    enhanced = _status(status)
    if enhanced is None or (enhanced[2], enhanced[3]) == ("0", "0"):
        return told_in_words(said) or "soft"
    if enhanced[1] != "5":
        return "soft"
    return _judged(550, status)


def told_in_words(text: str) -> Fate | None:
    """The fate that a text for people tells by the codes in it; None where it holds none."""
    found = _codes(text[:20_000])
    if found is not None:
        if found["code"][0] == "4":
            return "soft"
        return _judged(int(found["code"]), f"{found['enhanced'] or ''} {text[found.end() : found.end() + 200]}")
    bare = _bare(text[:20_000])
    if bare is None:
        return None
    return "soft" if bare[0][0] == "4" else _judged(550, bare[0])


def _judged(code: int, text: str) -> Fate:
    """A reply to our own server would be judged in the same way, had it come during the dialogue."""
    verdict = judge("rcpt", code, text)
    if isinstance(verdict, Refused) and verdict.because == "hard_bounce":
        return "bounced"
    if isinstance(verdict, NotSent) and verdict.because in ("sender", "standing"):
        return "policy"
    return "soft"


def complaint(mail: Mail) -> str:
    """What a feedback report says, for one that says that our mail was unwanted; else ''."""
    report = next((part for part in mail.parts if part.kind == "message/feedback-report"), None)
    if report is None:
        return ""
    for block in blocks(report):
        kind = str(block.get("feedback-type", "")).strip().lower()
        if kind in ("abuse", "opt-out", "opt-out-list", "not-spam", "fraud"):
            return "" if kind == "not-spam" else f"a feedback report: {kind}"
    return ""


def message_ids(mail: Mail) -> list[str]:
    """The Message-IDs that this mail cites, nearest first: what it answers, or what it returns."""
    cited = mail.values("in-reply-to")
    # Of a long thread the latest stand last.
    cited += reversed([f"<{found}>" for value in mail.values("references") for found in _message_id(value)])
    for part in mail.parts:
        if part.kind in _RETURNED:
            cited += [str(value) for value in inner(part).get_all("message-id", [])]
    return list(dict.fromkeys(found for value in cited for found in _message_id(str(value)[:4096])))[:50]


def returned_headers(mail: Mail, *names: str) -> list[str]:
    """Headers of the mails that come back inside this one."""
    found: list[str] = []
    for part in mail.parts:
        if part.kind in _RETURNED:
            head = inner(part)
            found += [str(value)[:4096] for name in names for value in head.get_all(name, [])]
    return found
