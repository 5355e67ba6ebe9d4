"""Two campaigns may hold one lead: what they do to it does not depend on who commits first."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest

from nurture.store import enrollments as stored
from nurture.store.enrollments import Claimed, Moved
from tests.store.scene import Scene, moved


def change(enrollment: int, lead: int = 1, **changes: Any) -> Moved:
    return moved(Claimed(enrollment, "", "c", lead, 1, 0, "a", 0, 0, 0, 0, 0), **changes)


def commit(scene: Scene, *batches: list[Moved]) -> None:
    """Each batch in a transaction of its own."""
    for batch in batches:
        with scene.store.write() as tx:
            stored.change_leads(tx, batch)


def fields(scene: Scene, lead: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(scene.value("SELECT fields FROM leads WHERE id = ?", lead))
    return found


def tags(scene: Scene, lead: int) -> set[str]:
    return {tag for (tag,) in scene.rows("SELECT tag FROM tags WHERE lead_id = ?", lead)}


def in_all_orders_and_batches(changes: list[Moved]) -> list[list[list[Moved]]]:
    """One at a time in every order, and all at once in every order."""
    orders = [list(order) for order in permutations(changes)]
    return [[[each] for each in order] for order in orders] + [[order] for order in orders]


def test_of_two_writes_of_a_field_the_later_one_stands_in_whatever_order_they_come(scene: Scene) -> None:
    for ways in range(4):
        lead = scene.lead(f"lead{ways}")
        writes = [
            change(enrollment, lead, fields=[("stage", stage, at)])
            for enrollment, stage, at in ((1, "cold", 5), (2, "hot", 7))
        ]
        commit(scene, *in_all_orders_and_batches(writes)[ways])

        assert fields(scene, lead) == {"stage": "hot"}


def test_of_two_writes_at_the_same_moment_the_later_enrollment_stands(scene: Scene) -> None:
    for ways in range(4):
        lead = scene.lead(f"lead{ways}")
        writes = [change(enrollment, lead, fields=[("stage", f"by {enrollment}", 5)]) for enrollment in (1, 2)]
        commit(scene, *in_all_orders_and_batches(writes)[ways])

        assert fields(scene, lead) == {"stage": "by 2"}


def test_one_campaign_may_write_a_field_twice_at_the_same_moment(scene: Scene) -> None:
    lead = scene.lead()

    commit(
        scene,
        [change(1, lead, fields=[("stage", "MQL", 5)])],
        [change(1, lead, fields=[("stage", "SQL", 5)])],
    )

    assert fields(scene, lead) == {"stage": "SQL"}


def test_other_fields_are_left_alone_and_values_keep_their_types(scene: Scene) -> None:
    lead = scene.lead()
    scene.run("""UPDATE leads SET fields = '{"name":"王琳","size":7}' WHERE id = ?""", lead)

    commit(scene, [change(1, lead, fields=[("size", 12.5, 1), ("vip", True, 1), ("note", None, 1)])])

    assert fields(scene, lead) == {"name": "王琳", "size": 12.5, "vip": True, "note": None}


@pytest.mark.parametrize("column", ["owner", "language", "time_zone"])
def test_fields_that_are_columns_are_written_there(scene: Scene, column: str) -> None:
    lead = scene.lead()

    commit(scene, [change(1, lead, fields=[(column, "new", 1)])], [change(2, lead, fields=[(column, "old", 0)])])

    assert scene.value(f"SELECT {column} FROM leads WHERE id = ?", lead) == "new"
    assert fields(scene, lead) == {}


def test_points_of_two_campaigns_add_up(scene: Scene) -> None:
    lead = scene.lead()

    commit(scene, [change(1, lead, points=5), change(2, lead, points=-2)], [change(3, lead, points=10)])

    assert scene.value("SELECT score FROM leads WHERE id = ?", lead) == 13


def test_different_tags_come_and_go_in_any_order(scene: Scene) -> None:
    lead = scene.lead()

    commit(
        scene,
        [change(1, lead, tags=[("a", True, 1), ("b", True, 1)]), change(2, lead, tags=[("c", True, 1)])],
        [change(2, lead, tags=[("a", True, 2)]), change(1, lead, tags=[("c", False, 3)])],
    )

    assert tags(scene, lead) == {"a", "b"}


@pytest.mark.parametrize("on_at_last", [True, False])
def test_where_two_campaigns_disagree_about_a_tag_the_later_one_stands(scene: Scene, on_at_last: bool) -> None:
    for ways in range(12):
        lead = scene.lead(f"lead{ways}")
        changes = [
            change(1, lead, tags=[("warm", on_at_last, 9)]),
            change(2, lead, tags=[("warm", not on_at_last, 7)]),
            change(3, lead, tags=[("warm", on_at_last, 5)]),
        ]
        commit(scene, *in_all_orders_and_batches(changes)[ways])

        assert tags(scene, lead) == ({"warm"} if on_at_last else set())


def test_one_campaign_may_take_a_tag_off_and_put_it_on_again_at_the_same_moment(scene: Scene) -> None:
    lead = scene.lead()

    commit(scene, [change(1, lead, tags=[("warm", False, 5)])], [change(1, lead, tags=[("warm", True, 5)])])

    assert tags(scene, lead) == {"warm"}


def test_a_tag_that_came_with_an_import_can_be_taken_off(scene: Scene) -> None:
    lead = scene.lead()
    scene.run("INSERT INTO tags (lead_id, tag, at) VALUES (?, 'warm', 99)", lead)

    commit(scene, [change(1, lead, tags=[("warm", False, 5)])])

    assert tags(scene, lead) == set()


def test_only_leads_that_were_changed_are_seen_to_have_changed(scene: Scene) -> None:
    changed, same = scene.lead("ada"), scene.lead("bob")

    commit(scene, [change(1, changed, points=1), change(2, same)])

    assert scene.rows("SELECT id, change FROM leads ORDER BY id") == [(changed, 1), (same, 0)]
