"""Where Prefect answers: what the environment says, else what the `nurture up` of this folder has written down."""

from __future__ import annotations

import os
from pathlib import Path

from flows.pulse import prefect_home

__all__ = ["address", "forget", "write_down"]


def address(home: Path) -> str | None:
    """The URL of the API; None where nobody has said one."""
    if said := os.environ.get("PREFECT_API_URL"):
        return said
    try:
        return _file(home).read_text().strip() or None
    except OSError:
        return None


def write_down(home: Path, url: str) -> None:
    _file(home).write_text(url)


def forget(home: Path) -> None:
    _file(home).unlink(missing_ok=True)


def _file(home: Path) -> Path:
    return prefect_home(home) / "address"
