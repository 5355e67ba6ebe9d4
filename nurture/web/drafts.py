"""Campaign files as the canvas opens and saves them. What runs is what was published: a file is a draft.

A campaign and where its boxes stand are two files. Both are written whole or not at all, and only by somebody who has
seen what they hold: an ETag over the two says so.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nurture import canonical, strict_json
from nurture.node import Node

__all__ = ["Boxes", "Conflict", "Draft", "Drafts", "NotSaved", "UnknownDraft", "boxes_of"]

Boxes = Mapping[str, tuple[int, int]]
"""Node to the place of its box, in pixels from the top left; nodes that nobody has moved are left out."""

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}", re.ASCII)
_NODE = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
FARTHEST = 1_000_000
NOT_CAMPAIGNS = ("schema",)
"""Names of other files in definitions/."""


class UnknownDraft(Exception):
    """There is no campaign file of this name, nor could there be one."""


class NotSaved(Exception):
    """This cannot be written into this file."""


class Conflict(Exception):
    """The file is not what the writer has seen. `theirs` is what it holds now, None if it is gone."""

    def __init__(self, theirs: Draft | None, diff: list[str]) -> None:
        self.theirs = theirs
        self.diff = diff
        """From theirs to the writer's, as a unified diff; empty when only boxes have moved."""
        super().__init__("somebody else has changed this campaign since it was opened")


@dataclass(frozen=True, slots=True)
class Draft:
    """One campaign file as it stands."""

    name: str
    data: bytes
    boxes: Boxes
    etag: str
    raw: dict[str, Any] | None
    """The JSON document; None for a file that holds none."""

    @property
    def campaign(self) -> str:
        """The name in the file, under which it is published; that of the file if there is none."""
        named = (self.raw or {}).get("campaign")
        return named if isinstance(named, str) and named else self.name


class Drafts:
    """The campaign files of one `definitions/`."""

    def __init__(self, folder: Path, node_types: Mapping[str, type[Node]]) -> None:
        self.folder = folder
        self.node_types = node_types
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        """Every campaign file that the canvas can open, by name."""
        found = sorted(path.stem for path in self.folder.glob("*.json")) if self.folder.is_dir() else []
        return [name for name in found if self._path(name) is not None]

    def open(self, name: str) -> Draft:
        """Raises `UnknownDraft`."""
        path = self._path(name)
        if path is None:
            raise UnknownDraft(name)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise UnknownDraft(name) from error
        boxes_text = self._boxes_text(name)
        value, faults = strict_json.read(data)
        return Draft(
            name=name,
            data=data,
            boxes=_boxes(boxes_text),
            etag=hashlib.sha256(b"%d:%b%b" % (len(data), data, boxes_text)).hexdigest()[:32],
            raw=value if isinstance(value, dict) and not faults else None,
        )

    def save(self, name: str, raw: Mapping[str, Any], boxes: Boxes, *, seen: str | None) -> Draft:
        """Write what has changed, through the canonical writer. `seen` is the ETag of what was opened, None for a new
        campaign. Raises `UnknownDraft`, `NotSaved`, `Conflict`; then nothing was written.
        """
        if not _NAME.fullmatch(name) or name in NOT_CAMPAIGNS:
            raise UnknownDraft(name)
        with self._lock:
            try:
                there: Draft | None = self.open(name)
            except UnknownDraft:
                there = None
            if (self.folder / f"{name}.json").is_symlink():
                raise NotSaved(f"{name}.json is a link, and links are not written through")
            mine = canonical.write(_as_written(raw, there.raw if there else None), self.node_types)
            if (there.etag if there else None) != seen:
                raise Conflict(there, self._diff(there, mine))
            if raw.get("campaign") not in (name, there.campaign if there else name):
                raise NotSaved(f'the campaign in this file is called "{there.campaign if there else name}", for good')
            self.folder.mkdir(parents=True, exist_ok=True)
            if there is None or there.raw is None or canonical.write(there.raw, self.node_types) != mine:
                _write(self.folder / f"{name}.json", mine)
            known = raw.get("nodes")
            kept = {node: boxes[node] for node in sorted(boxes) if isinstance(known, Mapping) and node in known}
            self._save_boxes(name, kept)
            return self.open(name)

    def delete(self, name: str, *, seen: str) -> None:
        """The file and where its boxes stand. Raises `UnknownDraft`, `Conflict`; then nothing was deleted."""
        with self._lock:
            there = self.open(name)
            if there.etag != seen:
                raise Conflict(there, [])
            self._save_boxes(name, {})
            (self.folder / f"{name}.json").unlink(missing_ok=True)

    def _path(self, name: str) -> Path | None:
        path = self.folder / f"{name}.json"
        sound = _NAME.fullmatch(name) and name not in NOT_CAMPAIGNS and path.is_file() and not path.is_symlink()
        return path if sound else None

    def _boxes_text(self, name: str) -> bytes:
        path = self.folder / "layouts" / f"{name}.json"
        try:
            return b"" if path.is_symlink() else path.read_bytes()
        except OSError:
            return b""

    def _save_boxes(self, name: str, boxes: Boxes) -> None:
        """One box a line, by name; no file at all when every box stands where it is put by itself."""
        path = self.folder / "layouts" / f"{name}.json"
        if not boxes:
            if not path.is_symlink():
                path.unlink(missing_ok=True)
            return
        lines = [f"  {json.dumps(node)}: [{x}, {y}]" for node, (x, y) in sorted(boxes.items())]
        text = "{\n" + ",\n".join(lines) + "\n}\n"
        if self._boxes_text(name) != text.encode():
            path.parent.mkdir(exist_ok=True)
            _write(path, text)

    def _diff(self, theirs: Draft | None, mine: str) -> list[str]:
        if theirs is None:
            return []
        text = (
            canonical.write(theirs.raw, self.node_types)
            if theirs.raw is not None
            else theirs.data.decode("utf-8", "replace")
        )
        return [
            line.rstrip("\n") for line in difflib.unified_diff(text.splitlines(), mine.splitlines(), lineterm="", n=2)
        ][2:]


