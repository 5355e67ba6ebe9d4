"""The short form of imports under kills; `python -m tests.crash.imports` is the long one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.crash import imports

pytestmark = pytest.mark.slow


def test_an_import_that_is_killed_again_and_again_ends_like_one_that_was_not(tmp_path: Path) -> None:
    figures = tmp_path / "figures.jsonl"

    assert imports.main(["--rows", "12000", "--kills", "5", "--batch", "100", "--json", str(figures)]) == 0
    told = json.loads(figures.read_text())
    assert (told["identical"], told["kills"]) == (True, 5)
    assert told["peak MB"] < 300
