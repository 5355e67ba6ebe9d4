"""A browser, a page that reports what it should not do, and a canvas to look at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.editor.serving import CHROMIUM, NOW, Serving, served

__all__ = ["MAIL", "NOW", "Serving"]

MAIL = "Subject: A paper\n\nHello. {{ postal_address }} [Unsubscribe]({{ unsubscribe_url }})\n"


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
    return served


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
