"""Where a search of interleavings begins: one lead, two workers about to do something, and one thing from outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from nurture.engine import Engine
from nurture.identity import LeadRef
from nurture.moving import Running
from tests.simulation.world import Killed, World

__all__ = ["EVENTS", "SCENES", "Scene"]

HELLO = "version 1 {{ lead.name | default('you') }} {{ unsubscribe_url }}"
TOWN: dict[str, Any] = {
    "campaign": "town",
    "exit_on": ["unsubscribed", "bounced", "converted"],
    "start": "points",
    "nodes": {
        "points": {"type": "score", "points": 5, "next": "z_first"},
        "z_first": {"type": "send_content", "channel": "post", "content": "hello", "next": "answered"},
        "answered": {
            "type": "check_response",
            "to": "z_first",
            "within": "3 days",
            "next": {"yes": "more", "no": "a_second"},
        },
        "more": {"type": "score", "points": 7, "next": "end"},
        "a_second": {"type": "send_content", "channel": "post", "content": "hello", "next": "nap"},
        "nap": {"type": "wait", "for": "2 days", "next": "pool"},
        "pool": {"type": "route", "to": "pool"},
    },
}
NIGHT: dict[str, Any] = {
    "campaign": "night",
    "exit_on": ["unsubscribed"],
    "start": "only",
    "nodes": {"only": {"type": "send_content", "channel": "post", "content": "other", "next": "end"}},
}

HAND: dict[str, Any] = {
    **NIGHT,
    "nodes": {
        "only": {"type": "route", "to": "sdr", "sla": "1 day",
                 "next": {"accepted": "end", "returned": "end", "unanswered": "end"}}
    },
}  # fmt: skip

Work = Callable[[Engine, World], object]


def decide(engine: Engine, world: World) -> object:
    return engine.decide(world.now)


def deliver(engine: Engine, world: World) -> object:
    """As the heartbeat does it: the clock goes on while it works."""
    began = world.now
    return engine._deliver(began, lambda: world.now - began)


def beat(engine: Engine, world: World) -> object:
    return engine.tick(world.now)


def move(engine: Engine, world: World) -> object:
    return engine.move_on(now=world.now)


def unsubscribe(world: World, lead: LeadRef) -> None:
    world.hear("unsubscribed", lead)


def reply(world: World, lead: LeadRef) -> None:
    world.hear("replied", lead, at=world.now - timedelta(minutes=1), campaign="town", node="z_first")


def convert(world: World, lead: LeadRef) -> None:
    world.hear("converted", lead)


def pause(world: World, lead: LeadRef) -> None:
    world.engine(9).pause("town", now=world.now)


def pass_lease(world: World, lead: LeadRef) -> None:
    world.pass_time(timedelta(seconds=61))


EVENTS: Mapping[str, Callable[[World, LeadRef], None]] = {
    "unsubscribe": unsubscribe,
    "reply": reply,
    "convert": convert,
    "pause": pause,
}


@dataclass(frozen=True)
class Scene:
    """What stands when the search begins, and what the two workers do."""

    name: str
    work: tuple[Work, Work]
    ready: Callable[[World, LeadRef], None]
    """Brings the lead to where it becomes interesting."""
    cap: str = "none"
    on_unknown: str = "hold"
    weather: tuple[str, ...] = ()
    other: Mapping[str, Any] | None = None
    """A second campaign that the lead is in."""
    first: str = ""
    """What every schedule begins with: steps of the workers `a` and `b`, `t` for the time of a lease, `e` for the
    event."""
    events: tuple[str, ...] = field(default=tuple(EVENTS))

    def build(self) -> tuple[World, LeadRef]:
        """A world in which this scene stands, marked."""
        world = World(cap=self.cap)
        return world, self.furnish(world)

    def furnish(self, world: World) -> LeadRef:
        world.content(HELLO)
        world.content("version 2 {{ unsubscribe_url }}", "other")
        nodes = {name: dict(node) for name, node in TOWN["nodes"].items()}
        nodes["z_first"]["on_unknown"] = self.on_unknown
        world.campaign({**TOWN, "nodes": nodes})
        lead = world.lead("ada")
        world.engine().enroll("town", leads=[lead], now=world.now)
        if self.other is not None:
            world.campaign(self.other)
            world.engine().enroll("night", leads=[lead], now=world.now)
        self.ready(world, lead)
        world.weather.clear()
        world.mark()
        return lead


def nothing(world: World, lead: LeadRef) -> None:
    return


def asked(world: World, lead: LeadRef) -> None:
    """The first message waits to be delivered."""
    world.engine().decide(world.now)


def answer_due(world: World, lead: LeadRef) -> None:
    """The first message was sent, and the deadline for an answer has come."""
    world.engine().tick(world.now)
    world.pass_time(timedelta(days=3))


def asked_alone(world: World, lead: LeadRef) -> None:
    """The first message waits to be delivered, and the other campaign has not begun."""
    world.engine()._decider().run(["town"], world.now)


def nap_almost_over(world: World, lead: LeadRef) -> None:
    """Half an hour before a wait is over."""
    answer_due(world, lead)
    world.engine().tick(world.now)
    world.pass_time(timedelta(days=2, minutes=-30))


def asked_and_changed(world: World, lead: LeadRef) -> None:
    """The first message waits to be delivered, and who is inside shall go on in a version that says something else."""
    asked(world, lead)
    nodes = {
        name: {**node, "content": "other"} if node["type"] == "send_content" else node
        for name, node in TOWN["nodes"].items()
    }
    world.campaign({**TOWN, "nodes": nodes}, running=Running("move"))


def expired(world: World, lead: LeadRef) -> None:
    """The first message waits to be delivered, and it is too late."""
    asked(world, lead)
    world.pass_time(timedelta(days=15))


def fell_silent(world: World, lead: LeadRef) -> None:
    """A worker died between the intent and the verdict; its lease has run out."""
    world.engine().decide(world.now)

    def die(what: str) -> None:
        if what == "first byte":
            raise Killed

    world.on_gate = die
    with suppress(Killed):
        world.engine(7)._deliver(world.now, timedelta)
    world.on_gate = lambda what: None
    world.pass_time(timedelta(seconds=61))


SCENES: tuple[Scene, ...] = (
    Scene("two workers decide the first step", (decide, decide), nothing),
    Scene("two workers decide at the deadline", (decide, decide), answer_due),
    Scene("two workers deliver one message", (deliver, deliver), asked, first="aaa"),
    Scene("two workers deliver, it fails the first time", (deliver, deliver), asked, first="aaa", weather=("greylisted",)),
    Scene("two workers deliver, and may repeat", (deliver, deliver), asked, first="aaa", on_unknown="retry_once"),
    Scene("one delivers, one decides", (deliver, decide), asked, first="aaa"),
    Scene("one delivers in vain, one decides", (deliver, decide), asked, first="aaa", weather=("greylisted",)),
    Scene("one may repeat, one decides", (deliver, decide), asked, first="aaa", on_unknown="retry_once", weather=("cut after the end", "greylisted")),
    Scene("two workers deliver two messages to a capped person", (deliver, deliver), asked, first="aaa", cap="1 per 1 day", other=NIGHT),
    Scene("two workers find one that fell silent", (deliver, deliver), fell_silent),
    Scene("one stalled over a decision", (decide, decide), nothing, first="aaaat"),
    Scene("one stalled before its intent", (deliver, deliver), asked, first="aaaaat"),
    Scene("one stalled after its intent", (deliver, deliver), asked, first="aaaaaat"),
    Scene("one stalled after its intent, and may repeat", (deliver, deliver), asked, first="aaaaaat", on_unknown="retry_once"),
    Scene("the line is cut after the end", (deliver, decide), asked, first="aaaa", weather=("cut after the end",)),
    Scene("one delivers, one hands over", (deliver, decide), asked_alone, first="aaaaa", other=HAND),
    Scene("the lead is gone before delivery", (deliver, decide), asked, first="e"),
    Scene("the lead is gone during delivery", (deliver, decide), asked, first="aaaaaae", weather=("greylisted",)),
    Scene("one delivers, one moves", (deliver, move), asked_and_changed, first="aaa"),
    Scene("one delivers in vain, one moves", (deliver, move), asked_and_changed, first="aaa", weather=("greylisted",)),
    Scene("almost at the end of a wait", (decide, decide), nap_almost_over),
    Scene("two workers deliver what has expired", (deliver, deliver), expired),
    Scene("two heartbeats", (beat, beat), nothing),
    Scene("two heartbeats at the deadline", (beat, beat), answer_due),
)  # fmt: skip
