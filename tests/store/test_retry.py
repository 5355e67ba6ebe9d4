"""Stuck leads, again: all of them, or those with one cause."""

from __future__ import annotations

import pytest

from nurture.store import reports
from tests.store.scene import DAY, Scene

CAUSES = [
    "node 'a' raised ValueError: 50% of_them",
    "node 'a' raised ValueError: 50 of them",
    "node 'b' raised ValueError: 500_of_them",
    "this version cannot run here: \\ there is no node type 'x'",
]


@pytest.fixture
def stuck(scene: Scene) -> list[int]:
    found = [scene.enrollment() for _ in CAUSES]
    for enrollment, cause in zip(found, CAUSES, strict=True):
        scene.run("UPDATE enrollments SET status = 'stuck', reason = ?, due_at = NULL WHERE id = ?", cause, enrollment)
    return found


@pytest.mark.parametrize(
    ("cause", "retried"),
    [
        (None, [0, 1, 2, 3]),
        ("", [0, 1, 2, 3]),
        ("50%", [0]),
        ("%", [0]),
        ("_of_", [2]),
        ("of_them", [0, 2]),
        ("\\", [3]),
        ("'a'", [0, 1]),
        ("VALUEERROR", []),
        ("no such cause", []),
    ],
)
def test_a_cause_is_taken_letter_by_letter(
    scene: Scene, stuck: list[int], cause: str | None, retried: list[int]
) -> None:
    with scene.store.write() as tx:
        number = reports.retry(tx, cause, now=7)

    waiting = [n for n, enrollment in enumerate(stuck) if scene.status(enrollment)[0] == "waiting"]
    assert (number, waiting) == (len(retried), retried)
    for n in waiting:
        assert scene.status(stuck[n]) == ("waiting", "a", 7, None)


def test_the_messages_of_those_who_are_not_stuck_keep_their_time(scene: Scene, stuck: list[int]) -> None:
    theirs, others = scene.touch(stuck[0], due_at=DAY), scene.touch(due_at=DAY)

    with scene.store.write() as tx:
        reports.retry(tx, "50%", now=7)

    assert (scene.message(theirs, "due_at"), scene.message(others, "due_at")) == ((7,), (DAY,))


def test_the_stuck_are_counted_by_cause(scene: Scene, stuck: list[int]) -> None:
    scene.run("UPDATE enrollments SET reason = ? WHERE id = ?", CAUSES[0], stuck[1])

    with scene.store.read() as tx:
        found = reports.stuck_by_cause(tx)
        some = reports.stuck_by_cause(tx, CAUSES[0])
        who = reports.stuck_leads(tx, "c", "a", CAUSES[0], limit=1)

    assert tuple(found[0]) == ("c", "a", CAUSES[0], 2, 0, 0)
    assert (len(found), some) == (3, found[:1])
    assert who == ["lead0@example.com"]
