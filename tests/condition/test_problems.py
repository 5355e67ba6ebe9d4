import pytest

from nurture.condition import Condition
from nurture.problems import errors


def deep(levels):
    tree = {"field": "score", "op": ">", "value": 1}
    for _ in range(levels):
        tree = {"not": tree}
    return tree


@pytest.mark.parametrize(
    ("tree", "where", "words"),
    [
        ([], "", "an object, not a list"),
        (None, "", "not null"),
        ({}, "", "no condition"),
        ({"all": []}, "/all", "at least one"),
        ({"all": {}}, "/all", "at least one"),
        ({"any": [3]}, "/any/0", "not a number"),
        ({"not": []}, "/not", "not a list"),
        ({"all": [deep(0)], "any": [deep(0)]}, "", "side by side"),
        ({"all": [deep(0)], "field": "x"}, "", "side by side"),
        ({"all": [deep(0)], "extra~/": 1}, "/extra~0~1", "does not go with"),
        ({"field": "score", "op": ">", "value": 1, "vaule": 2}, "/vaule", "not part"),
        ({"field": "", "op": "known"}, "/field", "name of a field"),
        ({"field": " a", "op": "known"}, "/field", "name of a field"),
        ({"field": 'a"b', "op": "known"}, "/field", "name of a field"),
        ({"field": "a\\b", "op": "known"}, "/field", "name of a field"),
        ({"field": 5, "op": "known"}, "/field", "name of a field"),
        ({"field": "signals", "op": "known"}, "/field", "kind of signal"),
        ({"field": "signals.", "op": "known"}, "/field", "kind of signal"),
        ({"field": "signals.A-B", "op": "known"}, "/field", "kind of signal"),
        ({"field": "score"}, "", "`op` is missing"),
        ({"field": "score", "op": "contains", "value": "1"}, "/op", "cannot be asked"),
        ({"field": "tags", "op": "=", "value": "x"}, "/op", "cannot be asked"),
        ({"field": "industry", "op": "known", "value": "x"}, "/value", "takes no value"),
        ({"field": "industry", "op": "="}, "", "= what?"),
        ({"field": "industry", "op": "=", "value": ""}, "/value", "empty"),
        ({"field": "industry", "op": "=", "value": None}, "/value", "not null"),
        ({"field": "industry", "op": "=", "value": ["x"]}, "/value", "not a list"),
        ({"field": "industry", "op": "=", "value": "a\x00b"}, "/value", "no text may have"),
        ({"field": "industry", "op": "=", "value": "\ud800"}, "/value", "no text may have"),
        ({"field": "industry", "op": "=", "value": "x" * 1001}, "/value", "1000"),
        ({"field": "industry", "op": "=", "value": 0.12345}, "/value", "takes a number"),
        ({"field": "industry", "op": "=", "value": 10**11}, "/value", "takes a number"),
        ({"field": "industry", "op": "=", "value": float("nan")}, "/value", "takes a number"),
        ({"field": "industry", "op": ">", "value": "many"}, "/value", "takes a number"),
        ({"field": "industry", "op": ">", "value": True}, "/value", "takes a number"),
        ({"field": "industry", "op": "in", "value": "x"}, "/value", "takes a list"),
        ({"field": "industry", "op": "in", "value": []}, "/value", "takes a list"),
        ({"field": "industry", "op": "in", "value": ["x", ""]}, "/value/1", "empty"),
        ({"field": "industry", "op": "contains", "value": 5}, "/value", "takes a text"),
        ({"field": "tags", "op": "has", "value": 5}, "/value", "takes a text"),
        ({"field": "score", "op": "=", "value": "x"}, "/value", "takes a number"),
        ({"field": "score", "op": ">", "value": 1, "within": "3 days"}, "/within", "signals only"),
        (
            {"field": "signals.viewed", "op": "known", "within": "3 workdays"},
            "/within",
            "minutes, hours, days or weeks",
        ),
        ({"field": "signals.viewed", "op": "known", "within": "0 days"}, "/within", "minutes, hours, days or weeks"),
        ({"field": "signals.viewed", "op": "known", "within": "P3D"}, "/within", "not a duration"),
        ({"field": "signals.viewed", "op": "known", "within": 3}, "/within", "minutes, hours, days or weeks"),
        (deep(20), "", "deeper than 20"),
        ({"all": [deep(0)] * 500}, "", "more than 500"),
    ],
)
def test_what_is_wrong_is_said_where_it_stands(tree, where, words):
    (problem,) = errors(Condition.problems(tree, "/entry/when"))

    assert problem.where == "/entry/when" + where
    assert problem.code == "E_CONDITION"
    assert words in problem.what
    with pytest.raises(ValueError):
        Condition(tree)


@pytest.mark.parametrize(
    ("field", "op", "hint"),
    [
        ("score", "gte", "did you mean '>='?"),
        ("industry", "==", "did you mean '='?"),
        ("industry", "exists", "did you mean 'known'?"),
        ("tags", "contains", "it can be asked: has, has_not"),
        ("score", "is_unknown", "it can be asked: =, !=, <, <=, >, >="),
    ],
)
def test_a_hint_names_the_word_that_was_meant(field, op, hint):
    (problem,) = Condition.problems({"field": field, "op": op, "value": 1}, "")

    assert problem.hint == hint


def test_every_problem_comes_at_once():
    tree = {"all": [{"field": "score", "op": "has"}, {"any": []}, {"not": {"field": "", "op": "known"}}]}

    assert [problem.where for problem in Condition.problems(tree, "")] == [
        "/all/0/op",
        "/all/1/any",
        "/all/2/not/field",
    ]


def test_a_signal_that_nobody_here_knows_is_odd_but_not_wrong():
    (problem,) = Condition.problems({"field": "signals.veiwed", "op": "known"}, "")

    assert (problem.code, problem.severity, problem.hint) == ("W_CONDITION", "warning", "did you mean 'viewed'?")
    assert Condition({"field": "signals.veiwed", "op": "known"})


def test_a_deep_tree_costs_no_recursion():
    assert len(Condition.problems(deep(900), "")) == 1
