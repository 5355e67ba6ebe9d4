"""`nurture demo`: from nothing to a funnel, with nobody written to."""

from __future__ import annotations

import json as jsons
import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter, Token, validators

if TYPE_CHECKING:
    from nurture.demo.showing import Outcome

__all__ = ["demo", "perform"]

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
"""A Monday morning in Shanghai."""


def _moment(_type: Any, found: Sequence[Token]) -> datetime:
    moment = datetime.fromisoformat(found[0].value.strip())
    if moment.tzinfo is None:
        raise ValueError("a time names its zone, as in 2026-03-02T09:00:00+08:00")
    return moment.astimezone(UTC)


def demo(
    *,
    leads: Annotated[
        int, Parameter(help="How many people to invent.", validator=validators.Number(gte=1, lte=20_000))
    ] = 300,
    home: Annotated[Path, Parameter(help="The folder for its database and what comes out; emptied first.")] = Path(
        "demo"
    ),
    seed: Annotated[int, Parameter(help="Another number is another crowd; the same one is the same crowd.")] = 1,
    keep: Annotated[
        bool, Parameter(show_default=False, help="Keep every mail as a file, not one of each kind.")
    ] = False,
    json: Annotated[
        bool, Parameter(name="--json", show_default=False, help="Print one JSON document on stdout.")
    ] = False,
    now: Annotated[
        datetime | None, Parameter(name="--now", converter=_moment, help="When its weeks begin; default: 2 March 2026.")
    ] = None,
) -> None:
    """Invented leads walk through the campaign `welcome`, in weeks of virtual time.

    Mails go out by SMTP to a server on this machine, which keeps them. Nobody else is connected to.
    """
    from nurture.demo.showing import show
    from nurture.problems import Problem, Rejected

    outcome = perform(leads, home, seed=seed, keep=keep, start=now or START)
    try:
        if json:
            print(jsons.dumps(outcome.as_json(), ensure_ascii=False, indent=2))
        else:
            show(outcome)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read has seen enough. Python flushes once more when it ends; let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    broken = [proof.sentence for proof in outcome.proofs if not proof.holds]
    if broken:
        raise Rejected([Problem("", "E_DEMO", sentence, "please report this") for sentence in broken])


def perform(leads: int, home: Path, *, seed: int = 1, keep: bool = False, start: datetime = START) -> Outcome:
    """The whole demo, in this folder, told as it goes on stderr. Raises `Rejected` for a folder that is not a demo's."""
    from nurture.demo.checking import prove
    from nurture.demo.people import the_crowd
    from nurture.demo.playing import CAMPAIGN, Playing, Today
    from nurture.demo.showing import Outcome, progress
    from nurture.demo.staging import fresh, on_stage
    from nurture.demo.telling import tell_three
    from nurture.demo.visiting import Gate
    from nurture.drawing.picture import svg

    began = time.monotonic()
    fresh(home)
    people = the_crowd(leads, seed)
    with on_stage(home, people) as (engine, servers), Gate(engine, start) as gate:
        playing = Playing(engine, people, home, start, gate, servers.wechat.orders, keep_all=keep)
        servers.reader = playing.take
        entered = playing.open_the_doors()
        last = Today(start, 1, 0, 0, 0, 0, 0, 0, entered)
        with progress(entered) as told:

            def note(today: Today) -> None:
                nonlocal last
                last = today
                told(today)

            playing.play(note)
        status = engine.status(now=playing.now)
        plan = engine.ready(CAMPAIGN, now=playing.now).plan
        mine = status["campaigns"][0]
        pictures = []
        for language in ("en", "zh"):
            pictures.append(home / f"{CAMPAIGN}.{language}.svg")
            pictures[-1].write_text(svg(plan, mine["nodes"], language), "utf-8")
        proofs = prove(playing, servers.log)
        stories = tell_three(playing)
    return Outcome(
        home, last, last.week, time.monotonic() - began, mine, status["touches"]["refused"], proofs, stories, pictures
    )
