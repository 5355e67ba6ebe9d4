"""`check`, `switch`, `split`, `tag`, `score`, `set_field`, `end`: nodes that answer at once."""

import json
from collections import Counter

import pytest
from pydantic import ValidationError

from nodes.check import Check
from nodes.end import End
from nodes.score import Score
from nodes.set_field import SetField
from nodes.split import Split
from nodes.switch import Switch
from nodes.tag import Tag
from nurture import Go, effects
from nurture.testing import snap


def made(node_type, **settings):
    return node_type.model_validate_json(json.dumps(settings))


def industry(name):
    return {"field": "industry", "op": "=", "value": name}


GROUPS = made(Switch, cases=[{"name": "工厂", "when": industry("factory")}, {"name": "shop", "when": industry("shop")}])


def test_a_check_goes_by_its_condition_and_gives_its_reason():
    node = made(Check, when=industry("IT"))

    assert node.decide(snap(lead={"industry": "IT"})) == Go("yes", because="industry is IT, = IT")
    assert node.decide(snap()) == Go("no", because="industry is not known")


def test_a_switch_goes_the_way_of_its_first_case():
    assert GROUPS.ways_out() == ("工厂", "shop", "otherwise")
    assert GROUPS.decide(snap(lead={"industry": "factory"})) == Go("工厂", because="industry is factory, = factory")
    assert GROUPS.decide(snap(lead={"industry": "bank"})) == Go("otherwise", because="no case holds")


@pytest.mark.parametrize("names", [[], ["otherwise"], ["a", "a"], [""], [" a"], ["a\nb"], ["x" * 65], ["a"] * 101])
def test_a_switch_whose_cases_have_no_names_of_their_own_is_refused(names):
    with pytest.raises(ValidationError):
        made(Switch, cases=[{"name": name, "when": industry("x")} for name in names])


def test_a_split_parts_leads_by_its_percentages():
    node = made(Split, arms={"a": 20, "b": 30, "rest": 50})
    went = Counter(node.decide(snap(dice=n / 1000)).outcome for n in range(1000))

    assert went == {"a": 200, "b": 300, "rest": 500}
    assert node.decide(snap(dice=0.0)) == Go("a", because="by chance, 20 of 100 leads go this way")
    assert node.decide(snap(dice=0.9999999999999999)).outcome == "rest"


def test_writing_the_arms_in_another_order_moves_nobody():
    one, other = made(Split, arms={"a": 20, "b": 80}), made(Split, arms={"b": 80, "a": 20})

    assert one.ways_out() == ("a", "b")
    assert other.ways_out() == ("b", "a")
    for n in range(100):
        assert one.decide(snap(dice=n / 100)) == other.decide(snap(dice=n / 100))


@pytest.mark.parametrize(
    "arms",
    [
        {},
        {"a": 100},
        {"a": 50, "b": 51},
        {"a": 0, "b": 100},
        {"a": -1, "b": 101},
        {"a": 50.0, "b": 50},
        {"a": "50", "b": 50},
        {"": 50, "b": 50},
        {"x" * 65: 50, "b": 50},
        [50, 50],
        {"a": True, "b": 99},
    ],
)
def test_arms_that_are_not_a_hundred_are_refused(arms):
    with pytest.raises(ValidationError):
        made(Split, arms=arms)


def test_the_code_of_a_wrong_split_is_stable():
    with pytest.raises(ValidationError) as caught:
        made(Split, arms={"a": 50, "b": 51})
    (fault,) = caught.value.errors()

    assert (fault["type"], fault["loc"], fault["msg"]) == ("E_SPLIT", ("arms",), "the arms add up to 101 percent")


def test_tags_points_and_fields_are_effects_with_a_reason():
    assert made(Tag, add=["深度"], remove=["new"]).decide(snap()) == Go(
        "next", (effects.Tag(("深度",), ("new",)),), because="tags +深度, -new"
    )
    assert made(Score, points=-5).decide(snap()) == Go("next", (effects.Score(-5),), because="-5 points")
    assert made(SetField, field="stage", value="warm").decide(snap()) == Go(
        "next", (effects.SetField("stage", "warm"),), because="stage is now warm"
    )
    assert made(SetField, field="stage", value=None).decide(snap()).because == "stage is forgotten"


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"add": [], "remove": []},
        {"add": ["a;b"]},
        {"add": [" a"]},
        {"add": [""]},
        {"add": ["a\nb"]},
        {"add": ["x" * 65]},
        {"add": ["a"], "remove": ["a"]},
        {"add": "a"},
    ],
)
def test_tags_that_an_import_could_not_read_back_are_refused(settings):
    with pytest.raises(ValidationError):
        made(Tag, **settings)


@pytest.mark.parametrize("points", ["5", 5.0, True, None, 1_000_001])
def test_points_are_whole_numbers(points):
    with pytest.raises(ValidationError):
        made(Score, points=points)


@pytest.mark.parametrize(
    "field",
    [
        "tags",
        "score",
        "owner",
        "email",
        "phone",
        "id",
        "consent",
        "language",
        "signals.viewed",
        "",
        " a",
        'a"b',
        "a\\b",
        "a\nb",
    ],
)
def test_a_campaign_does_not_set_who_a_lead_is(field):
    with pytest.raises(ValidationError):
        made(SetField, field=field, value="x")


@pytest.mark.parametrize("value", ["x" * 1001, float("nan"), float("inf"), [1], {}])
def test_a_field_holds_one_short_value(value):
    with pytest.raises(ValidationError):
        made(SetField, field="stage", value=value)


def test_an_end_ends_with_its_reason():
    assert made(End).decide(snap()) == Go(None, because="the campaign ends here")
    assert made(End, reason="no budget").decide(snap()) == Go(None, because="no budget")
    assert made(End).ways_out() == ()
