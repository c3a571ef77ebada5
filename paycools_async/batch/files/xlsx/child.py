"""The process that reads a spreadsheet: whatever the file does to the reader ends here.

Run as `python -I -c ... PATH MOST_BYTES MOST_CELLS`. Writes frames to standard output, each a JSON text behind its
length: lists of rows, and last how it ended. Says nothing else; it may be killed at any moment.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import threading
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from . import bounds, faulted

__all__ = ["MOST_CHARACTERS", "MOST_COLUMNS", "main"]

MOST_COLUMNS = 1_000
MOST_CHARACTERS = 65_536
"""Of a row."""

_ROWS = 1_000
_FRAME = 1 << 18
"""Rows and about how many characters are written at a time."""
_FIRST_MEMORY = 320 << 20
_MOST_MEMORY = 3 << 30
_MOST_PROCESSOR_SECONDS = 120
_NAMED = 5
_PROTECTED = "the file is protected by a password; save it without one"
_DAMAGED = "is no .xlsx file, or is damaged"


class _Refused(Exception):
    """The file cannot be used, and why."""


def main(arguments: list[str]) -> None:
    """Read one file, and end."""
    path, bounds.MOST_BYTES, bounds.MOST_CELLS = Path(arguments[0]), int(arguments[1]), int(arguments[2])
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what else would print goes where nobody looks
    try:
        _end_with_the_parent()
        _limit("RLIMIT_CPU", _MOST_PROCESSOR_SECONDS)
        _limit("RLIMIT_CORE", 0)
        _limit_memory(_FIRST_MEMORY)
        _write_rows(path, out)
        end: dict[str, Any] = {"end": True}
    except _Refused as refused:
        end = {"refused": str(refused)}
    except MemoryError:
        end = {"refused": "takes more memory than a spreadsheet of payouts may"}
    except BrokenPipeError:
        return
    except BaseException as error:  # noqa: BLE001 - a panic of the reader is no Exception
        end = {"refused": f"{_DAMAGED}: {type(error).__name__}"}
    _write(out, end)
    out.flush()


def _write_rows(path: Path, out: BinaryIO) -> None:
    size, too_much = bounds.size_of(path)
    if too_much is not None:
        raise _Refused(too_much)
    # the reader keeps the cells twice while it counts them, and every shared text
    _limit_memory(min(_MOST_MEMORY, _FIRST_MEMORY + 100 * size.cells + 3 * size.unpacked))
    chunk: list[Any] = []
    characters = 0
    for number, cells in _rows(path):
        length = sum(len(cell) for cell in cells if isinstance(cell, str))
        if length > MOST_CHARACTERS:
            raise _Refused(f"line {number} has more than {MOST_CHARACTERS} characters; that is no row")
        chunk.append((number, cells))
        characters += length
        if len(chunk) >= _ROWS or characters > _FRAME:
            _write(out, chunk)
            chunk, characters = [], 0
    _write(out, chunk)


def _rows(path: Path) -> Iterator[tuple[int, list[Any]]]:
    import python_calamine as calamine

    try:
        with calamine.CalamineWorkbook.from_path(path) as book:
            sheet = _only_sheet(book, (calamine.SheetTypeEnum.WorkSheet, calamine.SheetVisibleEnum.Visible))
            yield from _with_faults(sheet, _faults(path, sheet.name))
    except calamine.PasswordError:
        raise _Refused(_PROTECTED) from None
    except calamine.CalamineError as error:
        raise _Refused(f"{_DAMAGED}: {error}") from None


def _faults(path: Path, sheet: str) -> dict[tuple[int, int], str]:
    try:
        return faulted.faulted_cells(path, sheet)
    except faulted.TooManyFaults:
        raise _Refused(f"more than {faulted.MOST:,} cells show an error or hold a formula without a result") from None
    except faulted.Unparsed as error:
        raise _Refused(f"{_DAMAGED}: {error}") from None


def _with_faults(sheet: Any, faults: dict[tuple[int, int], str]) -> Iterator[tuple[int, list[Any]]]:
    """The rows, with the faults in the cells that the reader left empty, and the rows that hold nothing else."""
    left = sheet.start[1] + 1  # the reader leaves out the columns before the first that holds something
    places = [column for _, column in faults]
    first, last = min([left, *places]), max([left + sheet.width - 1, *places])
    if last - first >= MOST_COLUMNS:
        raise _Refused(f"has {last - first + 1:,} columns, must be at most {MOST_COLUMNS:,}; empty those at its end")
    of_row: dict[int, list[tuple[int, str]]] = {}
    for (row, column), text in faults.items():
        of_row.setdefault(row, []).append((column - first, text))
    number = 0
    for number, found in enumerate(sheet.iter_rows(), 1):
        yield number, _filled([_portable(cell) for cell in found], left - first, last - first + 1, of_row.get(number))
    for beyond in sorted(row for row in of_row if row > number):
        yield beyond, _filled([], 0, last - first + 1, of_row[beyond])


def _filled(cells: list[Any], before: int, width: int, faults: list[tuple[int, str]] | None) -> list[Any]:
    if len(cells) != width:
        cells = [None] * before + cells
        cells += [None] * (width - len(cells))
    for place, text in faults or ():
        cells[place] = {"faulted": text}
    return cells


def _only_sheet(book: Any, wanted: tuple[Any, Any]) -> Any:
    """Which of several sheets is to be paid is not for us to guess."""
    found = []
    listed = [data.name for data in book.sheets_metadata if (data.typ, data.visible) == wanted]
    if len(listed) > bounds.MOST_SHEETS:
        raise _Refused(f"has {len(listed):,} sheets, must be at most {bounds.MOST_SHEETS}")
    for name in listed:
        sheet = book.get_sheet_by_name(name)
        if sheet.start is not None:
            found.append(sheet)
        if len(found) > _NAMED:
            break
    if len(found) > 1:
        names = ", ".join(repr(sheet.name) for sheet in found[:_NAMED])
        more = " and more" if len(found) > _NAMED else ""
        raise _Refused(f"several sheets hold something ({names}{more}); leave one, or hide the others")
    if not found:
        raise _Refused("the file is empty")
    if found[0].width > MOST_COLUMNS:
        raise _Refused(
            f"has {found[0].width:,} columns, must be at most {MOST_COLUMNS:,}; empty those at its right end"
        )
    return found[0]


def _portable(cell: Any) -> Any:
    """A cell as JSON has it; days and times as an object that names their kind."""
    if cell == "":
        return None
    if isinstance(cell, str | int | float):  # bool is an int
        return cell
    for kind in (datetime, date, time):
        if isinstance(cell, kind):
            return {kind.__name__: cell.isoformat()}
    return {"timedelta": cell.total_seconds() if isinstance(cell, timedelta) else 0.0}


def _write(out: BinaryIO, found: Any) -> None:
    data = json.dumps(found).encode("ascii")
    out.write(struct.pack(">I", len(data)) + data)


def _end_with_the_parent() -> None:
    """Standard input breaks when whoever started this is gone; the system itself then ends this process."""
    try:
        import fcntl

        # the reader lets no other thread of Python run, so it is a signal that nobody takes
        fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_ASYNC)
    except (ImportError, AttributeError, OSError):
        pass

    def watch() -> None:  # where the system has no such signal, and for what happened before it was asked for
        while os.read(0, 1):
            pass
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _limit_memory(most: int) -> None:
    _limit("RLIMIT_AS", most, _MOST_MEMORY)


def _limit(name: str, most: int, hard: int | None = None) -> None:
    """What the machine offers of this; Windows has none of it."""
    try:
        import resource
    except ModuleNotFoundError:
        return
    number = getattr(resource, name, None)
    if number is None:
        return
    bound = resource.getrlimit(number)[1]
    wanted = most if hard is None else hard
    hard = wanted if bound == resource.RLIM_INFINITY else min(bound, wanted)
    try:
        resource.setrlimit(number, (min(most, hard), hard))
    except (ValueError, OSError):  # macOS knows the memory's limit, and sets none
        return


if __name__ == "__main__":
    main(sys.argv[1:])
