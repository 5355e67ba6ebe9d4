"""One door for what happens on the leads' side: each thing once, and whoever may wait for it is woken."""

from __future__ import annotations

from nurture.store.signals import Heard, hear
from nurture.store.suppressions import suppress, suppressed
from tests.store.scene import DAY, Scene


def said(lead: int, id: str, kind: str = "replied", at: int = 1) -> Heard:
    return Heard(lead, kind, at, None, None, id, None)


def heard(scene: Scene, *signals: Heard, now: int = 5) -> list[str]:
    """The ids that were new."""
    with scene.store.write() as tx:
        return [signal.id for signal in hear(tx, signals, now=now)]


def test_the_same_id_counts_once_within_a_call_and_after_it(scene: Scene) -> None:
    lead = scene.lead()

    first = heard(scene, said(lead, "1"), said(lead, "2"), said(lead, "1", "clicked"))
    second = heard(scene, said(lead, "2"), said(lead, "3"))

    assert (first, second) == (["1", "2"], ["3"])
    assert scene.rows("SELECT external_id, kind, at, heard_at FROM signals ORDER BY external_id") == [
        ("1", "replied", 1, 5),
        ("2", "replied", 1, 5),
        ("3", "replied", 1, 5),
    ]


def test_a_signal_wakes_every_enrollment_of_its_lead_and_no_other(scene: Scene) -> None:
    ada, bob = scene.lead("ada"), scene.lead("bob")
    ours = [scene.enrollment(ada, campaign=name, due=DAY) for name in ("c", "another")]
    other = scene.enrollment(bob, due=DAY)

    heard(scene, said(ada, "1"))

    assert [scene.status(each)[2] for each in (*ours, other)] == [5, 5, DAY]


def test_what_was_heard_before_wakes_nobody(scene: Scene) -> None:
    lead = scene.lead()
    enrollment = scene.enrollment(lead, due=DAY)
    heard(scene, said(lead, "1"))
    scene.run("UPDATE enrollments SET due_at = ?", DAY)

    heard(scene, said(lead, "1"), now=6)

    assert scene.status(enrollment)[2] == DAY


def test_what_was_held_while_sales_had_the_lead_may_go_out_when_it_is_returned(scene: Scene) -> None:
    key = scene.touch(due_at=DAY)
    lead = scene.message(key, "lead_id")[0]

    heard(scene, said(lead, "1", "accepted"))
    assert scene.message(key, "due_at") == (DAY,)

    heard(scene, said(lead, "2", "returned"))
    assert scene.message(key, "due_at") == (5,)


def test_an_address_is_suppressed_once_for_each_kind_and_the_first_time_stands(scene: Scene) -> None:
    with scene.store.write() as tx:
        suppress(tx, [("h", "unsubscribed", 3, "first"), ("h", "complained", 4, None)])
        suppress(tx, [("h", "unsubscribed", 9, "second")])
        barred = suppressed(tx, ["h", "nobody"])

    assert list(barred) == ["h"]
    assert scene.rows("SELECT kind, at, reason FROM suppressions ORDER BY at") == [
        ("unsubscribed", 3, "first"),
        ("complained", 4, None),
    ]
