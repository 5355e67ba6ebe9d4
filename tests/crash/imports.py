"""A large file imported with many kills, compared with a clean run: counts, sums, rejects, and every row.

python -m tests.crash.imports --rows 1000000 --kills 50 --json figures.jsonl
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import resource
import signal
import sys
import tempfile
import time
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from nurture.leads import LeadOptions, import_leads, importing
from nurture.store import Store
from tests.crash.town import PROCESSES

__all__ = ["main", "run", "write_file"]

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def write_file(path: Path, rows: int) -> None:
    """Mostly new people, some twice, some whom nobody can write to."""
    with path.open("w", encoding="utf-8") as file:
        file.write("email,name,company,tags\n")
        for n in range(rows):
            person = n if n % 40 else n // 2
            address = f"lead{person}@example.com" if n % 97 else f"lead{person}.example.com"
            file.write(f'{address},Lead {person},"Company, {person % 1000}",t{n % 7}\n')


def take(url: str, path: str, batch: int, tell: Connection) -> None:
    """One process: imports to the end, and tells its counts and its largest memory."""
    importing.BATCH = batch
    tell.send(None)
    with Store(url) as store:
        report = import_leads(
            store, Path(path), LeadOptions(basis="customers"), secret=b"secret", rejects=Path(path).parent / "rejects", now=NOW
        )  # fmt: skip
    told = report.as_json()
    rejects = hashlib.sha256(Path(told.pop("rejects_file")).read_bytes()).hexdigest()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    tell.send(({**told, "rejects": rejects}, peak))


def content(store: Store) -> tuple[Any, ...]:
    """Everything that an import writes, but the ids, as sums over all rows."""
    digest = hashlib.sha256()
    rows = 0
    with store.read() as tx:
        found = tx.connection.exec_driver_sql(
            "SELECT l.key, l.email, l.email_key, l.basis, l.score, l.fields, t.tag FROM leads l"
            " LEFT JOIN tags t ON t.lead_id = l.id ORDER BY l.key, t.tag"
        )
        while batch := found.fetchmany(10_000):
            rows += len(batch)
            for row in batch:
                digest.update(repr(tuple(row)).encode())
        counted = tx.row("SELECT COUNT(*), SUM(LENGTH(fields)) FROM leads")
    return rows, digest.hexdigest(), *counted


def run(folder: Path, url: str, path: Path, *, kills: int, batch: int, chance: random.Random) -> dict[str, Any]:
    """Import with so many kills; says what came of it."""
    with Store(url) as store:
        store.migrate()
    with path.open("rb") as file:
        rows = sum(1 for _ in file) - 1
    done, began = 0, None
    while True:
        here, there = PROCESSES.Pipe(duplex=False)
        process = PROCESSES.Process(target=take, args=(url, str(path), batch, there))
        process.start()
        there.close()
        here.recv()
        began = began or time.monotonic()
        if done < kills:
            # It must not be over before all kills have come: each run gets the time for its share of the rows.
            goal = rows * (done + 1) // (kills + 1)
            with Store(url) as watched:
                while process.is_alive() and _line(watched) < goal:
                    process.join(chance.uniform(0.002, 0.02))
            process.join(chance.uniform(0, 0.02))
            if process.is_alive():
                process.kill()
                process.join()
                assert process.exitcode == -signal.SIGKILL
                done += 1
                continue
        counts, peak = here.recv()
        process.join()
        break
    with Store(url) as store:
        return {
            "counts": counts, "content": content(store), "kills": done, "peak": peak,
            "seconds": round(time.monotonic() - began, 1),
        }  # fmt: skip


def _line(store: Store) -> int:
    with store.read() as tx:
        return int(tx.value("SELECT COALESCE(MAX(line), 0) FROM imports") or 0)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash.imports")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--batch", type=int, default=importing.BATCH)
    parser.add_argument("--json", type=Path, help="append the figures to this file")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="nurture-import-") as place:
        folder = Path(place)
        path = folder / "leads.csv"
        write_file(path, given.rows)
        chance = random.Random(given.rows)
        clean = run(folder, f"sqlite:///{folder / 'clean.db'}", path, kills=0, batch=given.batch, chance=chance)
        killed = run(
            folder, f"sqlite:///{folder / 'killed.db'}", path, kills=given.kills, batch=given.batch, chance=chance
        )
    same = (clean["counts"], clean["content"]) == (killed["counts"], killed["content"])
    told = {
        "what": f"import of {given.rows:,} rows",
        "part": "1/1",
        "kills": killed["kills"],
        "identical": same,
        "peak MB": max(clean["peak"], killed["peak"]),
        "clean seconds": clean["seconds"],
        "rows/s": round(given.rows / clean["seconds"]),
        "seconds": clean["seconds"] + killed["seconds"],
    }
    line = json.dumps(told)
    print(line)
    if given.json:
        with given.json.open("a") as file:
            file.write(line + "\n")
    return 0 if same and killed["kills"] >= given.kills else 1


if __name__ == "__main__":
    sys.exit(main())
