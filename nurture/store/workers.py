"""Who holds leases. A lease runs out by the clock, or at once when its process, on this host, is dead."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path

from nurture.store.database import Tx

__all__ = ["drop_leases_of_the_dead", "enlist", "leave", "present", "process_birth"]


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


def present(tx: Tx, worker: int) -> None:
    """Until the end of the transaction nobody frees what this worker holds: for whoever takes a lease or extends one.

    A process may die while its last commit is under way. What it takes with it must not come after the look that frees
    what it held: nobody would look again, and all would wait for the lease to run out.
    """
    if tx.postgresql:
        tx.rows("SELECT 1 FROM workers WHERE id = ? FOR KEY SHARE", worker)


def drop_leases_of_the_dead(tx: Tx) -> int:
    """Free what dead processes of this host held; says how many there were. Those of which the database has still to
    end a transaction are left for the next look."""
    dead = [
        worker
        for worker, pid, born in tx.rows("SELECT id, pid, born FROM workers WHERE host = ?", _host())
        if _is_dead(pid, born)
    ]
    if not dead:
        return 0
    gone = [row[0] for row in tx.rows("SELECT id FROM workers WHERE id IN {many} {skip_locked}", dead)]
    if gone:
        _free(tx, gone)
    return len(gone)


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


def process_birth(pid: int) -> str | None:
    """When this process started, as its system tells it; None when there is none, or only its shell is left.

    Where the system does not tell (no /proc, or not to us), a living process answers with an empty text.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            fields = stat.read().rpartition(b")")[2].split()
        # A zombie holds nothing any more: its parent has merely not looked yet.
        return None if fields[0] in (b"Z", b"X") else fields[19].decode()
    except (OSError, IndexError):
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return ""
