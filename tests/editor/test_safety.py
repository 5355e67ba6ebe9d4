"""Whatever anybody is called is text: sixty ways to run something in a reader's browser, and none of them runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from nurture.engine import Engine
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


def find(page: Page, node: str) -> None:
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
