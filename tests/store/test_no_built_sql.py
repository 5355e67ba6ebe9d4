"""No statement is built from what somebody sent: values are bound, and names come from lists of our own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STATEMENT = re.compile(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|WHERE|JOIN|ORDER BY)\b")
WHOLE = re.compile(r"\s*(SELECT\s.+\sFROM\s|INSERT INTO\s|UPDATE\s\w+\sSET\s|DELETE FROM\s)", re.DOTALL)
CONSTANT = re.compile(r"_?[A-Z][A-Z_]*")

PARTS = {
    "database.py": {"values[1]", "values[2]", "values[3]", "source"},
    "enrollments.py": {"held", "stands"},
    "erasing.py": {"columns", "table.name", "where", "order"},
    "figures.py": {
        "quarter.format('enrolled_at')", "quarter.format('t.settled_at')", "quarter.format('ended_at')",
        "messages", "hand_offs", "rest",
    },
    "hits.py": {"span"},
    "leads.py": {"', '.join('?' * (_WIDTH + 2))", "column"},
    "letters.py": {"', '.join((f't.{column}' for column in Outbound._fields))"},
    "paces.py": {"locked", "', ?' * len(names)"},
    "reports.py": {"where", "stuck"},
    "tallies.py": {"where", "' AND' if where else 'WHERE'"},
    "touches.py": {"running", "others"},
    "whereabouts.py": {"latest"},
}  # fmt: skip
"""Besides constants: what statements are put together from, file by file. Each was read and is text of that file's
own, or a name from the schema. A new one is read in the same way before it is added."""


def sources(*rooms: str) -> Iterator[Path]:
    for room in rooms:
        for path in sorted((ROOT / room).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def pieces(text: str) -> set[str]:
    """What is put into statements of this source by f-strings or `%`, other than constants."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.JoinedStr):
            fixed = "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
            if STATEMENT.search(fixed):
                put = (ast.unparse(part.value) for part in node.values if isinstance(part, ast.FormattedValue))
                found |= {name for name in put if not CONSTANT.fullmatch(name)}
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
            text = node.left.value if isinstance(node.left, ast.Constant) else None
            if isinstance(text, str) and WHOLE.match(text):
                found.add(ast.unparse(node.right))
    return found


def test_a_statement_that_is_built_from_a_value_would_be_seen() -> None:
    assert pieces('tx.rows(f"SELECT a FROM b WHERE c = {asked} {_MORE}")') == {"asked"}
    assert pieces('tx.rows("SELECT a FROM b WHERE c = %s" % asked)') == {"asked"}


@pytest.mark.parametrize("path", list(sources("nurture/store")), ids=lambda path: path.name)
def test_statements_are_put_together_from_texts_of_the_store_alone(path: Path) -> None:
    assert pieces(path.read_text(encoding="utf-8")) == PARTS.get(path.name, set())


def test_nobody_but_the_store_writes_statements() -> None:
    elsewhere = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources("nurture", "nodes", "flows")
        if "store" not in path.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and WHOLE.match(node.value)
    ]

    assert elsewhere == []
