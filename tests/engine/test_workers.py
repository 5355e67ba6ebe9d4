"""Workers that die while others wait for what they hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from nurture.engine import engine as module
from nurture.store import enrollments
from nurture.store.database import micros
from tests.engine.house import MONDAY, House

HOUR = 3_600_000_000
NOBODY = 2**22 + 7
"""A process id that the system gives to nobody."""


def test_who_waits_for_a_worker_that_has_died_since_goes_on_at_once(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path, database_url)
    house.campaign({"nap": {"type": "wait", "for": "1 day", "next": "end"}})
    lead = house.lead()
    house.enter(lead)
    looks = []

    def die_at_the_second_look(_: float) -> None:
        looks.append(1)
        assert len(looks) < 10, "it waits for the lease of a dead worker to run out"
        if len(looks) == 2:
            with house.engine.store.write() as tx:
                tx.run("UPDATE workers SET pid = ?, born = '1' WHERE id = ?", NOBODY, other)

    us = house.engine.worker
    with house.engine.store.write() as tx:
        other = tx.value(
            "INSERT INTO workers (host, pid, born, seen_at) SELECT host, pid, born, 0 FROM workers WHERE id = ?"
            " RETURNING id",
            us,
        )
        wall = module.wall()
        enrollments.claim_due(tx, "c", now=micros(MONDAY), wall=wall, worker=other, lease_until=wall + HOUR, limit=1)
    monkeypatch.setattr(module.time, "sleep", die_at_the_second_look)
    house.tick(MONDAY, until="5 Mar 09:00")

    assert len(looks) >= 2
    assert house.path(lead) == ["nap: next", "completed"]
    house.engine.close()
