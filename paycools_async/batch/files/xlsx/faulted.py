"""Cells of a sheet that show an error, or hold a formula that nobody has calculated: the reader calls both empty.

Who takes them for empty passes over a row in which every cell broke, and pays everybody else.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.parsers import expat

__all__ = ["MOST", "TooManyFaults", "Unparsed", "faulted_cells"]

MOST = 100_000
"""Cells of a sheet that are named; with more the whole file is refused."""

_CHUNK = 1 << 20
_OVERLAP = 64
_HINT = re.compile(rb"""\st\s*=\s*["']e["']|<(?:[\w.-]+:)?f[\s>/]""")
_WORKBOOK = "xl/workbook.xml"
_RELATIONS = "xl/_rels/workbook.xml.rels"
_SHEETS = "xl/worksheets/"
_LONGEST_TEXT = 40
_PLACE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")


class TooManyFaults(Exception):
    """More cells are broken than are named one by one."""


class Unparsed(Exception):
    """The sheet is no XML that may be read."""


def faulted_cells(path: Path, sheet: str) -> dict[tuple[int, int], str]:
    """Row and column, from 1, of each such cell, and the error that it shows; "" is a formula without a result.

    Raises Unparsed or TooManyFaults.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            found: dict[tuple[int, int], str] = {}
            for part in _parts_of(archive, sheet):
                if _may_have_faults(archive, part):
                    reader = _Reader(found)
                    reader.read(_chunks(archive, part))
            return found
    except (expat.ExpatError, zipfile.BadZipFile, OSError, KeyError, ValueError, EOFError) as error:
        raise Unparsed(type(error).__name__) from None


def _parts_of(archive: zipfile.ZipFile, sheet: str) -> list[str]:
    """The part of a sheet; all sheets' parts where the workbook does not say which."""
    names = {name.casefold(): name for name in archive.namelist()}
    every = [real for name, real in names.items() if name.startswith(_SHEETS) and name.endswith(".xml")]
    ids: list[str] = []
    targets: dict[str, str] = {}

    def of_workbook(tag: str, attributes: dict[str, str]) -> None:
        if _local(tag) == "sheet" and attributes.get("name") == sheet:
            ids.extend(value for name, value in attributes.items() if _local(name) == "id")

    def of_relations(tag: str, attributes: dict[str, str]) -> None:
        if _local(tag) == "Relationship":
            targets[attributes.get("Id", "")] = attributes.get("Target", "")

    for part, note in ((_WORKBOOK, of_workbook), (_RELATIONS, of_relations)):
        if part not in names:
            return every
        parser = _parser()
        parser.StartElementHandler = note
        for chunk in _chunks(archive, names[part]):
            parser.Parse(chunk)
        parser.Parse(b"", True)
    for each in ids:
        target = targets.get(each, "").lstrip("/")
        for name in (target, f"xl/{target}"):
            if target and name.casefold() in names:
                return [names[name.casefold()]]
    return every


def _may_have_faults(archive: zipfile.ZipFile, part: str) -> bool:
    """A quick look: most sheets hold neither an error nor a formula, and need not be read twice."""
    before = b""
    for chunk in _chunks(archive, part):
        if _HINT.search(before + chunk):
            return True
        before = chunk[-_OVERLAP:]
    return False


def _chunks(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    with archive.open(part) as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _parser() -> expat.XMLParserType:
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _no_doctype
    parser.buffer_text = True
    return parser


def _no_doctype(*_: object) -> None:
    raise ValueError("a document type")


class _Reader:
    """Follows the cells of one sheet."""

    def __init__(self, found: dict[tuple[int, int], str]) -> None:
        self._found = found
        self._row = self._column = 0
        self._kind = ""
        self._formula = self._inside = False
        self._result: bool | None = None
        self._text = ""

    def read(self, chunks: Iterator[bytes]) -> None:
        parser = _parser()
        parser.StartElementHandler = self._begins
        parser.EndElementHandler = self._ends
        parser.CharacterDataHandler = self._says
        for chunk in chunks:
            parser.Parse(chunk)
        parser.Parse(b"", True)

    def _begins(self, tag: str, attributes: dict[str, str]) -> None:
        name = _local(tag)
        if name == "row":
            number = attributes.get("r", "")
            self._row = int(number) if number.isdecimal() else self._row + 1
            self._column = 0
        elif name == "c":
            self._cell(attributes)
        elif name == "f":
            self._formula = True
        elif name in ("v", "is"):
            self._inside = name == "v"
            self._result = True

    def _cell(self, attributes: dict[str, str]) -> None:
        place = _PLACE.fullmatch(attributes.get("r", ""))
        self._column += 1
        if place is not None:
            self._row, self._column = int(place[2]), 0
            for letter in place[1]:
                self._column = self._column * 26 + ord(letter) - 64
        self._kind = attributes.get("t", "")
        self._formula, self._result, self._text = False, None, ""

    def _says(self, text: str) -> None:
        if self._inside:
            self._text = (self._text + text)[:_LONGEST_TEXT]

    def _ends(self, tag: str) -> None:
        name = _local(tag)
        if name == "v":
            self._inside = False
        elif name == "c":
            uncalculated = self._formula and (self._result is None or not (self._text or self._kind == "str"))
            if self._kind == "e" or uncalculated:
                if len(self._found) >= MOST:
                    raise TooManyFaults
                self._found[self._row, self._column] = self._text if self._kind == "e" else ""
