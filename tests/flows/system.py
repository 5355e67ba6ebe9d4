"""A marketer's folder with a campaign and leads, and `nurture up` running on it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_CSRF_SUPPORT_ENABLED, temporary_settings

T = TypeVar("T")
MONDAY = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
MARCH = datetime(2026, 3, 31, 2, 0, tzinfo=UTC)

CAMPAIGN: dict[str, Any] = {
    "campaign": "greet",
    "title": {"zh": "问候", "en": "Greeting"},
    "entry": {"when": {"field": "tags", "op": "has", "value": "registered"}},
    "send_window": {"days": "every day", "from": "00:00", "to": "23:59"},
    "start": "hello",
    "nodes": {
        "hello": {"type": "send_content", "channel": "email", "content": "hello", "next": "rest"},
        "rest": {"type": "wait", "for": "2 days", "next": "seen"},
        "seen": {"type": "tag", "add": ["greeted"], "next": "end"},
    },
}
LEADS = "email,name,tags,basis\n" + "".join(
    f"lead{n}@example.com,Lead {n},{'registered' if n % 4 else 'other'},{'form' if n % 5 else ''}\n" for n in range(20)
)


def furnish(home: Path) -> Path:
    """Puts a campaign, its content and a file of twenty leads into a folder."""
    (home / "definitions").mkdir(parents=True)
    (home / "definitions" / "greet.json").write_text(json.dumps(CAMPAIGN))
    content = home / "content" / "hello"
    content.mkdir(parents=True)
    (content / "email.zh.md").write_text(
        "Subject: 你好\n\n你好。\n\n[退订]({{ unsubscribe_url }}) {{ postal_address }}\n"
    )
    (home / "leads.csv").write_text(LEADS)
    return home


def eventually(ask: Callable[[], T], seconds: float = 60) -> T:
    """The first true answer; fails when there is none in time. Only for what other processes do in real time."""
    until = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < until, f"it did not happen within {seconds:.0f} s"
        time.sleep(0.2)
    return answer


class System:
    """`nurture up`, running."""

    def __init__(self, home: Path, port: int, process: subprocess.Popen[bytes]) -> None:
        self.home = home
        self.port = port
        self.process = process

    @property
    def said(self) -> str:
        return (self.home / "up.log").read_text()

    @contextmanager
    def prefect(self) -> Iterator[SyncPrefectClient]:
        url = f"http://127.0.0.1:{self.port}/api"
        with (
            temporary_settings({PREFECT_API_URL: url, PREFECT_CLIENT_CSRF_SUPPORT_ENABLED: True}),
            get_client(sync_client=True) as client,
        ):
            yield client

    @property
    def answers(self) -> bool:
        """Whether Prefect's server does."""
        try:
            with self.prefect() as prefect:
                return prefect.hello().is_success
        except httpx.HTTPError:
            return False

    def start(self, deployment: str, **parameters: Any) -> FlowRun:
        """What a click on Run does."""
        with self.prefect() as prefect:
            made = prefect.read_deployment_by_name(f"{deployment}/{deployment}")
            return prefect.create_flow_run_from_deployment(made.id, parameters=parameters)

    def run(self, deployment: str, **parameters: Any) -> FlowRun:
        """A run of this deployment, when it has ended."""
        return self.end_of(self.start(deployment, **parameters))

    def end_of(self, run: FlowRun) -> FlowRun:
        def ended() -> FlowRun | None:
            found = self.look(run)
            return found if found.state and found.state.is_final() else None

        return eventually(ended, 120)

    def look(self, run: FlowRun) -> FlowRun:
        with self.prefect() as prefect:
            return prefect.read_flow_run(run.id)

    def artifact(self, key: str) -> Any:
        """The newest artifact of this key: its table, text or number."""
        with self.prefect() as prefect:
            found = prefect.request("GET", "/artifacts/{key}/latest", path_params={"key": key}).json()
        return json.loads(found["data"]) if found["type"] == "table" else found["data"]

    def status(self) -> dict[str, Any]:
        """Where the leads are, as the store knows it."""
        return status_of(self.home)

    @property
    def heartbeat(self) -> int | None:
        """The process that ticks."""
        try:
            return int((self.home / ".prefect" / "pulse").read_text())
        except (FileNotFoundError, ValueError):
            return None

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)


def status_of(home: Path) -> dict[str, Any]:
    from nurture.engine import Engine
    from nurture.settings import Settings

    with Engine.open(Settings(home=home)) as engine:
        return engine.status(now=MARCH)


@contextmanager
def system(home: Path, **environment: str) -> Iterator[System]:
    """The whole system on a free port; stopped afterwards, whatever happens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (home / "up.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "flows.up", "--port", str(port), "--no-web"],
            env={**os.environ, "NURTURE_HOME": str(home), **environment},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    up = System(home, port, process)
    try:
        eventually(lambda: "Ctrl-C stops" in up.said or process.poll() is not None, 120)
        assert process.poll() is None, up.said
        yield up
    finally:
        if process.poll() is None:
            up.stop()
