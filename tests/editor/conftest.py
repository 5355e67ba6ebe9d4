"""A browser, a page that reports what it should not do, and a canvas to look at."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from nurture.engine import Engine
from nurture.settings import Settings
from nurture.web.app import app

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)
MAIL = "Subject: A paper\n\nHello. {{ postal_address }} [Unsubscribe]({{ unsubscribe_url }})\n"

Serving = Callable[..., Any]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.slow)
            reason = "needs Chromium: install the system's `chromium`"
            item.add_marker(pytest.mark.skipif(CHROMIUM is None, reason=reason))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "content/paper").mkdir(parents=True)
    (tmp_path / "content/paper/email.en.md").write_text(MAIL)
    (tmp_path / "definitions").mkdir()
    return tmp_path


@pytest.fixture
def serving() -> Serving:
    """`serving(home)` is the address at which the canvas of this folder answers; `prepare` gets its engine before."""

    @contextmanager
    def opened(home: Path, *, prepare: Any = None) -> Iterator[str]:
        settings = Settings(home=home, database_url="sqlite:///nurture.db", smtp_url="", postal_address="1 Road")
        with Engine.open(settings) as engine, socket.create_server(("127.0.0.1", 0)) as door:
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

    return opened


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for a module: while it is open, this thread has a running event loop, and other rooms start their own."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in English that reports what it should not do: errors, and breaches of its security policy."""
    context = browser.new_context(locale="en-US", viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    opened = context.new_page()
    opened.set_default_timeout(30_000)
    trouble: list[str] = []
    opened.on("pageerror", lambda error: trouble.append(str(error)))
    opened.on("console", lambda said: trouble.append(said.text) if "Content Security Policy" in said.text else None)
    opened.on("dialog", lambda dialog: (trouble.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    yield opened
    context.close()
    assert trouble == []
