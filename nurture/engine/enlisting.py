"""A process among those that hold leases: how it comes, and how it goes."""

from __future__ import annotations

from nurture.crashpoints import crash_point
from nurture.store import Store, workers
from nurture.store.database import insist

__all__ = ["enlist", "free_the_dead", "leave"]


def enlist(store: Store, *, wall: int) -> int:
    """A worker id of one's own; what dead processes of this host held is free."""

    def once() -> int:
        with store.write() as tx:
            workers.drop_leases_of_the_dead(tx)
            worker = workers.enlist(tx, wall=wall)
            crash_point("tick.enlisting")
        return worker

    return insist(once)


def free_the_dead(store: Store) -> None:
    """What processes of this host held that have died since is free."""

    def once() -> None:
        with store.write() as tx:
            workers.drop_leases_of_the_dead(tx)

    insist(once)


def leave(store: Store, worker: int) -> None:
    """This worker is done: what it still holds is free for others."""

    def once() -> None:
        with store.write() as tx:
            workers.leave(tx, worker)
            crash_point("tick.leaving")

    insist(once)
