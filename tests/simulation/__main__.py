"""The long form of the searches, in parts that fit into ten minutes; what the parts print adds up.

python -m tests.simulation --interleavings --depth 8 --part 1/6
python -m tests.simulation --interleavings --surprises 3 --part 1/6
python -m tests.simulation --machine --runs 5000 --part 1/40
python -m tests.simulation --seeded-bugs
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

from tests.simulation import machine
from tests.simulation.hunting import hunt
from tests.simulation.interleavings import Few, Full, explore
from tests.simulation.seeded import BUGS


def _part(text: str) -> tuple[int, int]:
    number, _, of = text.partition("/")
    if not (number.isdigit() and of.isdigit() and 1 <= int(number) <= int(of)):
        raise argparse.ArgumentTypeError(f"a part is like 1/6, not {text!r}")
    return int(number), int(of)


def interleavings(search: Full | Few, part: tuple[int, int]) -> dict[str, Any]:
    """All scenes with all events; each is told as it is done."""
    total: dict[str, Any] = {"search": str(search), "part": "/".join(map(str, part)), "schedules": 0, "broken": []}
    began = time.monotonic()
    for found in explore(search, part=part):
        print(json.dumps(found.as_json(), ensure_ascii=False), flush=True)
        total["schedules"] += found.schedules
        total["broken"] += found.broken[:1]
    total["seconds"] = round(time.monotonic() - began, 1)
    return total


def town(runs: int, part: tuple[int, int]) -> dict[str, Any]:
    """So many runs; the part is the seed, so that no two parts are the same runs."""
    total: dict[str, Any] = {"search": "machine", "part": "/".join(map(str, part)), "runs": runs, "broken": []}
    began = time.monotonic()
    try:
        machine.run(runs, seed=part[0])
    except Exception as error:
        total["broken"].append([f"seed {part[0]}", *getattr(error, "__notes__", []), repr(error)])
    total["seconds"] = round(time.monotonic() - began, 1)
    return total


def seeded_bugs() -> dict[str, Any]:
    """Each bug, and who finds it."""
    missed = []
    began = time.monotonic()
    for bug in BUGS:
        with bug.seeded():
            found = hunt(bug.by)
        print(f"{bug.name}: {found or 'NOT FOUND'}", flush=True)
        missed += [] if found else [bug.name]
    return {"bugs": len(BUGS), "broken": missed, "seconds": round(time.monotonic() - began, 1)}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__.partition("\n")[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--interleavings", action="store_true")
    what.add_argument("--machine", action="store_true")
    what.add_argument("--seeded-bugs", action="store_true")
    parser.add_argument("--depth", type=int, default=8, help="all choices, so deep")
    parser.add_argument("--surprises", type=int, help="instead: so many surprises, wherever they are")
    parser.add_argument("--runs", type=int, default=5_000, help="of forty steps, in this part")
    parser.add_argument("--part", type=_part, default=(1, 1))
    asked = parser.parse_args()
    if asked.interleavings:
        search = Full(asked.depth) if asked.surprises is None else Few(asked.surprises)
        total = interleavings(search, asked.part)
    elif asked.machine:
        total = town(asked.runs, asked.part)
    else:
        total = seeded_bugs()
    print(json.dumps(total, ensure_ascii=False))
    return 1 if total["broken"] else 0


if __name__ == "__main__":
    sys.exit(main())
