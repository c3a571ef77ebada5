"""The cells of a spreadsheet: it keeps numbers as floats and days as numbers; here they become text, or a fault."""

from __future__ import annotations

import math
import re
from datetime import date, datetime, time
from typing import Any

from ..row_to_request import Unusable
from .process import Faulted

__all__ = ["cell_text", "kept_text", "number_text"]

_LONG = 10**21
_EXACT = 10**15
"""Spreadsheets keep 15 digits; from here on a number may have been rounded."""


def number_text(number: float | int) -> str:
    """A number as the shortest text that means the same: 500.1 for 500.1, 500 for 500.0."""
    return str(int(number)) if abs(number) < _EXACT and number == int(number) else repr(number)


def cell_text(cell: Any, *, money: bool, whole: bool, a_day: bool, keeps_zeros: bool) -> Any:
    """A cell as the text its column wants, or as Unusable."""
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, Faulted):
        return Unusable(_fault_of(cell))
    if isinstance(cell, bool):
        return Unusable("must be a text or a number, not TRUE or FALSE")
    if isinstance(cell, int | float):
        if not math.isfinite(cell):
            return Unusable("is no number")
        if money or whole:
            return number_text(cell)
        if keeps_zeros:
            return Unusable(
                "stands there as a number, so zeros in front and digits beyond 15 are lost; format the column as text"
            )
        if a_day or abs(cell) >= _EXACT or cell != int(cell):
            return Unusable("stands there as a number; format the column as text")
        return number_text(cell)
    if a_day and isinstance(cell, date) and (not isinstance(cell, datetime) or cell.time() == time()):
        return cell.strftime("%Y-%m-%d")
    return Unusable("the spreadsheet holds a date or time here; format the column as text")


_ERROR = re.compile(r"#[A-Z0-9_/]{1,20}[!?]?", re.ASCII)


def _fault_of(cell: Faulted) -> str:
    if not cell.text:
        return "holds a formula whose result is not in the file; open it in a spreadsheet program and save it again"
    shown = f" ({cell.text})" if _ERROR.fullmatch(cell.text) else ""
    return f"the spreadsheet shows an error here{shown}, not a value"


def kept_text(cell: Any) -> str:
    """A cell of a column that is carried along and not sent, as the spreadsheet has it."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, int):
        return str(cell)
    if isinstance(cell, float):
        return str(int(cell)) if math.isfinite(cell) and cell == int(cell) and abs(cell) < _LONG else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(" ")
    return str(cell)
