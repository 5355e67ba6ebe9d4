"""Whatever anybody is called is text: sixty ways to run something in a reader's browser, and none of them runs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from playwright.sync_api import Page, expect

from nurture.engine import Engine
from nurture.engine.ticking import TickReport
from tests.editor.conftest import MAIL, NOW, Serving
from tests.editor.hands import box

BOOM = "alert(1)"
TAGS = [f"<{tag} on{event}={BOOM}>" for tag, event in (
    ("body", "load"), ("video src=x", "error"), ("audio src=x", "error"), ("input autofocus", "focus"),
    ("details open", "toggle"), ("marquee", "start"), ("select autofocus", "focus"), ("textarea autofocus", "focus"),
    ("object data=x", "error"), ("img src=x", "error"), ("svg", "load"), ("iframe", "load"), ("style", "load"),
    ("button autofocus", "focus"), ("a href=x autofocus", "focus"), ("div", "mouseover"), ("p", "pointerenter"),
    ("form", "submit"), ("link rel=stylesheet href=x", "error"), ("source", "error"),
)]  # fmt: skip
PAYLOADS = [
    *TAGS,
    f"<script>{BOOM}</script>", f"<script src=data:,{BOOM}></script>", f"</script><script>{BOOM}</script>",
    f"<svg/onload={BOOM}>", f"<svg><script>{BOOM}</script></svg>", f"<svg><animate onbegin={BOOM} attributeName=x>",
    f'"><img src=x onerror={BOOM}>', f"'><img src=x onerror={BOOM}>", f"`><img src=x onerror={BOOM}>",
    f'" onmouseover="{BOOM}', f"' onfocus='{BOOM}' autofocus='", f"javascript:{BOOM}", f"JaVaScRiPt:{BOOM}",
    f"data:text/html,<script>{BOOM}</script>", f"vbscript:{BOOM}", f"java\tscript:{BOOM}",
    f'<a href="javascript:{BOOM}">x</a>', f'<iframe src="javascript:{BOOM}">', f'<iframe srcdoc="<script>{BOOM}</script>">',
    f"<embed src=javascript:{BOOM}>", f"<base href=javascript:{BOOM}//>", f"<meta http-equiv=refresh content=0;url=javascript:{BOOM}>",
    f"<form action=javascript:{BOOM}><button>x</form>", f"<math><mtext><style><img src=x onerror={BOOM}>",
    f"<noscript><p title='</noscript><img src=x onerror={BOOM}>'>", f"<template><script>{BOOM}</script></template>",
    f"</title><script>{BOOM}</script>", f"</textarea><script>{BOOM}</script>", f"</style><script>{BOOM}</script>",
    f"<!--><img src=x onerror={BOOM}>-->", f"<![CDATA[<script>{BOOM}</script>]]>", f"<x/onclick={BOOM}>click",
    "{{constructor.constructor('alert(1)')()}}", "${alert(1)}", "#{alert(1)}", "<%= alert(1) %>", "{% import os %}",
    f"&lt;script&gt;{BOOM}&lt;/script&gt;", f"\\u003cscript\\u003e{BOOM}\\u003c/script\\u003e", f"%3Cscript%3E{BOOM}%3C/script%3E",
]  # fmt: skip


ASKS: dict[str, Any] = {
    "campaign": "spring",
    "time_zone": "Asia/Shanghai",
    "start": "mail",
    "nodes": {
        "mail": {"type": "send_content", "content": "paper", "next": "asks"},
        "asks": {
            "type": "check_response", "to": "mail", "evidence": ["clicked"], "confidence": "machine", "within": "3 days",
            "next": {"yes": "handed", "no": "end"},
        },
        "handed": {
            "type": "route", "to": "sdr", "team": "north", "sla": "2 days",
            "next": {"accepted": "end", "returned": "end", "unanswered": "end"},
        },
    },
}  # fmt: skip


def find(page: Page, node: str) -> None:
    page.locator(".box").first.wait_for()
    page.keyboard.press("Control+f")
    page.get_by_role("search").get_by_role("textbox").fill(node)
    page.keyboard.press("Enter")


def test_sixty_payloads_do_nothing_wherever_they_stand(home: Path, serving: Serving, page: Page) -> None:
    """Titles, tags and settings of a campaign; names, fields and tags of leads; names of their files; kinds, ids and
    reasons of signals, error texts; the subject and the body of a mail that is previewed."""
    assert len(set(PAYLOADS)) >= 60
    nodes: dict[str, Any] = {
        f"n{n}": {"type": "tag", "title": text, "add": [text[:60].replace(";", ",").replace("\t", " ").strip()], "next": f"n{n + 1}"}
        for n, text in enumerate(PAYLOADS)
    }  # fmt: skip
    last = f"n{len(PAYLOADS)}"
    nodes[last] = {"type": "wait", "for": "3 days", "next": "mail"}
    nodes["mail"] = {"type": "send_content", "content": "paper", "next": "end"}
    campaign = {"campaign": "spring", "title": PAYLOADS[0], "start": "n0", "nodes": nodes}
    (home / "definitions/spring.json").write_text(json.dumps(campaign))
    (home / "definitions/broken.json").write_text(json.dumps({"campaign": PAYLOADS[1], "nodes": {PAYLOADS[2]: 1}}))
    (home / "content/paper/email.en.md").write_text(MAIL.replace("Hello", "Hello {{ lead.name }}"))
    quoted = [text.replace('"', '""').replace("\t", " ") for text in PAYLOADS]
    rows = "".join(f'p{n}@example.com,"{text}","{text}",yes\n' for n, text in enumerate(quoted))
    (home / "leads.csv").write_text("email,name,company,consent\n" + rows)

    def live(engine: Engine) -> None:
        engine.import_leads(home / "leads.csv", now=NOW)
        for text in PAYLOADS:
            file = home / f"{text.replace('/', '∕')}.csv"
            file.write_text("email,region\np0@example.com,north\nnobody,\n")
            assert engine.import_leads(file, now=NOW).as_json()["rejected"] == 1
        with engine.store.write() as tx:
            tx.run("UPDATE leads SET basis = 'fair'")
        assert engine.enroll("spring", now=NOW).enrolled == len(PAYLOADS)
        engine.tick(NOW, until=NOW)
        with engine.store.write() as tx:
            tx.run("UPDATE enrollments SET status = 'stuck', reason = ? WHERE id = 1", PAYLOADS[3])
            for n, text in enumerate(PAYLOADS):
                tx.run(
                    "INSERT INTO signals (lead_id, kind, at, heard_at, campaign, node, external_id, reason)"
                    " VALUES (1, ?, 0, 0, 'spring', ?, ?, ?)",
                    text, text, str(n), text,
                )  # fmt: skip

    with serving(home, prepare=live) as address:
        page.goto(address)
        expect(page.locator("table.list")).to_contain_text(PAYLOADS[0])
        page.goto(f"{address}/campaign/spring")
        page.get_by_role("button", name="Show all").click()
        for n, text in enumerate(PAYLOADS):
            expect(box(page, f"n{n}").locator(".box-title")).to_have_text(text)
        find(page, last)
        page.get_by_role("tab", name="Leads here").click()
        expect(page.locator(".panel .problem.error")).to_contain_text(PAYLOADS[3])
        expect(page.locator(".people li")).to_have_count(50)
        page.locator(".people button").first.click()
        expect(page.locator(".story h3")).to_have_text(PAYLOADS[0])
        for text in PAYLOADS:
            expect(page.locator(".moments")).to_contain_text(" ".join(text.split()))
        page.keyboard.press("Escape")
        find(page, "mail")
        page.get_by_role("button", name="✉ Preview").click()
        for n in (0, 22, 38):
            page.get_by_label("As this lead").fill(f"p{n}@example.com")
            page.get_by_label("As this lead").press("Enter")
            mail = page.frame_locator("iframe.mail").locator("body")
            expect(mail).to_contain_text(" ".join(PAYLOADS[n].split())[:20])
        page.goto(f"{address}/campaign/broken")
        expect(page.locator(".problem").first).to_be_visible()


def test_whatever_a_program_calls_itself_is_shown_to_nobody_as_anything_but_text(
    home: Path, serving: Serving, page: Page
) -> None:
    """Real requests for pictures, links and pages, each by a program with such a name; then all that is told of them:
    the story on the canvas, the desk, the report."""
    (home / "definitions/spring.json").write_text(json.dumps(ASKS))
    (home / "content/paper/email.en.md").write_text(f"{MAIL}\n[Read](https://www.example.com/paper)\n")
    rows = "".join(f"p{n}@example.com,Lead {n}\n" for n in range(len(PAYLOADS)))
    (home / "leads.csv").write_text("email,name\n" + rows)
    held: list[Engine] = []

    def live(engine: Engine) -> None:
        held.append(engine)
        engine.import_leads(home / "leads.csv", now=NOW)
        with engine.store.write() as tx:
            tx.run("UPDATE leads SET basis = 'fair'")
        engine.publish([home / "definitions/spring.json"], now=NOW)
        assert engine.enroll("spring", now=NOW).enrolled == len(PAYLOADS)
        assert ticked(engine, NOW).sent == len(PAYLOADS)

    with serving(home, prepare=live) as address:
        [engine] = held
        with engine.store.read() as tx:
            keys = [key for (key,) in tx.rows("SELECT key FROM enrollments ORDER BY lead_id")]
            version = tx.value("SELECT MAX(id) FROM versions")
        [link] = engine.plans.get(version).content.links
        for n, (key, agent) in enumerate(zip(keys, PAYLOADS, strict=True)):
            effect = f"{key}/mail/0"
            names = {"user-agent": agent, "referer": agent, "x-forwarded-for": agent, "accept-language": agent}
            for path, status in (
                (f"/o/{engine.keys.sign('open', effect)}", 200),
                (f"/c/{engine.keys.sign('click', f'{effect}/{version}/{link}')}", 302),
                (f"/view/{engine.keys.sign('view', effect)}", 200),
                (f"/preferences/{engine.keys.sign('preferences', effect)}", 200),
                (f"/unsubscribe/{engine.keys.sign('unsubscribe', effect)}", 200),
                (f"/unsubscribe/{agent.encode().hex()}?utm={quote(agent)}", 404),
            ):
                assert httpx.get(f"{address}{path}", headers=names).status_code == status
            if n < 3:
                page.set_extra_http_headers({"User-Agent": agent})
                page.goto(f"{address}/view/{engine.keys.sign('view', effect)}")
                page.goto(f"{address}/preferences/{engine.keys.sign('preferences', effect)}")
        page.set_extra_http_headers({})
        kept = until(lambda: stored_agents(engine), lambda agents: len(agents) >= len(PAYLOADS))
        assert {agent.strip()[:200] for agent in PAYLOADS} <= kept
        ticked(engine, NOW + timedelta(minutes=1))

        page.goto(f"{address}/campaign/spring")
        find(page, "handed")
        page.get_by_role("tab", name="Leads here").click()
        page.locator(".people button").first.click()
        expect(page.locator(".moments")).to_contain_text("clicked", ignore_case=True)
        page.goto(f"{address}/desk")
        page.get_by_label("I am").fill("Li")
        page.get_by_label("Team").select_option("sdr/north")
        for n in range(len(PAYLOADS)):
            page.get_by_role("button", name=f"Lead {n}", exact=False).first.click()
            expect(page.locator(".moments")).to_contain_text("clicked", ignore_case=True)
        page.goto(f"{address}/report/spring")
        expect(page.locator("body")).to_contain_text("spring")


def ticked(engine: Engine, now: datetime) -> TickReport:
    """In a thread of its own: while a browser is open, this one has a running event loop."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(engine.tick, now).result()


def stored_agents(engine: Engine) -> set[str]:
    with engine.store.read() as tx:
        return {agent for (agent,) in tx.rows("SELECT DISTINCT agent FROM hits")}


def until(look: Callable[[], set[str]], enough: Callable[[set[str]], bool]) -> set[str]:
    """What is seen as soon as it is enough; after half a minute, whatever there is."""
    given_up = time.monotonic() + 30
    while not enough(found := look()) and time.monotonic() < given_up:
        time.sleep(0.05)
    return found
