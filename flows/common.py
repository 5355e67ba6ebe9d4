"""What the flows share: the engine with the credentials of the blocks, the clock, and what a run shows at its end."""

from __future__ import annotations

from datetime import UTC, datetime

from flows.artifacts import show_nodes, show_picture
from flows.asking import picture
from flows.blocks import credentials
from flows.forms import moment
from flows.virtual_time import VirtualTime
from nurture.engine import Engine
from nurture.settings import Settings

__all__ = ["clock", "live_at", "open_engine", "show_campaigns"]


def live_at(now: str, until: str, *, writing: bool) -> tuple[datetime, datetime | None]:
    """The moments a run acts at and goes on until, from its form.

    `writing`: the run is going to change something. In another time than ours, the heartbeat rests from here on.
    """
    real = clock()
    begin, end = moment(now), moment(until)
    if writing:
        VirtualTime(Settings().home).enter(end or begin, real)
    return begin or real, end


def clock() -> datetime:
    """The clock, read once per look."""
    return datetime.now(UTC)


def open_engine() -> Engine:
    """The engine that the environment and the credential blocks describe."""
    return Engine.open(Settings.model_validate(Settings().model_dump() | credentials()))


def show_campaigns(engine: Engine, campaign: str | None, now: datetime) -> None:
    """Picture and table of this campaign, or of all, as artifacts; by the running counts, so that size does not matter."""
    told = engine.status(campaign, now=now, quick=True)
    for status in told["campaigns"]:
        show_picture(status["campaign"], picture(engine, status, now))
        show_nodes(status, conserved=told["conserved"])
