"""A small campaign, its mail and its leads."""

from __future__ import annotations

from typing import Any

MONDAY = "2026-03-02T02:00:00Z"
"""Ten o'clock in Beijing."""
REGISTERED = '{"field": "tags", "op": "has", "value": "registered"}'

CAMPAIGN: dict[str, Any] = {
    "campaign": "hello",
    "title": {"zh": "你好", "en": "Hello"},
    "entry": {"when": {"field": "tags", "op": "has", "value": "registered"}, "again_after": "30 days"},
    "exit_on": ["unsubscribed", "bounced", "converted"],
    "time_zone": "Asia/Shanghai",
    "start": "bait",
    "nodes": {
        "bait": {"type": "send_content", "channel": "email", "content": "paper", "next": "viewed"},
        "viewed": {
            "type": "check_response",
            "to": "bait",
            "evidence": ["viewed", "clicked"],
            "within": "3 days",
            "next": {"yes": "deep", "no": "to_pool"},
        },
        "deep": {"type": "tag", "add": ["deep"], "next": "end"},
        "to_pool": {"type": "route", "to": "pool", "again_after": "30 days"},
    },
}
MAIL = """Subject: A paper for you

Hello {{ lead.name|default("friend") }}, [here it is](https://example.com/paper).

{{ postal_address }} · [Unsubscribe]({{ unsubscribe_url }})
"""
LEADS = """email,name,tags,industry
ada@example.com,Ada,registered;vip,保险
bob@example.com,Bob,registered,零售
eve@example.com,Eve,,零售
nobody,No One,registered,
"""
STORIES = {
    "a lead who looks is tagged": {
        "lead": {"tags": ["registered"]},
        "happens": {"bait": "viewed after 2 hours"},
        "path": ["bait: sent", "viewed: yes", "deep: next"],
        "then": {"tags": ["deep"]},
    }
}
