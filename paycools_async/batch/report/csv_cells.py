"""The one writer of our CSV files: no cell of it is a formula to a spreadsheet, moves a cursor or begins a line."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from typing import Any, TextIO

from ...texts import shown_text

__all__ = ["CsvWriter", "Kept", "cell"]

_RUN = ("=", "+", "-", "@")
"""What a cell begins with that spreadsheets calculate; behind blanks too, and in forms that they take for it."""
_OTHER_FORMS = str.maketrans(
    {"\uff1d": "=", "\uff0b": "+", "\uff0d": "-", "\uff20": "@"}  # wide
    | {"\ufe66": "=", "\ufe62": "+", "\ufe63": "-", "\ufe6b": "@"}  # small
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58", "-")
)


_CONTROLS = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""What moves a cursor or cannot be written; tabs and line breaks can, in quotation marks."""


class Kept(str):
    """A text that somebody gave to have it back: it is written whole, but for control characters."""

    __slots__ = ()


class CsvWriter:
    """Writes rows; texts pass through `cell`, numbers as they are."""

    def __init__(self, file: TextIO) -> None:
        self._writer = csv.writer(file)

    def row(self, cells: Iterable[Any]) -> None:
        """Write one row."""
        self._writer.writerow([cell(each) for each in cells])

    def rows(self, rows: Iterable[Iterable[Any]]) -> None:
        """Write many."""
        self._writer.writerows([cell(each) for each in row] for row in rows)


def cell(value: Any) -> Any:
    """A text as a cell may hold it; None is empty, a number stays one."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    text = _CONTROLS.sub("?", value) if isinstance(value, Kept) else shown_text(value)
    runs = text.lstrip().translate(_OTHER_FORMS).startswith(_RUN) or value[:1] in ("\t", "\r", "\n")
    return "'" + text if runs else text
