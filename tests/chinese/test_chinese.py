"""Whoever draws in Chinese is told in Chinese what is wrong: every code, and every sentence that our validator says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nurture import chinese, plan
from nurture.chinese_texts import CODES, HINTS
from nurture.content import Catalogue
from nurture.engine.publishing import world
from nurture.problems import Problem
from nurture.registry import node_types
from nurture.web import forms
from tests.cli.broken_campaigns import BROKEN

ROOT = Path(__file__).resolve().parents[2]
VALIDATOR = [
    *(ROOT / "nodes").glob("*.py"),
    *(ROOT / "nurture/content").glob("*.py"),
    *(
        ROOT / f"nurture/{name}.py"
        for name in "building calendar condition condition_shape definition findings plan strict_json".split()
    ),
]
CODE = re.compile(r'"([EW]_[A-Z_]+)"')
HAN = re.compile(r"[\u4e00-\u9fff]")


def test_every_code_of_the_validator_is_told_in_chinese() -> None:
    codes = {code for path in VALIDATOR for code in CODE.findall(path.read_text(encoding="utf-8"))}

    assert len(codes) > 35
    assert codes - CODES.keys() == set()
    assert [code for code, (general, _) in CODES.items() if not HAN.search(general)] == []


@pytest.mark.parametrize("name", BROKEN)
def test_whatever_people_break_is_told_in_chinese_with_its_hint(name: str) -> None:
    text, _ = BROKEN[name]
    helps = forms.helps(node_types())

    for problem in plan.check(text, world(Catalogue.load(ROOT / "content"))):
        assert chinese.knows(problem), problem.what
        assert HAN.search(chinese.what(problem))
        assert not problem.hint or HAN.search(chinese.hint(problem, helps)), problem.hint


def test_names_are_kept_as_they_are_written() -> None:
    problem = Problem("/nodes/a/type", "E_UNREACHABLE", "no lead ever comes to node 'a text'", "did you mean 'null'?")

    assert chinese.what(problem) == "没有线索会到达节点 'a text'"
    assert chinese.hint(problem, {}) == "是不是想写 'null'？"


def test_what_a_setting_takes_is_told_in_words() -> None:
    told = chinese.what(Problem("/x", "E_CONFIG", "`points` must be a whole number or null, and is a text"))

    assert told == "`points` 应为整数或空值，现在是文本"


def test_a_strangers_sentence_stands_behind_what_its_code_means() -> None:
    assert chinese.what(Problem("", "E_CONFIG", "too purple")) == "设置有误：too purple"
    assert chinese.what(Problem("", "E_PURPLE", "too purple")) == "E_PURPLE：too purple"
    assert chinese.hint(Problem("", "E_PURPLE", "too purple", "try green"), {}) == "try green"


def test_blanks_in_both_languages_have_the_same_names() -> None:
    pairs = [pair for _, sentences in CODES.values() for pair in sentences] + list(HINTS)

    assert [
        pair for pair in pairs if not set(re.findall(r"{([a-z]+)}", pair[1])) <= set(re.findall(r"{([a-z]+)}", pair[0]))
    ] == []
