"""What a run shows: keys that Prefect takes, counts as rows."""

from __future__ import annotations

import re

import pytest

from flows.artifacts import key
from nurture.engine.letting_in import count_rows


@pytest.mark.parametrize("name", ["welcome", "Big_Spring 2027!", "a--b", "活动 1"])
def test_a_key_has_the_letters_that_prefect_allows(name):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", key("campaign", name))


def test_counts_become_rows_with_their_path():
    counts = {"enrolled": 2, "not_enrolled": {"no_basis": 1, "owned": 3}, "rejects_file": None}

    assert count_rows(counts) == [("enrolled", 2), ("not_enrolled: no_basis", 1), ("not_enrolled: owned", 3)]
