"""Whether a spreadsheet can be opened at all: its reader holds one sheet as a rectangle of cells in memory."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

__all__ = ["MOST_BYTES", "MOST_CELLS", "MOST_PARTS", "MOST_SHEETS", "MOST_TEXT", "Size", "size_of"]

MOST_BYTES = 1024**3
"""Of all the parts of a spreadsheet, unpacked."""
MOST_CELLS = 20_000_000
"""From the first cell of each sheet to its last one, empty ones included; all sheets together."""
MOST_EMPTY = 1_000_000
"""Of those cells, that hold nothing: so many, and four for each one that is there."""
MOST_ROWS = 1_048_576
MOST_RATIO = 200
"""Bytes of a large part to each byte that it takes in the file."""
MOST_TEXT = 1 << 18
"""Bytes from one mark of the XML to the next: a cell holds 32,767 characters at most."""
MOST_SHEETS = 255
MOST_PARTS = 5_000

_PICTURES = "xl/media/"
_CHUNK = 1 << 20
_LARGE = 64 << 20
_PLACE = re.compile(rb"""[ \t\r\n]r=["']([A-Z]{0,3})([0-9]{1,7})["']""")
_NO_TEXT = re.compile(rb"""[ \t\r\n]t=["']s["'][^<]*>\s*<(?:\w+:)?v>\s*-""")
_SHEET = re.compile(rb"""<(?:\w+:)?sheet[ \t\r\n][^>]*?:id=["']([^"']*)["']""")
_TARGET = re.compile(rb"""[ \t\r\n]Target=["']/?(?:xl/)?(worksheets/[^"']*)["']""", re.IGNORECASE)


class Size(NamedTuple):
    """What the reader will have to hold: bytes, and cells."""

    unpacked: int
    cells: int


def size_of(path: Path) -> tuple[Size, str | None]:
    """How much a spreadsheet is, and why that is too much to be read, with the bound; None where it is not.

    What it says of its own sizes is not relied on. Where it is no spreadsheet its own reader says what is wrong.
    """
    left, cells = MOST_BYTES, 0
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as file:
            parts = archive.infolist()
            if len(parts) > MOST_PARTS:
                return Size(0, 0), f"has {len(parts):,} parts, must be at most {MOST_PARTS:,}"
            if sum(part.file_size for part in parts) > MOST_BYTES:
                return Size(0, 0), f"has more than {MOST_BYTES:,} bytes when it is unpacked"
            names = [part.filename.lower() for part in parts]
            if len(set(names)) != len(names):
                return Size(0, 0), "holds a part twice, so nobody can say which one counts; save it anew"
            for part in parts:
                sheet = _Sheet(part.filename.lower())
                unpacked = 0
                for block in _unpacked(file, part):
                    left -= len(block)
                    unpacked += len(block)
                    if left < 0:
                        return Size(0, 0), f"has more than {MOST_BYTES:,} bytes when it is unpacked"
                    sheet.look(block)
                    if sheet.text > MOST_TEXT and not part.filename.startswith(_PICTURES):
                        return Size(0, 0), f"holds a text of more than {MOST_TEXT:,} bytes"
                    if unpacked > max(_LARGE, MOST_RATIO * part.compress_size):
                        return Size(0, 0), f"is packed more than {MOST_RATIO} to 1, as no spreadsheet is; save it anew"
                    if sheet.fault is not None:
                        return Size(0, 0), sheet.fault
                sheet.end()
                if sheet.fault is not None:
                    return Size(0, 0), sheet.fault
                cells += sheet.cells
                far = f"a sheet reaches to row {sheet.rows:,} and column {sheet.columns:,}, that is {cells:,} cells; "
                if cells > MOST_CELLS:
                    return Size(0, 0), (
                        f"{far}at most {MOST_CELLS:,} can be read. Take out the empty rows and columns at its end"
                    )
                if sheet.cells > MOST_EMPTY + 5 * sheet.there:
                    return Size(0, 0), (
                        f"{far}only {sheet.there:,} are there. Take out the empty rows and columns at its end"
                    )
    except (OSError, zipfile.BadZipFile, zlib.error, NotImplementedError, ValueError):
        pass
    return Size(MOST_BYTES - left, cells), None


def _unpacked(file: BinaryIO, part: zipfile.ZipInfo) -> Iterator[bytes]:
    """The content of a part, a chunk at a time, to where its packed bytes end."""
    file.seek(part.header_offset + 26)
    lengths = file.read(4)
    file.seek(int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little"), 1)
    left = part.compress_size
    unpack = zlib.decompressobj(-15) if part.compress_type == zipfile.ZIP_DEFLATED else None
    while left > 0 and (packed := file.read(min(left, _CHUNK))):
        left -= len(packed)
        while packed:
            if unpack is None:
                yield packed
                break
            yield unpack.decompress(packed, _CHUNK)
            packed = unpack.unconsumed_tail


class _Sheet:
    """How far the cells of a sheet reach, how many there are, its longest text, and what makes it none to be read."""

    def __init__(self, name: str) -> None:
        self._is_sheet = "worksheets/" in name
        self._once = (
            _SHEET if name.endswith("workbook.xml") else _TARGET if name.endswith("workbook.xml.rels") else None
        )
        self._seen: set[bytes] = set()
        self.rows = self.columns = self.text = self.there = 0
        self.fault: str | None = None
        self._tags = self._unplaced = self._entries = 0
        self._left = b""
        self._run = 0
        self._last = (0, 0)

    @property
    def cells(self) -> int:
        return self.rows * self.columns

    def look(self, block: bytes) -> None:
        """The next bytes of its part."""
        first, last = block.find(b"<"), block.rfind(b"<")
        self.text = max(self.text, self._run + (len(block) if first < 0 else first))
        self._run = self._run + len(block) if first < 0 else len(block) - last
        whole = self._left + block
        cut = max(0, whole.rfind(b"<"))
        self._left = whole[cut:][-2 * MOST_TEXT :]
        self._look_at(whole[:cut])

    def end(self) -> None:
        """There are no more."""
        self._look_at(self._left)
        if len(self._seen) < self._entries <= MOST_SHEETS:  # of more than that the reader itself will tell
            self.fault = "two of its sheets are the same one; save it anew"

    def _look_at(self, tags: bytes) -> None:
        for column, row in _PLACE.findall(tags):
            if column:
                self.there += 1
                number = 0
                for letter in column:
                    number = number * 26 + letter - 64
                place = (int(row), number)
                if self._is_sheet and place <= self._last:
                    self.fault = f"cell {column.decode()}{int(row)} stands twice, or behind later ones; save it anew"
                self._last = place
                self.columns = max(self.columns, number)
            self.rows = max(self.rows, int(row))
        if not self._is_sheet:
            if self._once is not None:
                self._look_for_one_twice(tags)
            return
        self._tags += tags.count(b"<row") + tags.count(b":row")
        self._unplaced += tags.count(b"<c>") + tags.count(b"<c/>") + tags.count(b"<c t=") + tags.count(b"<c s=")
        self.there = max(self.there, self._unplaced)
        self.columns = max(self.columns, bool(self._unplaced))
        self.rows = max(self.rows, min(self._tags, MOST_ROWS))
        if self._tags > MOST_ROWS:
            self.fault = f"has more than {MOST_ROWS:,} rows"
        elif b"v>-" in tags and _NO_TEXT.search(tags):
            self.fault = "a cell shows a text that is not in the file; save it anew"

    def _look_for_one_twice(self, tags: bytes) -> None:
        assert self._once is not None  # noqa: S101 - asked before
        found = self._once.findall(tags)
        self._entries += len(found)
        self._seen.update(found)
