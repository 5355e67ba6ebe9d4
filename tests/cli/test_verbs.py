"""Each verb's document, as the outer contract has it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.scenes import MONDAY, REGISTERED
from tests.ran import Run

LATER = "2026-03-20T02:00:00Z"


def test_publish_says_which_version_it_is_and_the_same_bytes_are_no_new_one(run: Run) -> None:
    first = run("publish", "definitions/hello.json", "--now", MONDAY, "--json").json
    again = run("publish", "definitions/hello.json", "--now", LATER, "--json").json

    assert [set(one) for one in first] == [{"campaign", "version", "hash"}]
    assert first[0]["campaign"] == "hello"
    assert again == first


def test_import_counts_every_row_once(run: Run, home: Path) -> None:
    ran = run("import", "leads.csv", "--basis", "fair", "--tag", "march", "--now", MONDAY, "--json")
    counts = ran.json

    assert ran.status == 0
    assert (counts["read"], counts["new"], counts["rejected"]) == (4, 3, 1)
    assert counts["read"] == sum(counts[name] for name in ("new", "updated", "unchanged", "rejected", "suppressed"))
    assert Path(counts["rejects_file"]).is_file()
    assert "march" in run("history", "ada@example.com", "--json").json["lead"]["tags"]
    assert (
        run("import", "leads.csv", "--basis", "fair", "--tag", "march", "--now", LATER, "--json").json["unchanged"] == 3
    )


def test_a_dry_import_keeps_nothing(run: Run) -> None:
    assert run("import", "leads.csv", "--dry-run", "--json").json["new"] == 3
    assert run("history", "ada@example.com").status == 1


def test_a_map_names_the_column_that_its_header_does_not(run: Run, home: Path) -> None:
    (home / "odd.csv").write_text("Wer,Firma\nada@example.com,Acme\n", encoding="utf-8")

    assert run("import", "odd.csv").status == 1
    assert run("import", "odd.csv", "--map", "email=Wer", "--map", "company=Firma", "--json").json["new"] == 1


def test_a_field_that_looks_like_one_of_ours_is_asked_about(run: Run) -> None:
    ran = run("import", "leads.csv", "--map", "emial=email", "--dry-run")

    assert "emial=... makes a field of your own; did you mean 'email'?" in ran.err


def test_backfill_publishes_imports_and_enrolls_and_the_same_file_never_enrolls_twice(run: Run) -> None:
    first = run("backfill", "hello", "leads.csv", "--basis", "fair", "--now", MONDAY, "--json").json
    again = run("backfill", "hello", "leads.csv", "--basis", "fair", "--now", MONDAY, "--json").json

    assert first["enrolled"] == 2
    assert first["placed"] == {"bait": 2}
    assert set(first) >= {"read", "new", "updated", "unchanged", "rejected", "suppressed", "rejects_file"}
    assert sum(first["not_enrolled"].values()) == 1
    assert again["enrolled"] == 0


def test_backfill_with_a_history_places_leads_where_it_implies(run: Run, home: Path) -> None:
    (home / "past.csv").write_text(
        "lead,campaign,node,kind,at\n"
        "ada@example.com,hello,bait,sent,2026-02-28T02:00:00Z\n"
        "bob@example.com,hello,bait,Teleported,2026-02-28T02:00:00Z\n",
        encoding="utf-8",
    )
    history = ("--history", "past.csv", "--history-map", "kind=kind")

    document = run("backfill", "hello", "leads.csv", "--basis", "fair", *history, "--now", MONDAY, "--json").json

    assert document["placed"] == {"bait": 1, "viewed": 1}
    assert document["history"]["rejected"] == 1


def test_a_segment_is_backfilled_without_a_file(run: Run) -> None:
    run("import", "leads.csv", "--basis", "fair", "--now", MONDAY)

    document = run("backfill", "hello", "--segment", REGISTERED, "--dry-run", "--now", MONDAY, "--json").json

    assert document["enrolled"] == 2
    assert run("status", "--json").json["campaigns"] == []


def test_enroll_takes_leads_by_name(run: Run) -> None:
    run("import", "leads.csv", "--basis", "fair", "--now", MONDAY)

    two = ("--lead", "ada@example.com", "--lead", "eve@example.com")
    document = run("enroll", "hello", *two, "--now", MONDAY, "--json").json

    assert document == {"enrolled": 1, "not_enrolled": {"no_match": 1}}


def test_a_segment_may_stand_in_a_file(run: Run, home: Path) -> None:
    run("import", "leads.csv", "--basis", "fair", "--now", MONDAY)
    (home / "segment.json").write_text(REGISTERED, encoding="utf-8")

    assert run("enroll", "hello", "--segment", "@segment.json", "--now", MONDAY, "--json").json["enrolled"] == 2


def test_tick_until_lives_virtual_time(lived: Run) -> None:
    document = lived("tick", "--now", "2026-03-02T05:00:00Z", "--until", LATER, "--json").json

    assert set(document) >= {"looked", "steps", "sent", "refused", "ambiguous", "now"}
    assert document["now"] == LATER
    status = lived("status", "hello", "--now", LATER, "--json").json
    assert status["campaigns"][0]["ended"] == {"completed": 1, "pool": 1}


def test_status_tells_where_everybody_is(lived: Run) -> None:
    document = lived("status", "--now", "2026-03-02T05:00:00Z", "--json").json

    assert set(document) >= {"campaigns", "touches", "conserved"}
    [campaign] = document["campaigns"]
    assert (campaign["entered"], campaign["waiting"], campaign["due"], campaign["stuck"]) == (2, 1, 1, 0)
    assert campaign["nodes"]["bait"] == {"entered": 2, "here": 0, "outcomes": {"sent": 2}}
    assert set(document["touches"]) >= {"pending", "sending", "sent", "refused", "ambiguous", "cancelled"}
    assert document["conserved"] is True


def test_history_tells_every_step_with_its_reason(lived: Run) -> None:
    lived("tick", "--now", "2026-03-02T05:00:00Z")

    document = lived("history", "ada@example.com", "--json").json

    assert document["lead"]["email"] == "ada@example.com"
    [enrollment] = document["enrollments"]
    assert [(step["node"], step["outcome"]) for step in enrollment["steps"]] == [
        ("bait", "sent"),
        ("viewed", "yes"),
        ("deep", "next"),
    ]
    assert all(step["because"] and step["at"] for step in enrollment["steps"])
    assert [touch["state"] for touch in document["touches"]] == ["sent"]
    assert [signal["kind"] for signal in document["signals"]] == ["viewed"]


def test_history_reads_like_a_story(lived: Run) -> None:
    lived("tick", "--now", "2026-03-02T05:00:00Z")

    lines = lived("history", "ada@example.com", "--now", LATER).out.splitlines()
    events = [re.split(r"\s{2,}", line.strip()) for line in lines if re.match(r"2026-03-02 1\d:\d\d ", line)]

    assert [[part for part in event if part != "hello"][1] for event in events] == [
        *("entered", "message", "step", "heard", "step", "step", "ended")
    ]
    assert any("viewed → yes" in line and "2 hours after it was sent" in line for line in lines)


def test_what_a_lead_is_called_cannot_paint_the_terminal(run: Run, home: Path) -> None:
    (home / "evil.csv").write_text("email,name\nada@example.com,[bold red]Ada[/]\n", encoding="utf-8")
    run("import", "evil.csv")

    assert "[bold red]Ada[/]" in run("history", "ada@example.com").out


def test_replay_decides_the_same_again(lived: Run) -> None:
    lived("tick", "--now", "2026-03-02T05:00:00Z", "--until", LATER)

    assert lived("replay", "--all", "--now", LATER, "--json").json == {"leads": 2, "equal": 2, "different": []}
    assert lived("replay", "ada@example.com", "hello", "--json").json["leads"] == 1


def test_a_paused_campaign_does_nothing_until_it_is_resumed(lived: Run) -> None:
    assert lived("pause", "hello", "--now", MONDAY, "--json").json == {"campaign": "hello", "paused": True}
    assert lived("tick", "--now", LATER, "--json").json["steps"] == 0
    assert lived("resume", "hello", "--now", LATER, "--json").json == {"campaign": "hello", "paused": False}
    assert lived("tick", "--now", LATER, "--json").json["steps"] > 0


def test_retry_has_nothing_to_do_where_nobody_is_stuck(lived: Run) -> None:
    ran = lived("retry", "--now", MONDAY, "--json")

    assert (ran.status, ran.json) == (0, {"retried": 0, "stuck": 0, "campaigns": {}, "causes": []})


def test_a_lead_that_is_stuck_again_is_a_problem(run: Run, home: Path) -> None:
    campaign: dict[str, Any] = {
        "campaign": "hello",
        "start": "birthday",
        "nodes": {"birthday": {"type": "wait", "until_date": {"field": "birthday"}, "next": "end"}},
    }
    (home / "definitions" / "hello.json").write_text(json.dumps(campaign), encoding="utf-8")
    run("backfill", "hello", "leads.csv", "--basis", "fair", "--now", MONDAY)
    run("tick", "--now", MONDAY)

    ran = run("retry", "--now", LATER, "--json")

    told = ran.json
    [cause] = told.pop("causes")
    assert (ran.status, told) == (1, {"retried": 3, "stuck": 3, "campaigns": {"hello": 3}})
    assert (cause["node"], cause["leads"], cause["examples"][0]) == ("birthday", 3, "ada@example.com")
    listed = run("retry", "--dry-run", "--cause", "birthday is not known", "--now", LATER)
    assert (listed.status, listed.out.splitlines()[0]) == (1, "3 stuck")
    assert run("retry", "--dry-run", "--cause", "something else", "--now", LATER, "--json").json["causes"] == []
    assert run("retry", "--cause", "something else", "--now", LATER, "--json").json["retried"] == 0
    assert "stuck" in run("history", "ada@example.com").out
    assert "3 stuck" in run("status").out


def test_stories_are_lived(run: Run, home: Path) -> None:
    ran = run("story", "--json")

    assert ran.status == 0
    assert [(one["campaign"], one["passed"]) for one in ran.json["stories"]] == [("hello", True)]
    assert ran.json["uncovered"] == {"hello": ["bait: unsent", "viewed: no", "to_pool"]}


def test_a_story_that_does_not_hold_says_where_it_parts(run: Run, home: Path) -> None:
    wrong = {"a lead who sleeps is tagged": {"lead": {"tags": ["registered"]}, "path": ["bait: sent", "viewed: yes"]}}
    story = home / "definitions" / "stories" / "hello.json"
    story.write_text(json.dumps(wrong), encoding="utf-8")

    ran = run("story", story)

    assert ran.status == 1
    assert "the story expects 'viewed: yes', and what came was 'viewed: no'" in ran.out


def test_a_story_nobody_can_read_is_a_problem(run: Run, home: Path) -> None:
    (home / "definitions" / "stories" / "hello.json").write_text('{"a": {}}', encoding="utf-8")

    assert run("story", "--json").json["problems"][0]["where"] == "/a/path"
    assert run("story", "nowhere.json").status == 1


def test_simulate_gives_the_same_crowd_for_the_same_seed(run: Run) -> None:
    wanted = ("simulate", "hello", "--leads", "200", "--rate", "viewed=0.4", "--rate", "refused=0.05", "--json")

    first, again = run(*wanted, "--seed", "1").json, run(*wanted, "--seed", "1").json
    other = run(*wanted, "--seed", "2").json

    assert first == again != other
    assert first["nodes"]["bait"]["entered"] == 200 == sum(first["ended"].values())
    assert 50 < first["nodes"]["viewed"]["outcomes"]["yes"] < 110


def test_simulate_writes_to_nobody_and_keeps_nothing(run: Run, home: Path) -> None:
    assert "200 invented leads" in run("simulate", "hello", "--leads", "200", "--tag", "registered=0.5").out
    assert not (home / "nurture.db").exists()
    assert not (home / "outbox").exists()


def test_render_draws_with_and_without_counts(lived: Run, home: Path) -> None:
    assert lived("render", "hello").out.startswith("<svg")
    assert "flowchart TD" in lived("render", "hello", "--mermaid", "--counts").out
    assert lived("render", "hello", "--svg", "--json").json["format"] == "svg"
    assert lived("render", "hello", "--svg", "--counts", "--out", "hello.svg", "--json").json["out"] == "hello.svg"
    assert (home / "hello.svg").read_text(encoding="utf-8").startswith("<svg")


def test_the_schema_offers_what_is_installed(run: Run, home: Path) -> None:
    document = run("schema").json

    assert "send_content" in document["definitions"]
    assert run("schema", "--json").json == document
    assert run("schema", "--write", "--json").json["changed"] is True
    assert run("schema", "--write", "--json").json["changed"] is False
    assert json.loads((home / "definitions" / "schema.json").read_text(encoding="utf-8")) == document
    assert run("check").status == 0


def test_doctor_finds_a_heartbeat_that_has_stopped(lived: Run) -> None:
    well = lived("doctor", "--now", "2026-03-02T04:31:00Z", "--json")
    ill = lived("doctor", "--now", LATER, "--json")

    assert (well.status, well.json["alarms"]) == (0, 0)
    assert ill.status == 1
    assert [one["check"] for one in ill.json["checks"] if one["state"] == "alarm"] == ["heartbeat"]


def test_doctor_changes_nothing(run: Run, home: Path) -> None:
    before = sorted(home.rglob("*"))

    assert "well" in run("doctor").out
    assert sorted(home.rglob("*")) == before


@pytest.mark.parametrize(
    ("name", "value", "check"),
    [
        ("NURTURE_SMTP_URL", "smtp://127.0.0.1:1", "mail"),
        ("NURTURE_SMTP_URL", "gopher://x", "mail"),
        ("NURTURE_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none", "database"),
    ],
)
def test_doctor_alarms_where_something_cannot_be_reached(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str, check: str
) -> None:
    monkeypatch.setenv(name, value)

    ran = run("doctor", "--json")

    assert ran.status == 1
    assert [one["check"] for one in ran.json["checks"] if one["state"] == "alarm"] == [check]


def test_a_campaign_may_be_called_by_its_name(run: Run) -> None:
    assert run("check", "hello").status == 0
    assert run("story", "hello", "--json").json["stories"][0]["passed"]
    assert run("publish", "hello", "--now", MONDAY, "--json").json[0]["campaign"] == "hello"
    assert run("check", "hallo").status == 1


def test_a_story_that_uses_the_words_of_other_systems_is_told_ours(run: Run, home: Path) -> None:
    story = {"she opens it": {"lead": {"tags": ["registered"]}, "happens": {"bait": "opened"}, "path": ["..."]}}
    (home / "definitions" / "stories" / "hello.json").write_text(json.dumps(story), encoding="utf-8")

    [problem] = run("story", "hello", "--json").json["problems"]

    assert problem["hint"] == "did you mean 'viewed'?"


def test_one_lead_is_taken_out_with_a_reason(run: Run) -> None:
    run("backfill", "hello", "leads.csv", "--basis", "contract", "--now", MONDAY)
    out = ("remove", "hello", "--lead", "ada@example.com", "--now", MONDAY, "--json")

    assert run(*out, "--reason", " ").status == 2
    assert run(*out, "--reason", "a customer", "--by", "Eve").json == {
        "removed": 1,
        "campaign": "hello",
        "node": "bait",
    }
    assert run(*out, "--reason", "again").status == 1
    assert "taken out by hand: Eve: a customer" in run("history", "ada@example.com", "--json").out


def test_a_file_that_is_gone_while_leads_are_inside_is_said(run: Run, home: Path) -> None:
    run("backfill", "hello", "leads.csv", "--basis", "contract", "--now", MONDAY)
    assert run("status", "--json", "--now", MONDAY).json["without_file"] == []
    (home / "definitions/hello.json").unlink()

    ran = run("status", "--json", "--now", MONDAY)

    assert (ran.status, ran.json["without_file"]) == (0, [{"campaign": "hello", "inside": 2}])
    assert "definitions/ has no file of hello any more; 2 leads go on" in ran.err
