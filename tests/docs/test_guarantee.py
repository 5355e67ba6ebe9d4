"""Each promise names tests, and each of them exists."""

from __future__ import annotations

import ast
import re

from tests.docs.reading import DOCS, ROOT

PAGE = (DOCS / "guarantee.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(tests/[a-z_/]+\.py)::(test_\w+)`", PAGE)


def test_every_promise_names_a_test() -> None:
    rows = [row for row in PAGE.partition("## Promised")[2].partition("## ")[0].splitlines() if row.startswith("| ")]
    promises = [row for row in rows if not row.startswith("| what")]

    assert len(promises) > 20
    assert [row for row in promises if not re.search(r"`tests/[^`]+::test_\w+`", row)] == []


def test_every_fault_has_a_row_and_a_test() -> None:
    rows = re.findall(r"^\| ([FL]\d\d) \| .+ \| (.+) \|$", PAGE, re.MULTILINE)

    assert [fault for fault, _ in rows] == [f"F{n:02}" for n in range(1, 33)] + [f"L{n}" for n in range(23, 28)]
    assert [
        fault
        for fault, shown in rows
        if not re.fullmatch(r"`tests/[^`]+::test_\w+`(, `tests/[^`]+::test_\w+`)*", shown)
    ] == []


def test_every_test_that_is_named_exists() -> None:
    def defined(file: str) -> set[str]:
        path = ROOT / file
        tree = ast.parse(path.read_text(encoding="utf-8")) if path.is_file() else ast.parse("")
        return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}

    assert [f"{file}::{name}" for file, name in NAMED if name not in defined(file)] == []
