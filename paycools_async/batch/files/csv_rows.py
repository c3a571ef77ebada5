"""Rows of a CSV as spreadsheets write it: delimiter found, empty edges passed over, no line break inside a cell."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator

from .header import Columns, Header
from .results import FileError, Order, RowError
from .row_to_request import RowConverter
from .text import Lines

__all__ = ["CsvRows"]

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical lines"}
_SEP = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_NOTHING = " \t\r\n\"'" + "".join(_DELIMITERS)
_MOST_LINES = 50
"""Of a row with line breaks in its cells: more is a quotation mark that is missing."""
_TITLES = 10
"""Lines below the first in which the header may be, if the first is a title."""


class CsvRows:
    """Reads one file. `rows` counts what was read; `notes`: what a person should know of how."""

    def __init__(self, lines: Lines, columns: Columns, converter: RowConverter) -> None:
        self._lines = lines
        self._columns = columns
        self._converter = converter
        self._began = 0
        self.rows: int = 0
        self.notes: list[str] = []

    def __iter__(self) -> Iterator[Order | RowError]:
        """Raises FileError where the file cannot be read on."""
        lines = iter(self._lines)
        delimiter, header = self._header(lines)
        reader = csv.reader(self._bounded(lines), delimiter=delimiter, strict=True)
        order, places = self._converter.order, header.places
        plain = not header.nameless and not header.beside
        while True:
            self._began = begins = self._lines.number + 1
            try:
                cells = next(reader, None)
            except csv.Error as error:
                self.rows += 1
                yield self._broken(begins, str(error))
                continue
            if cells is None:
                return
            if self._lines.number > begins:
                self.rows += 1
                yield self._line_break(begins)
                continue
            if len(cells) != header.width or not plain:
                fault = self._shape(begins, cells, header)
                if fault is not None:
                    if fault.reason:
                        self.rows += 1
                        yield fault
                    continue
            row = {name: cell for name, place in places if (cell := cells[place].strip(" "))}
            if not row and not "".join(cells).strip(_NOTHING):
                continue
            self.rows += 1
            beside = {name: cells[place] for name, place in header.beside} if header.beside else None
            found = order(begins, row, beside)
            if type(found) is Order:
                yield found
            else:
                yield from self._faults(begins, cells, header, found)  # type: ignore[arg-type]

    # -- the header -----------------------------------------------------------------------------------------------

    def _header(self, lines: Iterator[str]) -> tuple[str, Header]:
        text = self._first(lines)
        declared = _SEP.fullmatch(text)
        if declared is not None:
            text = self._first(lines)
        number = self._lines.number
        delimiter, cells = self._split(text, declared[1] if declared else None, number)
        if self._columns.recognised(cells) < 2:
            self._refuse_title(lines, number)
        if delimiter != ",":
            self.notes.append(f"the columns are separated by {_DELIMITERS.get(delimiter, repr(delimiter))}")
        return delimiter, self._columns.header(cells, self._lines.name, number)

    def _first(self, lines: Iterator[str]) -> str:
        for line in lines:
            if line.strip(_NOTHING):
                return line
        raise FileError(f"{self._lines.name}: the file is empty")

    def _split(self, text: str, declared: str | None, number: int) -> tuple[str, list[str]]:
        """The header's cells by the delimiter under which most of them are columns."""
        found: list[tuple[str, list[str]]] = []
        for delimiter in (declared,) if declared else _DELIMITERS:
            try:
                [cells] = csv.reader([text], delimiter=delimiter, strict=True)
            except (csv.Error, ValueError, TypeError):
                continue
            found.append((delimiter, cells))
        if not found:
            raise FileError(f"{self._lines.name}: line {number}: the header's quotation marks do not match")
        return max(found, key=lambda each: self._columns.recognised(each[1]))

    def _refuse_title(self, lines: Iterator[str], number: int) -> None:
        for text in itertools.islice(lines, _TITLES):
            cells = self._split(text, None, self._lines.number)[1] if text.strip(_NOTHING) and '"' not in text else []
            if self._columns.recognised(cells) > 2:
                raise FileError(
                    f"{self._lines.name}: line {number} looks like a title; the header is line {self._lines.number}: "
                    "take out what stands above it"
                )

    # -- rows that are none ---------------------------------------------------------------------------------------

    def _bounded(self, lines: Iterator[str]) -> Iterator[str]:
        for line in lines:
            if self._lines.number - self._began >= _MOST_LINES:
                raise FileError(
                    f"{self._lines.name}: line {self._began}: a cell that begins here holds more than {_MOST_LINES} "
                    "lines; perhaps a quotation mark is missing. Nothing after it was read"
                )
            yield line

    def _broken(self, begins: int, why: str) -> RowError:
        if self._lines.number > begins or "unexpected end" in why:
            return RowError(
                begins,
                "row",
                f"a cell that begins in line {begins} does not end before line {self._lines.number} does; perhaps a "
                "quotation mark is missing or stands where none belongs",
            )
        return RowError(begins, "row", "a quotation mark stands where none can: write two of them inside a cell")

    def _line_break(self, begins: int) -> RowError:
        return RowError(
            begins,
            "row",
            f"a cell holds a line break: it begins in line {begins} and ends in line {self._lines.number}; perhaps a "
            "quotation mark is missing",
        )

    def _shape(self, line: int, cells: list[str], header: Header) -> RowError | None:
        """A row of another width; one without a reason is an empty line, None is a row that may be read."""
        if not "".join(cells).strip(_NOTHING):
            return RowError(line, "row", "")
        if len(cells) < header.width or "".join(cells[header.width :]).strip():
            return RowError(line, "row", f"has {len(cells)} cells, the header has {header.width}")
        if any(cells[place].strip() for place in header.nameless):
            return RowError(line, "row", "holds something in a column without a name")
        return None

    def _faults(self, line: int, cells: list[str], header: Header, found: list[RowError]) -> list[RowError]:
        if self._columns.recognised(cells) >= len(header.places):
            return [RowError(line, "row", "repeats the header; take it out")]
        return found
