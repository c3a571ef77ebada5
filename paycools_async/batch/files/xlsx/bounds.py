"""Whether a spreadsheet can be opened at all: its reader holds one sheet as a rectangle of cells in memory."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

__all__ = ["MOST_BYTES", "MOST_CELLS", "why_too_much"]

MOST_BYTES = 1024**3
"""Of all the parts of a spreadsheet, unpacked."""
MOST_CELLS = 20_000_000
"""From the first cell of a sheet to the last one, empty ones included."""

_CHUNK = 1 << 20
_PLACE = re.compile(rb'[ \n]r="([A-Z]{1,3})([0-9]{1,7})"')
_LONGEST_PLACE = 16


def why_too_much(path: Path) -> str | None:
    """Why a spreadsheet is too much to be read, with the bound; None where it is not, or where it is none.

    What it says of its own sizes is not relied on.
    """
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as file:
            left = MOST_BYTES
            for part in archive.infolist():
                sheet = _Sheet()
                for block in _unpacked(file, part):
                    left -= len(block)
                    if left < 0:
                        return f"has more than {MOST_BYTES:,} bytes when it is unpacked"
                    if part.filename.endswith(".xml"):
                        sheet.look(block)
                if sheet.cells > MOST_CELLS:
                    return (
                        f"a sheet reaches to row {sheet.rows:,} and column {sheet.columns:,}, that is {sheet.cells:,} "
                        f"cells; at most {MOST_CELLS:,} can be read. Take out the empty rows and columns at its end"
                    )
    except (OSError, zipfile.BadZipFile, zlib.error, NotImplementedError, ValueError):
        return None  # its own reader says what is wrong with it
    return None


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
    """How far the cells of a sheet reach."""

    def __init__(self) -> None:
        self.rows = self.columns = 0
        self._before = b""

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
