"""The canvas of a folder, for as long as somebody looks at it."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn

from nurture.engine import Engine
from nurture.settings import Settings
from nurture.web.app import app

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)

Serving = Callable[..., Any]


def settings(home: Path) -> Settings:
    return Settings(home=home, database_url="sqlite:///nurture.db", smtp_url="", postal_address="1 Road")


@contextmanager
def served(home: Path, *, prepare: Any = None) -> Iterator[str]:
    """The address at which the canvas of this folder answers; `prepare` gets its engine before."""
    with Engine.open(settings(home)) as engine, socket.create_server(("127.0.0.1", 0)) as door:
        if prepare:
            prepare(engine)
        server = uvicorn.Server(
            uvicorn.Config(app(engine, lambda: NOW), log_level="error", timeout_graceful_shutdown=1)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{door.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
