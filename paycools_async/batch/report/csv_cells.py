"""The one writer of our CSV files: no cell of it is a formula to a spreadsheet, moves a cursor or begins a line."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import Any, TextIO

from ...texts import shown_text

__all__ = ["CsvWriter", "cell"]

_RUN = ("=", "+", "-", "@")
"""What a cell begins with that spreadsheets calculate; behind blanks too, and in forms that they take for it."""
_OTHER_FORMS = str.maketrans(
    {"\uff1d": "=", "\uff0b": "+", "\uff0d": "-", "\uff20": "@"}  # wide
    | {"\ufe66": "=", "\ufe62": "+", "\ufe63": "-", "\ufe6b": "@"}  # small
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58", "-")
)


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
    text = shown_text(value)
    return (
        "'" + text
        if text.lstrip().translate(_OTHER_FORMS).startswith(_RUN) or value[:1] in ("\t", "\r", "\n")
        else text
    )
