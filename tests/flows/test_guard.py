"""Prefect's API runs code for whoever may call it, so it stays on this machine or asks for a password."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from flows.guard import Unguarded, refuse_open_api, refuse_open_host


def test_a_host_on_the_network_needs_a_password():
    with pytest.raises(Unguarded, match="PREFECT_SERVER_API_AUTH_STRING"):
        refuse_open_host("0.0.0.0", None)

    refuse_open_host("0.0.0.0", "admin:secret")


def test_we_take_no_work_from_an_api_that_asks_nobody_for_a_password():
    with pytest.raises(Unguarded, match="anyone could have us send mail"):
        refuse_open_api("http://prefect.example.com:4200/api", None)

    refuse_open_api("http://prefect.example.com:4200/api", "admin:secret")
    refuse_open_api("http://127.0.0.1:4200/api", None)


@pytest.mark.parametrize("module", ["flows.up", "flows.server", "flows.deployments"])
def test_nothing_starts_where_the_network_could_command_a_send(module, tmp_path):
    open_to_all = {
        "PREFECT_SERVER_API_HOST": "0.0.0.0",
        "PREFECT_API_URL": "http://192.0.2.1:4200/api",
        "PREFECT_HOME": str(tmp_path),
        "NURTURE_HOME": str(tmp_path),
    }

    ended = subprocess.run(
        [sys.executable, "-m", module],
        env=os.environ | open_to_all,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 3
    assert len(ended.stderr.strip().splitlines()) == 1, ended.stderr
    assert "password" in ended.stderr
