"""Was it a person? Asked of what scanners and people were seen to do."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from nurture.evidence import Judgement, judge
from tests.evidence.patterns import BEHIND_A_GATEWAY, PEOPLE, SCANNERS, Seen, hit

RESPONSES = ("viewed", "clicked")


def judged(pattern: Sequence[Seen]) -> list[tuple[Seen, Judgement]]:
    hits = [hit(seen) for seen in pattern]
    return [
        (seen, judge(one, hits, after_sending=one.at))
        for seen, one in zip(pattern, hits, strict=True)
        if seen.kind in RESPONSES
    ]


@pytest.mark.parametrize("pattern", SCANNERS.values(), ids=SCANNERS.keys())
def test_a_scanner_is_no_person(pattern: list[Seen]) -> None:
    found = judged(pattern)

    assert {judgement.confidence for _, judgement in found} <= {"machine", "unknown"}
    assert all(judgement.because for _, judgement in found)


@pytest.mark.parametrize("pattern", PEOPLE.values(), ids=PEOPLE.keys())
def test_a_person_is_a_person(pattern: list[Seen]) -> None:
    assert {judgement.confidence for _, judgement in judged(pattern)} == {"human"}


def test_a_person_behind_a_corporate_gateway_still_counts() -> None:
    found = [(seen.after, judgement.confidence) for seen, judgement in judged(BEHIND_A_GATEWAY)]

    assert found[-2:] == [(5_400, "human"), (5_460, "human")]
    assert {confidence for after, confidence in found if after < 60} == {"machine"}


def test_a_picture_that_was_loaded_is_weak_evidence_and_says_so() -> None:
    [(_, judgement), _] = judged(PEOPLE["looks and clicks"])

    assert judgement == Judgement("human", "weak: a picture was loaded")


def test_two_links_at_once_are_in_doubt_and_right_after_the_hand_over_a_machine() -> None:
    later = [Seen(5_000, "clicked", "paper"), Seen(5_004, "clicked", "course")]

    assert {judgement for _, judgement in judged(later)} == {Judgement("unknown", "2 links within 10 seconds")}
    assert {judgement.confidence for _, judgement in judged(SCANNERS["two links right after the mail left"])} == {
        "machine"
    }


def test_the_same_link_again_and_again_is_somebody_who_is_impatient() -> None:
    pattern = [Seen(500 + n, "clicked", "paper") for n in range(5)]

    assert {judgement.confidence for _, judgement in judged(pattern)} == {"human"}


@pytest.mark.parametrize("seed", range(20))
def test_the_order_in_which_requests_are_heard_makes_no_difference(seed: int) -> None:
    everybody = [seen for pattern in (*SCANNERS.values(), *PEOPLE.values()) for seen in pattern]
    hits = [hit(seen) for seen in everybody]
    shuffled = random.Random(seed).sample(hits, len(hits))

    assert [judge(one, hits) for one in hits] == [judge(one, shuffled) for one in hits]


def test_an_agent_of_any_length_takes_no_time() -> None:
    evil = [Seen(500, "clicked", "paper", "x", agent) for agent in ("a" * 100_000, "bot " * 30_000, "(a+)+" * 20_000)]

    assert len(judged(evil)) == 3
