"""The pages about plugins show the examples that are kept beside them, and every command does what they say."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.docs.reading import DOCS, Block, Terminal, blocks, commands
from tests.plugins.strangers import Environment

PAGES = {"adding-a-node.md": "nurture-webinar", "adding-a-channel.md": "nurture-call"}
SHOWN = [block for page in PAGES for block in blocks(DOCS / page) if block.language not in ("console", "text")]


@pytest.mark.parametrize("block", SHOWN, ids=str)
def test_what_a_page_shows_is_what_the_example_has(block: Block) -> None:
    file = DOCS / "examples" / block.options["file"]

    assert block.text in file.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_who_follows_a_page_gets_what_it_shows(page: str, tmp_path: Path) -> None:
    there = shutil.copytree(DOCS / "examples" / PAGES[page], tmp_path / PAGES[page])
    terminal = Terminal(Environment(tmp_path / "environment"), there)

    for command in commands(DOCS / page):
        terminal.follow(command)
