"""The contract of a node type, as a test: what the engine relies on, tried on some hundred crowded histories."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from pydantic import BaseModel

from nurture.calendar import Calendar
from nurture.effects import Effect
from nurture.node import Go, Node, Wait
from nurture.snapshot import SIGNAL_KINDS, Facts, Lead, Scalar, Signal, Snapshot, Touch, TouchState

__all__ = ["check_node_type"]

SCENES = 150
HERE = "here"
DAY = datetime(2026, 3, 6, tzinfo=UTC)
STATES: tuple[TouchState, ...] = (
    "pending",
    "sending",
    "sent",
    "sent",
    "refused",
    "ambiguous",
    "cancelled",
    "awaiting_confirmation",
)
ZONES = (None, "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "UTC")
VALUES: tuple[Scalar, ...] = (None, "", "2026-03-20", "2026-03-01", "30", 30, 0.5, True, "some text")
LATER = (
    timedelta(microseconds=1),
    timedelta(minutes=1),
    timedelta(hours=5),
    timedelta(days=1),
    timedelta(days=4),
    timedelta(days=40),
)


def check_node_type(node_type: type[Node], *settings_examples: Mapping[str, Any]) -> None:
    """Raises AssertionError, saying which promise is broken and in which scene; returns nothing when all are kept.

    Give settings as they stand in a campaign's JSON (without `type`, `title`, `next`), one example for each way of using
    the type. A type may raise where it cannot tell, but not in every scene.
    """
    assert settings_examples, "give at least one example of settings"
    _check_class(node_type)
    for example in settings_examples:
        try:
            _check_example(node_type, example)
        except AssertionError as broken:
            broken.add_note(f"with the settings {json.dumps(example, ensure_ascii=False)}")
            raise


def _check_class(node_type: type[Node]) -> None:
    name = node_type.__name__
    assert issubclass(node_type, Node), f"{name} is no subclass of nurture.Node"
    assert (vars(node_type).get("__doc__") or "").strip(), (
        f"{name} has no docstring, which is its sentence in the palette"
    )
    assert node_type.model_config.get("frozen"), f"{name} is not frozen"
    assert node_type.model_config.get("extra") == "forbid", f"{name} lets unknown settings pass"
    for place, model in _models(node_type):
        for key, info in model.model_fields.items():
            assert info.description, (
                f"the setting {place}{info.alias or key} has no help; write it with setting(en=...)"
            )


def _models(model: type[BaseModel], place: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """The model itself and those inside its fields."""
    yield place, model
    for key, info in model.model_fields.items():
        waiting = [info.annotation]
        while waiting:
            kind = waiting.pop()
            waiting += get_args(kind)
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from _models(kind, f"{place}{info.alias or key}.")


def _check_example(node_type: type[Node], example: Mapping[str, Any]) -> None:
    name = node_type.__name__
    node = node_type.model_validate_json(json.dumps(example))
    written = node.model_dump_json(by_alias=True, exclude_unset=True)
    again = node_type.model_validate_json(written)
    assert again == node, f"{name} reads back other settings than it wrote: {written}"
    ways = node.ways_out()
    assert "" not in ways, f"{name} has a way out without a name"
    assert isinstance(ways, tuple), f"{name}: ways out are a tuple of names"
    assert len(set(ways)) == len(ways), f"{name} names a way out twice: {ways}"
    assert node.ways_out() == ways, f"{name} names other ways out when asked again"

    scenes = [_scene(n, example) for n in range(SCENES)]
    answers = [_Answer.of(node, scene) for scene in scenes]
    for scene, answer in reversed(list(zip(scenes, answers, strict=True))):
        # The other way round, by a node of its own: what was asked before must not matter.
        other = _Answer.of(again, scene)
        assert other == answer, f"{name} answered {answer}, and when asked again {other}, in {scene}"
        _check_answer(name, ways, scene, answer)
        if isinstance(answer.given, Wait):
            _check_wait(name, node, scene, answer.given)
    assert any(answer.given for answer in answers), f"{name} raised in every scene; the last: {answers[-1].raised}"
    assert node.model_dump_json(by_alias=True, exclude_unset=True) == written, f"{name} changed its own settings"


def _check_answer(name: str, ways: tuple[str, ...], scene: _Scene, answer: _Answer) -> None:
    given = answer.given
    if given is None:
        return
    assert isinstance(given, Go | Wait), f"{name} answered {given!r}, neither Go nor Wait, in {scene}"
    assert given.because, f"{name} gave no reason (`because`) for {given} in {scene}"
    for effect in given.effects:
        assert isinstance(effect, Effect), f"{name} asked for {effect!r}, which is no Effect"
        json.dumps(effect.as_json())
        effect.apply(_Changes())
    if isinstance(given, Go):
        if given.outcome is None:
            assert not ways, f"{name} went nowhere, but its ways out are: {', '.join(ways)}"
        else:
            assert given.outcome in ways, (
                f"{name} went {given.outcome!r}, but its ways out are: {', '.join(ways) or 'none'}"
            )
        return
    assert given.until.tzinfo is not None, f"{name} waits until {given.until}, which names no time zone"
    assert given.until > scene.now, f"{name} waits until {given.until}, which is not later than now, in {scene}"
    assert all(isinstance(kind, str) for kind in given.wake_on), f"{name}: wake_on is a tuple of signal kinds"


def _check_wait(name: str, node: Node, scene: _Scene, wait: Wait) -> None:
    """Between now and `until` only what the node wants to be woken by may change its answer."""
    halfway = scene.now + (wait.until - scene.now) / 2
    for later in (scene.now + timedelta(microseconds=1), halfway):
        if not scene.now < later < wait.until:
            continue
        quiet = scene.at(later)
        answer = _Answer.of(node, quiet)
        assert isinstance(answer.given, Wait), (
            f"{name} wanted to wait until {wait.until}, and at {later}, with nothing new, it answered {answer}, in {scene}"
        )
        for kind in (*SIGNAL_KINDS, "something_else"):
            if kind in wait.wake_on:
                continue
            woken = _Answer.of(node, quiet.with_signal(kind))
            assert woken == answer, (
                f"{name} changed its answer on '{kind}', which is not in its wake_on: from {answer} to {woken}, in {scene}"
            )


@dataclass(frozen=True)
class _Answer:
    """What a node said of a scene, or how it raised."""

    given: Go | Wait | None
    raised: str = ""

    @classmethod
    def of(cls, node: Node, scene: _Scene) -> _Answer:
        before = copy.deepcopy(scene)
        try:
            answer = cls(node.decide(scene.snapshot()))
        except Exception as error:  # noqa: BLE001  # raising is an answer too, as long as it is always the same one
            answer = cls(None, f"{type(error).__name__}: {error}")
        assert scene == before, f"{type(node).__name__} changed the facts it was shown: {before} became {scene}"
        return answer

    def __str__(self) -> str:
        return str(self.given) if self.given is not None else f"by raising {self.raised}"


@dataclass
class _Scene:
    """All that a snapshot is made of. Nothing in it lies after `now`."""

    number: int
    now: datetime
    entered: datetime
    signals: list[Signal]
    touches: list[Touch]
    fields: dict[str, Scalar]
    tags: set[str]
    score: int
    owner: str | None
    zone: str | None
    dice: float = field(repr=False)

    def snapshot(self) -> Snapshot:
        lead = Lead(self.fields, tags=self.tags, score=self.score, owner=self.owner, language="en", time_zone=self.zone)
        facts = Facts("campaign", self.signals, self.touches, lambda: lead, lambda _: self.dice, Calendar())
        return Snapshot(facts, HERE, self.entered, self.now)

    def at(self, later: datetime) -> _Scene:
        """The same, later, and nothing new."""
        return _Scene(**{**vars(self), "now": later})

    def with_signal(self, kind: str) -> _Scene:
        """The same, and the lead did this just now."""
        node = self.touches[-1].node if self.touches and self.number % 2 else None
        return _Scene(**{**vars(self), "signals": [*self.signals, Signal(kind, self.now, None, node, "new")]})


def _scene(number: int, example: Mapping[str, Any]) -> _Scene:
    """The scene of this number: always the same. Most of it happens within one day, much of it at the same moment."""

    def pick(what: str, among: Any) -> Any:
        return among[int.from_bytes(hashlib.sha256(f"{number}/{what}".encode()).digest()[:6], "big") % len(among)]

    words = sorted({word for word in _words(example) if 0 < len(word) <= 100})[:40]
    moments = [DAY + timedelta(hours=hour, minutes=minute) for hour in (8, 9, 9, 12, 23) for minute in (0, 0, 1, 59)]
    entered: datetime = pick("entered", moments)
    now: datetime = pick("how", (entered, *(entered + later for later in LATER)))
    kinds = (*SIGNAL_KINDS, *words)
    signals = [
        Signal(
            pick(f"kind{n}", kinds),
            pick(f"at{n}", [*moments, entered, now]),
            pick(f"campaign{n}", (None, None, "campaign", "another")),
            pick(f"to{n}", (None, None, HERE, *words)),
            f"s{n}",
        )
        for n in range(pick("signals", range(12)))
    ]
    touches = [
        _touch(name, pick(f"state{name}", STATES), pick(f"asked{name}", moments[:10]), pick(f"took{name}", LATER), now)
        for name in [*words[: pick("touches", range(4)) * 4], "earlier"]
        if name != HERE
    ]
    if pick("asked", (True, False)):
        touches.append(_touch(HERE, pick("state", STATES), entered, pick("took", LATER), now))
    return _Scene(
        number,
        now,
        entered,
        sorted((signal for signal in signals if signal.at <= now), key=lambda signal: signal.at),
        [touch for touch in touches if touch.asked_at <= now],
        {word: pick(f"value{word}", (*VALUES, word)) for word in words},
        {word for word in words if pick(f"tag{word}", (True, False))},
        pick("score", (0, 10, 30, 100, -5)),
        pick("owner", (None, None, "ann")),
        pick("zone", ZONES),
        pick("dice", [n / 97 for n in range(97)]),
    )


def _touch(node: str, state: TouchState, asked: datetime, took: timedelta, now: datetime) -> Touch:
    open_ = state in ("pending", "sending", "awaiting_confirmation")
    if open_ or asked + took > now:
        return Touch(node, "email", "hello", state if open_ else "pending", asked)
    return Touch(node, "email", "hello", state, asked, asked, asked + took, "because of the scene")


def _words(settings: Any) -> Iterator[str]:
    """Every text in the settings: some of them name nodes, fields, tags or signal kinds, and the scenes have them."""
    if isinstance(settings, str):
        yield settings
        yield settings.removeprefix("signals.")
    elif isinstance(settings, Mapping):
        for value in settings.values():
            yield from _words(value)
    elif isinstance(settings, list | tuple):
        for value in settings:
            yield from _words(value)


class _Changes:
    """A book that takes every change and keeps none; unknown changes are errors."""

    def message(self, **_: Any) -> None: ...

    def tag(self, name: str) -> None: ...

    def untag(self, name: str) -> None: ...

    def score(self, points: int) -> None: ...

    def set_field(self, name: str, value: Scalar) -> None: ...

    def hand_off(self, **_: Any) -> None: ...

    def to_pool(self, **_: Any) -> None: ...
