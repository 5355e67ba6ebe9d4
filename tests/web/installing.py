"""An installation in a folder of the test's own, whose leads may be written to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from nurture.engine import Engine
from nurture.settings import Settings


@contextmanager
def installed(home: Path, files: Mapping[str, str], *, now: datetime, **settings: Any) -> Iterator[Engine]:
    """With these files below it; those of `leads.csv` are inside the campaign `hello`, and what was due has been done."""
    for name, text in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text, encoding="utf-8")
    chosen = {
        "home": home,
        "public_url": "https://mail.example.com",
        "postal_address": "1 Example Road",
        "database_url": "sqlite:///nurture.db",
        "smtp_url": "",
        **settings,
    }
    with Engine.open(Settings(**chosen)) as engine:
        brought = engine.import_leads(home / "leads.csv", now=now).new
        with engine.store.write() as tx:
            tx.run("UPDATE leads SET basis = 'fair'")
        assert engine.enroll("hello", now=now).enrolled == brought
        assert engine.tick(now, until=now).sent == brought
        yield engine
