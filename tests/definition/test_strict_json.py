"""JSON that Python would take and a campaign must not."""

from __future__ import annotations

import time

import pytest

from nurture import strict_json
from tests.plan.world import codes


@pytest.mark.parametrize(
    ("data", "place"),
    [
        pytest.param(b"", "line 1, column 1", id="nothing"),
        pytest.param(b"  \n ", "line 1, column 1", id="blanks"),
        pytest.param(b'{"a": 1,}', "line 1, column 8", id="a comma too many"),
        pytest.param(b'{"a": 1, // why\n}', "line 1, column 10", id="a comment"),
        pytest.param(b"{'a': 1}", "line 1, column 2", id="single quotes"),
        pytest.param(b'{\n  "a": 1\n  "b": 2\n}', "line 3, column 3", id="a comma too few"),
        pytest.param(b'{"a": 1} {}', "line 1, column 10", id="two documents"),
        pytest.param('{"a": 1}'.encode("utf-16"), "line 1, column 1", id="UTF-16"),
        pytest.param('{"a": 1}'.encode("utf-16-be"), "line 1, column 1", id="UTF-16 without a mark"),
        pytest.param('{"a": 1}'.encode("utf-32"), "line 1, column 1", id="UTF-32"),
        pytest.param('{\n "名": "欢迎"}'.encode("gb18030"), "line 2, column 3", id="GB18030"),
        pytest.param(b'{"a": "\x01"}', "line 1, column 8", id="a control character"),
        pytest.param(b'{"a": "\\x"}', "line 1, column 8", id="an unknown escape"),
    ],
)
def test_what_is_not_json_is_refused_with_its_line_and_column(data, place):
    value, problems = strict_json.read(data)

    assert value is None
    assert [(problem.code, problem.where) for problem in problems] == [("E_JSON", place)]


def test_a_byte_order_mark_is_no_problem():
    assert strict_json.read(b'\xef\xbb\xbf{"a": 1}') == ({"a": 1}, [])
    assert strict_json.read('\ufeff{"a": 1}') == ({"a": 1}, [])


@pytest.mark.parametrize(
    "number",
    ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 5000, "9007199254740992", "-9007199254740992"],
    ids=lambda number: number[:20],
)
def test_what_not_every_program_keeps_as_a_number_is_refused(number):
    value, problems = strict_json.read(f'{{"a": [1, {number}]}}')

    assert [(problem.code, problem.where) for problem in problems] == [("E_NUMBER", "/a/1")]
    assert value == {"a": [1, 0]}


def test_the_greatest_whole_number_is_kept():
    assert strict_json.read("[9007199254740991, -9007199254740991, 1.5, 1e3, true]") == (
        [9007199254740991, -9007199254740991, 1.5, 1000.0, True],
        [],
    )


def test_every_doubled_key_is_named_with_its_place():
    _, problems = strict_json.read('{"a": 1, "b": {"c": 1, "c": 2, "c": 3}, "a": [{"d/e": 1, "d/e": 1}]}')

    assert [(problem.code, problem.where) for problem in problems] == [
        ("E_DUP_KEY", "/a"),
        ("E_DUP_KEY", "/a/0/d~1e"),
        ("E_DUP_KEY", "/b/c"),
    ]


@pytest.mark.parametrize("text", ['"\\ud800"', '"x\\udc00y"', '"\\u0000"'], ids=["high", "low", "null"])
def test_text_that_cannot_be_stored_is_refused(text):
    value, problems = strict_json.read(f'{{"a": {text}}}')

    assert [(problem.code, problem.where) for problem in problems] == [("E_UNICODE", "/a")]
    assert str(problems[0]).encode("utf-8")
    assert str(value).encode("utf-8")


def test_half_a_pair_in_a_key_is_refused_too():
    _, problems = strict_json.read('{"\\ud800": 1}')

    assert codes(problems) == ["E_UNICODE"]
    assert str(problems[0]).encode("utf-8")


def test_a_pair_of_surrogates_is_a_character():
    assert strict_json.read('{"a": "\\ud83d\\ude00"}') == ({"a": "\U0001f600"}, [])


@pytest.mark.parametrize(
    "text",
    ["[" * 2_000_000, "[" * 65 + "]" * 65, '{"a":' * 1000 + "1" + "}" * 1000, '"' + "\\" * 100 + '"' + "[{" * 40],
    ids=["two million brackets", "one too deep", "objects", "after a text"],
)
def test_depth_is_refused_before_it_is_parsed(text):
    begun = time.process_time()
    value, problems = strict_json.read(text)

    assert value is None
    assert codes(problems) == ["E_DEPTH"]
    assert time.process_time() - begun < 0.5


def test_sixty_four_levels_are_not_too_deep_and_brackets_in_texts_do_not_count():
    assert strict_json.read("[" * 64 + "]" * 64)[1] == []
    assert strict_json.read('["' + "[" * 1000 + '", "\\"[[[[\\\\"]')[1] == []


def test_more_than_five_megabytes_are_refused_unread():
    assert codes(strict_json.read(b'"' + b"x" * 5_000_000 + b'"')[1]) == ["E_SIZE"]
    assert strict_json.read(b'"' + b"x" * 4_999_998 + b'"')[1] == []


def test_a_text_that_never_ends_is_not_looked_at_twice():
    begun = time.process_time()
    assert codes(strict_json.read('["' + "a\\\\" * 1_000_000)[1]) == ["E_JSON"]
    assert time.process_time() - begun < 2


def test_more_lists_and_objects_than_any_campaign_has_are_refused_unparsed():
    assert codes(strict_json.read("[" + "[]," * 200_000 + "[]]")[1]) == ["E_SIZE"]
    assert strict_json.read("[" + "[]," * 1_000 + '"' + "[" * 300_000 + '"]')[1] == []
