"""Schedules that broke an invariant once. Each stays here, so that it does not do so again."""

from __future__ import annotations

import pytest

from tests.simulation.interleavings import Search
from tests.simulation.scenes import SCENES
from tests.simulation.world import running


@pytest.mark.parametrize(
    ("name", "event", "schedule"),
    [
        pytest.param(
            "two workers deliver one message", "unsubscribe", "ate",
            id="two messages asked for within one instant stood in the order of their names",
        ),
        pytest.param(
            "two workers decide at the deadline", "reply", "aaaaea",
            id="a reply heard between look and commit did not count",
        ),
        pytest.param(
            "two workers decide the first step", "convert", "aaaaea",
            id="an exit heard between look and commit came a step late",
        ),
        pytest.param(
            "the lead is gone during delivery", "convert", "",
            id="a message that came back after the campaign had ended went out again",
        ),
    ],
)  # fmt: skip
def test_a_schedule_that_broke_once_holds(name: str, event: str, schedule: str) -> None:
    search = Search(next(scene for scene in SCENES if scene.name == name), event)
    choices = iter(schedule)
    with running(search.world):
        taken = search.run(lambda enabled: next(choices, None))
    search.close()

    assert taken == schedule
