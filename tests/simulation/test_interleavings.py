"""Two workers over one lead, in every order: the short form. The long one is `python -m tests.simulation`."""

from __future__ import annotations

import pytest

from tests.simulation.interleavings import Few, Full, Search, first_broken
from tests.simulation.scenes import SCENES, Scene
from tests.simulation.world import running

pytestmark = pytest.mark.slow


def explored(scene: Scene, search: Few | Full, events: tuple[str, ...]) -> tuple[int, str]:
    """(schedules, what broke first) over these events."""
    schedules, broken = 0, ""
    for event in events:
        one = Search(scene, event)
        with running(one.world):
            found = one.explore(search)
        one.close()
        schedules += found.schedules
        broken = broken or first_broken(found)
    return schedules, broken


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_whatever_takes_place_once_in_between_nothing_is_lost_or_sent_twice(scene: Scene) -> None:
    schedules, broken = explored(scene, Few(1), scene.events)

    assert broken == ""
    assert schedules >= 4 * len(scene.events)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_in_whatever_order_two_workers_begin_nothing_is_lost_or_sent_twice(scene: Scene) -> None:
    _, broken = explored(scene, Full(4), scene.events[:2])

    assert broken == ""


def test_parts_of_a_search_add_up_to_the_whole() -> None:
    def count(part: tuple[int, int]) -> int:
        one = Search(SCENES[0], "reply")
        with running(one.world):
            found = one.explore(Full(5), part=part)
        one.close()
        return found.schedules

    assert sum(count((n, 3)) for n in (1, 2, 3)) == count((1, 1))
