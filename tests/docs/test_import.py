"""The page about imports is followed with the real exports, where they are at hand."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from nurture import identity
from nurture.leads import importing
from tests.docs.reading import DOCS, ROOT, Terminal, commands
from tests.plugins.strangers import Environment

PAGE = DOCS / "import.md"
DATA = ROOT.parent / "shared" / "data"


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason="needs real data: ../shared/data")
def test_who_follows_the_page_gets_its_numbers(tmp_path: Path) -> None:
    for home in ("home", "another"):
        for folder in ("definitions", "content"):
            shutil.copytree(ROOT / folder, tmp_path / home / folder)
    for file in DATA.glob("*.csv"):
        shutil.copyfile(file, tmp_path / file.name)
    terminal = Terminal(Environment(tmp_path / "environment"), tmp_path)

    for command in commands(PAGE):
        terminal.follow(command)

    assert len(list((tmp_path / "home" / "outbox").glob("*.eml"))) == 2699


def test_the_codes_that_the_page_explains_are_those_of_the_program() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("| code |")[2].partition("\n\n")[0]
    codes = {code for row in table.splitlines()[2:] for code in re.findall(r"`([a-z_]+)`", row.split("|")[1])}
    rooms = [*Path(importing.__file__).parent.glob("*.py"), Path(identity.__file__)]
    source = "".join(file.read_text(encoding="utf-8") for file in rooms)

    assert codes
    assert sorted(code for code in codes if f'"{code}"' not in source) == []
