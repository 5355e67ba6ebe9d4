"""The canvas' server over the installation of `tests/web/scene.py`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from nurture.engine import Engine
from nurture.web.app import app
from nurture.web.guard import Guard
from tests.web.scene import NOW, installation


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with installation(tmp_path) as opened:
        yield opened


@pytest.fixture
def site(engine: Engine) -> Guard:
    return app(engine, lambda: NOW + timedelta(minutes=1))
