"""The report as a page: for whoever sits here, in their language, and nothing in it runs."""

from __future__ import annotations

from pathlib import Path

from nurture.web.app import app
from tests.web.scene import NOW, ask, installation


def test_the_report_is_a_page_in_the_readers_language(tmp_path: Path) -> None:
    with installation(tmp_path) as engine:
        site = app(engine, lambda: NOW)

        english = ask(site, "GET", "/report/hello")
        chinese = ask(site, "GET", "/report/hello?lang=zh")
        missing = ask(site, "GET", "/report/nothing")
        outside = ask(site, "GET", "/report/hello", x_forwarded_for="203.0.113.7")

    assert "Funnel" in english.text
    assert "漏斗" in chinese.text
    assert "script-src" not in english.headers["content-security-policy"]
    assert english.headers["content-security-policy"].startswith("default-src 'none'")
    assert (missing.status_code, outside.status_code) == (404, 404)
