"""Claim, intend, settle: a message is handed over once, or it is known that nobody can know."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import OperationalError

from nurture.engine.hearing import stop_writing_to
from nurture.identity import address_hash
from nurture.store import reports, touches, versions
from nurture.store.intents import commit_intents
from nurture.store.recovery import recover
from nurture.store.signals import Heard, hear
from nurture.store.suppressions import suppress
from nurture.store.touches import Outbound, Settled
from tests.store.scene import DAY, LEASE, Scene, intent, moved, started

# --- claims ----------------------------------------------------------------------------------------------------


def test_messages_that_are_due_are_claimed_the_longest_asked_for_first(scene: Scene) -> None:
    second, first = scene.touch(asked_at=5, due_at=1), scene.touch(asked_at=3, due_at=2)
    scene.touch(due_at=9)

    claimed = scene.claim_touches(now=5)

    assert [touch.key for touch in claimed] == [first, second]
    assert scene.claim_touches(now=5, wall=LEASE - 1) == []
    assert [touch.epoch for touch in scene.claim_touches(now=5, wall=LEASE)] == [2, 2]


def test_messages_of_a_paused_campaign_wait(scene: Scene) -> None:
    scene.touch()
    with scene.store.write() as tx:
        versions.pause(tx, "c", now=0)

    assert scene.claim_touches() == []
    with scene.store.read() as tx:
        assert touches.next_pending(tx, now=0) is None

    with scene.store.write() as tx:
        versions.unpause(tx, "c", now=0)

    assert len(scene.claim_touches()) == 1


# --- intents ---------------------------------------------------------------------------------------------------


def test_an_intent_is_written_down_with_everything_that_will_be_asked_about_it(scene: Scene) -> None:
    key = scene.touch()
    (touch,) = scene.claim_touches()

    answers = scene.start(touch, at=7, wall=3)

    assert answers == [""]
    assert scene.message(key, "state", "started_at", "address_hash", "message_id", "attempts", "lease_until") == (
        "sending", 7, f"hash of {touch.lead_id}", "id", 1, 3 + LEASE,
    )  # fmt: skip


def test_who_opted_out_since_is_not_written_to(scene: Scene) -> None:
    key = scene.touch(purpose="service")
    (touch,) = scene.claim_touches()
    with scene.store.write() as tx:
        suppress(tx, [(f"hash of {touch.lead_id}", "unsubscribed", 0, None)])

    assert scene.start(touch) == ["suppressed: unsubscribed"]
    assert scene.message(key, "state", "started_at", "attempts") == ("pending", None, 0)


def test_an_opt_out_by_one_address_counts_for_all_of_the_person_and_nothing_else_does(scene: Scene) -> None:
    scene.touch()
    (touch,) = scene.claim_touches()
    phone = f"phone of {touch.lead_id}"
    with scene.store.write() as tx:
        suppress(tx, [(phone, "bounced", 0, None), (phone, "a kind of a later day", 0, None)])
        bounced = commit_intents(tx, [intent(touch)], worker=1, lease_until=LEASE)
    scene.run("UPDATE touches SET state = 'pending', started_at = NULL")
    with scene.store.write() as tx:
        suppress(tx, [(phone, "complained", 0, None)])

    assert bounced == [""]
    assert scene.start(touch) == ["suppressed: complained"]


def test_for_an_enrollment_that_has_ended_nothing_starts(scene: Scene) -> None:
    enrollment, _, _ = scene.touch()
    (touch,) = scene.claim_touches()
    scene.run("UPDATE enrollments SET status = 'ended' WHERE id = ?", enrollment)

    assert scene.start(touch) == ["the enrollment ended"]


def test_a_campaign_that_was_paused_since_starts_nothing(scene: Scene) -> None:
    scene.touch()
    (touch,) = scene.claim_touches()
    with scene.store.write() as tx:
        versions.pause(tx, "c", now=0)

    assert scene.start(touch) == ["the campaign is paused"]


@pytest.mark.parametrize(
    ("state", "purpose", "answer"),
    [
        ("open", "marketing", "sdr works with this lead"),
        ("accepted", "marketing", "sdr works with this lead"),
        ("returned", "marketing", ""),
        ("lapsed", "marketing", ""),
        ("open", "service", ""),
    ],
)
def test_who_is_with_the_sdr_gets_no_marketing(scene: Scene, state: str, purpose: str, answer: str) -> None:
    enrollment, _, _ = scene.touch(purpose=purpose)
    (touch,) = scene.claim_touches()
    scene.run(
        'INSERT INTO handoffs (enrollment_id, node, lead_id, campaign, "to", opened_at, answer_by, state)'
        " VALUES (?, 'x', ?, 'c', 'sdr', 0, 0, ?)",
        enrollment, touch.lead_id, state,
    )  # fmt: skip

    assert scene.start(touch) == [answer]


def test_the_cap_counts_messages_of_the_same_batch_too(scene: Scene) -> None:
    enrollment = scene.enrollment(due=DAY)
    for node in ("a", "b", "c"):
        scene.touch(enrollment, node=node, purpose="service" if node == "c" else "marketing")
    claimed = scene.claim_touches()

    assert scene.start(*claimed, at=5, cap=1) == ["", "the frequency cap", ""]


@pytest.mark.parametrize(
    ("earlier", "answer"),
    [
        ({"state": "sent", "started_at": 1}, "the frequency cap"),
        ({"state": "ambiguous", "started_at": 1}, "the frequency cap"),
        ({"state": "sending", "started_at": 1, "lease_until": LEASE}, "the frequency cap"),
        ({"state": "awaiting_confirmation", "started_at": 1}, "the frequency cap"),
        ({"state": "sent", "started_at": 0}, ""),
        ({"state": "sent", "started_at": 1, "purpose": "service"}, ""),
        ({"state": "refused", "started_at": 1}, ""),
        ({"state": "cancelled"}, ""),
    ],
    ids=str,
)
def test_the_cap_counts_what_may_have_reached_the_person_within_the_period(
    scene: Scene, earlier: dict[str, object], answer: str
) -> None:
    enrollment, _, _ = scene.touch()
    (touch,) = scene.claim_touches()
    scene.touch(enrollment, node="before", **earlier)

    assert scene.start(touch, at=DAY, cap=1) == [answer]


def test_what_another_worker_has_taken_or_ended_does_not_start(scene: Scene) -> None:
    taken, cancelled, free = scene.touch(), scene.touch(), scene.touch()
    mine = {touch.key: touch for touch in scene.claim_touches()}
    scene.run("UPDATE touches SET epoch = epoch + 1 WHERE enrollment_id = ?", taken[0])
    scene.run("UPDATE touches SET state = 'cancelled' WHERE enrollment_id = ?", cancelled[0])

    answers = scene.start(mine[taken], mine[cancelled], mine[free])

    assert answers == ["another worker has it, or it was cancelled"] * 2 + [""]
    assert [scene.message(key, "state")[0] for key in (taken, cancelled, free)] == ["pending", "cancelled", "sending"]


def test_an_opt_out_and_an_intent_meet_at_the_lead_so_that_one_of_them_comes_first(postgres_scene: Scene) -> None:
    scene = postgres_scene
    scene.touch()
    (touch,) = scene.claim_touches()
    hashed = address_hash(b"secret", "email", "lead0@example.com")

    with scene.store.write() as opting_out:
        new = hear(opting_out, [Heard(touch.lead_id, "unsubscribed", 0, None, None, "1", None)], now=0)
        stop_writing_to(opting_out, b"secret", new)
        with pytest.raises(OperationalError, match="lock timeout"):
            start_at_once(scene, touch, hashed)

    with scene.store.write() as tx:
        answers = commit_intents(tx, [intent(touch, hashed=hashed)], worker=1, lease_until=LEASE)

    assert answers == ["suppressed: unsubscribed"]


def start_at_once(scene: Scene, touch: Outbound, hashed: str) -> None:
    with scene.store.write() as tx:
        tx.run("SET LOCAL lock_timeout = '50ms'")
        commit_intents(tx, [intent(touch, hashed=hashed)], worker=1, lease_until=LEASE)


# --- verdicts --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "settled_at"),
    [("sent", 9), ("refused", 9), ("awaiting_confirmation", 9), ("ambiguous", 5)],
)
def test_a_verdict_is_dated_and_wakes_its_enrollment(scene: Scene, state: str, settled_at: int) -> None:
    key, touch = started(scene)

    stood = scene.settle(Settled(touch, state, 9, "250 ok"), now=9)

    assert stood == 1
    assert scene.message(key, "state", "settled_at", "because", "lease_until", "worker_id") == (
        state, settled_at, "250 ok", 0, None,
    )  # fmt: skip
    assert scene.status(key[0])[2] == 9


def test_a_message_that_did_not_leave_goes_back_into_the_queue_and_wakes_nobody(scene: Scene) -> None:
    key, touch = started(scene)

    scene.settle(Settled(touch, "pending", 9, "451 later", due_at=20), now=9)

    assert scene.message(key, "state", "due_at", "started_at", "attempts", "settled_at") == (
        "pending",
        20,
        None,
        1,
        None,
    )
    assert scene.status(key[0])[2] == DAY
    assert scene.rows("SELECT at, what, because FROM touch_notes") == [(9, "retried", "451 later")]


@pytest.mark.parametrize(
    ("intended", "burnt", "attempts"), [(True, True, 1), (True, False, 0), (False, True, 1), (False, False, 0)]
)
def test_an_attempt_is_counted_once_and_not_when_the_fault_was_ours(
    scene: Scene, intended: bool, burnt: bool, attempts: int
) -> None:
    key = scene.touch()
    (touch,) = scene.claim_touches()
    if intended:
        scene.start(touch)

    scene.settle(Settled(touch, "pending", 9, "later", due_at=20, burnt=burnt))

    assert scene.message(key, "attempts") == (attempts,)


def test_a_verdict_of_somebody_who_was_given_up_changes_nothing(scene: Scene) -> None:
    key, touch = started(scene)
    with scene.store.write() as tx:
        recover(tx, now=9, wall=LEASE, limit=10)
    before = scene.message(key, "*")
    due = scene.status(key[0])

    stood = scene.settle(Settled(touch, "sent", 11, "250 ok"), Settled(touch, "pending", 11, "451"), now=11)

    assert stood == 0
    assert scene.message(key, "*") == before
    assert scene.status(key[0]) == due
    assert scene.rows("SELECT * FROM touch_notes") == []


def test_a_verdict_comes_once(scene: Scene) -> None:
    key, touch = started(scene)

    assert scene.settle(Settled(touch, "sent", 9, "250 ok")) == 1
    assert scene.settle(Settled(touch, "refused", 10, "550 no")) == 0
    assert scene.message(key, "state") == ("sent",)


# --- putting off, and getting stuck ----------------------------------------------------------------------------


def test_a_message_that_is_put_off_is_free_and_says_why_once_for_each_reason(scene: Scene) -> None:
    key = scene.touch()

    for now, reason in ((0, "quiet hours"), (10, "quiet hours"), (20, "the cap"), (30, "quiet hours")):
        (touch,) = scene.claim_touches(now=now)
        with scene.store.write() as tx:
            touches.postpone(tx, [(touch, "deferred", now + 10, reason, now)])

    assert scene.message(key, "state", "due_at", "because", "lease_until", "attempts") == (
        "pending", 40, "quiet hours", 0, 0,
    )  # fmt: skip
    assert scene.rows("SELECT at, what, because FROM touch_notes ORDER BY id") == [
        (0, "deferred", "quiet hours"),
        (20, "deferred", "the cap"),
        (30, "deferred", "quiet hours"),
    ]


def test_who_has_lost_its_claim_puts_nothing_off(scene: Scene) -> None:
    key = scene.touch()
    (stale,) = scene.claim_touches()
    scene.claim_touches(wall=LEASE)

    with scene.store.write() as tx:
        touches.postpone(tx, [(stale, "deferred", DAY, "too late", 0)])

    assert scene.message(key, "due_at", "because", "lease_until") == (0, None, 2 * LEASE)
    assert scene.rows("SELECT * FROM touch_notes") == []


def test_a_message_that_cannot_be_written_leaves_its_lead_stuck_until_somebody_retries(scene: Scene) -> None:
    key = scene.touch()
    (touch,) = scene.claim_touches()
    (claimed,) = scene.claim(now=DAY)

    with scene.store.write() as tx:
        touches.strand(tx, [(touch, "lead.name is not known")], now=3)

    assert scene.status(key[0]) == ("stuck", "a", None, "lead.name is not known")
    assert scene.message(key, "state", "due_at") == ("pending", 14 * DAY)
    assert scene.commit(moved(claimed)) == 0, "a tick that was looking would write 'waiting' over it"

    with scene.store.write() as tx:
        assert reports.retry(tx, None, now=7) == 1

    assert scene.status(key[0])[:3] == ("waiting", "a", 7)
    assert scene.message(key, "due_at") == (7,)


def test_a_lead_that_has_gone_on_is_not_stuck_by_a_message_of_before(scene: Scene) -> None:
    key = scene.touch(scene.enrollment(node="later"))
    (touch,) = scene.claim_touches()

    with scene.store.write() as tx:
        touches.strand(tx, [(touch, "lead.name is not known")], now=3)

    assert scene.status(key[0])[0] == "waiting"
