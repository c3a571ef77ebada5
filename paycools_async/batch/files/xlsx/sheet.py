"""Rows of an .xlsx file. A spreadsheet keeps numbers as floats and days as numbers: here they become text, or a fault.

The extra `xlsx` reads the file (python-calamine). It holds one sheet in memory, outside Python; rows are handed out one
by one. A cell whose formula failed (#REF!, #N/A) reads as empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from ..cells import Unusable
from .bounds import why_too_much

__all__ = ["Unreadable", "Unusable", "cell_text", "number_text", "rows"]

_EXACT = 10**15
"""Spreadsheets keep 15 digits; from here on a number may have been rounded."""


class Unreadable(Exception):
    """The file as a whole cannot be used."""


def rows(path: Path) -> Iterator[tuple[int, list[Any]]]:
    """The number and the cells of each row of the one visible sheet. Raises Unreadable."""
    try:
        import python_calamine as calamine
    except ModuleNotFoundError:
        raise Unreadable(
            f"{path.name}: reading .xlsx needs an extra: pip install 'paycools-async[xlsx]'; or save it as .csv"
        ) from None
    too_much = why_too_much(path)
    if too_much is not None:
        raise Unreadable(f"{path.name}: {too_much}")
    try:
        with calamine.CalamineWorkbook.from_path(path) as book:
            sheet = _only_sheet(book, path.name, (calamine.SheetTypeEnum.WorkSheet, calamine.SheetVisibleEnum.Visible))
            for number, cells in enumerate(sheet.iter_rows(), 1):
                yield number, [None if cell == "" else cell for cell in cells]
    except calamine.PasswordError:
        raise Unreadable(f"{path.name}: the file is protected by a password; save it without one") from None
    except calamine.CalamineError as error:
        raise Unreadable(f"{path.name}: is no .xlsx file, or is damaged: {error}") from None


def _only_sheet(book: Any, name: str, wanted: tuple[Any, Any]) -> Any:
    """Which of several sheets is to be paid is not for us to guess."""
    found = []
    for data in book.sheets_metadata:
        if (data.typ, data.visible) == wanted:
            sheet = book.get_sheet_by_name(data.name)
            if sheet.start is not None:
                found.append(sheet)
    if len(found) > 1:
        names = ", ".join(repr(sheet.name) for sheet in found)
        raise Unreadable(f"{name}: several sheets hold something ({names}); leave one, or hide the others")
    if not found:
        raise Unreadable(f"{name}: the file is empty")
    return found[0]


def number_text(number: float | int) -> str:
    """A number as the shortest text that means the same: 500.1 for 500.1, 500 for 500.0."""
    return str(int(number)) if number == int(number) and abs(number) < _EXACT else repr(number)


def cell_text(cell: Any, *, money: bool, whole: bool, a_day: bool, keeps_zeros: bool) -> Any:
    """A cell as the text its column wants, or as Unusable."""
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return Unusable("must be a text or a number, not TRUE or FALSE")
    if isinstance(cell, int | float):
        if money or whole:
            return number_text(cell)
        if keeps_zeros:
            return Unusable(
                "stands there as a number, so zeros in front and digits beyond 15 are lost; format the column as text"
            )
        if a_day or cell != int(cell) or abs(cell) >= _EXACT:
            return Unusable("stands there as a number; format the column as text")
        return number_text(cell)
    if a_day and isinstance(cell, date) and (not isinstance(cell, datetime) or cell.time() == time()):
        return cell.strftime("%Y-%m-%d")
    return Unusable("the spreadsheet holds a date or time here; format the column as text")
