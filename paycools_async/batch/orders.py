"""Orders from a file: CSV, JSON Lines or XLSX, one payout a row, columns named like the request's fields.

Money is `amount` (major units, 500.10) or `amount_minor` (integer). Every row is checked before anything is sent, and
every fault is reported with its line, column and reason. Account data is never repeated in a message.
"""

from __future__ import annotations

import csv
import difflib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from ..errors import InvalidRequest
from ..fields import Rule
from ..money import format_major, to_minor
from ..wire.canonical import NumberText
from . import xlsx

__all__ = ["FileError", "Order", "RowError", "read_orders"]


class FileError(Exception):
    """The file as a whole cannot be used."""


@attrs.frozen
class RowError:
    """One fault: where it stands and what is wrong."""

    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.column}: {self.reason}"


@attrs.frozen
class Order:
    """A valid row."""

    line: int
    request: Any


_SUFFIXES = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".xlsx": "xlsx"}
_ROUNDED = re.compile(r"[0-9]+(\.[0-9]+)?[eE]\+?[0-9]+", re.ASCII)
_MONEY = ("amount", "amount_minor")


def read_orders(path: Path, request_class: type[Any], currency: str) -> Iterator[Order | RowError]:
    """Every row of the file, in order, as an Order or as its errors. Raises FileError if it is no such file.

    Streams: memory does not grow with the file.
    """
    kind = _SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise FileError(f"{path.name}: give a .csv or a .jsonl file, or an .xlsx")
    try:
        size = path.stat().st_size
        file = path.open(encoding="utf-8-sig", newline="" if kind == "csv" else None)
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror}") from None
    if size == 0:
        file.close()
        raise FileError(f"{path.name}: the file is empty")
    reader = _Rows(request_class, currency)
    if kind == "xlsx":
        file.close()
        yield from reader.xlsx(path)
        return
    line = 0
    try:
        with file:
            for found in reader.csv(file, path.name) if kind == "csv" else reader.jsonl(file):
                line = found.line
                yield found
    except UnicodeDecodeError:
        raise FileError(f"{path.name}: after line {line}: the text is not UTF-8; save it as UTF-8") from None
    except csv.Error as error:
        raise FileError(f"{path.name}: after line {line}: {error}") from None


