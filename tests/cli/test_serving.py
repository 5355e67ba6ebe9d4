"""`nurture up` and `nurture web`: what they start, and where they refuse to listen."""

from __future__ import annotations

import os
import re
import runpy
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.ran import Run

ROOT = Path(__file__).resolve().parents[2]


def test_up_runs_the_flows_as_a_program_of_their_own(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []
    monkeypatch.setattr(sys, "argv", ["nurture"])
    monkeypatch.setattr(runpy, "run_module", lambda name, **how: started.append((name, how, list(sys.argv))))

    assert run("up", "--port", "4300", "--no-web").status == 0
    assert started == [
        ("flows.up", {"run_name": "__main__", "alter_sys": True}, ["nurture up", "--port", "4300", "--no-web"])
    ]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.com"])
def test_web_refuses_to_listen_to_others(run: Run, host: str) -> None:
    ran = run("web", "--host", host)

    assert ran.status == 2
    assert "reverse proxy" in ran.err


def test_what_leads_reach_may_be_open_to_others(run: Run) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:
        ran = run("web", "--host", "0.0.0.0", "--leads-only", "--port", taken.getsockname()[1])

    assert ran.status == 3
    assert "cannot be used" in ran.err


def test_web_says_when_its_port_is_taken(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = run("web", "--port", taken.getsockname()[1])

    assert ran.status == 3
    assert "take another: --port N" in ran.err


@pytest.mark.skipif(os.name != "posix", reason="stops it as a terminal does")
def test_web_answers_until_ctrl_c(home: Path) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "nurture.cli", "web", "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        assert running.stderr is not None
        where = re.search(r"http://127\.0\.0\.1:\d+", running.stderr.readline())
        assert where is not None
        with pytest.raises(urllib.error.HTTPError) as answer:
            urllib.request.urlopen(f"{where[0]}/unsubscribe/x", timeout=60)
        answer.value.close()
        running.send_signal(signal.SIGINT)

        assert answer.value.code == 404
        assert running.wait(timeout=30) == 0
        assert running.stderr.read() == ""
    finally:
        running.kill()
        running.communicate()
