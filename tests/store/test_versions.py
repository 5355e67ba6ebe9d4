"""Versions never change, and new enrollments get the one that was published last."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

from nurture.store import Store, versions
from nurture.store.versions import Version
from tests.store.scene import Scene


def publish(scene: Scene, hash: str, campaign: str = "new", **contents: str) -> tuple[Version, bool]:
    with scene.store.write() as tx:
        return versions.publish(tx, campaign, hash, f"text of {hash}", contents, now=0)


def test_the_same_bytes_are_no_new_version(scene: Scene) -> None:
    first, new = publish(scene, "h1")
    again, newer = publish(scene, "h1")

    assert (first, new, newer) == (again, True, False)


def test_versions_of_a_campaign_are_counted_and_the_last_published_is_current(scene: Scene) -> None:
    numbers = [publish(scene, hash)[0].version for hash in ("h1", "h2", "h1")]

    with scene.store.read() as tx:
        current = versions.current(tx, "new")

    assert numbers == [1, 2, 1]
    assert current is not None
    assert current.hash == "h1"


def test_two_campaigns_may_have_the_same_bytes(scene: Scene) -> None:
    one, other = publish(scene, "h", "one")[0], publish(scene, "h", "other")[0]

    assert (one.version, other.version) == (1, 1)
    assert one.id != other.id


def test_contents_come_back_as_they_were(scene: Scene) -> None:
    files = {"b/email.zh.md": "主题：你好\n100% '引号' ?", "a/sms.en.txt": ""}

    version, _ = publish(scene, "h", **files)

    with scene.store.read() as tx:
        assert versions.version_by_id(tx, version.id).files == files


def test_a_version_that_somebody_runs_on_cannot_be_taken_away(postgres_scene: Scene) -> None:
    postgres_scene.enrollment()

    with pytest.raises(IntegrityError):
        postgres_scene.run("DELETE FROM versions WHERE id = ?", postgres_scene.version.id)


def publish_at_once(store: Store) -> None:
    with store.write() as tx:
        tx.run("SET LOCAL lock_timeout = '50ms'")
        versions.publish(tx, "new", "h2", "{}", {}, now=0)


def test_of_two_that_publish_at_once_one_waits(postgres_scene: Scene) -> None:
    store = postgres_scene.store

    with store.write() as one:
        versions.publish(one, "new", "h1", "{}", {}, now=0)
        with pytest.raises(OperationalError, match="lock timeout"):
            publish_at_once(store)

    assert publish(postgres_scene, "h2")[0].version == 2


def test_pausing_twice_keeps_the_first_time_and_says_whether_there_is_such_a_campaign(scene: Scene) -> None:
    with scene.store.write() as tx:
        answers = [versions.pause(tx, "c", now=3), versions.pause(tx, "c", now=9), versions.pause(tx, "x", now=9)]
        paused = versions.campaigns(tx)
        versions.unpause(tx, "c", now=9)

    assert answers == [True, True, False]
    assert paused == [("c", scene.version.id, 3)]
    assert scene.value("SELECT paused_at FROM campaigns") is None


def test_what_a_pause_has_taken_from_the_time_of_a_message_is_given_back(scene: Scene) -> None:
    waiting, sent = scene.touch(expires_at=100), scene.touch(expires_at=100, state="sent")
    with scene.store.write() as tx:
        versions.pause(tx, "c", now=10)
        versions.unpause(tx, "c", now=40)
        versions.unpause(tx, "c", now=90)

    assert (scene.message(waiting, "expires_at"), scene.message(sent, "expires_at")) == ((130,), (100,))
