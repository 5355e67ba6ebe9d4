"""Leads from a file, by hand and by `nurture import`, each in a process of its own.

By hand: csv, a pattern for the address, and upserts of a thousand rows. It knows the columns, gives no reasons, keeps no
checkpoints, knows one spelling of an address only, and never asks whether somebody opted out.
"""

from __future__ import annotations

import csv
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from time import perf_counter

from bench.workload import INDUSTRIES

ADDRESS = re.compile(r"[a-z0-9._%+-]{1,64}@(?:[a-z0-9-]{1,63}\.)+[a-z]{2,24}", re.IGNORECASE).fullmatch
UPSERT = """
INSERT INTO leads (key, email, email_key, basis, fields, created_at, change) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (email_key) DO UPDATE SET fields = excluded.fields, change = excluded.change
"""


@contextmanager
def leads_file(leads: int) -> Iterator[Path]:
    """A CSV as a CRM exports it."""
    with tempfile.TemporaryDirectory(prefix="nurture-bench-leads-") as folder:
        path = Path(folder) / "leads.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["email", "name", "company", "industry", "region", "tags"])
            for i in range(leads):
                writer.writerow(
                    [
                        f"lead{i}@example{i % 997}.com",
                        f"Lead {i}",
                        f"Company {i % 997}",
                        INDUSTRIES[i % 3],
                        "EU",
                        "expo;new",
                    ]
                )
        yield path


def in_a_process(how: str, file: Path) -> tuple[float, float]:
    """(seconds, peak memory in MB) of one import; `how` is `ours` or `bare`."""
    with tempfile.TemporaryDirectory(prefix="nurture-bench-home-") as home:
        if how == "ours":
            program = "import sys; from nurture.cli import main; sys.exit(main())"
            command = [sys.executable, "-c", program, "import", str(file), "--basis", "consent at the expo", "--json"]
        else:
            command = [sys.executable, "-m", "bench.bare_import", str(file), f"{home}/bare.db"]
        surroundings = {name: value for name, value in os.environ.items() if not name.startswith("NURTURE_")}
        began = perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**surroundings, "NURTURE_HOME": home})
        _, status, usage = os.wait4(child.pid, 0)
        seconds = perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            raise AssertionError(f"the import failed with {child.returncode}")
    # Kilobytes on Linux, bytes on macOS.
    return seconds, usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def by_hand(file: Path, database: str) -> int:
    """Import; says how many rows."""
    from nurture.store import Store

    with Store(f"sqlite:///{database}") as store:
        store.migrate()
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    at = 1_772_532_000_000_000
    total = 0
    with file.open(encoding="utf-8-sig", newline="") as text:
        rows = csv.DictReader(text)
        while batch := list(islice(rows, 1_000)):
            leads, tags = [], []
            for row in batch:
                if not ADDRESS(row["email"]):
                    continue
                key = row["email"].lower()
                fields = json.dumps({name: row[name] for name in ("name", "company", "industry", "region")})
                leads.append((f"email:{key}", row["email"], key, "consent at the expo", fields, at, at))
                tags += [(key, tag, at) for tag in row["tags"].split(";")]
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(UPSERT, leads)
            connection.executemany(
                "INSERT INTO tags (lead_id, tag, at) SELECT id, ?2, ?3 FROM leads WHERE email_key = ?1 ON CONFLICT DO NOTHING",
                tags,
            )
            connection.execute("COMMIT")
            total += len(leads)
    connection.close()
    return total


if __name__ == "__main__":
    print(by_hand(Path(sys.argv[1]), sys.argv[2]))