class _Rows:
    """Turns cells into requests of one class."""

    def __init__(self, request_class: type[Any], currency: str) -> None:
        self._class = request_class
        self._currency = currency
        self._rules: dict[str, Rule] = {
            field.name: field.metadata["rule"] for field in attrs.fields(request_class) if "rule" in field.metadata
        }
        self._required = {
            field.name
            for field in attrs.fields(request_class)
            if field.default is attrs.NOTHING and field.name != "amount"
        }
        self._personal = {field.name for field in attrs.fields(request_class) if field.metadata.get("personal")}
        self._columns = {*self._rules, *_MONEY}

    def csv(self, file: Any, name: str) -> Iterator[Order | RowError]:
        reader = csv.reader(file, strict=True)
        header = [cell.strip() for cell in next(reader, [])]
        self._check_header(header, name)
        line = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                if len(cells) != len(header):
                    yield RowError(line, "row", f"has {len(cells)} cells, the header has {len(header)}")
                else:
                    yield from self.order(line, dict(zip(header, cells, strict=True)))
            line = reader.line_num + 1

    def xlsx(self, path: Path) -> Iterator[Order | RowError]:
        try:
            header: list[str] = []
            for number, cells in xlsx.rows(path):
                if all(cell is None or (isinstance(cell, str) and not cell.strip()) for cell in cells):
                    continue
                if header:
                    row = {name: self._cell(name, cell) for name, cell in zip(header, cells, strict=True) if name}
                    beside = [cell for name, cell in zip(header, cells, strict=True) if not name and cell is not None]
                    if beside:
                        yield RowError(number, "row", "holds something in a column without a name")
                    else:
                        yield from self.order(number, row)
                else:
                    header = [str(cell or "").strip() for cell in cells]
                    self._check_header([name for name in header if name], path.name, number)
        except xlsx.Unreadable as error:
            raise FileError(str(error)) from None

    def _cell(self, column: str, cell: Any) -> Any:
        rule = self._rules.get(column)
        return xlsx.cell_text(
            cell,
            money=column in _MONEY,
            whole=rule is not None and rule.type is int,
            a_day=rule is not None and _wants_a_day(rule),
            personal=column in self._personal,
        )

    def _check_header(self, header: list[str], name: str, line: int = 1) -> None:
        faults = []
        if len(header) == 1 and (";" in header[0] or "\t" in header[0]):
            raise FileError(f"{name}: line 1: the columns are not separated by commas")
        twice = sorted({column for column in header if header.count(column) > 1})
        faults += [f"column {column!r} stands there twice" for column in twice]
        for column in header:
            if column not in self._columns:
                close = difflib.get_close_matches(column, self._columns, 1)
                faults.append(f"unknown column {column!r}" + (f" (did you mean {close[0]!r}?)" if close else ""))
        faults += [f"column {column!r} is missing" for column in sorted(self._required - set(header))]
        money = [column for column in _MONEY if column in header]
        if len(money) != 1:
            faults.append("give one of the columns 'amount' (such as 500.10) and 'amount_minor' (such as 50010)")
        if faults:
            raise FileError(f"{name}: line {line}: " + "; ".join(faults))

    def jsonl(self, file: Any) -> Iterator[Order | RowError]:
        for line, text in enumerate(file, 1):
            if not text.strip():
                continue
            try:
                row = json.loads(text, parse_float=NumberText, parse_int=NumberText, object_pairs_hook=_no_twins)
            except (ValueError, RecursionError) as error:
                twice = str(error) if isinstance(error, _Twice) else "is not valid JSON"
                yield RowError(line, "row", twice)
                continue
            if not isinstance(row, dict):
                yield RowError(line, "row", "is not a JSON object")
                continue
            unknown = [name for name in row if name not in self._columns]
            if unknown:
                for name in unknown:
                    close = difflib.get_close_matches(name, self._columns, 1)
                    hint = f" (did you mean {close[0]!r}?)" if close else ""
                    yield RowError(line, name, f"is no field of a payout{hint}")
                continue
            yield from self.order(line, row)

    def order(self, line: int, cells: dict[str, Any]) -> Iterator[Order | RowError]:
        """The row's order, or every error in it."""
        errors: list[RowError] = []
        fields: dict[str, Any] = {}
        for column, cell in cells.items():
            value = cell.strip() if isinstance(cell, str) and not isinstance(cell, NumberText) else cell
            if value is None or value == "":
                continue
            if column in _MONEY:
                continue
            try:
                fields[column] = self._value(column, value)
            except ValueError as error:
                errors.append(RowError(line, column, str(error)))
        amount, column = self._amount(line, cells, errors)
        faulty = {error.column for error in errors}
        errors += [RowError(line, name, "is empty") for name in sorted(self._required - set(fields) - faulty)]
        placeholder = self._rules["amount"].minimum or 1
        if not errors or {error.column for error in errors} <= {column}:
            # an amount that could not be read must not hide the faults of the other columns
            try:
                request = self._class(**fields, amount=placeholder if amount is None else amount)
            except InvalidRequest as error:
                errors += [
                    RowError(line, *self._told(fault.field, fault.reason, column, amount)) for fault in error.errors
                ]
            else:
                if not errors:
                    yield Order(line, request)
        yield from errors

    def _value(self, column: str, value: Any) -> Any:
        if isinstance(value, xlsx.Unusable):
            raise ValueError(value.reason)
        if isinstance(value, bool | list | dict):
            raise ValueError("must be a text or a number")
        text = str(value)
        if self._rules[column].type is int:
            if re.fullmatch(r"-?[0-9]{1,18}", text, re.ASCII) is None:
                raise ValueError("must be a whole number")
            return int(text)
        if column == "account_no" and _ROUNDED.fullmatch(text):
            raise ValueError("a spreadsheet has rounded this number; format the column as text")
        if isinstance(value, NumberText):
            raise ValueError('must be a text in quotes: "..."')
        return text

    def _amount(self, line: int, cells: dict[str, Any], errors: list[RowError]) -> tuple[int | None, str]:
        given = [column for column in _MONEY if cells.get(column) not in (None, "")]
        if len(given) != 1:
            why = "is empty" if not given else "give amount or amount_minor, not both"
            errors.append(RowError(line, "amount", why))
            return None, "amount"
        column, cell = given[0], cells[given[0]]
        if not isinstance(cell, str):
            why = cell.reason if isinstance(cell, xlsx.Unusable) else "must be a number"
            errors.append(RowError(line, column, why))
            return None, column
        text = str(cell).strip()
        try:
            if column == "amount":
                return to_minor(text, self._currency), column
            if re.fullmatch(r"[0-9]{1,15}", text, re.ASCII) is None:
                raise ValueError("not a whole number of minor units such as 50010")
            return int(text), column
        except ValueError as error:
            errors.append(RowError(line, column, f"{_short(text)}: {error}"))
            return None, column

    def _told(self, field: str, reason: str, column: str, amount: int | None) -> tuple[str, str]:
        if field != "amount" or amount is None or column == "amount_minor":
            return column if field == "amount" else field, reason
        rule = self._rules["amount"]
        low, high = format_major(rule.minimum or 0, self._currency), ""
        if rule.maximum is not None:
            high = f" to {format_major(rule.maximum, self._currency)}"
        return column, f"{format_major(amount, self._currency)} is outside {low}{high}"


def _wants_a_day(rule: Rule) -> bool:
    return rule.pattern is not None and [
        rule.pattern[0].fullmatch(text) is not None for text in ("2026-02-28", "2026-02-30")
    ] == [True, False]


def _short(text: str) -> str:
    return repr(text if len(text) <= 24 else text[:21] + "...")


class _Twice(ValueError):
    """A JSON object names a field twice."""


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Twice("names a field twice")
    return made