def boxes_of(value: Any) -> Boxes:
    """The boxes in a request. Raises `NotSaved`."""
    if value is None:
        return {}
    found = _readable(value)
    if found is None or len(found) != len(value):
        raise NotSaved("boxes are {node: [x, y]} in whole pixels")
    return found


def _boxes(text: bytes) -> Boxes:
    """What the layout file says. It is nobody's truth: one that cannot be read moves no box, and that is all."""
    if not text:
        return {}
    value, _ = strict_json.read(text)
    return _readable(value) or {}


def _readable(value: Any) -> dict[str, tuple[int, int]] | None:
    if not isinstance(value, dict):
        return None
    return {
        node: (place[0], place[1])
        for node, place in value.items()
        if _NODE.fullmatch(node)
        and isinstance(place, list)
        and len(place) == 2
        and all(isinstance(each, int) and not isinstance(each, bool) and abs(each) <= FARTHEST for each in place)
    }


def _as_written(new: Any, old: Any) -> Any:
    """The same value with what a browser cannot keep: 7.0 that it made 7, and members it sorted because they are digits."""
    if isinstance(new, Mapping):
        same = isinstance(old, Mapping) and set(old) == set(new)
        order = list(old) if same else list(new)
        return {key: _as_written(new[key], old.get(key) if isinstance(old, Mapping) else None) for key in order}
    if isinstance(new, list):
        before = old if isinstance(old, list) and len(old) == len(new) else [None] * len(new)
        return [_as_written(item, was) for item, was in zip(new, before, strict=True)]
    if isinstance(old, float) and type(new) is int and new == old:
        return old
    return new


def _write(path: Path, text: str) -> None:
    """The whole file or nothing, whatever happens meanwhile."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        # `mkstemp` lets nobody else read; a campaign is no secret.
        os.chmod(name, path.stat().st_mode & 0o777 if path.exists() else 0o644)
        os.replace(name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise
