"""The workload W: N leads walk one campaign, everything is deterministic, and a run counts only if the numbers come out.

    n1 start -> n2 tag "nurture" -> n3 send "intro" -> n4 wait -> n5 check "intro"
      yes -> n6 tag "engaged" -> n7 send "deep" -> n8 route SDR                                         (8 lead-steps)
      no  -> n9 send "swap" -> n10 wait -> n11 check "swap" -> yes: n8 route SDR | no: n12 route pool   (9 lead-steps)

n1 is the enrolling. Leads, and their answers to the contents, are in the store before the clock starts; what an SDR
answers is heard while it runs, at once after the hand-over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zlib import crc32

from nurture.store import Store
from nurture.store.database import micros

CAMPAIGN = "w"
BATCH = 1_000
START = datetime(2026, 3, 3, 10, tzinfo=UTC)
"""A Tuesday; the waits end on Friday and Monday, inside any sensible window."""
WAIT = timedelta(days=3)
ANSWERS_AFTER = timedelta(days=1)
MOMENTS = (START, START + WAIT, START + 2 * WAIT)
"""When something is due. After each, the SDR has answered."""

DEFINITION = {
    "campaign": CAMPAIGN,
    "title": {"en": "Workload W"},
    "start": "nurtured",
    "nodes": {
        "nurtured": {"type": "tag", "add": ["nurture"], "next": "intro"},
        "intro": {"type": "send_content", "channel": "email", "content": "intro", "next": "pause"},
        "pause": {"type": "wait", "for": "3 days", "next": "intro_answered"},
        "intro_answered": {
            "type": "check_response",
            "to": "intro",
            "evidence": ["clicked"],
            "next": {"yes": "engaged", "no": "swap"},
        },
        "engaged": {"type": "tag", "add": ["engaged"], "next": "deep"},
        "deep": {"type": "send_content", "channel": "email", "content": "deep", "next": "to_sdr"},
        "swap": {"type": "send_content", "channel": "email", "content": "swap", "next": "pause_again"},
        "pause_again": {"type": "wait", "for": "3 days", "next": "swap_answered"},
        "swap_answered": {
            "type": "check_response",
            "to": "swap",
            "evidence": ["clicked"],
            "next": {"yes": "to_sdr", "no": "to_pool"},
        },
        "to_sdr": {
            "type": "route",
            "to": "sdr",
            "sla": "2 days",
            "next": {"accepted": "end", "returned": "to_pool", "unanswered": "to_pool"},
        },
        "to_pool": {"type": "route", "to": "pool", "again_after": "30 days"},
    },
}

INDUSTRIES = ("software", "machinery", "finance")


def answers(content: str, lead: int) -> bool:
    """Whether lead number `lead` answers this content."""
    return crc32(f"{content}:{lead}".encode()) % 100 < 40


@dataclass(frozen=True, slots=True)
class Numbers:
    """What a run has to come out with."""

    lead_steps: int
    sends: int
    sdr: int
    pool: int


def expected(leads: int) -> Numbers:
    engaged = sum(answers("intro", lead) for lead in range(leads))
    late = sum(not answers("intro", lead) and answers("swap", lead) for lead in range(leads))
    return Numbers(
        lead_steps=8 * engaged + 9 * (leads - engaged),
        sends=2 * leads,
        sdr=engaged + late,
        pool=leads - engaged - late,
    )


def counted(store: Store) -> Numbers:
    """What a run did come out with, by asking the tables."""
    with store.read() as tx:
        return Numbers(
            lead_steps=tx.value("SELECT COUNT(*) FROM enrollments") + tx.value("SELECT COUNT(*) FROM steps"),
            sends=tx.value("SELECT COUNT(*) FROM touches WHERE state = 'sent'"),
            sdr=tx.value("SELECT COUNT(*) FROM handoffs WHERE state = 'accepted'"),
            pool=tx.value("SELECT COUNT(*) FROM enrollments WHERE status = 'ended' AND reason = 'pool'"),
        )


def seed(store: Store, leads: int) -> None:
    """Tables, leads 1 to N (lead number i has id i + 1), and their answers to come."""
    store.migrate()
    at = micros(START - timedelta(days=1))
    for first in range(0, leads, 10_000):
        numbers = range(first, min(first + 10_000, leads))
        with store.write() as tx:
            tx.many(
                "INSERT INTO leads (id, key, email, email_key, score, language, basis, fields, created_at, change)"
                " VALUES (?, ?, ?, ?, 0, 'en', 'consent', ?, ?, ?)",
                [(i + 1, f"lead-{i}", address(i), address(i), fields(i), at, at) for i in numbers],
            )
            tx.many(
                "INSERT INTO signals (lead_id, kind, at, heard_at, campaign, node, external_id)"
                " VALUES (?, 'clicked', ?, ?, ?, ?, ?)",
                [row for i in numbers for row in clicks(i)],
            )
    with store.write() as tx:
        if tx.postgresql:
            tx.run("SELECT setval(pg_get_serial_sequence('leads', 'id'), ?)", leads)
    if store.postgresql:
        # As it would be in a database that has lived for a day; without it the planner guesses for the whole run.
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")


def address(lead: int) -> str:
    return f"lead{lead}@example.com"


def fields(lead: int) -> str:
    return json.dumps(
        {"name": f"Lead {lead}", "company": f"Company {lead % 997}", "industry": INDUSTRIES[lead % 3]},
        separators=(",", ":"),
    )


def clicks(lead: int) -> Iterator[tuple[int, str | int, int, str, str, str]]:
    """The answers that will be in the store: (lead id, at, heard at, campaign, node, id)."""
    at = micros(START + ANSWERS_AFTER)
    if answers("intro", lead):
        yield lead + 1, at, at, CAMPAIGN, "intro", f"click-intro-{lead}"
    elif answers("swap", lead):
        at = micros(START + WAIT + ANSWERS_AFTER)
        yield lead + 1, at, at, CAMPAIGN, "swap", f"click-swap-{lead}"


# --- what is sent ----------------------------------------------------------------------------------------------
# About 3 KB for HTML and text together: three variants by industry, a loop of six links, and the lead's name, company
# and industry.

SUBJECT = "{{ lead.name }}, something for {{ lead.company }}"
VARIANTS = {
    "software": "Teams that build software lose most leads between the first download and the first call. "
    "What helped others was a rhythm: one useful thing every few days, and silence in between.",
    "machinery": "Machines are bought slowly, by several people, with a drawing on the table. "
    "What helped others was patience: one useful thing every few days, for as long as it takes.",
    "": "Whoever left an address is rarely ready to buy on the same day. "
    "What helped others was to stay in touch: one useful thing every few days, until the time has come.",
}
LINKS = tuple(f"{topic}-{number}" for number, topic in enumerate(("tags", "rhythm", "content", "score", "sdr", "pool")))


def variant(mark: str = "") -> str:
    """The paragraph that differs by industry, as template source."""
    return (
        '{% if lead.industry == "software" %}' + mark.format(VARIANTS["software"])
        + '{% elif lead.industry == "machinery" %}' + mark.format(VARIANTS["machinery"])
        + "{% else %}" + mark.format(VARIANTS[""]) + "{% endif %}"
    )  # fmt: skip


CLOSING = (
    "You get this because you left us your address. If you would rather hear nothing more, one click is enough, and it "
    "counts at once. If you disagree with any of it, just answer: a person reads it."
)
HTML = (
    "<!doctype html><html><head><meta charset='utf-8'><title>" + SUBJECT + "</title></head>"
    "<body style='margin:0;background:#f4f4f4;font-family:Arial,sans-serif'><table role='presentation' width='600'>"
    "<tr><td style='padding:24px;background:#ffffff'><p>Hello {{ lead.name }},</p>"
    + variant("<p style='line-height:1.5'>{}</p>")
    + "<p>For {{ lead.company }} and others in {{ lead.industry }} we put together:</p><ul>"
    "{% for link in links %}<li style='margin:4px 0'><a style='color:#0b57d0' "
    "href='https://www.example.com/read/{{ link }}?from=mail'>Read more about {{ link }}</a></li>{% endfor %}</ul>"
    f"<p style='color:#666666;font-size:12px'>{CLOSING}</p>"
    "<p><a href='{{ unsubscribe_url }}'>Unsubscribe</a></p></td></tr></table></body></html>"
)
TEXT = (
    "Hello {{ lead.name }},\n\n"
    + variant("{}")
    + "\n\nFor {{ lead.company }} and others in {{ lead.industry }} we put together:\n\n"
    "{% for link in links %}- {{ link }}: https://www.example.com/read/{{ link }}?from=mail\n{% endfor %}\n"
    + CLOSING
    + "\n\nUnsubscribe: {{ unsubscribe_url }}\n"
)
