"""How fast, and when to rest: by the clock alone."""

from __future__ import annotations

from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.pacing import GOOD_FOR, MINUTE, PROBE, SECOND, Pace, Rate

START = 1_800_000_000 * SECOND


def most_in_a_minute(starts: list[int], window: int = MINUTE) -> int:
    """The most that any window holds, wherever one lets it begin."""
    starts = sorted(starts)
    return max((bisect_left(starts, first + window) - n for n, first in enumerate(starts)), default=0)


@given(
    st.integers(1, 700),
    st.lists(st.tuples(st.integers(0, 30 * SECOND), st.integers(0, 80), st.integers(0, GOOD_FOR)), max_size=40),
)
def test_whoever_asks_when_and_begins_as_late_as_he_may_no_minute_holds_more_than_the_cap(
    cap: int, asked: list[tuple[int, int, int]]
) -> None:
    rate, pace, now, starts = Rate(cap), Pace(), START, []
    for later, wanted, late in asked:
        now += later
        given = pace.ready(rate, now, wanted)
        for _ in range(given):
            pace.take(rate, now)
            starts.append(now + late)

    assert most_in_a_minute(starts) <= cap


@pytest.mark.parametrize("cap", [1, 2, 10, 60, 600, 6000])
def test_in_the_long_run_most_of_the_cap_is_used(cap: int) -> None:
    rate, pace, now, sent = Rate(cap), Pace(), START, 0
    while now < START + 60 * MINUTE:
        taken = pace.ready(rate, now, 10_000)
        for _ in range(taken):
            pace.take(rate, now)
        sent += taken
        pace.close_when_spent(rate, now)
        now = max(pace.open_at, now + 1)

    assert sent >= 60 * cap * 0.8


def test_a_queue_keeps_its_order_and_who_comes_later_stands_behind() -> None:
    pace, rate = Pace(), Rate(6)
    turns = [pace.turn(rate, START + n, START) for n in range(5)]
    newcomer = pace.turn(rate, START + 99, turns[1])
    called = pace.turn(rate, START + 1, turns[1])

    assert turns[0] == 0
    assert turns[1:] == sorted(turns[1:])
    assert newcomer > turns[-1]
    assert called == 0


def test_one_fault_of_ours_is_enough_and_three_of_theirs() -> None:
    at_once, patient = Pace(), Pace()

    assert at_once.fault("535", START, at_once=True)
    assert [patient.fault("timeout", START, at_once=False) for _ in range(3)] == [False, False, True]


def test_something_taken_in_between_makes_faults_accidents() -> None:
    pace = Pace()
    for _ in range(10):
        pace.fault("refused", START, at_once=False)
        pace.fault("refused", START, at_once=False)
        pace.heal()

    assert pace.rests == 0


def test_when_the_rest_is_over_one_tries_and_its_verdict_speaks_for_all() -> None:
    pace = Pace()
    pace.fault("535", START, at_once=True)
    over = pace.open_at

    assert pace.ready(None, over - 1, 500) == 0
    assert pace.ready(None, over, 500) == 1
    pace.take(None, over)
    assert pace.ready(None, over, 500) == 0
    assert not pace.fault("535 again", over, at_once=True)
    assert pace.open_at - over > over - START, "the second rest is longer"
    again = pace.open_at
    pace.take(None, again)
    assert pace.heal()
    assert pace.ready(None, again, 500) == 500


def test_one_who_tries_and_dies_leaves_it_to_the_next_after_a_minute() -> None:
    pace = Pace()
    pace.fault("535", START, at_once=True)
    over = pace.open_at
    pace.take(None, over)

    assert pace.ready(None, over + PROBE - 1, 500) == 0
    assert pace.ready(None, over + PROBE, 500) == 1


def test_what_had_begun_before_the_rest_neither_ends_nor_lengthens_it() -> None:
    pace = Pace()
    pace.fault("535", START, at_once=True)
    over = pace.open_at
    for _ in range(8):
        pace.fault("535", START + 1, at_once=True)
    pace.heal()

    assert (pace.open_at, pace.rests) == (over, 1)


def test_rests_grow_to_half_an_hour_and_no_further() -> None:
    pace, now, lengths = Pace(), START, []
    for _ in range(12):
        pace.fault("nobody answers", now, at_once=True, key="email/")
        lengths.append(pace.open_at - now)
        now = pace.open_at
        pace.take(None, now)

    assert 5 * MINUTE <= lengths[0] <= 6.25 * MINUTE
    assert max(lengths) <= 37.5 * MINUTE


@pytest.mark.parametrize(
    "text", ["", "600", "0 per minute", "-1 per minute", "600 per hour", "many per minute", "６ per minute"]
)
def test_what_is_no_rate_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ValueError, match="a rate cap is like '600 per minute' or 'none'"):
        Rate.parse(text)


def test_a_rate_is_a_number_per_minute_or_none() -> None:
    assert Rate.parse("600 per minute") == Rate(600)
    assert Rate.parse("none") is None
