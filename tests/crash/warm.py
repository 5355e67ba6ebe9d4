"""All that a run needs, imported once: towns are forked from a process that holds it, and a kill costs tenths of a second.

Importing this module lives a small town with files for mails, so that nothing is imported for the first time later.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import psycopg

import nurture.engine.engine
from tests.crash.child import type_commands
from tests.crash.scene import build, commands, environment

__all__: list[str] = []


def _live_once() -> None:
    before, place = dict(os.environ), Path.cwd()
    with tempfile.TemporaryDirectory(prefix="nurture-warm-") as folder:
        home = Path(folder) / "town"
        build(home)
        try:
            type_commands(
                environment(home, f"sqlite:///{folder}/town.db", f"file://{folder}/mails"),
                str(home), commands(home), str(home / "done"), "", "",
            )  # fmt: skip
        finally:
            os.environ.clear()
            os.environ.update(before)
            os.chdir(place)


assert psycopg
assert nurture.engine.engine
_live_once()
