"""Many workers at once, workers that die while others wait for what they hold, and one that hangs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

import pytest

from nurture import Go, Node, Snapshot
from nurture.engine import Engine
from nurture.engine import engine as module
from nurture.registry import node_types
from nurture.store import enrollments
from nurture.store.database import micros
from nurture.testing import moment
from tests.engine.house import MONDAY, House, Post
from tests.engine.test_life import ASK

WORKERS = 8
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


def test_of_eight_heartbeats_at_once_one_wins_each_lead_and_each_message(
    shared_database_url: str, tmp_path: Path, post: type[Post]
) -> None:
    house = House(tmp_path, shared_database_url, batch=5)
    house.campaign(ASK)
    leads = [house.lead(f"lead{n}@example.com") for n in range(60)]
    house.enter(*leads)
    together = threading.Barrier(WORKERS)

    def beat(_: int) -> tuple[int, int]:
        with Engine.open(house.settings) as engine:
            together.wait()
            report = engine.tick(MONDAY, until=moment("20 Mar 09:00"))
            return report.steps, report.sent

    with ThreadPoolExecutor(WORKERS) as pool:
        told = list(pool.map(beat, range(WORKERS)))

    assert [house.path(lead)[-1] for lead in leads] == ["pool"] * 60
    assert len({message.message_id for message in post.sent}) == len(post.sent) == 120
    assert (sum(steps for steps, _ in told), sum(sent for _, sent in told)) == (4 * 60, 120)
    assert house.status()["conserved"]
    assert house.engine.replay().different == []
    house.engine.close()


class Hanging(Node):
    """Comes back when a test lets it."""

    asked: ClassVar[threading.Event]
    go_on: ClassVar[threading.Event]

    def decide(self, snapshot: Snapshot) -> Go:
        if not Hanging.asked.is_set():
            Hanging.asked.set()
            assert Hanging.go_on.wait(60)
        return Go("next", because="it came back")


@pytest.fixture
def hanging() -> Iterator[type[Hanging]]:
    Hanging.asked, Hanging.go_on = threading.Event(), threading.Event()
    node_types()["hanging"] = Hanging
    yield Hanging
    Hanging.go_on.set()
    del node_types()["hanging"]


def test_a_node_type_that_hangs_holds_up_its_own_campaign_and_is_not_heard_when_it_comes_back_too_late(
    shared_database_url: str, tmp_path: Path, post: type[Post], hanging: type[Hanging]
) -> None:
    house = House(tmp_path, shared_database_url, lease_seconds=1)
    house.campaign({"hangs": {"type": "hanging", "next": "end"}}, name="hangs")
    house.campaign(ASK)
    poor, fine = house.lead("poor@example.com"), house.lead("fine@example.com")
    house.enter(poor, name="hangs")
    house.enter(fine)
    with ThreadPoolExecutor(1) as pool:
        hangs = pool.submit(house.tick, MONDAY)
        assert hanging.asked.wait(60)

        with Engine.open(house.settings) as other:
            other.pause("hangs", now=MONDAY)
            other.tick(MONDAY, until=moment("20 Mar 09:00"))
            assert house.path(fine)[-1] == "pool"
            other.resume("hangs", now=moment("20 Mar 09:00"))
            other.tick(moment("20 Mar 09:00"), until=moment("20 Mar 10:00"))
            assert house.path(poor) == ["hangs: next", "completed"]
            decided = house.engine.history(poor)["enrollments"]
        hanging.go_on.set()
        hangs.result()

    assert house.engine.history(poor)["enrollments"] == decided
    assert len(post.sent) == 2
    assert house.engine.replay().different == []
    house.engine.close()
