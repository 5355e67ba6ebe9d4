"""Mails that no person wrote for us: automatic replies, lists, daemons (RFC 3834). They are no responses."""

from __future__ import annotations

import re

from nurture.mailbox.mail import Mail

__all__ = ["automatic", "from_a_daemon"]

_subject = re.compile(
    r"(?:auto(?:mat(?:ic|ed|isch\w*|ique|ische))?[ -]?(?:reply|response|respond\w*|antwort|generated)"
    r"|out[ -]of[ -](?:the[ -])?office|ooo\b|away from (?:the |my )?(?:office|desk)|on (?:annual |maternity )?leave\b"
    r"|(?:i am |i'm )?on (?:vacation|holiday)|vacation (?:reply|response|notice)|abwesenheit|abwesend"
    r"|r[ée]ponse automatique|respuesta autom[áa]tica|risposta automatica|resposta autom[áa]tica"
    r"|【?\[?（?\(?(?:自动回[复覆]|自動回[复覆復]|自动答复|自動答覆|系统自动|外出|不在办公室|不在辦公室|休假|年假|出差|請假|请假)"
    r"|auto ?:)",
    re.IGNORECASE,
).match
_daemon = re.compile(r"(?:mailer-daemon|postmaster|mail-daemon|maildaemon)@", re.IGNORECASE).search


def automatic(mail: Mail) -> str:
    """Why this mail counts as written by a machine; '' for one that a person may have written."""
    submitted = mail.value("auto-submitted").partition(";")[0].strip().lower()
    if submitted and submitted != "no":
        return f"Auto-Submitted: {submitted[:40]}"
    for name in ("x-autoreply", "x-autorespond", "x-auto-reply-from", "x-mailer-autoreply"):
        value = mail.value(name).lower()
        if value and value != "no":
            return f"{name} is set"
    precedence = mail.value("precedence").lower()
    if precedence in ("bulk", "auto_reply", "junk", "list"):
        return f"Precedence: {precedence}"
    if any(value.strip() == "<>" for value in mail.values("return-path")):
        return "an empty return path"
    if mail.value("list-id"):
        return "from a mailing list"
    subject = mail.value("subject")
    if _subject(subject):
        return f"a subject of automatic replies: {subject[:60]}"
    # Exchange marks its out-of-office replies only so; people's mails carry the header for other reasons, without All.
    if mail.value("x-auto-response-suppress").lower() == "all" and not mail.value("thread-index"):
        return "X-Auto-Response-Suppress: All"
    return ""


def from_a_daemon(mail: Mail) -> bool:
    """Whether a mail system wrote this itself."""
    if any(value.strip() == "<>" for value in mail.values("return-path")):
        return True
    return any(_daemon(value) is not None for value in mail.values("from", "return-path", "sender"))
