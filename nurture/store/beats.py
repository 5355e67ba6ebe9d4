"""Has this database gone back in time? It counts what cannot be taken back, and a file outside it remembers how far it was.

Every durable commit (an intent before its message leaves, a signal that was heard) is one beat. A backup that is put back
has fewer beats than the file has seen. Sixteen slots by process, so that processes seldom wait for one another.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from nurture.store import installation
from nurture.store.database import Tx

__all__ = [
    "GONE_BACK",
    "Beats",
    "clear",
    "last_beat",
    "lies_elsewhere",
    "mark",
    "name_of",
    "numbers",
    "placed",
    "settle_here",
]

SLOTS = 16
WIDTH = 21
"""Bytes of a number in the file, with the end of its line."""
NAME = 33
"""Bytes of the first line: whose numbers these are."""
GONE_BACK = "gone_back"
"""Under this name the database keeps why nothing may leave it, until a person has decided."""

PLACE = "place"


class Beats:
    """The numbers in the file, as far as this process knows them."""

    def __init__(self, file: Path, name: str) -> None:
        """`name` is the database's, 32 characters; a file of another database's is not ours."""
        self.file = file
        self.name = name
        self.slot = os.getpid() % SLOTS
        self.seen = self._read()

    @property
    def known(self) -> bool:
        """Whether there is a file, and this database's."""
        return self.seen is not None

    def behind(self, found: dict[int, int]) -> bool:
        """Whether the database has fewer beats than the file has seen."""
        return any(number > found.get(slot, 0) for slot, number in (self.seen or {}).items())

    def until(self) -> int | None:
        """When the file was written last, by the real clock (microseconds)."""
        with suppress(OSError):
            return self.file.stat().st_mtime_ns // 1000
        return None

    def write(self, found: dict[int, int]) -> None:
        """Remember these numbers: in a new file, or what other machines have counted meanwhile. Raises OSError."""
        if self.seen is None:
            self.seen = {slot: found.get(slot, 0) for slot in range(SLOTS)}
            draft = self.file.with_name(f"{self.file.name}.{os.getpid()}")
            draft.write_bytes(f"{self.name}\n".encode() + b"".join(map(_line, self.seen.values())))
            draft.replace(self.file)
            return
        for slot, number in found.items():
            self._remember(slot, number)

    def count(self, tx: Tx) -> int:
        """One more, first in a durable transaction. Where the file knows of more, the database is marked: no intent is
        committed any more."""
        number = int(
            tx.value(
                "INSERT INTO beats (slot, number, at) VALUES (?, 1, ?)"
                " ON CONFLICT (slot) DO UPDATE SET number = beats.number + 1, at = excluded.at RETURNING number",
                self.slot,
                time.time_ns() // 1000,
            )
        )
        if self.seen is not None and number <= self.seen[self.slot]:
            mark(tx, "it was put back while this program was running")
        return number

    def remember(self, number: int) -> None:
        """What was counted is committed. Without waiting for the disk: a power cut may take the last ones, no more."""
        with suppress(OSError):
            self._remember(self.slot, number)

    def _remember(self, slot: int, number: int) -> None:
        if self.seen is None or number <= self.seen[slot]:
            return
        self.seen[slot] = number
        file = os.open(self.file, os.O_WRONLY)
        try:
            os.pwrite(file, _line(number), NAME + slot * WIDTH)
        finally:
            os.close(file)

    def _read(self) -> dict[int, int] | None:
        try:
            name, *lines = self.file.read_text().splitlines()
            numbers = dict(enumerate(map(int, lines)))
        except (OSError, ValueError):
            return None
        return numbers if name == self.name and len(numbers) == SLOTS else None


def _line(number: int) -> bytes:
    return b"%020d\n" % number


def numbers(tx: Tx) -> dict[int, int]:
    """Slot to beats."""
    return dict(tx.rows("SELECT slot, number FROM beats"))


def last_beat(tx: Tx) -> int | None:
    """When something irrevocable was written here last, by the real clock (microseconds)."""
    value = tx.value("SELECT MAX(at) FROM beats")
    return None if value is None else int(value)


def mark(tx: Tx, why: str) -> None:
    """Nothing leaves from here on; the first reason stands."""
    if installation.known(tx, GONE_BACK) is None:
        installation.keep(tx, GONE_BACK, why)


def clear(tx: Tx, seen: dict[int, int] | None) -> None:
    """A person has decided. The database is ahead of the file again, and where it is now is where it belongs."""
    tx.run("DELETE FROM installation WHERE key = ?", GONE_BACK)
    for slot, number in (seen or {}).items():
        tx.run(
            "INSERT INTO beats (slot, number, at) VALUES (?, ?, ?)"
            " ON CONFLICT (slot) DO UPDATE SET number = excluded.number WHERE beats.number < excluded.number",
            slot,
            number,
            time.time_ns() // 1000,
        )
    settle_here(tx)


def name_of(tx: Tx) -> str:
    """The database's name, which its backups and copies share: 32 hex digits."""
    return blake2b(installation.secret(tx), digest_size=16, person=b"nurture name").hexdigest()


def place(tx: Tx) -> str:
    """Where a database lies that no copy can lie: in PostgreSQL its tables' own numbers, in this cluster. SQLite has none."""
    if not tx.postgresql:
        return ""
    # Some who rent their PostgreSQL may not ask for the cluster's own number.
    may_ask = tx.value("SELECT has_function_privilege('pg_control_system()', 'execute')")
    cluster = tx.value("SELECT system_identifier FROM pg_control_system()") if may_ask else ""
    here = "SELECT oid || '/' || 'installation'::regclass::oid FROM pg_database WHERE datname = current_database()"
    return f"{cluster}/{tx.value(here)}"


def placed(tx: Tx) -> bool:
    """Whether it knows where it belongs."""
    return installation.known(tx, PLACE) is not None


def settle_here(tx: Tx) -> None:
    """Where it is now is where it belongs."""
    installation.keep(tx, PLACE, place(tx))


def lies_elsewhere(tx: Tx) -> bool:
    """Whether it is not where it was when it was opened first, or accepted last."""
    return installation.known(tx, PLACE) not in (None, place(tx))
