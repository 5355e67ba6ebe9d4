"""What one mail is: a bounce, an automatic reply, an opt-out, a complaint, or a person's answer. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from nurture.mailbox.automatic import automatic, from_a_daemon
from nurture.mailbox.mail import Mail
from nurture.mailbox.plus import PlusToken, plus_addresses
from nurture.mailbox.status import complaint, delivery_status, message_ids, returned_headers, told_in_words

__all__ = ["Meaning", "What", "meaning"]

What = Literal[
    "bounced", "soft", "policy", "delayed", "delivered", "automatic", "unsubscribed", "complained", "replied"
]

_stop = re.compile(
    r"[\s\"'“”【\[（(]*(?:unsubscribe(?: me)?|stop|remove(?: me)?|opt[ -]?out|退订|退訂|拒收|取消订阅|不要再发(?:了|邮件)?|td)"
    r"[\s.!。！\"'”】\]）)]*",
    re.IGNORECASE,
).fullmatch
_prefix = re.compile(r"^(?:\s*(?:re|aw|sv|回复|答复|回覆)\s*[:：])+\s*", re.IGNORECASE)
# To where delivery agents say that a mail was for, whatever its To says.
_FOR = ("to", "cc", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-forwarded-to")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a mail says, and by what it may prove to which message."""

    what: What
    because: str
    tokens: tuple[PlusToken, ...]
    cited: tuple[str, ...]
    """Message-IDs, nearest first."""


def meaning(mail: Mail) -> Meaning:
    """What this mail says about one of our messages, if it turns out to be about one."""
    tokens = tuple(plus_addresses(mail.values(*_FOR)))
    cited = tuple(message_ids(mail))
    what, because = _what(mail, tokens)
    if what in ("bounced", "soft", "policy", "delayed", "delivered", "complained"):
        # A returned mail carries the addresses that we gave it.
        tokens += tuple(
            token for token in plus_addresses(returned_headers(mail, "return-path", "reply-to")) if token not in tokens
        )
    return Meaning(what, because, tokens, cited)


def _what(mail: Mail, tokens: tuple[PlusToken, ...]) -> tuple[What, str]:
    status = delivery_status(mail)
    if status is not None:
        return status.fate, status.detail
    if complained := complaint(mail):
        return "complained", complained
    purposes = {token.purpose for token in tokens}
    if "u" in purposes:
        return "unsubscribed", "by mail to the address in List-Unsubscribe"
    if "b" in purposes and from_a_daemon(mail):
        # Some systems write bounces for people only. Only codes are understood, and no words.
        fate = told_in_words(mail.first_text())
        if fate is not None:
            return fate, "a bounce without a machine-readable part"
    if machine := automatic(mail):
        return "automatic", machine
    if _stop(_prefix.sub("", mail.value("subject"))) or _stop(_first_line(mail)):
        return "unsubscribed", "by a reply that says so"
    return "replied", "by mail"


def _first_line(mail: Mail) -> str:
    """The first line that the writer wrote."""
    for line in mail.first_text().splitlines()[:50]:
        if line.strip() and not line.lstrip().startswith(">"):
            return line.strip()[:100]
    return "-"
