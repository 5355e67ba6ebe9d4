"""What an SMTP server's answer means for one message: it is gone, not yet, or never.

Pure: a phase, a code and a text in, a verdict out. The words of the reply decide only where its codes do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Literal

from nurture.channels.base import Ambiguous, NotSent, Refused, Sent, Verdict
from nurture.words import safe

__all__ = ["GREYLIST_PAUSE", "Phase", "bounded", "judge"]

Phase = Literal["connect", "hello", "starttls", "login", "mail", "rcpt", "data", "dot"]
"""Where in the dialogue the reply came. `dot` is the answer to the whole message; all others come before its first
byte, so nothing has left yet."""

GREYLIST_PAUSE = timedelta(minutes=5)
STANDING_PAUSE = timedelta(hours=1)
"""For a message that was refused for who we are, while others may be taken: it must not use up everybody's patience."""
LONGEST_DETAIL = 500

_enhanced = re.compile(r"\s*([245])\.(\d{1,3})\.(\d{1,3})\b").match
_grey = re.compile(r"gr[ae]y[ -]?list", re.IGNORECASE).search
_standing = re.compile(
    r"\b(spf|dkim|dmarc|dnsbl|rbl|spamhaus|reputation|blacklist|blocklist|black[- ]listed|block[- ]listed"
    r"|relay(ing)?\b.{0,20}\b(denied|not permitted|not allowed)|unauthenticated|authentication required)",
    re.IGNORECASE,
).search


def bounded(text: str, secrets: Iterable[str] = ()) -> str:
    """What a peer said, fit to be kept and shown: one line, nothing a terminal obeys, no secret, at most 500 characters."""
    # Cut first: a peer may say megabytes.
    line = " ".join(text[: LONGEST_DETAIL * 4].split())
    for secret in secrets:
        if secret:
            line = line.replace(secret, "***")
    line = safe(line)
    return line if len(line) <= LONGEST_DETAIL else line[: LONGEST_DETAIL - 1] + "…"


def judge(phase: Phase, code: int, text: str, secrets: Iterable[str] = ()) -> Verdict:
    """The verdict on the message in hand, when the server answered this in this phase.

    For phases before `dot` only replies that stop the dialogue are judged; the answer is never `Sent` or `Ambiguous`.
    """
    detail = bounded(f"{phase}: {code} {text}", secrets)
    if phase == "dot" and 200 <= code < 300:
        return Sent(detail)
    if 400 <= code < 500:
        return _later(phase, code, text, detail)
    if 500 <= code < 600:
        return _never(phase, code, text, detail)
    # Neither yes nor no. Before the message that only means that we cannot go on.
    return Ambiguous(detail) if phase == "dot" else NotSent("temporary", detail)


def _later(phase: Phase, code: int, text: str, detail: str) -> Verdict:
    if phase in ("connect", "hello", "starttls", "login") or (phase == "mail" and code == 421):
        return NotSent("connection", detail)
    enhanced = _enhanced(text)
    if phase in ("rcpt", "data", "dot"):
        if code == 421:
            return NotSent("busy", detail)
        # RFC 6647 names no code; 450 without a subject, or 4.7.1, is what greylisting servers say.
        subject = enhanced.group(2) if enhanced else ""
        if _grey(text) or (
            phase == "rcpt" and code in (450, 451) and (subject == "7" or (code == 450 and not enhanced))
        ):
            return NotSent("greylisted", detail, retry_after=GREYLIST_PAUSE)
    return NotSent("temporary", detail)


def _never(phase: Phase, code: int, text: str, detail: str) -> Verdict:
    if phase in ("connect", "hello", "starttls", "login"):
        return NotSent("sender", detail)
    enhanced = _enhanced(text)
    subject, point = (int(enhanced[2]), int(enhanced[3])) if enhanced else (0, 0)
    if code == 552 and subject != 7:
        # Asked at MAIL it is the size; after the message it is, by long custom, a full mailbox that may be emptied.
        return Refused("too_large", detail) if phase == "mail" else NotSent("temporary", detail)
    if subject:
        return _by_subject(phase, subject, point, detail)
    if code in (500, 501, 502, 503, 504, 555):
        if phase == "rcpt" and code == 501:
            return Refused("bad_address", detail)
        # It did not understand us, or lost its place: another dialogue may go better.
        return NotSent("temporary", detail)
    if _standing(text) or code in (530, 535, 538):
        return _for_who_we_are(phase, detail)
    if phase == "mail":
        return NotSent("sender", detail)
    if phase == "rcpt" and code in (521, 550, 551, 553, 556):
        return Refused("hard_bounce", detail)
    return Refused("policy", detail)


def _by_subject(phase: Phase, subject: int, point: int, detail: str) -> Verdict:
    """By the enhanced status code of RFC 3463: the subject says whose fault it is."""
    if subject == 7 or (subject == 1 and point in (7, 8)):
        # Policy is about us, not about the lead: 5.7.26 and 5.7.515 say that our mail is not authenticated.
        return _for_who_we_are(phase, detail)
    if phase == "mail" and subject in (1, 4):
        return NotSent("sender", detail)
    if subject == 1:
        return Refused("hard_bounce", detail)
    if (subject, point) in ((2, 3), (3, 4)):
        return Refused("too_large", detail)
    if (subject, point) in ((2, 1), (2, 4)):
        return Refused("hard_bounce", detail)
    if subject in (2, 3, 5):
        # A full mailbox, a full system, a confused dialogue: all of them pass.
        return NotSent("temporary", detail)
    if subject == 4:
        return Refused("bad_address", detail)
    return Refused("unsupported" if (subject, point) in ((6, 7), (6, 8), (6, 9)) else "bad_content", detail)


def _for_who_we_are(phase: Phase, detail: str) -> NotSent:
    """Said before a recipient was named it goes for every message; later it may be about this one alone."""
    if phase == "mail":
        return NotSent("sender", detail)
    return NotSent("standing", detail, retry_after=STANDING_PAUSE)
