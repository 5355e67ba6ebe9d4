"""A draft tried out before anybody is written to: one lead step by step, a crowd, and a message as it would be read."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException

from nurture import plan as plans
from nurture.chance import arms
from nurture.crowd import RATED, Crowd, Unfit, forecast
from nurture.definition import read
from nurture.engine import Engine, UnknownLead, watching
from nurture.engine.previewing import Preview, preview
from nurture.identity import BadIdentity, LeadRef
from nurture.plan import Plan, World
from nurture.problems import errors
from nurture.rehearsal import Lived, live
from nurture.story import ANSWERS, REFUSED
from nurture.story import read as read_stories
from nurture.web import pages
from nurture.web.ours import document, from_a_page_of_ours
from nurture.web.studio import Studio, member, problem_json

__all__ = ["router"]

MOST_LEADS = 5_000
"""More are for `nurture simulate`, which shows how far it is."""
TEST = "try"
"""The name of the one story that is lived here."""

Document = Annotated[object, Depends(document)]
Name = Annotated[str, Query(max_length=200)]


def router(engine: Engine, clock: Callable[[], datetime]) -> APIRouter:
    """`/api/rehearse`, `/api/simulate`, `/api/campaigns/NAME/rates` and `/api/preview`. Nothing here writes anything."""
    made = APIRouter(prefix="/api", dependencies=[Depends(from_a_page_of_ours)])
    studio = Studio(engine)
    one_at_a_time = threading.Lock()

    @made.post("/rehearse")
    def rehearse(body: Document) -> Response:
        """`{"draft", "story"}` to the life of that story's lead; `{"problems"}` for a draft or a story with errors."""
        plan, refusal = _plan(studio, member(body, "draft", dict))
        if plan is None:
            return refusal
        story = {**member(body, "story", dict), "path": []}
        stories, problems = read_stories(json.dumps({TEST: story}), plan)
        if not stories:
            return _json({"problems": [problem_json(problem, studio.helps) for problem in problems]}, 422)
        return _json(_life(live(stories[0], plan), plan, studio.world()))

    @made.post("/simulate")
    def simulate(body: Document) -> Response:
        """`{"draft", "leads", "seed", "rates", "tags"}` to the document of `nurture simulate`: the same numbers."""
        plan, refusal = _plan(studio, member(body, "draft", dict))
        if plan is None:
            return refusal
        leads = member(body, "leads", int, 1000)
        if leads > MOST_LEADS:
            raise HTTPException(422, f"at most {MOST_LEADS:,} leads here; `nurture simulate` takes more")
        try:
            crowd = Crowd(member(body, "seed", int, 1), _shares(body, "rates"), _shares(body, "tags"))
            with one_at_a_time:
                return _json(forecast(plan, crowd, leads))
        except Unfit as unfit:
            raise HTTPException(422, f"{unfit.about}: {unfit}. {unfit.hint}".strip()) from unfit
        except RuntimeError as error:
            raise HTTPException(422, str(error)) from error

    @made.get("/campaigns/{name}/rates")
    def rates(name: str) -> Response:
        """How leads have answered so far."""
        return _json(watching.shares(engine.store, studio.open(name).campaign))

    @made.get("/preview")
    def told(content: Name, channel: Name, language: Name = "zh", lead: Name = "") -> Response:
        """Subject, text and what else a message is made of; its HTML is a page of its own."""
        found = _previewed(engine, content, channel, language, lead)
        return _json(
            {
                "language": found.language,
                "languages": found.languages,
                "subject": found.subject,
                "text": found.text,
                "html": bool(found.html),
                "data": found.data,
                "trouble": found.trouble,
            }
        )

    @made.get("/preview/page")
    def page(content: Name, channel: Name, language: Name = "zh", lead: Name = "") -> Response:
        """The HTML of a mail, to be shown in a sandboxed frame of a page of ours, where it can do nothing."""
        found = _previewed(engine, content, channel, language, lead)
        return HTMLResponse(found.html, headers={"content-security-policy": pages.PREVIEW_POLICY})

    return made


def _plan(studio: Studio, draft: dict[str, Any]) -> tuple[Plan | None, Response]:
    definition, problems = read(json.dumps(draft))
    plan = None
    if definition is not None and not errors(problems):
        plan, problems = plans.compile(definition, studio.world())
    told = [problem_json(problem, studio.helps) for problem in problems]
    return plan, _json({"error": "the campaign has errors", "problems": told}, 422)


def _life(lived: Lived, plan: Plan, world: World) -> dict[str, Any]:
    lead = lived.lead
    return {
        "entered_at": lived.entered_at.isoformat(),
        "ended_at": lived.ended_at.isoformat(),
        "path": list(lived.path),
        "because": lived.because,
        "steps": [
            {"node": step.node, "at": step.at.isoformat(), "outcome": step.outcome, "because": step.because}
            for step in lived.steps
        ],
        "messages": [
            {"node": each.node, "channel": each.channel, "content": each.content, "at": each.at.isoformat(),
             "sent": each.sent}
            for each in lived.messages
        ],
        "lead": {"tags": sorted(lead.tags), "score": lead.score},
        "choices": _choices(plan, world),
    }  # fmt: skip


def _choices(plan: Plan, world: World) -> dict[str, list[str]]:
    """Node to what may happen to a lead there: responses to its message, answers to its hand-off, ways of chance."""
    found: dict[str, list[str]] = {}
    for planned in plan.nodes.values():
        messages = planned.node.contents()
        if messages:
            seen = {kind for channel, _ in messages for kind in world.channels.get(channel, ())}
            kinds = [kind for kind in RATED if kind in seen | plan.exit_on and kind not in ANSWERS]
            found[planned.id] = [*kinds, REFUSED]
        elif set(ANSWERS) <= set(planned.next):
            found[planned.id] = list(ANSWERS)
        elif len(falls := arms(planned, plan)) > 1:
            found[planned.id] = list(falls)
    return found


def _shares(body: object, key: str) -> Mapping[str, float]:
    given = member(body, key, dict, {})
    if not all(isinstance(share, int | float) and not isinstance(share, bool) for share in given.values()):
        raise HTTPException(422, f"`{key}` are names, each with a share from 0 to 1")
    return {name: float(share) for name, share in given.items()}


def _previewed(engine: Engine, content: str, channel: str, language: str, lead: str) -> Preview:
    try:
        return preview(engine, channel, content, language, LeadRef.parse(lead) if lead else None)
    except (BadIdentity, UnknownLead) as error:
        raise HTTPException(404, str(error)) from error


def _json(value: object, status: int = 200) -> Response:
    return JSONResponse(value, status)
