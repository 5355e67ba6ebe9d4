"""The process that is killed: it types an operator's commands, one after the other."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from nurture import crashpoints
from nurture.cli import main

MANY = 1_000_000


def type_commands(
    environment: dict[str, str], home: str, commands: list[list[str]], done: str, crash: str, count: str
) -> None:
    """Type the commands that `done`, a file, does not count yet. With `count`, write how often each point was passed."""
    os.environ.update(environment)
    os.chdir(home)
    if crash:
        crashpoints.arm(crash)
    if count:
        for point in crashpoints.POINTS:
            crashpoints.arm(f"{point}:{MANY}")
    progress, log = Path(done), Path(home, "typed.log")
    finished = int(progress.read_text()) if progress.exists() else 0
    with log.open("a") as sink, contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
        for number, command in enumerate(commands[finished:], finished + 1):
            status = main([*command, "--json"])
            if status != 0:
                raise SystemExit(status)
            progress.write_text(str(number))
    if count:
        passed = (f"{point} {MANY - left}" for point, left in crashpoints.remaining().items())
        Path(count).write_text("\n".join(passed))
