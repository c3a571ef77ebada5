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
MOST_TEXT = 1 << 20
"""Bytes from one mark of the XML to the next: a cell holds 32,767 characters at most."""
MOST_SHEETS = 255
MOST_PARTS = 5_000

_PICTURES = "xl/media/"
_CHUNK = 1 << 20
_PLACE = re.compile(rb"""[ \t\r\n]r=["']([A-Z]{1,3})([0-9]{1,7})["']""")
_LONGEST_PLACE = 16


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
            for part in parts:
                sheet = _Sheet()
                for block in _unpacked(file, part):
                    left -= len(block)
                    if left < 0:
                        return Size(0, 0), f"has more than {MOST_BYTES:,} bytes when it is unpacked"
                    sheet.look(block)
                    if sheet.text > MOST_TEXT and not part.filename.startswith(_PICTURES):
                        return Size(0, 0), f"holds a text of more than {MOST_TEXT:,} bytes"
                cells += sheet.cells
                if cells > MOST_CELLS:
                    return Size(0, 0), (
                        f"a sheet reaches to row {sheet.rows:,} and column {sheet.columns:,}, that is {cells:,} "
                        f"cells; at most {MOST_CELLS:,} can be read. Take out the empty rows and columns at its end"
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
    """How far the cells of a sheet reach, and its longest text."""

    def __init__(self) -> None:
        self.rows = self.columns = self.text = 0
        self._before = b""
        self._run = 0

    @property
    def cells(self) -> int:
        return self.rows * self.columns

    def look(self, block: bytes) -> None:
        for column, row in _PLACE.findall(self._before + block):
            self.rows = max(self.rows, int(row))
            number = 0
            for letter in column:
                number = number * 26 + letter - 64
            self.columns = max(self.columns, number)
        self._before = block[-_LONGEST_PLACE:]
        first, last = block.find(b"<"), block.rfind(b"<")
        self.text = max(self.text, self._run + (len(block) if first < 0 else first))
        self._run = self._run + len(block) if first < 0 else len(block) - last
