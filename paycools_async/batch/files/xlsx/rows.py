"""Rows of a spreadsheet's one visible sheet."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..codes import CODE_COLUMNS
from ..header import MONEY, Columns, Header
from ..results import FileError, Order, RowError
from ..row_to_request import RowConverter
from . import process
from .sheet import cell_text, kept_text

__all__ = ["XlsxRows"]

_TITLES = 10


class XlsxRows:
    """Reads one file. `rows` counts what was read, `number` is the sheet's last row."""

    def __init__(
        self, path: Path, columns: Columns, converter: RowConverter, stopped: threading.Event | None = None
    ) -> None:
        self._path = path
        self._columns = columns
        self._converter = converter
        self._stopped = stopped
        self.number: int = 0
        self.rows: int = 0

    def __iter__(self) -> Iterator[Order | RowError]:
        try:
            yield from self._read()
        except process.Unreadable as error:
            raise FileError(str(error)) from None

    def _read(self) -> Iterator[Order | RowError]:
        header: Header | None = None
        sheet = process.rows(self._path, self._stopped)
        for self.number, cells in sheet:
            if all(_is_nothing(cell) for cell in cells):
                continue
            if header is None:
                header = self._header(cells, sheet)
                continue
            self.rows += 1
            if any(not _is_nothing(cells[place]) for place in header.nameless):
                yield RowError(self.number, "row", "holds something in a column without a name")
                continue
            found = self._order(header, cells)
            if isinstance(found, Order):
                yield found
            elif self._columns.recognised([cell for cell in cells if isinstance(cell, str)]) >= len(header.places):
                yield RowError(self.number, "row", "repeats the header; take it out")
            else:
                yield from found

    def _header(self, cells: list[Any], sheet: Iterator[tuple[int, list[Any]]]) -> Header:
        names = ["" if cell is None else str(cell) for cell in cells]
        if self._columns.recognised(names) < 2:
            for number, below in itertools.islice(sheet, _TITLES):
                if self._columns.recognised([str(cell) for cell in below if cell is not None]) > 2:
                    raise FileError(
                        f"{self._path.name}: line {self.number} looks like a title; the header is line {number}: take "
                        "out what stands above it"
                    )
        return self._columns.header(names, self._path.name, self.number)

    def _order(self, header: Header, cells: list[Any]) -> Order | list[RowError]:
        row: dict[str, Any] = {}
        for name, place in header.places:
            cell = self._cell(name, cells[place])
            if not _is_nothing(cell):
                row[name] = cell.strip(" ") if isinstance(cell, str) else cell
        beside = {name: kept_text(cells[place]) for name, place in header.beside}
        return self._converter.order(self.number, row, beside or None)

    def _cell(self, column: str, cell: Any) -> Any:
        rule = self._columns.rules.get(column)
        return cell_text(
            cell,
            money=column in MONEY,
            whole=rule is not None and rule.type is int,
            a_day=rule is not None and rule.is_a_day,
            keeps_zeros=column in self._columns.personal
            or column in CODE_COLUMNS
            or (rule is not None and rule.pattern is not None),
        )


def _is_nothing(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())
