"""Our node types keep the contract, and the test of the contract finds those that do not."""

import time
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from pydantic import ConfigDict

import nurture
from nodes.check import Check
from nodes.check_response import CheckResponse
from nodes.end import End
from nodes.route import Route
from nodes.score import Score
from nodes.send_content import SendContent
from nodes.set_field import SetField
from nodes.split import Split
from nodes.switch import Switch
from nodes.tag import Tag
from nodes.wait import Wait
from nurture import Go, Node, Snapshot, setting
from nurture.testing import check_node_type

IT = {"field": "industry", "op": "=", "value": "IT"}
BUSY = {
    "any": [
        {"field": "signals.viewed", "op": "known", "within": "3 days"},
        {"not": {"field": "size", "op": ">", "value": 5}},
    ]
}

OURS = [
    (Check, [{"when": IT}, {"when": BUSY}]),
    (
        CheckResponse,
        [{}, {"to": "bait", "within": "3 days"}, {"to": "bait", "evidence": ["clicked"], "within": "2 workdays"}],
    ),
    (End, [{}, {"reason": "no budget"}]),
    (
        Route,
        [
            {"to": "sdr"},
            {"to": "sales", "team": "north", "sla": "3 hours"},
            {"to": "pool"},
            {"to": "pool", "again_after": "30 days"},
        ],
    ),
    (Score, [{"points": 5}, {"points": -5}]),
    (
        SendContent,
        [
            {"content": "bait"},
            {"channel": "wechat", "content": "bait", "purpose": "service", "expires_after": "2 workdays"},
        ],
    ),
    (
        SetField,
        [{"field": "stage", "value": "warm"}, {"field": "stage", "value": None}, {"field": "stage", "value": 1.5}],
    ),
    (Split, [{"arms": {"a": 50, "b": 50}}, {"arms": {"z": 1, "y": 33, "x": 66}}]),
    (Switch, [{"cases": [{"name": "制造业", "when": IT}, {"name": "busy", "when": BUSY}]}]),
    (Tag, [{"add": ["深度"]}, {"add": ["a"], "remove": ["b", "c"]}]),
    (
        Wait,
        [
            {"for": "3 days"},
            {"for": "1 minute"},
            {"until": {"at": "02:30", "weekday": "sunday"}},
            {"until_date": {"field": "due"}},
        ],
    ),
]


@pytest.mark.parametrize(("node_type", "examples"), OURS, ids=[node_type.__name__ for node_type, _ in OURS])
def test_each_of_our_types_keeps_the_contract(node_type, examples):
    check_node_type(node_type, *examples)


@pytest.mark.parametrize("node_type", [node_type for node_type, _ in OURS])
def test_each_of_our_types_has_its_help_in_chinese_too(node_type):
    assert node_type.zh
    assert node_type.title_zh
    for info in node_type.model_fields.values():
        assert info.json_schema_extra["zh"]


def test_the_public_names_are_all_there():
    assert sorted(set(nurture.__all__)) == sorted(nurture.__all__)
    for name in nurture.__all__:
        assert getattr(nurture, name) is not None


# --- types that break their promises -----------------------------------------------------------------------------


class Plain(Node):
    """Goes on."""

    def decide(self, snapshot: Snapshot) -> Any:
        return Go("next", because="why not")


class Counting(Plain):
    """Remembers how often it was asked."""

    asked: ClassVar[list[int]] = []

    def decide(self, snapshot: Snapshot) -> Any:
        self.asked.append(1)
        return Go("next", because=f"asked {len(self.asked)} times")


class Clockwork(Plain):
    """Looks at the clock."""

    def decide(self, snapshot: Snapshot) -> Any:
        return Go("next", because=f"it is {time.perf_counter_ns()}")


class Undeclared(Plain):
    """Goes a way it did not declare."""

    def decide(self, snapshot: Snapshot) -> Any:
        return Go("maybe", because="perhaps")


