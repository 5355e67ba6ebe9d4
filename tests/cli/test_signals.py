"""`nurture signal`, one at a time and from files."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.scenes import MONDAY
from tests.ran import Run

NOW = "2026-03-02T08:00:00Z"


def test_a_signal_counts_once_under_one_id(lived: Run) -> None:
    one = ("signal", "clicked", "--lead", "bob@example.com", "--id", "c-1", "--now", NOW, "--json")

    assert lived(*one).json["heard"] == 1
    assert lived(*one).json == {"heard": 0, "known": 1, "unknown_leads": [], "rejected": 0, "rejects": []}


def test_a_signal_of_a_lead_nobody_knows_is_a_problem(lived: Run) -> None:
    ran = lived("signal", "clicked", "--lead", "who@example.com", "--now", NOW, "--json")

    assert ran.status == 1
    assert ran.json["problems"][0]["code"] == "E_LEAD"


def test_a_csv_file_of_signals_tells_what_it_could_not_take(lived: Run, home: Path) -> None:
    (home / "signals.csv").write_text(
        "kind,lead,campaign,node,at,id\n"
        "viewed,bob@example.com,hello,bait,2026-03-02T06:00:00Z,1\n"
        "viewed,bob@example.com,hello,bait,2026-03-02T06:00:00Z,1\n"
        "vewed,bob@example.com,,,2026-03-02T06:00:00Z,2\n"
        "viewed,bob@example.com,,,2026-03-02 06:00,3\n"
        "viewed,nobody,,,2026-03-02T06:00:00Z,4\n"
        "viewed,who@example.com,,,2026-03-02T06:00:00Z,5\n",
        encoding="utf-8",
    )

    ran = lived("signal", "--file", "signals.csv", "--now", NOW, "--json")

    assert ran.status == 0
    assert (ran.json["heard"], ran.json["known"], ran.json["rejected"]) == (1, 1, 3)
    assert [(one["line"], one["code"]) for one in ran.json["rejects"]] == [
        (4, "unknown_kind"),
        (5, "bad_time"),
        (6, "no_at"),
    ]
    assert ran.json["unknown_leads"] == ["who@example.com"]
    assert "did you mean 'viewed'?" in ran.err


def test_a_zone_says_what_the_times_of_a_file_mean(lived: Run, home: Path) -> None:
    (home / "signals.csv").write_text("kind,lead,at\nviewed,bob@example.com,2026-03-02 14:00\n", encoding="utf-8")

    assert (
        lived("signal", "--file", "signals.csv", "--zone", "Asia/Shanghai", "--now", NOW, "--json").json["heard"] == 1
    )
    signals = lived("history", "bob@example.com", "--json").json["signals"]
    assert [signal["at"] for signal in signals] == ["2026-03-02T06:00:00Z"]


def test_json_lines_are_heard_as_well(lived: Run, home: Path) -> None:
    lines = [
        json.dumps({"kind": "replied", "lead": "bob@example.com", "at": MONDAY, "reason": "你好"}),
        "",
        '{"kind": "replied", "lead": "bob@example.com", "att": "x"}',
        '{"kind": "replied", "lead": 5}',
        "[1]",
        "{",
    ]
    (home / "signals.jsonl").write_text("\n".join(lines), encoding="utf-8")

    document = lived("signal", "--file", "signals.jsonl", "--now", NOW, "--json").json

    assert (document["heard"], document["rejected"]) == (1, 4)
    assert [one["line"] for one in document["rejects"]] == [3, 4, 5, 6]


def test_a_file_that_is_none_makes_no_database(run: Run, home: Path) -> None:
    (home / "other.csv").write_text("a,b\n1,2\n", encoding="utf-8")

    assert run("signal", "--file", "nowhere.csv").status == 1
    assert run("signal", "--file", "other.csv").status == 1
    assert not (home / "nurture.db").exists()


def test_an_opt_out_stops_what_is_on_its_way(lived: Run) -> None:
    lived("signal", "unsubscribed", "--lead", "bob@example.com", "--now", NOW)
    lived("tick", "--now", NOW)

    assert lived("status", "hello", "--now", NOW, "--json").json["campaigns"][0]["ended"]["exit:unsubscribed"] == 1
