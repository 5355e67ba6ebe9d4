"""A small mail, and what there is to fill into it."""

from __future__ import annotations

from typing import Any

FOOT = "\n---\n{{ sender_name }} · {{ postal_address }} [Stop]({{ unsubscribe_url }})\n"
MAIL = "Subject: Hello {{ lead.name|default('there') }}\n\nHello.\n" + FOOT
CONTEXT: dict[str, Any] = {
    "lead": {"name": "Ada", "email": "ada@example.org", "company": "ACME & Co"},
    "campaign": {"name": "welcome", "title": "Welcome"},
    "unsubscribe_url": "https://example.com/u/abc",
    "view_url": "https://example.com/v/abc",
    "preferences_url": "https://news.example.com/preferences/abc",
    "postal_address": "1 Road",
    "sender_name": "News",
}
