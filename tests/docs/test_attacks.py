"""Every attack on what leads reach is tried by a test that there is."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from nurture.content.forms import read_form
from tests.docs.reading import DOCS, ROOT, blocks

PAGE = DOCS / "what-leads-reach.md"
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE.read_text(encoding="utf-8"))))


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_the_page_names_tests_that_there_are(file: str, test: str) -> None:
    assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8")


def test_the_page_has_a_row_for_each_attack() -> None:
    rows = re.findall(r"^\| (T\d\d(?:, T\d\d)*) \|", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)

    assert sorted(name for row in rows for name in row.split(", ")) == [f"T{n:02d}" for n in range(1, 30)]


def test_what_the_page_shows_is_json_and_its_form_is_one() -> None:
    shown = [json.loads(block.text) for block in blocks(PAGE)]

    [form] = [one for one in shown if "title" in one]
    assert read_form(json.dumps(form))[1] == []


def test_the_page_names_every_way_in() -> None:
    text = PAGE.read_text(encoding="utf-8")
    rooms = "".join(path.read_text(encoding="utf-8") for path in Path(ROOT / "nurture/web/lead").glob("*.py"))
    ways = set(re.findall(r'@made\.\w+\("(/\w+)', rooms))

    assert sorted(way for way in ways if f"`{way}" not in text) == []
