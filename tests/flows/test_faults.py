"""Prefect is killed, slow, stopped and wrong; the leads do not notice."""

from __future__ import annotations

import os
import signal
import subprocess
from datetime import UTC, datetime

import pytest
from prefect.events import emit_event
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Cancelling

from flows.deployments import SIGNAL_HEARD
from nurture.engine import Engine
from nurture.leads import LeadOptions
from nurture.settings import Settings
from tests.flows.system import eventually, furnish, system

pytestmark = [pytest.mark.prefect, pytest.mark.slow]


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    """A system in the present, with nobody in the campaign yet."""
    with system(furnish(tmp_path_factory.mktemp("live"))) as running:
        yield running


def enter(live, name):
    """A lead enters by another door than Prefect, and is due at once."""
    now = datetime.now(UTC)
    file = live.home / f"{name}.csv"
    file.write_text(f"email,tags\n{name}@example.com,registered\n")
    with Engine.open(Settings(home=live.home)) as engine:
        engine.backfill("greet", file, now=now, options=LeadOptions(basis="form"))
    file.unlink()


def got_mail(live, name):
    """Whether a message to this lead has left, and how many of them."""
    with Engine.open(Settings(home=live.home)) as engine:
        from nurture.identity import LeadRef

        touches = engine.history(LeadRef.parse(f"{name}@example.com"))["touches"]
    return sum(touch["state"] == "sent" for touch in touches)


def child(live, module):
    """The process id of one of the children of `nurture up`."""
    found = subprocess.run(
        ["pgrep", "-P", str(live.process.pid), "-f", module], capture_output=True, text=True, check=False
    )
    return int(found.stdout.split()[0]) if found.stdout.split() else None


def test_a_lead_is_looked_at_within_a_minute_of_being_due(live):
    enter(live, "early")

    assert eventually(lambda: got_mail(live, "early")) == 1


def test_a_heartbeat_that_is_killed_is_followed_by_another(live):
    before = eventually(lambda: live.heartbeat)
    os.kill(before, signal.SIGKILL)

    eventually(lambda: live.heartbeat not in (None, before), 90)
    enter(live, "after_heartbeat")

    assert eventually(lambda: got_mail(live, "after_heartbeat")) == 1


def test_a_runner_that_is_killed_blocks_no_later_tick(live):
    before = eventually(lambda: child(live, "flows.deployments"))
    beating = eventually(lambda: live.heartbeat)
    os.killpg(before, signal.SIGKILL)

    eventually(lambda: child(live, "flows.deployments") not in (None, before))
    eventually(lambda: live.heartbeat not in (None, beating), 90)
    enter(live, "after_runner")

    assert eventually(lambda: got_mail(live, "after_runner")) == 1


def test_a_server_that_is_killed_stops_no_lead(live):
    eventually(lambda: live.heartbeat)
    before = child(live, "flows.server")
    os.kill(before, signal.SIGKILL)
    enter(live, "without_server")

    assert eventually(lambda: got_mail(live, "without_server")) == 1
    eventually(lambda: child(live, "flows.server") not in (None, before))
    eventually(lambda: live.answers)
    assert live.run("run-campaign", campaign="greet").state.is_completed()


def test_a_server_that_does_not_answer_stops_no_lead(live):
    eventually(lambda: live.heartbeat)
    server = eventually(lambda: child(live, "flows.server"))
    os.kill(server, signal.SIGSTOP)
    try:
        for name in ("silence", "more_silence"):
            enter(live, name)
            assert eventually(lambda name=name: got_mail(live, name), 120) == 1
    finally:
        os.kill(server, signal.SIGCONT)
    eventually(lambda: live.answers)


def test_a_cancelled_run_ends_and_changes_nothing_for_a_lead(live):
    eventually(lambda: live.heartbeat)
    enter(live, "before_cancel")
    eventually(lambda: got_mail(live, "before_cancel"))
    with live.prefect() as prefect:
        runs = prefect.request(
            "POST",
            "/flow_runs/filter",
            # The newest: a run whose runner was killed stays "Running" for good, and nobody is there to cancel it.
            json={"flow_runs": {"state": {"type": {"any_": ["RUNNING"]}}}, "sort": "START_TIME_DESC"},
        )
        run = prefect.read_flow_run(runs.json()[0]["id"])
        prefect.set_flow_run_state(run.id, Cancelling())

    assert live.end_of(run).state.is_cancelled()
    assert got_mail(live, "before_cancel") == 1
    enter(live, "after_cancel")
    assert eventually(lambda: got_mail(live, "after_cancel"), 90) == 1


def pause(live, paused):
    with live.prefect() as prefect:
        made = prefect.read_deployment_by_name("tick/tick")
        prefect.request("PATCH", "/deployments/{id}", path_params={"id": made.id}, json={"paused": paused})


def test_pausing_the_heartbeat_stops_all_sending_until_it_is_resumed(live):
    eventually(lambda: live.heartbeat)
    pause(live, True)
    eventually(lambda: "paused" in (live.home / ".prefect" / "runner.log").read_text(), 90)
    enter(live, "in_the_pause")
    assert live.run("run-campaign", campaign="greet").state.is_completed(), "time passes"
    assert got_mail(live, "in_the_pause") == 0

    pause(live, False)

    assert eventually(lambda: got_mail(live, "in_the_pause"), 90) == 1


def test_a_burst_of_signals_is_one_tick(live):
    def ticks():
        with live.prefect() as prefect:
            found = prefect.request("POST", "/flow_runs/filter", json={"sort": "START_TIME_DESC"}).json()
        return [run for run in found if run["parameters"].get("once")]

    before = len(ticks())
    with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{live.port}/api"}):
        for _ in range(10):
            emit_event(SIGNAL_HEARD, resource={"prefect.resource.id": "nurture.signals"})

    eventually(lambda: len(ticks()) > before)
    assert len(ticks()) == before + 1


def test_a_secret_in_a_block_is_used_and_shown_nowhere(tmp_path):
    canary = "canary-eb1f"
    with system(furnish(tmp_path / "home")) as running:
        from pydantic import SecretStr

        from flows.blocks import BLOCK, SmtpCredentials

        with running.prefect():
            SmtpCredentials(host="127.0.0.1", port=9, username="u", password=SecretStr(canary)).save(BLOCK)
        asked = {"campaign": "greet", "file": "leads.csv", "basis": "form", "dry_run": False}
        assert running.run("backfill", **asked).state.is_completed()
        assert not running.status()["touches"]["sent"], "the server of the block is not there, so nothing can leave"
        with running.prefect() as prefect:
            for path in ("/block_documents/filter", "/flow_runs/filter", "/artifacts/filter", "/logs/filter"):
                assert canary not in prefect.request("POST", path, json={}).text
        running.stop()

        for file in running.home.rglob("*"):
            assert not file.is_file() or canary.encode() not in file.read_bytes(), file


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_signal_stops_all_of_it_within_seconds(tmp_path, number):
    with system(furnish(tmp_path / "home")) as running:
        eventually(lambda: running.heartbeat)
        group = [child(running, module) for module in ("flows.server", "flows.deployments")]

        assert running.stop(number) == 0

        for leader in group:
            with pytest.raises(ProcessLookupError):
                os.killpg(leader, 0)
        assert "had to be killed" not in running.said
