"""`nurture check` on broken campaigns: all problems at once, each with its place and a way out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.broken_campaigns import BROKEN
from tests.cli.scenes import CAMPAIGN
from tests.ran import Run


@pytest.mark.parametrize(("text", "expected"), BROKEN.values(), ids=BROKEN.keys())
def test_every_problem_of_a_broken_campaign_is_told_with_its_place(
    run: Run, home: Path, text: str, expected: dict[str, str]
) -> None:
    (home / "broken.json").write_text(text, encoding="utf-8")

    ran = run("check", "broken.json")
    document = run("check", "broken.json", "--json").json

    assert ran.status == 1
    assert {problem["where"] for problem in document} >= set(expected)
    assert all(set(problem) == {"file", "where", "code", "severity", "what", "hint"} for problem in document)
    lines = ran.out.splitlines()
    assert len(lines) == len(document), "one problem is one line"
    for where, words in expected.items():
        assert any(line.startswith(f"broken.json{'#' if where else ''}{where}: ") and words in line for line in lines)


@pytest.mark.parametrize("text", [text for text, _ in BROKEN.values()], ids=BROKEN.keys())
def test_a_broken_campaign_is_not_published(run: Run, home: Path, text: str) -> None:
    (home / "broken.json").write_text(text, encoding="utf-8")

    ran = run("publish", "broken.json", "definitions/hello.json", "--json")

    assert ran.status == 1
    assert {problem["severity"] for problem in ran.json["problems"]} == {"error"}
    assert "broken.json" in ran.err
    assert run("status", "--json").json["campaigns"] == []


def test_without_files_every_campaign_is_checked(run: Run, home: Path) -> None:
    (home / "definitions" / "other.json").write_text("{}", encoding="utf-8")

    document = run("check", "--json").json

    assert {Path(problem["file"]).name for problem in document} == {"other.json"}


def test_a_campaign_in_order_has_no_problems(run: Run) -> None:
    assert run("check", "--json").json == []
    assert run("check").out == "1 campaign in order\n"


def test_a_warning_is_told_and_fails_nothing(run: Run, home: Path) -> None:
    nodes = CAMPAIGN["nodes"]
    hasty = CAMPAIGN | {"nodes": nodes | {"viewed": nodes["viewed"] | {"evidence": ["viewed", "seen"]}}}
    (home / "hasty.json").write_text(json.dumps(hasty), encoding="utf-8")

    ran = run("check", "hasty.json")

    assert ran.status == 0
    assert "[warning]" in ran.out


def test_a_file_that_is_not_there_is_a_problem(run: Run) -> None:
    ran = run("check", "nowhere.json", "--json")

    assert ran.status == 1
    assert [(problem["file"], problem["code"]) for problem in ran.json] == [("nowhere.json", "E_FILE")]


def test_checking_makes_no_database(run: Run, home: Path) -> None:
    run("check")

    assert not (home / "nurture.db").exists()
