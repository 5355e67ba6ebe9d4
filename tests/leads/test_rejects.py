"""The file in which people get back what could not be taken."""

from __future__ import annotations

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.leads import Reject, RejectsWriter, guarded


def rows(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def test_rejects_come_with_line_reason_and_their_own_cells(tmp_path):
    path = tmp_path / "rejects.csv"
    with RejectsWriter(path, ["email", "姓名"]) as writer:
        writer.write([Reject(3, "no_at", "needs an @", ("ada", "王小明"))])

    assert path.read_bytes().startswith("\ufeff".encode())
    assert rows(path) == [["line", "code", "reason", "email", "姓名"], ["3", "no_at", "needs an @", "ada", "王小明"]]


def test_without_rejects_there_is_no_file_and_an_old_one_goes(tmp_path):
    path = tmp_path / "rejects.csv"
    path.write_text("old", encoding="utf-8")
    with RejectsWriter(path, ["email"]) as writer:
        writer.write([])

    assert not path.exists()


def test_what_was_written_after_the_last_checkpoint_is_written_again(tmp_path):
    path = tmp_path / "rejects.csv"
    first = RejectsWriter(path, ["email"])
    first.write([Reject(2, "no_at", "x", ("a",))])
    size = first.size()
    first.sync()
    first.write([Reject(3, "no_at", "x", ("lost",))])
    first.sync()
    with RejectsWriter(path, ["email"], size=size) as second:
        second.write([Reject(3, "no_at", "x", ("b",))])

    assert [row[0] for row in rows(path)] == ["line", "2", "3"]
    assert rows(path)[2][3] == "b"


def test_a_huge_cell_is_shortened_and_lone_surrogates_do_no_harm(tmp_path):
    path = tmp_path / "rejects.csv"
    with RejectsWriter(path, ["email"]) as writer:
        writer.write([Reject(2, "cell_too_long", "x", ("y" * 5000, "\ud800"))])

    assert len(rows(path)[1][3]) == 1001


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", " =1", "＝1", "＋1", "－1", "＠x", "\xa0=1"]
)
def test_a_formula_is_guarded(cell):
    assert guarded(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "ada@x.com", "1+1", "'=1", "a=b"])
def test_anything_else_stays_as_it_is(cell):
    assert guarded(cell) == cell


@given(st.text(max_size=6))
def test_no_exported_cell_begins_like_a_formula(cell):
    assert not guarded(cell).lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r"))
