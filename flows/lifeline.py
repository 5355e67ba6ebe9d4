"""A child that does not outlive its parent, however the parent ends. `python -m flows.lifeline MODULE ARGUMENT...`

The parent keeps the writing end of the child's standard input open and never writes. When the parent is gone, even
by a kill that no handler sees, the system closes that end, and the child reads the end of file.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading

__all__ = ["main"]


def main() -> None:
    """Run a module as `python -m` would, until it ends or standard input is closed: then as if SIGTERM had come."""
    threading.Thread(target=_wait_for_the_end, name="lifeline", daemon=True).start()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _wait_for_the_end() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
