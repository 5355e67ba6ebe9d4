"""A leads file that comes in by the browser: into `leads/` in the marketer's folder, whole or not at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from types import TracebackType

from nurture.engine.letting_in import SUFFIXES

__all__ = ["MOST_BYTES", "NotTaken", "Upload"]

FOLDER = "leads"
MOST_BYTES = 512 * 1024 * 1024
"""Some five million leads; larger files are put into the folder by hand."""
LONGEST_NAME = 100


class NotTaken(Exception):
    """The file is not kept; the message says why, for people."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Upload:
    """A file that is on its way in. Whoever leaves without `keep` leaves nothing behind."""

    def __init__(self, home: Path, name: str) -> None:
        """Raises `NotTaken` for a name that leads elsewhere, or that no leads file has."""
        stem, dot, suffix = name.rpartition(".")
        plain = name.isprintable() and not set(name) & set('/\\:*?"<>|') and not name.startswith(".")
        if not (plain and stem and f"{dot}{suffix}".lower() in SUFFIXES and len(name) <= LONGEST_NAME):
            raise NotTaken(422, f"{name!r} is no leads file; {', '.join(sorted(SUFFIXES))} may be")
        self._folder = home.resolve() / FOLDER
        self._name = Path(name)
        self._digest = hashlib.sha256()
        self._bytes = 0

    def __enter__(self) -> Upload:
        self._folder.mkdir(exist_ok=True)
        number, name = tempfile.mkstemp(dir=self._folder, prefix=".", suffix=".part")
        self._file = os.fdopen(number, "wb")
        self._part = Path(name)
        return self

    def write(self, chunk: bytes) -> None:
        self._bytes += len(chunk)
        if self._bytes > MOST_BYTES:
            raise NotTaken(413, f"more than {MOST_BYTES // 1024 // 1024} MB: put the file into the folder by hand")
        self._digest.update(chunk)
        self._file.write(chunk)

    def keep(self) -> str:
        """Its name below the folder. A file of that name with other bytes stays, and this one is called after its own."""
        if not self._bytes:
            raise NotTaken(422, "the file is empty")
        self._file.close()
        target = self._folder / self._name
        if target.exists() and _digest(target) != self._digest.hexdigest():
            target = self._folder / f"{self._name.stem}-{self._digest.hexdigest()[:12]}{self._name.suffix}"
        self._part.replace(target)
        return f"{FOLDER}/{target.name}"

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._file.close()
        self._part.unlink(missing_ok=True)


def _digest(file: Path) -> str:
    with file.open("rb") as read:
        return hashlib.file_digest(read, "sha256").hexdigest()
