"""The deployments do what the engine does, in Prefect's clothes: same counts, same sends, on a real server."""

from __future__ import annotations

from base64 import b64decode

import pytest

from nurture.engine import Engine
from nurture.leads import LeadOptions
from nurture.settings import Settings
from tests.flows.system import MARCH, MONDAY, eventually, furnish, system

pytestmark = [pytest.mark.prefect, pytest.mark.slow]

THEN = {"now": MONDAY.isoformat(), "until": MARCH.isoformat()}


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory):
    """What the engine itself makes of the same file and the same campaign, without Prefect."""
    home = furnish(tmp_path_factory.mktemp("by-hand"))
    with Engine.open(Settings(home=home)) as engine:
        report = engine.backfill("greet", home / "leads.csv", now=MONDAY, options=LeadOptions(basis="form"))
        engine.tick(MONDAY, until=MARCH)
        return report.as_json(), engine.status(now=MARCH)


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A system in which a backfill was looked at and then done."""
    with system(furnish(tmp_path_factory.mktemp("filled"))) as running:
        asked = {"campaign": "greet", "file": "leads.csv", "basis": "form", **THEN}
        running.looked_at = running.run("backfill", **asked)
        running.before = running.status()
        running.done = running.run("backfill", **asked, dry_run=False)
        running.after = running.status()
        yield running


def test_a_dry_run_leaves_nothing_behind(filled):
    assert filled.looked_at.state.is_completed()
    assert filled.before["campaigns"] == []


def test_a_backfill_from_the_form_gives_the_counts_of_the_engine(filled, by_hand):
    report, status = by_hand

    table = {row["what"]: row["how many"] for row in filled.artifact("backfill-greet-counts")}
    assert filled.done.state.is_completed(), filled.done.state
    assert table["enrolled"] == report["enrolled"] > 0
    assert table["placed: hello"] == report["placed"]["hello"]
    assert filled.after == status


def test_the_heartbeat_does_not_hurry_a_test_that_plays_in_another_time(filled):
    assert filled.heartbeat
    assert "the heartbeat rests" in eventually(lambda: filled.said if "rests" in filled.said else "")
    assert filled.status() == filled.after


def test_the_picture_with_counts_is_an_image_that_needs_nothing_from_outside(filled):
    picture = filled.artifact("campaign-greet")

    assert picture.startswith("data:image/svg+xml;base64,")
    svg = b64decode(picture.partition(",")[2]).decode()
    assert "<svg" in svg
    assert str(filled.after["campaigns"][0]["entered"]) in svg


def test_the_table_of_nodes_says_who_is_where(filled):
    rows = {row["node"]: row for row in filled.artifact("nodes-greet")}

    assert {node: row["entered"] for node, row in rows.items()} == {
        node: counts["entered"] for node, counts in filled.after["campaigns"][0]["nodes"].items()
    }


def test_the_same_form_sent_again_changes_nothing(filled):
    again = filled.run("backfill", campaign="greet", file="leads.csv", basis="form", dry_run=False, **THEN)

    assert again.state.is_completed()
    assert filled.status() == filled.after


def test_a_campaign_that_is_run_for_those_who_are_in_already_changes_nothing(filled):
    again = filled.run("run-campaign", campaign="greet", dry_run=False, **THEN)

    assert again.state.is_completed()
    assert filled.status() == filled.after


def test_a_run_that_is_deleted_changes_nothing_for_a_lead(filled):
    with filled.prefect() as prefect:
        prefect.request("DELETE", "/flow_runs/{id}", path_params={"id": filled.done.id})

    assert filled.status() == filled.after


def test_a_finished_run_that_somebody_calls_crashed_or_sets_back_changes_nothing_for_a_lead(filled):
    from prefect.states import AwaitingRetry, Crashed

    run = filled.run("tick", **THEN)
    with filled.prefect() as prefect:
        prefect.set_flow_run_state(run.id, Crashed(), force=True)
        prefect.set_flow_run_state(run.id, AwaitingRetry(), force=True)
    filled.end_of(run)

    assert filled.status() == filled.after


def test_the_run_graph_of_a_trace_is_the_path_of_the_lead(filled):
    run = filled.run("trace-lead", campaign="greet", lead="lead1@example.com", **THEN)

    assert [row["node"] for row in filled.artifact("trace-greet")] == ["hello", "rest", "seen"]

    def nodes():
        with filled.prefect() as prefect:
            found = prefect.request(
                "POST", "/task_runs/filter", json={"flow_runs": {"id": {"any_": [str(run.id)]}}}
            ).json()
        return {task["name"].partition(":")[0] for task in found} >= {"hello", "rest", "seen"}

    assert eventually(nodes)
    assert filled.status() == filled.after


def test_a_file_elsewhere_on_the_machine_is_out_of_reach(filled):
    run = filled.run("backfill", campaign="greet", file="../../etc/hostname.csv")

    assert run.state.is_failed()
    assert "Nurture folder" in run.state.message


def test_a_time_that_could_mean_two_instants_is_not_guessed(filled):
    run = filled.run("run-campaign", campaign="greet", now="2026-03-02T10:00:00")

    assert run.state.is_failed()
    assert "time zone" in run.state.message
