"""The short form of all searches, one after the other, until one of them finds something."""

from __future__ import annotations

from tests.simulation import machine
from tests.simulation.interleavings import Few, Search
from tests.simulation.scenes import SCENES
from tests.simulation.world import running

__all__ = ["hunt"]


def hunt(by: str = "") -> str:
    """What was found first, and by which search; empty when nothing was. `by`: `machine`, or the name of a scene, where
    it is known who finds it; else all are asked."""
    if by == "machine":
        return _machine(1500)
    return _interleavings(Few(1), by) or ("" if by else _machine(100))


def _interleavings(few: Few, name: str) -> str:
    for scene in SCENES:
        for event in scene.events if name in ("", scene.name) else ():
            search = Search(scene, event)
            try:
                with running(search.world):
                    found = search.explore(few, stop_at_first=True)
            finally:
                search.close()
            if found.broken:
                schedule, what = found.broken[0]
                return f"interleavings: {what.splitlines()[0]} ({schedule})"
    return ""


def _machine(runs: int) -> str:
    machine.forget()
    try:
        machine.run(runs, shrink=False)
    except BaseException as error:  # whatever it is, the machine has found it
        return f"machine: {type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else ''}"
    finally:
        machine.forget()
    return ""
