"""What is served here and what `prefect deploy` makes for workers elsewhere are the same four deployments."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from flows.deployments import deployments
from flows.tick import HOURLY

YAML = (Path(__file__).parents[2] / "prefect.yaml").read_text()


def test_prefect_yaml_names_what_is_served():
    written = dict(re.findall(r"- name: ([\w-]+)\n\s+entrypoint: ([\w.]+)", YAML))

    assert written == {made.name: made.entrypoint for made in deployments()}


def test_the_heartbeat_is_renewed_by_the_same_schedule():
    (tick,) = (made for made in deployments() if made.name == "tick")

    assert [schedule.schedule.cron for schedule in tick.schedules or ()] == [HOURLY]
    assert f'cron: "{HOURLY}"' in YAML


def test_no_deployment_waits_for_a_run_that_may_be_dead():
    assert [made.name for made in deployments() if made.concurrency_limit or made.concurrency_options] == []


@pytest.mark.prefect
@pytest.mark.slow
def test_prefects_own_command_works_with_our_server(up, tmp_path):
    """From FastAPI 0.151 on, the server refuses the nulls that Prefect 3.8's client sends."""
    here = {"PREFECT_API_URL": f"http://127.0.0.1:{up.port}/api", "PREFECT_HOME": str(tmp_path)}

    listed = subprocess.run(
        [sys.executable, "-m", "prefect", "deployment", "ls"],
        env=os.environ | here,
        capture_output=True,
        text=True,
        check=False,
    )

    assert listed.returncode == 0, listed.stdout + listed.stderr
    assert "run-campaign" in listed.stdout
