import json

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from nurture.condition import Condition
from nurture.testing import click, snap, view

LEAD = {
    "industry": "IT",
    "employees": "250",
    "code": "007",
    "seven": 7,
    "title": "Sales Director",
    "city": "",
    "vip": True,
}


def holds(tree, **scene):
    scene = {"lead": LEAD, "tags": ["registered"], "score": 35, "owner": "ann", **scene}
    return Condition(tree).holds(snap("6 Mar 09:30", **scene))


def ask(field, op, *value):
    return {"field": field, "op": op, **({"value": value[0]} if value else {})}


@pytest.mark.parametrize(
    ("tree", "because"),
    [
        (ask("industry", "=", "IT"), "industry is IT, = IT"),
        (ask("industry", "!=", "Retail"), "industry is IT, != Retail"),
        (ask("industry", "in", ["Retail", "IT"]), "industry is IT, one of Retail, IT"),
        (ask("employees", ">=", 200), "employees is 250, >= 200"),
        (ask("employees", "=", 250.0), "employees is 250, = 250.0"),
        (ask("employees", "<", "1000"), "employees is 250, < 1000"),
        (ask("seven", "=", "7.0"), "seven is 7, = 7.0"),
        (ask("title", "contains", "Direct"), "title is Sales Director, contains Direct"),
        (ask("title", "starts_with", "Sales"), "title is Sales Director, starts_with Sales"),
        (ask("vip", "=", True), "vip is true, = true"),
        (ask("vip", "=", "true"), "vip is true, = true"),
        (ask("score", ">=", 30), "score is 35, >= 30"),
        (ask("owner", "=", "ann"), "owner is ann, = ann"),
        (ask("tags", "has", "registered"), "has the tag registered"),
        (ask("tags", "has_not", "sold"), "does not have the tag sold"),
        (ask("industry", "known"), "industry is known"),
        (ask("city", "unknown"), "city is not known"),
        (ask("region", "unknown"), "region is not known"),
    ],
)
def test_what_holds_and_why(tree, because):
    assert holds(tree) == (True, because)


@pytest.mark.parametrize(
    ("tree", "because"),
    [
        (ask("industry", "=", "it"), "industry is IT, not = it"),
        (ask("code", "=", "7"), "code is 007, not = 7"),
        (ask("code", "=", 7), "code is 007, not = 7"),
        (ask("industry", ">", 5), "industry is IT, not > 5"),
        (ask("seven", "in", ["8", "IT"]), "seven is 7, not one of 8, IT"),
        (ask("title", "contains", "direct"), "title is Sales Director, not contains direct"),
        (ask("score", "<", 35), "score is 35, not < 35"),
        (ask("tags", "has", "sold"), "does not have the tag sold"),
        (ask("city", "known"), "city is not known"),
    ],
)
def test_what_does_not_hold_and_why(tree, because):
    assert holds(tree) == (False, because)


@pytest.mark.parametrize("op", ["=", "!=", "contains", "starts_with"])
@pytest.mark.parametrize("field", ["city", "region", "owner"])
def test_a_comparison_with_what_is_not_known_is_false(field, op):
    assert holds(ask(field, op, "x"), owner=None) == (False, f"{field} is not known")


def test_not_knows_no_third_value_and_the_reason_says_so():
    assert holds({"not": ask("region", "=", "north")}) == (True, "region is not known")


def test_all_is_as_true_as_its_falsest_part_and_any_as_its_truest():
    it, sold = ask("industry", "=", "IT"), ask("tags", "has", "sold")

    assert holds({"all": [it, sold]}) == (False, "does not have the tag sold")
    assert holds({"any": [sold, it]}) == (True, "industry is IT, = IT")
    assert holds({"all": [it, it]}) == (True, "industry is IT, = IT; industry is IT, = IT")
    assert holds({"any": [sold] * 5}).because.endswith("; and 2 more")


@pytest.mark.parametrize(
    ("within", "true", "because"),
    [
        (None, True, "viewed at 5 Mar 09:30"),
        ("24 hours", True, "viewed at 5 Mar 09:30"),
        ("1 day", True, "viewed at 5 Mar 09:30"),
        ("23 hours", False, "not viewed within 23 hours"),
    ],
)
def test_a_signal_counts_within_a_span_before_now(within, true, because):
    tree = ask("signals.viewed", "known") | ({"within": within} if within else {})
    signals = [view("1 Mar 09:30"), view("5 Mar 09:30"), view("7 Mar 09:30"), click("6 Mar 09:00")]

    assert holds(tree, signals=signals) == (true, because)
    assert holds(tree | {"op": "unknown"}, signals=signals) == (not true, because)


def test_only_the_facts_that_were_read_are_remembered():
    snapshot = snap(lead=LEAD, score=35)
    Condition({"any": [ask("score", ">", 30), ask("industry", "known")]}).holds(snapshot)

    assert snapshot.saw() == {"lead": {"score": 35}}


class Question(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    when: Condition


def test_a_condition_in_a_model_is_written_back_as_it_was_read():
    tree = {
        "all": [
            ask("score", ">=", 1.0),
            {"not": ask("tags", "has", "深度")},
            {"any": [ask("a b", "in", ["x", 1, True])]},
        ]
    }
    text = json.dumps({"when": tree}, ensure_ascii=False, separators=(",", ":"))
    question = Question.model_validate_json(text)

    assert question.model_dump_json() == text
    assert Question.model_validate_json(text) == question
    assert hash(question.when) == hash(Condition(tree))
    assert Question.model_json_schema()["properties"]["when"]["x-form"] == "condition"


def test_1_and_true_are_different_conditions():
    assert Condition(ask("a", "=", 1)) != Condition(ask("a", "=", True))
    assert Condition(ask("a", "=", 1)) != Condition(ask("a", "=", 1.0))


def test_nobody_can_change_a_condition_from_outside():
    tree = {"all": [ask("industry", "=", "IT")]}
    condition = Condition(tree)
    tree["all"].clear()
    condition.tree["all"].clear()

    assert condition.tree == {"all": [ask("industry", "=", "IT")]}


def test_a_wrong_condition_in_a_model_brings_all_its_problems_along():
    with pytest.raises(ValidationError) as caught:
        Question.model_validate_json(
            '{"when": {"all": [{"field": "score", "op": "gt"}, {"field": "tags", "op": "has"}]}}'
        )
    (fault,) = caught.value.errors()

    assert [problem.where for problem in fault["ctx"]["error"].problems] == ["/all/0/op", "/all/1"]
