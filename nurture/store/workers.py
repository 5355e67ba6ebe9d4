"""Who holds leases. A lease runs out by the clock, or at once when its process, on this host, is dead."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path

from nurture.store.database import Tx, process_birth

__all__ = ["drop_leases_of_the_dead", "enlist", "leave"]


def enlist(tx: Tx, *, wall: int) -> int:
    """A worker id of one's own; a process may have several, and none ends the leases of another."""
    host, pid = _host(), os.getpid()
    born = process_birth(pid) or ""
    return int(
        tx.value(
            "INSERT INTO workers (host, pid, born, seen_at) VALUES (?, ?, ?, ?) RETURNING id", host, pid, born, wall
        )
    )


def leave(tx: Tx, worker: int) -> None:
    """This worker is done: what it still holds is free for others."""
    _free(tx, [worker])


def drop_leases_of_the_dead(tx: Tx) -> int:
    """Free what dead processes of this host held; says how many there were."""
    dead = [
        worker
        for worker, pid, born in tx.rows("SELECT id, pid, born FROM workers WHERE host = ?", _host())
        if _is_dead(pid, born)
    ]
    if dead:
        _free(tx, dead)
    return len(dead)


def _host() -> str:
    """This host among all that may share a database: process ids mean something only in one run of one kernel, and in
    containers that share a host name each has its own."""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{socket.gethostname()} {boot} {os.readlink('/proc/self/ns/pid')}"
    return socket.gethostname()


def _is_dead(pid: int, born: str) -> bool:
    """Gone, or its number has been given to another process since."""
    now = process_birth(pid)
    return now is None or (bool(now and born) and now != born)


def _free(tx: Tx, workers: list[int]) -> None:
    tx.run("UPDATE enrollments SET lease_until = 0, worker_id = NULL WHERE worker_id IN {many}", workers)
    # A message that was being sent keeps its worker: recovery makes it ambiguous, never pending.
    tx.run("UPDATE touches SET lease_until = 0 WHERE worker_id IN {many} AND state IN ('pending', 'sending')", workers)
    tx.run("DELETE FROM workers WHERE id IN {many}", workers)
