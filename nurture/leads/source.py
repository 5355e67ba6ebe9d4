"""What a file is, found out by reading all of it once before anything is taken from it: checksum, format, encoding.

The encoding is proven, not guessed: the whole file is valid UTF-8, or else the whole file is valid GB18030 (what
Chinese Excel writes), or else the file is refused until its owner says what it is.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Literal

from nurture.problems import Problem, Rejected

__all__ = ["Source", "refused", "survey"]

BLOCK = 1 << 20
LONGEST_LINE_BLOCKS = 8
# So many bytes of valid multi-byte UTF-8 never stand in a GB18030 file by accident.
PROOF_OF_UTF8 = 40

_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


@dataclass(frozen=True, slots=True)
class Source:
    """A file as it was found."""

    path: Path
    size: int
    """In bytes."""
    checksum: str
    """SHA-256, hex."""
    format: Literal["csv", "xlsx"]
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""


def refused(path: Path, code: str, what: str, hint: str = "", where: str = "") -> Rejected:
    """The file is refused as a whole, for one reason."""
    return Rejected([Problem(where, code, what, hint, file=str(path))])


def survey(path: Path, encoding: str | None) -> Source:
    """Read the file once: its checksum, whether it is a workbook, and in which encoding its text is.

    Raises `Rejected` for what is neither a table of text nor an `.xlsx` workbook.
    """
    try:
        with path.open("rb") as file:
            return _survey(path, file, encoding)
    except FileNotFoundError:
        raise refused(path, "E_FILE", "there is no such file") from None
    except IsADirectoryError:
        raise refused(path, "E_FILE", "this is a folder, not a file") from None
    except PermissionError:
        raise refused(path, "E_FILE", "the file may not be read") from None


def _survey(path: Path, file: BinaryIO, encoding: str | None) -> Source:
    head = file.read(8)
    file.seek(0)
    if not head:
        raise refused(path, "E_EMPTY", "the file is empty")
    if head.startswith(b"PK\x03\x04"):
        size, checksum = _checksum(file)
        return Source(path, size, checksum, "xlsx")
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise refused(
            path,
            "E_WORKBOOK",
            "this is an old .xls file or a workbook with a password",
            "save it as .xlsx without a password, or as CSV",
        )
    if encoding is not None:
        name = _codec(path, encoding)
    else:
        name = next((name for mark, name in _MARKS.items() if head.startswith(mark)), "utf-8")
    size, checksum, failure = _read_all(path, file, name)
    if failure is None:
        return Source(path, size, checksum, "csv", name)
    if encoding is not None or name != "utf-8":
        raise refused(
            path,
            "E_ENCODING",
            f"line {failure.line} is not valid {encoding or name}",
            "say which encoding it is with --encoding",
        )
    if failure.multibyte >= PROOF_OF_UTF8:
        raise refused(
            path,
            "E_ENCODING",
            f"line {failure.line} is damaged: everything before it is UTF-8, but that line is not",
            "mend the line, or say which encoding the file has with --encoding",
        )
    file.seek(0)
    size, checksum, failure = _read_all(path, file, "gb18030")
    if failure is not None:
        raise refused(
            path,
            "E_ENCODING",
            f"the file is neither UTF-8 nor GB18030 (see line {failure.line})",
            "say which encoding it is with --encoding, for example --encoding latin-1",
        )
    return Source(path, size, checksum, "csv", "gb18030")


def _codec(path: Path, encoding: str) -> str:
    try:
        b"a".decode(encoding, "ignore")
        name = codecs.lookup(encoding).name
    except (LookupError, ValueError):
        raise refused(
            path, "E_ENCODING", f"there is no encoding {encoding!r}", "such as utf-8, gb18030, big5"
        ) from None
    return "utf-8-sig" if name == "utf-8" else name


@dataclass(frozen=True, slots=True)
class _Failure:
    line: int
    multibyte: int


def _read_all(path: Path, file: BinaryIO, encoding: str) -> tuple[int, str, _Failure | None]:
    """Size and checksum of the file, and where it first fails to be text in this encoding."""
    digest = sha256()
    decoder = codecs.getincrementaldecoder(encoding)()
    size = breaks = multibyte = endless = 0
    while raw := file.read(BLOCK):
        digest.update(raw)
        if size == 0 and not encoding.startswith(("utf-16", "utf-32")) and raw[:4096].count(0) > len(raw[:4096]) // 5:
            raise refused(
                path,
                "E_ENCODING",
                "the file looks like UTF-16 without a mark, or is no text at all",
                "try --encoding utf-16-le",
            )
        endless = 0 if b"\n" in raw or b"\r" in raw else endless + 1
        if endless >= LONGEST_LINE_BLOCKS:
            raise refused(path, "E_LINE", f"a line is longer than {LONGEST_LINE_BLOCKS} MB: this is no table")
        size += len(raw)
        try:
            text = decoder.decode(raw)
        except UnicodeDecodeError as error:
            good = error.object[: error.start]
            multibyte += len(good) - len(good.decode(encoding, "ignore"))
            return size, "", _Failure(breaks + _breaks(good) + 1, multibyte)
        breaks += _breaks(raw)
        multibyte += len(raw) - len(text)
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return size, "", _Failure(breaks + 1, multibyte)
    return size, digest.hexdigest(), None


def _breaks(raw: bytes) -> int:
    return raw.count(b"\n") or raw.count(b"\r")


def _checksum(file: BinaryIO) -> tuple[int, str]:
    digest = sha256()
    size = 0
    while raw := file.read(BLOCK):
        digest.update(raw)
        size += len(raw)
    return size, digest.hexdigest()
