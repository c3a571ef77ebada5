"""A file of payouts, opened: what it holds, and what a person should know of how it was read."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from .codes import Codes
from .csv_rows import CsvRows
from .described import SAMPLE_ID
from .header import Columns
from .jsonl_rows import JsonlRows
from .results import FileError, Order, RowError
from .row_to_request import RowConverter
from .text import opened
from .xlsx.rows import XlsxRows

__all__ = ["OrderFile", "Reading", "read_orders"]

_SUFFIXES = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".xlsx": "xlsx",
}


@attrs.frozen(kw_only=True)
class Reading:
    """How a file is to be read. `codes`: the only ones of banks and wallets to be taken; `codes_name`: their list's."""

    encoding: str | None = None
    ignored: tuple[str, ...] = ()
    codes: frozenset[str] | None = None
    codes_name: str = "the list of codes"
    plain_names: bool = False


class OrderFile:
    """Every row of a file, in order, as an Order or as its errors; iterate over it once.

    Raises FileError, while it is iterated over, if it is no such file. Streams: memory does not grow with the file.
    Afterwards `counted` says how much was read, `notes` how, `warnings` what a person should look at, and `spelled`
    which names are sent in plain spelling.
    """

    def __init__(self, path: Path, request_class: type[Any], currency: str, how: Reading | None = None) -> None:
        self._path = path
        self._how = how or Reading()
        self._columns = Columns(request_class, self._how.ignored, currency)
        self._codes = Codes(self._columns.rules, self._how.codes, self._how.codes_name)
        self._converter = RowConverter(
            request_class, currency, self._columns, self._codes, plain_names=self._how.plain_names
        )
        self.stopped = threading.Event()
        """Set by another thread: nobody wants the file any more, and reading it ends with an error."""
        self.rows: int = 0
        self.lines: int = 0
        self.notes: list[str] = []

    def __iter__(self) -> Iterator[Order | RowError]:
        kind = _SUFFIXES.get(self._path.suffix.lower())
        if kind is None:
            raise FileError(f"{self._path.name or self._path}: give a .csv or a .jsonl file, or an .xlsx")
        if kind == "xlsx":
            yield from self._sheet()
        else:
            yield from self._text(kind)

    def _sheet(self) -> Iterator[Order | RowError]:
        if self._how.encoding is not None:
            raise FileError(f"{self._path.name}: an .xlsx says itself how it is encoded; leave --encoding out")
        sheet = XlsxRows(self._path, self._columns, self._converter, self.stopped)
        try:
            yield from sheet
        finally:
            self.rows, self.lines = sheet.rows, sheet.number

    def _text(self, kind: str) -> Iterator[Order | RowError]:
        lines = opened(self._path, self._how.encoding)
        rows = (CsvRows if kind == "csv" else JsonlRows)(lines, self._columns, self._converter)
        try:
            with lines.file:
                yield from rows
        finally:
            self.rows, self.lines = rows.rows, lines.number
            self.notes = list(rows.notes)
            if not lines.encoding.startswith("utf-8"):
                self.notes.append(f"the text is read as {lines.encoding.upper()}")

    @property
    def counted(self) -> str:
        """How much was read: "5 rows read from 6 lines"."""
        return f"{_count(self.rows, 'row')} read from {_count(self.lines, 'line')}"

    @property
    def sample(self) -> int | None:
        """The line that still is the row of a template (order id SAMPLE000001); None where there is none."""
        return self._converter.sample

    @property
    def sample_payee(self) -> int | None:
        """The first line that has an order id of its own, and the account of a template's row; None: there is none."""
        return self._converter.sample_payee

    @property
    def warnings(self) -> list[str]:
        """What a person should look at before saying yes."""
        found = list(self._codes.warnings())
        if self.sample is not None:
            found.append(f"line {self.sample} is the row of the template ({SAMPLE_ID}): put a payout of yours there")
        if self.sample_payee is not None:
            found.append(f"line {self.sample_payee} pays to the account of the template's row: put the payee's there")
        return found

    @property
    def spelled(self) -> list[str]:
        """Which names are sent in plain spelling, and what stands for which letter."""
        more = self._converter.more_spelled
        return [*self._converter.spelled, *([f"and {more} more names"] if more else [])]


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def read_orders(
    path: Path, request_class: type[Any], currency: str, how: Reading | None = None
) -> Iterator[Order | RowError]:
    """Every row of the file, in order, as an Order or as its errors. Raises FileError if it is no such file.

    Streams: memory does not grow with the file.
    """
    return iter(OrderFile(path, request_class, currency, how))
