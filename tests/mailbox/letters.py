"""Mails as the world sends them back, in a few words."""

from __future__ import annotations

from base64 import b64encode

__all__ = ["bounce", "complaint", "plain", "returned"]

OURS = "v1.abcdefghijklmnopqrstuvwxyz234567@example.com"


def plain(
    to: str = "news@example.com",
    *,
    subject: str = "Re: hello",
    text: str = "Thank you, tell me more.",
    cites: str = "",
    charset: str = "utf-8",
    message_id: str = "m1@elsewhere.example",
    **more: str,
) -> bytes:
    """A mail somebody wrote, or some machine; headers by name, `_` for `-`."""
    lines = [
        "From: Ada <ada@elsewhere.example>",
        f"To: {to}",
        f"Subject: {_word(subject)}",
        f"Message-ID: <{message_id}>",
    ]
    if cites:
        lines.append(f"In-Reply-To: <{cites}>")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in more.items()]
    lines += [
        "MIME-Version: 1.0",
        f"Content-Type: text/plain; charset={charset}",
        "Content-Transfer-Encoding: base64",
        "",
    ]
    return "\r\n".join(lines).encode() + b"\r\n" + b64encode(text.encode(charset)) + b"\r\n"


def returned(message_id: str = OURS, **more: str) -> str:
    """The head of a mail of ours, as reports carry it."""
    lines = [f"Message-ID: <{message_id}>", "Subject: hello", *[f"{k.replace('_', '-')}: {v}" for k, v in more.items()]]
    return "\r\n".join(lines)


def bounce(
    to: str = "news@example.com",
    *,
    status: str = "5.1.1",
    action: str = "failed",
    said: str = "smtp; 550 5.1.1 no such user",
    original: str = "",
) -> bytes:
    """A delivery status notification (RFC 3464)."""
    return _report(
        to,
        "delivery-status",
        "message/delivery-status",
        "Reporting-MTA: dns; mx.elsewhere.example\r\n\r\n"
        "Final-Recipient: rfc822; ada@elsewhere.example\r\n"
        f"Action: {action}\r\nStatus: {status}\r\nDiagnostic-Code: {said}\r\n",
        original or returned(),
    )


def complaint(to: str = "news@example.com", *, kind: str = "abuse", original: str = "") -> bytes:
    """A feedback report (RFC 5965)."""
    return _report(
        to,
        "feedback-report",
        "message/feedback-report",
        f"Feedback-Type: {kind}\r\nUser-Agent: Example/1.0\r\nVersion: 1\r\n",
        original or returned(),
    )


def _report(to: str, report: str, kind: str, fields: str, original: str) -> bytes:
    return (
        "Return-Path: <>\r\n"
        "From: Mail Delivery System <MAILER-DAEMON@mx.elsewhere.example>\r\n"
        f"To: {to}\r\n"
        "Subject: Undelivered Mail Returned to Sender\r\n"
        f'Content-Type: multipart/report; report-type={report}; boundary="b1"\r\n'
        "\r\n"
        "--b1\r\nContent-Type: text/plain\r\n\r\nI am sorry.\r\n"
        f"--b1\r\nContent-Type: {kind}\r\n\r\n{fields}\r\n"
        f"--b1\r\nContent-Type: text/rfc822-headers\r\n\r\n{original}\r\n\r\n"
        "--b1--\r\n"
    ).encode()


def _word(subject: str) -> str:
    return subject if subject.isascii() else f"=?utf-8?b?{b64encode(subject.encode()).decode()}?="
