"""An import that was stopped, killed, or run twice at once ends as if it had not been."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nurture.leads import importing
from nurture.problems import Rejected
from nurture.store import Store
from tests.leads.taking import into, people

# --- stopping and going on -------------------------------------------------------------------------------------


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(importing, "BATCH", 7)


def many(path, count=60):
    lines = [f"lead{n % 50}@x.com,Lead {n},t{n % 3}" if n % 11 else f"lead{n},Lead {n}," for n in range(count)]
    path.write_text("\n".join(["email,name,tags", *lines]) + "\n", encoding="utf-8")


class Stopped(Exception):
    pass


def stop_after(batches):
    left = [batches]

    def progress(_done, _all):
        left[0] -= 1
        if left[0] == 0:
            raise Stopped

    return progress


def contents(store):
    with store.read() as tx:
        return (
            tx.rows("SELECT key, email, fields FROM leads ORDER BY key"),
            tx.rows("SELECT key, tag FROM tags JOIN leads ON leads.id = lead_id ORDER BY key, tag"),
        )


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("batches", [1, 4, 9])
def test_an_import_that_was_stopped_goes_on_and_ends_as_if_it_had_not_been(store, tmp_path, batches):
    path = tmp_path / "leads.csv"
    many(path)
    with Store("sqlite://") as clean:
        clean.migrate()
        expected = into(clean, path)
        expected_contents, expected_rejects = contents(clean), expected.rejects_file.read_bytes()
    with pytest.raises(Stopped):
        into(store, path, progress=stop_after(batches))
    report = into(store, path)

    assert report.resumed_after > 1
    assert report.as_json() == expected.as_json() | {"rejects_file": str(report.rejects_file)}
    assert report.rejects_file.read_bytes() == expected_rejects
    assert contents(store) == expected_contents


@pytest.mark.usefixtures("small_batches")
def test_a_file_that_has_changed_is_not_resumed_but_read_from_its_beginning(store, tmp_path):
    path = tmp_path / "leads.csv"
    many(path)
    with pytest.raises(Stopped):
        into(store, path, progress=stop_after(2))
    many(path, count=61)
    report = into(store, path)

    assert report.resumed_after == 0
    assert "changed since an earlier run" in report.note
    assert report.read == 61
    assert into(store, path).note == ""


@pytest.mark.usefixtures("small_batches")
def test_other_choices_are_another_import(store, tmp_path):
    path = tmp_path / "leads.csv"
    many(path)
    with pytest.raises(Stopped):
        into(store, path, progress=stop_after(2))

    assert into(store, path, tags=("fair",)).resumed_after == 0


@pytest.mark.usefixtures("small_batches")
def test_of_two_processes_with_the_same_file_one_goes_on_and_nothing_counts_twice(store, tmp_path):
    path = tmp_path / "leads.csv"
    many(path)
    reports = []

    def meanwhile(_done, _all):
        if not reports:
            reports.append(None)
            reports[0] = into(store, path)

    with pytest.raises(Rejected, match="another process is importing this file"):
        into(store, path, progress=meanwhile)

    assert reports[0].read == 60
    with store.read() as tx:
        assert tx.value("SELECT COUNT(*) FROM leads") == reports[0].new


@pytest.mark.usefixtures("small_batches")
def test_two_files_that_overlap_and_are_read_at_once_make_each_lead_once(store, tmp_path):
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    first.write_text("email,name\n" + "".join(f"lead{n}@example.com,Lead {n}\n" for n in range(40)))
    second.write_text("email,company\n" + "".join(f"LEAD{n}@example.com,Company {n}\n" for n in range(20, 60)))
    reports = []

    def meanwhile(_done, _all):
        if not reports:
            reports.append(None)
            reports[0] = into(store, second)

    reports.append(into(store, first, progress=meanwhile))

    assert len(people(store)) == 60
    assert sum(report.new for report in reports) == 60
    assert all(
        people(store)[f"lead{n}@example.com"]["fields"] == {"name": f"Lead {n}", "company": f"Company {n}"}
        for n in range(20, 40)
    )


KILLED = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from nurture import crashpoints
from nurture.leads import LeadOptions, import_leads, importing
from nurture.store import Store

url, path, where = sys.argv[1:]
importing.BATCH = 7
if where:
    crashpoints.arm(where)
with Store(url) as store:
    path = Path(path)
    import_leads(store, path, secret=b"secret", rejects=path.parent / "rejects", now=datetime(2026, 11, 22, 9, tzinfo=UTC))
"""


@pytest.mark.parametrize(
    "where", ["import.committing:1", "import.committing:5", "import.committed:1", "import.committed:8"]
)
def test_an_import_that_was_killed_ends_as_if_it_had_not_been(shared_database_url, tmp_path, where):
    path = tmp_path / "leads.csv"
    many(path)
    with Store("sqlite://") as clean:
        clean.migrate()
        expected = into(clean, path)
        expected_contents, expected_rejects = contents(clean), expected.rejects_file.read_bytes()
    with Store(shared_database_url) as store:
        store.migrate()
        root = str(Path(importing.__file__).resolve().parents[2])
        killed = subprocess.run(
            [sys.executable, "-c", KILLED, shared_database_url, str(path), where],
            check=False,
            env={**os.environ, "PYTHONPATH": root},
        )
        report = into(store, path)

        assert killed.returncode == -9
        assert report.as_json() == expected.as_json() | {"rejects_file": str(report.rejects_file)}
        assert report.rejects_file.read_bytes() == expected_rejects
        assert contents(store) == expected_contents


# --- whatever a file holds -------------------------------------------------------------------------------------

cells = st.sampled_from(["", "a@x.com", "b@x.com", "c@x.com", "bad"])
rows = st.lists(st.tuples(cells, st.sampled_from(["", "1", "2", "3"]), st.sampled_from(["", "N", "M"])), max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(rows=rows, policy=st.sampled_from(["fill_empty", "overwrite"]), known=rows)
def test_whatever_a_file_holds_the_counts_add_up_and_a_second_time_adds_nobody(tmp_path, rows, policy, known):
    with Store("sqlite://") as store:
        store.migrate()
        for name, lines in (("known.csv", known), ("leads.csv", rows)):
            with (tmp_path / name).open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows([("email", "id", "name"), *lines])
        into(store, tmp_path / "known.csv")
        before = len(people(store))
        first = into(store, tmp_path / "leads.csv", policy=policy)
        after = contents(store)
        second = into(store, tmp_path / "leads.csv", policy=policy)

        with store.read() as tx:
            assert tx.value("SELECT COUNT(*) FROM leads") == len(after[0])
        assert before <= len(after[0])
        assert second.read == first.read == sum(1 for row in rows if any(row))
        if policy == "fill_empty":
            assert second.new == second.updated == 0
            assert contents(store) == after
