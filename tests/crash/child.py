"""The process that is killed: it types an operator's commands, one after the other; now and then leads visit."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from nurture import crashpoints
from nurture.cli import main
from nurture.engine import backfilling, delivering, enrolling, hearing, moving
from nurture.leads import importing
from nurture.settings import Settings
from nurture.store import Store
from tests.crash.scene import visit

MANY = 1_000_000


def type_commands(
    environment: dict[str, str], home: str, commands: list[list[str]], done: str, crash: str, count: str
) -> None:
    """Type the commands that `done`, a file, does not count yet. With `count`, write how often each point was passed.

    `crash` is `POINT:N`, as in NURTURE_CRASH. Batches are tiny, so that there are many commits to be killed at.
    """
    os.environ.update(environment)
    os.chdir(home)
    importing.BATCH = backfilling.BATCH = 2
    enrolling.BATCH = moving.BATCH = 2
    hearing.BATCH = 1
    # Leases are renewed all the time: whoever sends is hardly ever longer at it than a moment.
    delivering.RENEWALS = 6_000
    # A cap that is never reached: turns are taken all the same.
    os.environ["NURTURE_RATE_CAP"] = "6000 per minute"
    if count:
        for point in crashpoints.POINTS:
            crashpoints.arm(f"{point}:{MANY}")
    if crash:
        crashpoints.arm(crash)
    progress, log = Path(done), Path(home, "typed.log")
    finished = int(progress.read_text()) if progress.exists() else 0
    with log.open("a") as sink, contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
        for number, command in enumerate(commands[finished:], finished + 1):
            if command == ["visit"]:
                with Store(Settings().database) as store:
                    visit(store)
            elif (status := main([*command, "--json"])) != 0:
                raise SystemExit(status)
            progress.write_text(str(number))
    if count:
        at = {crash.partition(":")[0]: int(crash.partition(":")[2])} if crash else {}
        passed = (f"{point} {at.get(point, MANY) - left}" for point, left in crashpoints.remaining().items())
        Path(count).write_text("\n".join(passed))
