"""What a verb answers, and how it reaches a person or a program."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from nurture.problems import Problem
from nurture.words import safe

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

__all__ = ["Answer", "complain", "deliver", "progress_bar", "say", "show_dry_run", "table", "text"]

PIPE_WIDTH = 10_000
"""Columns where nobody looks: a pipe gets one record a line, however long."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished verb's answer."""

    document: Any
    """The JSON document of `--json`."""
    show: Callable[[Console], None]
    """The same for people, on a console."""
    as_json: bool
    status: int = 0
    """0 done, 1 there are problems."""


def deliver(answer: Answer) -> int:
    """Print the answer on stdout; the exit status. 3: what was asked for is done, and nobody could be told."""
    try:
        with _readers_may_leave():
            if answer.as_json:
                _print_json(answer.document)
            else:
                _print_for_people(answer.show)
    except OSError as error:
        _to_nowhere(sys.stdout)
        with suppress(OSError):
            say(f"nurture: it is done, but the answer could not be printed: {error.strerror}")
        return 3
    return answer.status


def complain(problems: Iterable[Problem], otherwise: str = "", *, as_json: bool = False, status: int = 1) -> int:
    """Say what is wrong, one problem a line, on stderr; with `--json` also as a document on stdout."""
    listed = list(problems)
    with suppress(OSError), _readers_may_leave():
        for line in [otherwise] if otherwise else map(_line, listed):
            say(line)
        if as_json and listed:
            _print_json({"problems": [problem.as_json() for problem in listed]})
    return status


def _line(problem: Problem) -> str:
    said = str(problem)
    return said if problem.file or problem.where else f"nurture{said}"


def say(line: str) -> None:
    """A line for people, on stderr."""
    print(line, file=sys.stderr)


def console() -> Console:
    """Where people read: colours and the terminal's width on a terminal, plain long lines in a pipe."""
    from rich.console import Console

    class Ours(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    terminal = sys.stdout.isatty()
    return Ours(
        file=sys.stdout,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=not terminal,
        width=None if terminal else PIPE_WIDTH,
    )


def table(on: Console, *columns: str, right: Iterable[str] = ()) -> Table:
    """An empty table that suits the console: ruled on a terminal, bare columns in a pipe."""
    from rich import box
    from rich.table import Table

    numbers = set(right)
    made = Table(box=box.SIMPLE_HEAD if on.is_terminal else None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    return made


def text(words: object, style: str = "") -> Text:
    """Words that came from outside, harmless to a terminal."""
    from rich.text import Text

    return Text(safe(str(words)), style=style)


def show_dry_run(on: Console, dry_run: bool) -> None:
    """The last line of what was only tried."""
    if dry_run:
        on.print(text("a dry run: nothing was kept", style="yellow"))


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int | None], None]]:
    """A bar on stderr while work is long: call it with (done, of how many). Where nobody looks there is none."""
    if not sys.stderr.isatty():
        yield lambda done, of: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    with Progress(
        TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=Console(file=sys.stderr), transient=True,
    ) as bar:  # fmt: skip
        task = bar.add_task(safe(what), total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


def survive_closed_streams() -> None:
    """Where stdout or stderr was closed, its number must not go to the next file that is opened: the database."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            setattr(sys, name, os.fdopen(number, "w"))


def survive_any_encoding() -> None:
    """A terminal that cannot show Chinese shows question marks; it does not end the program."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.encoding.lower().replace("-", "") != "utf8":
            stream.reconfigure(errors="replace")


def _print_for_people(show: Callable[[Console], None]) -> None:
    on = console()
    if on.is_terminal:
        show(on)
        return
    with on.capture() as printed:
        show(on)
    # rich fills every row of a table up to the width of its widest one.
    print("\n".join(line.rstrip() for line in printed.get().split("\n")), end="")


def _print_json(document: Any) -> None:
    # Where the encoding may not hold every character, JSON has a spelling for each that every reader knows.
    plain = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    print(json.dumps(document, ensure_ascii=plain, indent=2))


@contextmanager
def _readers_may_leave() -> Iterator[None]:
    """`nurture history ... | head` is no error: the work is done, and the reader has what it wanted."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        _to_nowhere(sys.stdout)


def _to_nowhere(stream: TextIO) -> None:
    """Python flushes once more when it ends; let that go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
