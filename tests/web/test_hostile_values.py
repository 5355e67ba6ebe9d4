"""Whatever is asked for by name or number, it is a value and never a part of a statement."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from nurture.engine import Engine
from nurture.store.schema import metadata
from nurture.web.app import app
from tests.web.scene import NOW, ask, installation

VALUES = [
    "'", '"', "';--", "' OR '1'='1", '" OR ""="', "1 OR 1=1", "1; DROP TABLE leads", "hello'; DELETE FROM leads; --",
    "hello' UNION SELECT key FROM leads --", "') OR ('1'='1", "%27%20OR%201=1", "hello/**/OR/**/1", "\\'; --", "1e309", "-1",
    "9" * 40, "NULL", "0x27", "ada@example.com' --", "id:1' OR '1'='1", "phone:1'", "{many}", "{skip_locked}", ":a", "?", "%s",
    "%(a)s", "$1", "\x00", "\ud7ff", "＇ OR 1=1", "pg_sleep(5)", "hello\n; VACUUM", "ASC; DROP TABLE leads", "../x",
]  # fmt: skip
PATHS = [
    "/api/campaigns/{}", "/api/campaigns/{}/status", "/api/campaigns/{}/nodes/pause/leads", "/api/campaigns/{}/rates",
    "/api/campaigns/{}/versions", "/api/campaigns/{}/difference", "/api/campaigns/hello/nodes/{}/leads", "/report/{}",
    "/api/campaigns/hello/nodes/pause/leads?after={}", "/api/campaigns/hello/nodes/pause/leads?sort={}&order={}&filter={}",
    "/api/campaigns/hello/difference?before={}", "/api/campaigns/hello/difference?after={}", "/api/history?lead={}",
    "/api/desk?to={}", "/api/desk?team={}", "/api/desk?who={}", "/api/preview?content={}&channel=email",
    "/api/preview?content=paper&channel={}", "/api/preview?content=paper&channel=email&language={}&lead={}",
]  # fmt: skip


def rows(engine: Engine) -> dict[str, list[Any]]:
    with engine.store.read() as tx:
        return {name: sorted(map(repr, tx.rows(f"SELECT * FROM {name}"))) for name in metadata.tables}


@pytest.mark.parametrize("path", PATHS)
def test_a_value_that_looks_like_a_statement_is_a_value(tmp_path: Path, path: str) -> None:
    with installation(tmp_path) as engine:
        site, before = app(engine, lambda: NOW), rows(engine)

        answers = [ask(site, "GET", path.replace("{}", quote(value, safe=""))) for value in VALUES]

        assert [
            (value, answer.status_code)
            for value, answer in zip(VALUES, answers, strict=True)
            if answer.status_code >= 500
        ] == []
        assert [value for value, answer in zip(VALUES, answers, strict=True) if "bob@example.com" in answer.text
                and "nodes/pause" not in path] == []  # fmt: skip
        assert rows(engine) == before


def test_a_node_that_is_a_statement_has_nobody_at_it(tmp_path: Path) -> None:
    with installation(tmp_path) as engine:
        site = app(engine, lambda: NOW)
        told = ask(site, "GET", f"/api/campaigns/hello/nodes/{quote(chr(39) + ' OR 1=1 --', safe='')}/leads")

        assert "ada@example.com" not in told.text
        assert "ada@example.com" in ask(site, "GET", "/api/campaigns/hello/nodes/pause/leads").text
