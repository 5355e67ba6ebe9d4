"""Messages of which nobody can know whether they left."""

from __future__ import annotations

import pytest

from nurture.store import touches
from nurture.store.recovery import recover
from nurture.store.touches import Outbound, Settled
from tests.store.scene import LEASE, Scene, started


def recovered(scene: Scene, *, now: int = 9, wall: int = LEASE) -> int:
    with scene.store.write() as tx:
        return recover(tx, now=now, wall=wall, limit=100)


def test_a_message_whose_sender_fell_silent_is_ambiguous_since_its_intent(scene: Scene) -> None:
    key, touch = started(scene)

    assert recovered(scene, wall=LEASE - 1) == 0
    assert recovered(scene) == 1
    assert recovered(scene) == 0
    assert scene.message(key, "state", "settled_at", "epoch") == ("ambiguous", 5, touch.epoch + 1)
    assert scene.status(key[0])[2] == 9


@pytest.mark.parametrize(("policy", "sends"), [("hold", 1), ("retry_once", 2), ("retry", 4)])
def test_a_policy_may_have_it_repeated_a_bounded_number_of_times(scene: Scene, policy: str, sends: int) -> None:
    key = scene.touch(on_unknown=policy)

    for attempt in range(1, sends + 1):
        (touch,) = scene.claim_touches(now=10 * attempt, wall=attempt * LEASE)
        assert scene.start(touch, at=10 * attempt, wall=attempt * LEASE) == [""]
        assert scene.message(key, "state", "attempts", "started_at") == ("sending", attempt, 10)
        assert recovered(scene, now=10 * attempt + 5, wall=attempt * LEASE + LEASE) == (attempt == sends)

    assert scene.message(key, "state", "settled_at", "message_id") == ("ambiguous", 10, "id")
    assert scene.value("SELECT COUNT(*) FROM touch_notes WHERE what = 'resent'") == sends - 1


def doubtful(scene: Scene) -> tuple[tuple[int, str, int], Outbound]:
    """A message that may have left at 5, and is to be repeated."""
    key, _ = started(scene, on_unknown="retry")
    recovered(scene)
    (touch,) = scene.claim_touches(now=9, wall=LEASE)
    assert touch.started_at == 5
    return key, touch


def test_that_a_copy_could_not_leave_does_not_make_the_first_one_unsent(scene: Scene) -> None:
    key, touch = doubtful(scene)
    scene.start(touch, at=20)
    scene.settle(Settled(touch, "pending", 21, "451 later", due_at=30))

    assert scene.message(key, "state", "started_at") == ("pending", 5)

    (touch,) = scene.claim_touches(now=30, wall=2 * LEASE)
    scene.settle(Settled(touch, "refused", 31, "expired"))

    assert scene.message(key, "state", "settled_at", "because") == ("ambiguous", 5, "expired")


def test_a_copy_that_is_taken_makes_it_sent(scene: Scene) -> None:
    key, touch = doubtful(scene)
    scene.start(touch, at=20)

    scene.settle(Settled(touch, "sent", 21, "250 ok"))

    assert scene.message(key, "state", "settled_at") == ("sent", 21)


def test_a_lease_that_is_renewed_is_not_recovered(scene: Scene) -> None:
    key, touch = started(scene)
    stale = touch._replace(epoch=touch.epoch - 1)

    with scene.store.write() as tx:
        touches.renew(tx, [stale], worker=scene.worker, lease_until=5 * LEASE)
    assert scene.message(key, "lease_until") == (LEASE,)

    with scene.store.write() as tx:
        touches.renew(tx, [touch], worker=scene.worker, lease_until=2 * LEASE)
    assert recovered(scene, wall=LEASE) == 0
    assert recovered(scene, wall=2 * LEASE) == 1
