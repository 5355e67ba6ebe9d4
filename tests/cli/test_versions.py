"""Versions from the command line: published with leads inside, listed, compared, rolled back."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.scenes import CAMPAIGN, MONDAY
from tests.ran import Run

TUESDAY = "2026-03-03T02:00:00Z"


def edited(home: Path, within: str = "5 days", name: str = "viewed") -> None:
    """The campaign's file, with another deadline, and the node that waits under another name."""
    nodes = dict(CAMPAIGN["nodes"])
    nodes[name] = {**nodes.pop("viewed"), "within": within}
    nodes["bait"] = {**nodes["bait"], "next": name}
    (home / "definitions" / "hello.json").write_text(json.dumps({**CAMPAIGN, "nodes": nodes}), encoding="utf-8")


def test_a_difference_is_told_with_the_leads_it_concerns(lived: Run, home: Path) -> None:
    edited(home)

    document = lived("diff", "hello", "--json").json
    chinese = lived("diff", "hello", "--language", "zh").out

    assert document["words"] == ["'viewed': within 3 days → 5 days; 2 leads wait here"]
    assert chinese.strip() == "「viewed」：期限 3 天 → 5 天；2 条线索在此等待"


def test_who_is_inside_moves_when_told_to_and_a_rehearsal_moves_nobody(lived: Run, home: Path) -> None:
    edited(home, name="looked")
    command = ("publish", "definitions/hello.json", "--running", "move", "--now", TUESDAY)

    refused = lived(*command)
    rehearsed = lived(*command, "--map", "viewed=looked", "--dry-run", "--json").json
    untouched = lived("versions", "hello", "--json").json
    done = lived(*command, "--map", "viewed=looked", "--json").json
    again = lived(*command, "--map", "viewed=looked", "--json").json
    document = lived("versions", "hello", "--json").json

    assert refused.status == 1
    assert "2 leads stand at 'viewed', which is gone" in refused.err
    told = {"before": {"viewed": 2}, "moved": 2, "removed": 0, "kept": {}, "later": 0}
    assert rehearsed[0]["running"] == done[0]["running"] == told
    assert [one["version"] for one in untouched["versions"]] == [1]
    assert "running" not in again[0]
    assert [(one["version"], one["inside"], one["current"]) for one in document["versions"]] == [
        (2, 2, True),
        (1, 0, False),
    ]
    assert [(move["to"], move["moved"], bool(move["finished_at"])) for move in document["moves"]] == [(2, 2, True)]


def test_new_leads_get_an_older_version_again_after_a_rollback(lived: Run, home: Path) -> None:
    before = lived("status", "hello", "--json").json["campaigns"][0]["hash"]
    edited(home)
    lived("publish", "definitions/hello.json", "--now", TUESDAY)

    done = lived("rollback", "hello", "1", "--running", "exit", "--now", TUESDAY, "--json").json

    assert (done["version"], done["hash"]) == (1, before)
    assert lived("rollback", "hello", "7", "--now", TUESDAY).status == 1
    assert lived("publish", "definitions/hello.json", "--running", "keep", "--map", "a=b", "--now", MONDAY).status == 1


def test_the_story_of_a_lead_that_was_moved_twice_at_one_moment_is_in_order(lived: Run, home: Path) -> None:
    edited(home, name="looked")
    lived("publish", "hello", "--running", "move", "--map", "viewed=looked", "--now", TUESDAY)
    lived("rollback", "hello", "1", "--running", "move", "--map", "looked=viewed", "--now", TUESDAY)

    told = lived("history", "bob@example.com", "--now", TUESDAY).out.splitlines()

    assert [line.split("moved to ")[1] for line in told if "moved to " in line] == [
        "'looked' of version 2",
        "'viewed' of version 1",
    ]
    assert [line for line in told if line != line.rstrip()] == []
