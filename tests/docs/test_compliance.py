"""The page of rules names tests, and each of them is there."""

from __future__ import annotations

import re
from pathlib import Path

from tests.docs.reading import DOCS

PAGE = (DOCS / "compliance.md").read_text(encoding="utf-8")
ROOT = Path(__file__).resolve().parents[2]


def test_every_rule_is_on_the_page_and_has_a_test() -> None:
    rows = re.findall(r"^\| (C\d\d) \|.*\| (.+) \|$", PAGE, re.MULTILINE)

    assert [rule for rule, _ in rows] == [f"C{number:02}" for number in range(1, 23)]
    assert [rule for rule, shown in rows if "::test_" not in shown] == []


def test_every_test_that_the_page_names_is_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", PAGE)
    gone = [
        f"{path}::{test}"
        for path, test in named
        if not (ROOT / path).is_file() or f"def {test}(" not in (ROOT / path).read_text(encoding="utf-8")
    ]

    assert named
    assert gone == []
