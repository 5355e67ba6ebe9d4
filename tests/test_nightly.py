"""The table at the end of a nightly run."""

from __future__ import annotations

from tests.nightly import added_up, table


def test_the_parts_of_a_nightly_run_add_up() -> None:
    lines = [
        "setup: something that is no figure",
        '{"what": "kills", "part": "1/2", "kills": 5, "lost": 0, "identical": true, "peak MB": 90}',
        '{"what": "kills", "part": "2/2", "kills": 7, "lost": 0, "identical": false, "peak MB": 80}',
        '{"search": "machine", "part": "1/1", "runs": 3, "broken": []}',
    ]

    found = added_up(lines)

    assert found["kills"] == {"parts": 2, "kills": 12, "lost": 0, "identical": False, "peak MB": 90}
    assert found["machine"] == {"parts": 1, "runs": 3, "broken": 0}
    assert "| kills | parts 2, kills 12, lost 0, identical False, peak MB 90 |" in table(found)
