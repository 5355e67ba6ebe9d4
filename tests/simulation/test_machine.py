"""The town in which everything goes wrong; and signals in any order."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nurture.engine import Incoming
from tests.simulation import machine
from tests.simulation.world import MONDAY, World, running

pytestmark = pytest.mark.slow

RUNS = 2_000 if os.environ.get("NURTURE_TEST_PROFILE") == "nightly" else 300


def test_whatever_goes_wrong_in_the_town_the_invariants_hold() -> None:
    machine.forget()
    machine.run(RUNS)
    machine.forget()


@pytest.fixture(scope="module")
def town() -> Any:
    """A lead whose first message was sent on Monday, and who has not answered yet."""
    world = World()
    with running(world):
        for name in ("hello", "again", "night"):
            world.content("version 1 {{ unsubscribe_url }}", name)
        world.campaign(machine._town(1))
        lead = world.lead("ada")
        world.engine().enroll("town", leads=[lead], now=world.now)
        world.engine().tick(world.now)
        world.mark()
        yield world, lead
    world.close()


def signals() -> st.SearchStrategy[list[tuple[str, int, str | None]]]:
    one = st.tuples(
        st.sampled_from(["replied", "viewed", "clicked", "accepted", "returned", "converted", "unsubscribed"]),
        st.integers(1, 6).map(lambda hours: hours * 7),
        st.sampled_from([None, "z_first", "m_second", "hand"]),
    )
    return st.lists(one, min_size=1, max_size=7)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(heard=signals(), order=st.randoms(use_true_random=False), copies=st.integers(0, 3))
def test_the_same_signals_in_any_order_and_any_number_lead_to_the_same_end(
    town: Any, heard: list[tuple[str, int, str | None]], order: Any, copies: int
) -> None:
    world, lead = town
    incoming = [
        Incoming(kind, lead, MONDAY + timedelta(hours=hours), "town" if node else None, node)
        for kind, hours, node in heard
    ]
    shuffled = incoming + incoming[:copies]
    order.shuffle(shuffled)

    def end(those: list[Incoming], *, at_once: bool) -> list[Any]:
        """Everything is heard on the same evening, and then time goes on."""
        world.rewind()
        world.pass_time(timedelta(hours=48))
        for signal in [those] if at_once else [[one] for one in those]:
            world.engine().hear(signal, now=world.now)
        world.settle(days=30)
        return list(world.store.db.execute("SELECT node, at, outcome FROM steps ORDER BY enrollment_id, seq"))

    assert end(shuffled, at_once=False) == end(incoming, at_once=True)
