"""The text of a file, line by line: its encoding found or given, its size and its lines bounded."""

from __future__ import annotations

import codecs
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import attrs

from ...storage.regular_file import NotRegular, open_regular
from .results import FileError

__all__ = ["MOST_BYTES", "MOST_CHARACTERS", "Lines", "opened"]

MOST_BYTES = 4 * 1024**3
"""Of a file."""
MOST_CHARACTERS = 65_536
"""Of a line."""

_MARKS = (  # the longer first: UTF-32 begins as UTF-16 does
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHER_KINDS = (
    (b"PK\x03\x04", "is an .xlsx file or another archive by its content; give it its right name"),
    (b"\xd0\xcf\x11\xe0", "is an old .xls file by its content; save it as .xlsx or .csv"),
    (b"%PDF", "is a PDF by its content"),
)


@attrs.define
class Lines:
    """Hands out the lines of a text. `number`: how many it has handed out; the number of the last one."""

    name: str
    path: Path = attrs.field(repr=False)
    encoding: str
    file: TextIO = attrs.field(repr=False)
    number: int = 0

    def __iter__(self) -> Iterator[str]:
        """Raises FileError for bytes that are no text, and for a line that is too long."""
        readline = self.file.readline
        try:
            while line := readline(MOST_CHARACTERS + 1):
                self.number += 1
                if len(line) > MOST_CHARACTERS:
                    raise FileError(
                        f"{self.name}: line {self.number} has more than {MOST_CHARACTERS} characters; that is no row"
                    )
                yield line
        except UnicodeError:
            raise FileError(f"{self.name}: {self._undecodable()}") from None

    def _undecodable(self) -> str:
        line = _line_of_the_first_bad_byte(self.path, self.encoding)
        if self.encoding.startswith("utf-8"):
            return (
                f"line {line}: the text is not UTF-8; save it as UTF-8 (in Excel: CSV UTF-8), or say what it is, such "
                "as --encoding cp1252"
            )
        return f"line {line}: the text is not {self.encoding}; save it as UTF-8"


def opened(path: Path, encoding: str | None) -> Lines:
    """The text of a file, in the encoding of its mark, or the one that was given, or UTF-8. Raises FileError."""
    try:
        file = open_regular(path)
    except NotRegular:
        raise FileError(f"{path}: is no file") from None
    except (OSError, ValueError) as error:
        raise FileError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or 'no such name'}") from None
    try:
        size = os.fstat(file.fileno()).st_size
        start = file.read(4096)
        file.seek(0)
        chosen = _chosen(path, size, start, encoding)
    except BaseException:
        file.close()
        raise
    # what is written behind its end meanwhile is not read: who checks that it stayed the same is not kept for ever
    bounded = io.BufferedReader(_UpTo(file, size), 1 << 16)
    return Lines(path.name, path, chosen, io.TextIOWrapper(bounded, encoding=chosen, newline=""))


class _UpTo(io.RawIOBase):
    """The first so many bytes of a file."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._left = size

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        found = self._file.read(min(len(into), self._left))
        into[: len(found)] = found
        self._left -= len(found)
        return len(found)

    def close(self) -> None:
        self._file.close()
        super().close()


def _chosen(path: Path, size: int, start: bytes, encoding: str | None) -> str:
    if size == 0:
        raise FileError(f"{path.name}: the file is empty")
    if size > MOST_BYTES:
        raise FileError(f"{path.name}: has {size:,} bytes, must be at most {MOST_BYTES:,}")
    return _encoding_of(path.name, start, encoding)


def _encoding_of(name: str, start: bytes, given: str | None) -> str:
    for mark, kind in _OTHER_KINDS:
        if start.startswith(mark):
            raise FileError(f"{name}: {kind}")
    found = next((encoding for mark, encoding in _MARKS if start.startswith(mark)), None)
    if given is None:
        if found is None and start.count(0) * 4 > len(start):
            raise FileError(f"{name}: the text looks like UTF-16 without its mark; save it as UTF-8")
        return found or "utf-8"
    try:
        asked = codecs.lookup(given)
        "".encode(asked.name)  # not hex, zlib and the like
    except (LookupError, UnicodeError, ValueError):
        raise FileError(f"--encoding {given}: there is no such encoding; cp1252 and utf-16 are some") from None
    if found is not None and asked.name.replace("-", "")[:5] != found.replace("-", "")[:5]:
        raise FileError(f"{name}: begins with the mark of {found.removesuffix('-sig').upper()}; leave --encoding out")
    return found or asked.name


def _line_of_the_first_bad_byte(path: Path, encoding: str) -> int:
    """Slow, and only where there is one."""
    decoder, line, last = codecs.getincrementaldecoder(encoding)(), 1, ""
    with path.open("rb") as file:
        while True:
            block = file.read(1 << 16)
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                text = error.object[: error.start].decode(encoding, "ignore")
                return line + _breaks(last + text)
            except UnicodeError:
                return line
            line += _breaks(last + text[:-1])
            last = text[-1:]
            if not block:
                return line


def _breaks(text: str) -> int:
    return text.count("\n") + text.count("\r") - text.count("\r\n")
