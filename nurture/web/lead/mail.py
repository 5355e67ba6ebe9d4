"""The pages that mails point to: opt out, ask for less, view in a browser, answer a form."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request

from nurture import strict_json
from nurture.content.forms import read_answers
from nurture.engine import Engine, letters
from nurture.policy import PAUSED_UNTIL, RHYTHM, RHYTHMS, Wishes
from nurture.store.database import micros
from nurture.store.hits import NewHit
from nurture.store.letters import Letter, tags_of
from nurture.tokens import Purpose
from nurture.web import pages
from nurture.web.lead.body import filled_in
from nurture.web.lead.buffer import Buffer
from nurture.web.lead.visitor import looks_ahead, visitor

__all__ = ["missing", "page", "router"]

FilledIn = Annotated[Mapping[str, Sequence[str]], Depends(filled_in)]
PAUSES = {"7": 7, "30": 30, "90": 90}
LONGEST_TOPICS = 256 * 1024


def router(engine: Engine, buffer: Buffer, clock: Callable[[], datetime]) -> APIRouter:
    """The pages. A GET changes nothing: scanners and previews look at everything."""
    made = APIRouter()

    def opened(purpose: Purpose, token: str) -> Letter:
        letter = letters.find(engine, purpose, token)
        if letter is None:
            raise HTTPException(404)
        return letter

    def nobody_left(token: str) -> bool:
        """Whether this is a link of ours to somebody of whom everything was wiped: nothing more is sent to them."""
        return letters.find(engine, "unsubscribe", token) is None and letters.was_ours(engine, token)

    def looked(request: Request, letter: Letter, kind: str, link: str) -> None:
        """Whoever looks at pages of ours tells something about who follows the links, too."""
        if request.method == "HEAD" or looks_ahead(request.scope["headers"]):
            return
        touch = letter.touch
        who = visitor(request.scope, engine.secret)
        buffer.add(NewHit(letter.enrollment, touch.node, touch.n, kind, link, micros(clock()), *who))

    def sealed(purpose: Purpose, letter: Letter) -> str:
        """The way from one page to another."""
        return engine.keys.sign(purpose, f"{letter.enrollment}/{letter.touch.node}/{letter.touch.n}")

    @made.api_route("/unsubscribe/{token}", methods=["GET", "HEAD"])
    def ask(request: Request, token: str) -> Response:
        """A page with a button."""
        if nobody_left(token):
            return page(pages.done())
        letter = opened("unsubscribe", token)
        looked(request, letter, "page", "unsubscribe")
        return page(pages.asks(letters.masked(letter), f"../preferences/{sealed('preferences', letter)}"))

    @made.post("/unsubscribe/{token}")
    def unsubscribe(token: str) -> Response:
        """At once, without cookie, login or redirect (RFC 8058). What the body says makes no difference."""
        if not nobody_left(token):
            letters.opt_out(engine, opened("unsubscribe", token), now=clock())
        return page(pages.done())

    @made.api_route("/view/{token}", methods=["GET", "HEAD"])
    def view(request: Request, token: str) -> Response:
        """The mail, for those whose program does not show it well."""
        letter = opened("view", token)
        shown = letters.page(engine, letter, now=clock())
        if shown is None:
            raise HTTPException(404)
        looked(request, letter, "viewed", "view")
        return HTMLResponse(shown, headers={"content-security-policy": pages.MAIL_POLICY})

    @made.api_route("/preferences/{token}", methods=["GET", "HEAD"])
    def choose(request: Request, token: str) -> Response:
        letter = opened("preferences", token)
        looked(request, letter, "page", "preferences")
        now = clock()
        wishes = Wishes.of(strict_json.read(letter.lead.fields)[0] or {})
        until = wishes.paused_until
        paused = "" if until is None or until <= now else f"{until:%Y-%m-%d}"
        with engine.store.read() as tx:
            has = tags_of(tx, letter.touch.lead_id)
        shown = [(tag, zh, en, tag in has) for tag, zh, en in topics(engine.settings.content)]
        unsubscribe = f"../unsubscribe/{sealed('unsubscribe', letter)}"
        return page(pages.preferences(letters.masked(letter), wishes.rhythm or "", paused, shown, unsubscribe))

    @made.post("/preferences/{token}")
    async def chosen(token: str, given: FilledIn) -> Response:
        letter = await run_in_threadpool(opened, "preferences", token)
        now = clock()
        rhythm, pause = _one(given, "rhythm"), _one(given, "pause")
        if rhythm not in ("", *RHYTHMS) or pause not in ("", pages.KEEP, *PAUSES):
            raise HTTPException(400)
        asked: dict[str, str | None] = {RHYTHM: rhythm or None}
        if pause != pages.KEEP:
            asked[PAUSED_UNTIL] = (now + timedelta(days=PAUSES[pause])).isoformat(timespec="seconds") if pause else None
        offered = [tag for tag, _, _ in topics(engine.settings.content)]
        wanted = set(given.get("topic", ()))
        await run_in_threadpool(
            letters.prefer,
            engine,
            letter,
            asked,
            {tag: tag in wanted for tag in offered},
            now=now,
        )
        return page(pages.saved())

    @made.api_route("/form/{token}", methods=["GET", "HEAD"])
    def form(request: Request, token: str) -> Response:
        letter = opened("form", token)
        found = letters.form(engine, letter)
        if found is None:
            raise HTTPException(404)
        looked(request, letter, "clicked", "form")
        return page(pages.form(*found, {}, {}))

    @made.post("/form/{token}")
    async def answered(token: str, given: FilledIn) -> Response:
        letter = await run_in_threadpool(opened, "form", token)
        found = await run_in_threadpool(letters.form, engine, letter)
        if found is None:
            raise HTTPException(404)
        if _one(given, "website"):
            # Only a program fills in what nobody sees. It is thanked, and nothing is written down.
            return page(pages.thanks(*found))
        answers, wrong = read_answers(found[0], given)
        if wrong:
            return page(pages.form(*found, given, wrong), 422)
        await run_in_threadpool(letters.answer, engine, letter, answers, now=clock())
        return page(pages.thanks(*found))

    return made


def topics(folder: Path) -> list[tuple[str, str, str]]:
    """(tag, Chinese, English) of what leads may choose, from `content/topics.json`: {tag: {"zh": ..., "en": ...}}.

    A file that is none offers nothing: a lead who wants less mail is not met with an error.
    """
    try:
        data = (folder / "topics.json").read_bytes()
    except OSError:
        return []
    value: Any = strict_json.read(data, most_bytes=LONGEST_TOPICS)[0]
    return [
        (tag, str(words.get("zh") or words.get("en") or tag), str(words.get("en") or words.get("zh") or tag))
        for tag, words in (value.items() if isinstance(value, dict) else ())
        if isinstance(words, dict) and 0 < len(tag) <= 200
    ]


def _one(given: Mapping[str, Sequence[str]], name: str) -> str:
    return given.get(name, [""])[0]


def page(html: str, status: int = 200) -> Response:
    return HTMLResponse(html, status, headers={"content-security-policy": pages.PAGE_POLICY})


def missing() -> Response:
    """The same for every token that we do not know, whatever is wrong with it."""
    return page(pages.not_found(), 404)
