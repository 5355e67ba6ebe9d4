"""Claim what is due, commit what was decided: one winner, and no wake is lost."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from sqlalchemy.exc import IntegrityError

from nurture.store import Store, waking, workers
from nurture.store import enrollments as stored
from nurture.store.signals import Heard, hear
from nurture.store.workers import process_birth
from tests.store.scene import DAY, LEASE, Scene, counted, moved, step

linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody tells when a process was born")


# --- claims ----------------------------------------------------------------------------------------------------


def test_who_is_due_is_claimed_the_longest_due_first(scene: Scene) -> None:
    late, later, not_yet = scene.enrollment(due=20), scene.enrollment(due=10), scene.enrollment(due=30)

    first = scene.claim(now=20, limit=1)
    second = scene.claim(now=20)

    assert [claimed.id for claimed in first] == [later]
    assert [claimed.id for claimed in second] == [late]
    assert scene.claim(now=29) == []
    assert [claimed.id for claimed in scene.claim(now=30)] == [not_yet]


def test_what_is_claimed_is_nobody_elses_until_the_lease_runs_out(scene: Scene) -> None:
    enrollment = scene.enrollment()

    (first,) = scene.claim(wall=0)
    meanwhile = scene.claim(wall=LEASE - 1)
    (second,) = scene.claim(wall=LEASE)

    assert (first.id, meanwhile, second.id) == (enrollment, [], enrollment)
    assert second.epoch == first.epoch + 1


def test_nobody_else_and_nothing_that_waits_for_nothing_is_claimed(scene: Scene) -> None:
    scene.enrollment(campaign="another")
    for status in ("stuck", "ended"):
        scene.run("UPDATE enrollments SET status = ? WHERE id = ?", status, scene.enrollment())

    assert scene.claim(now=DAY) == []


def test_two_workers_at_once_share_what_is_due(postgres_scene: Scene) -> None:
    mine, theirs = postgres_scene.enrollment(), postgres_scene.enrollment()
    store = postgres_scene.store

    with store.write() as one, store.write() as other:
        first = stored.claim_due(one, "c", now=0, wall=0, worker=1, lease_until=LEASE, limit=1)
        second = stored.claim_due(other, "c", now=0, wall=0, worker=2, lease_until=LEASE, limit=5)

    assert ([c.id for c in first], [c.id for c in second]) == ([mine], [theirs])


def test_a_lead_is_in_a_campaign_once_at_a_time(scene: Scene) -> None:
    lead = scene.lead()
    scene.enrollment(lead)

    with pytest.raises(IntegrityError):
        scene.run(
            "INSERT INTO enrollments (key, campaign, lead_id, entry, version_id, enrolled_at, node, entered_at, status)"
            " VALUES ('again', 'c', ?, 2, ?, 0, 'a', 0, 'waiting')",
            lead,
            scene.version.id,
        )


# --- commits ---------------------------------------------------------------------------------------------------


def test_a_look_moves_its_enrollment_and_the_journal_in_one(scene: Scene) -> None:
    enrollment = scene.enrollment()
    (claimed,) = scene.claim()

    written = scene.commit(moved(claimed, node="c", due_at=7, steps=[step("a", at=3), step("b", "yes", at=5)]), now=9)

    assert written == 1
    assert scene.status(enrollment) == ("waiting", "c", 7, None)
    assert scene.rows("SELECT seq, node, at, decided_at, outcome FROM steps ORDER BY seq") == [
        (1, "a", 3, 9, "next"),
        (2, "b", 5, 9, "yes"),
    ]
    assert scene.row("SELECT steps, lease_until, worker_id FROM enrollments") == (2, 0, None)


def test_the_numbers_of_steps_go_on_where_they_were(scene: Scene) -> None:
    scene.enrollment()
    for node in ("a", "b"):
        (claimed,) = scene.claim(now=DAY)
        scene.commit(moved(claimed, steps=[step(node)]))

    assert scene.rows("SELECT seq, node FROM steps ORDER BY seq") == [(1, "a"), (2, "b")]


def test_of_a_batch_only_those_that_nobody_has_taken_since_are_written(scene: Scene) -> None:
    lost, kept = scene.enrollment(), scene.enrollment()
    mine = {claimed.id: claimed for claimed in scene.claim(wall=0)}
    (theirs,) = scene.claim(wall=LEASE, limit=1)
    assert theirs.id == lost

    looks = [
        moved(claimed, node="b", steps=[step("a")], tags=[("seen", True, 0)], points=5, touches=[message()])
        for claimed in mine.values()
    ]
    written = scene.commit(*looks)

    assert written == 1
    assert (scene.status(lost)[1], scene.status(kept)[1]) == ("a", "b")
    for table in ("steps", "tags", "touches"):
        with scene.store.read() as tx:
            assert counted(tx, table) == 1
    assert scene.value("SELECT SUM(score) FROM leads") == 5

    assert scene.commit(moved(theirs, node="c")) == 1
    assert scene.status(lost)[1] == "c"


def message() -> tuple[object, ...]:
    return "a", 0, "email", "hello", "marketing", "hold", 0, 14 * DAY


def test_a_look_that_did_not_know_all_is_not_written_and_looked_again(scene: Scene) -> None:
    enrollment = scene.enrollment()
    (claimed,) = scene.claim(now=5)
    with scene.store.write() as tx:
        waking.wake(tx, [enrollment], now=6)

    assert scene.commit(moved(claimed, node="b", due_at=DAY, steps=[step("a")]), now=7) == 0
    assert scene.status(enrollment)[1] == "a"
    (again,) = scene.claim(now=7)

    assert scene.commit(moved(again, due_at=DAY), now=8) == 1
    assert scene.status(enrollment)[2] == DAY


def test_a_signal_that_is_heard_while_somebody_looks_is_not_lost(scene: Scene) -> None:
    scene.enrollment()
    (claimed,) = scene.claim(now=5)
    with scene.store.write() as tx:
        hear(tx, [Heard(claimed.lead_id, "replied", 5, None, None, "id", None)], now=6)

    assert scene.commit(moved(claimed, due_at=DAY), now=7) == 0
    assert [again.heard for again in scene.claim(now=7)] == [claimed.heard + 1]


def test_a_wake_makes_nobody_later_and_wakes_nobody_who_does_not_wait(scene: Scene) -> None:
    early, late, ended = scene.enrollment(due=3), scene.enrollment(due=DAY), scene.enrollment()
    scene.run("UPDATE enrollments SET status = 'ended', due_at = NULL WHERE id = ?", ended)

    with scene.store.write() as tx:
        waking.wake(tx, [early, late, ended], now=7)

    assert [scene.status(each)[2] for each in (early, late, ended)] == [3, 7, None]


def test_who_ends_has_what_was_not_sent_yet_cancelled(scene: Scene) -> None:
    enrollment = scene.enrollment()
    waiting, leaving = scene.touch(enrollment), scene.touch(enrollment, node="b", state="sending", started_at=1)
    doubtful = scene.touch(enrollment, node="c", started_at=2)
    (claimed,) = scene.claim()

    scene.commit(moved(claimed, status="ended", reason="exit:unsubscribed", due_at=None), now=9)

    assert scene.message(waiting, "state", "settled_at", "because") == ("cancelled", 9, "the enrollment ended")
    assert scene.message(leaving, "state") == ("sending",)
    assert scene.message(doubtful, "state", "settled_at") == ("ambiguous", 2)
    assert scene.row("SELECT status, reason, ended_at, due_at FROM enrollments") == (
        "ended", "exit:unsubscribed", 9, None,
    )  # fmt: skip


def test_a_hand_off_that_nobody_has_answered_lapses_when_its_lead_goes_on(scene: Scene) -> None:
    scene.enrollment()
    (claimed,) = scene.claim()
    scene.commit(moved(claimed, due_at=5, hand_offs=[("a", "sdr", "north", 0, 5)]))
    (claimed,) = scene.claim(now=5)
    scene.commit(
        moved(claimed, node="b", steps=[step("a", "unanswered")], hand_offs=[("b", "sales", None, 5, 9)]), now=5
    )

    assert scene.rows("SELECT node, state, answered_at FROM handoffs ORDER BY node") == [
        ("a", "lapsed", 5),
        ("b", "open", None),
    ]


def test_an_answer_by_sdr_closes_the_hand_off_it_names_or_all_of_the_leads(scene: Scene) -> None:
    lead = scene.lead()
    scene.enrollment(lead)
    (claimed,) = scene.claim()
    scene.commit(moved(claimed, due_at=DAY, hand_offs=[("a", "sdr", None, 0, 5), ("b", "sales", None, 0, 5)]))

    def states() -> list[tuple[object, ...]]:
        return scene.rows("SELECT node, state, reason FROM handoffs ORDER BY node")

    def answer(kind: str, id: str, node: str | None = None) -> None:
        with scene.store.write() as tx:
            hear(tx, [Heard(lead, kind, 1, "c" if node else None, node, id, "why")], now=1)

    answer("accepted", "1", "b")
    assert states() == [("a", "open", None), ("b", "accepted", "why")]
    answer("returned", "2")
    assert states() == [("a", "returned", "why"), ("b", "returned", "why")]
    answer("accepted", "3")
    assert states() == [("a", "returned", "why"), ("b", "returned", "why")]


# --- the dead --------------------------------------------------------------------------------------------------


def enlisted(store: Store, pid: int, born: str, host: str | None = None) -> int:
    """A worker that this test is not."""
    with store.write() as tx:
        host = host or tx.value("SELECT host FROM workers ORDER BY id LIMIT 1")
        return int(
            tx.value("INSERT INTO workers (host, pid, born, seen_at) VALUES (?, ?, ?, 0) RETURNING id", host, pid, born)
        )


def test_what_a_dead_process_held_is_free_at_once(scene: Scene) -> None:
    dead = enlisted(scene.store, 2**22 + 7, "12345")
    enrollment = scene.enrollment()
    waiting, leaving = scene.touch(), scene.touch()
    scene.claim(worker=dead)
    scene.run("UPDATE touches SET worker_id = ?, lease_until = ?", dead, LEASE)
    scene.run("UPDATE touches SET state = 'sending', started_at = 0 WHERE enrollment_id = ?", leaving[0])

    with scene.store.write() as tx:
        freed = workers.drop_leases_of_the_dead(tx)

    assert freed == 1
    assert [claimed.id for claimed in scene.claim(wall=1)] == [enrollment]
    assert scene.message(waiting, "state", "lease_until") == ("pending", 0)
    assert scene.message(leaving, "state", "lease_until") == ("sending", 0)
    assert scene.value("SELECT COUNT(*) FROM workers WHERE id = ?", dead) == 0


def test_what_a_dead_process_takes_with_its_last_commit_is_free_at_the_next_look(postgres_scene: Scene) -> None:
    scene = postgres_scene
    dead = enlisted(scene.store, 2**22 + 7, "12345")
    scene.enrollment()

    with scene.store.write() as last:
        claimed = stored.claim_due(last, "c", now=0, wall=0, worker=dead, lease_until=LEASE, limit=1)
        with scene.store.write() as tx:
            assert workers.drop_leases_of_the_dead(tx) == 0
    with scene.store.write() as tx:
        assert workers.drop_leases_of_the_dead(tx) == 1

    assert len(claimed) == 1
    assert len(scene.claim(wall=1)) == 1


@linux
def test_a_process_that_has_the_number_of_a_dead_one_is_another_one(scene: Scene) -> None:
    us, born = scene.row("SELECT pid, born FROM workers")
    enlisted(scene.store, us, "1" + born)

    with scene.store.write() as tx:
        assert workers.drop_leases_of_the_dead(tx) == 1
        assert tx.rows("SELECT id FROM workers") == [(scene.worker,)]


def test_nobody_is_declared_dead_who_is_alive_or_elsewhere(scene: Scene) -> None:
    enlisted(scene.store, 2**22 + 7, "12345", host="another machine")
    enlisted(scene.store, 1, "")  # its birth could not be told when it enlisted

    with scene.store.write() as tx:
        assert workers.drop_leases_of_the_dead(tx) == 0


@linux
def test_a_child_that_was_killed_and_not_yet_buried_is_dead(scene: Scene) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    born = process_birth(child.pid)
    enlisted(scene.store, child.pid, born or "")
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    with scene.store.write() as tx:
        freed = workers.drop_leases_of_the_dead(tx)
    child.communicate()

    assert freed == 1


def test_who_leaves_frees_what_it_held(scene: Scene) -> None:
    scene.enrollment()
    scene.claim()

    with scene.store.write() as tx:
        workers.leave(tx, scene.worker)

    assert len(scene.claim(wall=1)) == 1
