"""A page of the docs, its code blocks, and a terminal in which its commands are really run."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

from tests.plugins.strangers import Environment
from tests.ran import Ran

__all__ = ["DOCS", "ROOT", "Block", "Command", "Terminal", "blocks", "commands"]

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    page: str
    line: int
    language: str
    options: dict[str, str]
    """`file=...` of the fence's first line."""
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class Command:
    """A line that begins with `$`, and what the page says it prints."""

    place: str
    words: str
    prints: list[str]


def blocks(page: Path) -> list[Block]:
    found = []
    for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
        if token.type == "fence":
            language, *options = token.info.split() or [""]
            assert token.map is not None
            known = dict(option.partition("=")[::2] for option in options)
            found.append(Block(page.name, token.map[0] + 1, language, known, token.content))
    return found


def commands(page: Path) -> Iterator[Command]:
    """All commands of a page's `console` blocks, in order."""
    for block in blocks(page):
        if block.language != "console" or "unrun" in block.options:
            continue
        found: list[tuple[str, list[str]]] = []
        for line in block.text.replace("\\\n", " ").splitlines():
            if line.startswith("$ "):
                found.append((line.removeprefix("$ "), []))
            else:
                found[-1][1].append(line)
        for words, prints in found:
            yield Command(str(block), words, prints)


class Terminal:
    """Where a page is followed, command by command. `pip` reaches no network."""

    def __init__(self, environment: Environment, folder: Path) -> None:
        self.environment = environment
        self.folder = folder

    def follow(self, command: Command) -> None:
        """Run it, and compare what it prints with what the page says."""
        ran = self._run(command.words)
        printed = [line.rstrip() for line in (ran.out + ran.err).splitlines()]

        assert pattern(command.prints).fullmatch("".join(f"{line}\n" for line in printed)), (
            f"{command.place}: $ {command.words}\n\n--- the page says\n"
            + "\n".join(command.prints)
            + "\n--- it prints\n"
            + "\n".join(printed)
        )

    def _run(self, words: str) -> Ran:
        program, *rest = shlex.split(words)
        if program == "export":
            self.environment.variables |= dict(word.partition("=")[::2] for word in rest)
            return Ran(0, "", "")
        if program == "nurture":
            return self.environment.nurture(*rest, cwd=self.folder)
        if program == "pip":
            return self.environment.pip(*rest, cwd=self.folder)
        if program == "python":
            return self.environment.run(*rest, cwd=self.folder)
        done = subprocess.run(
            words,
            shell=True,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=self.environment.variables,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)


def pattern(lines: list[str]) -> re.Pattern[str]:
    """What a page shows, as an expression: `...` on a line of its own is any lines, within a line any text."""
    parts = []
    for line in lines:
        if line.strip() == "...":
            parts.append(r"(?:.*\n)*?")
        else:
            # How wide a column is depends on what the dots stand for.
            words = [re.sub(r"(?:\\ ){2,}", r"\\ +", re.escape(part)) for part in line.split("...")]
            parts.append(".*".join(words) + r"\n")
    return re.compile("".join(parts))