class Silent(Plain):
    """Gives no reason."""

    def decide(self, snapshot: Snapshot) -> Any:
        return Go("next")


class Late(Plain):
    """Waits until now."""

    def decide(self, snapshot: Snapshot) -> Any:
        return nurture.Wait(snapshot.now, because="waiting")


class Zoneless(Plain):
    """Waits until a moment without a zone."""

    def decide(self, snapshot: Snapshot) -> Any:
        return nurture.Wait(snapshot.now.replace(tzinfo=None) + timedelta(days=1), because="waiting")


class Deaf(Plain):
    """Listens for a signal that it did not ask to be woken by."""

    def decide(self, snapshot: Snapshot) -> Any:
        if snapshot.first_signal("attended", since=snapshot.entered_at):
            return Go("next", because="attended")
        until = snapshot.entered_at + timedelta(days=3)
        return Go("next", because="late") if snapshot.now >= until else nurture.Wait(until, because="waiting")


class Impatient(Plain):
    """Says three days and means one."""

    def decide(self, snapshot: Snapshot) -> Any:
        if snapshot.now >= snapshot.entered_at + timedelta(days=1):
            return Go("next", because="tired")
        return nurture.Wait(snapshot.entered_at + timedelta(days=3), because="waiting")


class Grabbing(Plain):
    """Takes signals away."""

    def decide(self, snapshot: Snapshot) -> Any:
        snapshot._facts.signals.clear()
        return Go("next", because="clean")


class Shouting(Plain):
    """Asks for something that is no effect."""

    def decide(self, snapshot: Snapshot) -> Any:
        return Go("next", ("send",), because="loud")


class Impossible(Plain):
    """Hands over without a time to answer by."""

    def decide(self, snapshot: Snapshot) -> Any:
        return Go("next", (nurture.Route("sdr"),), because="now")


class Hopeless(Plain):
    """Never knows."""

    def decide(self, snapshot: Snapshot) -> Any:
        raise ValueError("who knows")


class Helpless(Plain):
    """Explains nothing."""

    points: int = 0


class Thawed(Plain):
    """Can be changed."""

    model_config = ConfigDict(frozen=False)


class Wordless(Plain):
    pass


class Twice(Plain):
    """Has one way out twice."""

    outcomes: ClassVar[tuple[str, ...]] = ("next", "next")


class Forgetful(Plain):
    """Writes other settings than it read."""

    when: str = setting("x", en="when", exclude=True)


@pytest.mark.parametrize(
    ("node_type", "words"),
    [
        (Counting, "when asked again"),
        (Clockwork, "when asked again"),
        (Undeclared, "'maybe'"),
        (Silent, "no reason"),
        (Late, "not later than now"),
        (Zoneless, "no time zone"),
        (Deaf, "'attended', which is not in its wake_on"),
        (Impatient, "with nothing new"),
        (Grabbing, "changed the facts"),
        (Shouting, "no Effect"),
        (Hopeless, "raised in every scene; the last: ValueError: who knows"),
        (Helpless, "points has no help"),
        (Thawed, "not frozen"),
        (Wordless, "no docstring"),
        (Twice, "twice"),
    ],
)
def test_a_type_that_breaks_a_promise_is_told_which(node_type, words):
    with pytest.raises(AssertionError) as caught:
        check_node_type(node_type, {})

    assert words in str(caught.value)


def test_an_effect_that_cannot_be_written_down_is_found():
    with pytest.raises(ValueError, match="by which an answer is due"):
        check_node_type(Impossible, {})


def test_settings_that_are_lost_on_the_way_are_found():
    with pytest.raises(AssertionError, match="other settings"):
        check_node_type(Forgetful, {"when": "y"})


def test_a_type_without_examples_is_not_tested():
    with pytest.raises(AssertionError, match="at least one example"):
        check_node_type(Plain)


def test_a_plain_type_passes():
    check_node_type(Plain, {})
