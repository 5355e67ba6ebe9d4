"""One running system for all tests that look only at what they made themselves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.flows.system import System, furnish, system


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with system(furnish(tmp_path_factory.mktemp("home"))) as running:
        yield running
