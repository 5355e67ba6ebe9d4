"""A store for each test, and a way to import a few lines into it."""

from __future__ import annotations

import pytest

from nurture.store import Store
from tests.leads.taking import NOW, into


@pytest.fixture
def store(database_url):
    with Store(database_url) as store:
        store.migrate()
        yield store


@pytest.fixture
def take(store, tmp_path):
    """Import these lines and answer with the counts."""

    def run(header, *lines, name="leads.csv", now=NOW, **options):
        path = tmp_path / name
        path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
        return into(store, path, now=now, **options)

    return run
