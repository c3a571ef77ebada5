"""Rows of JSON Lines: one object a line, texts in quotes, numbers exact, NaN and Infinity no values."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import attrs

from ...wire.canonical import NumberText, json_text
from ...wire.numbers import MOST_DIGITS, MOST_NESTED, is_nested_too_deep
from .header import MONEY, Columns
from .results import Order, RowError
from .row_to_request import RowConverter, Unusable
from .text import Lines

__all__ = ["JsonlRows"]

_MOST_MEMBERS = 100


class JsonlRows:
    """Reads one file. `rows` counts what was read; `notes`: what a person should know of how."""

    def __init__(self, lines: Lines, columns: Columns, converter: RowConverter) -> None:
        self._lines = lines
        self._columns = columns
        self._converter = converter
        self._numeric = {*MONEY, *(name for name, rule in columns.rules.items() if rule.type is int)}
        self.rows: int = 0
        self.notes: list[str] = []

    def __iter__(self) -> Iterator[Order | RowError]:
        for text in self._lines:
            if text.strip():
                self.rows += 1
                found = self._read(self._lines.number, text)
                if isinstance(found, Order):
                    yield found
                else:
                    yield from found

    def _read(self, line: int, text: str) -> Order | list[RowError]:
        if is_nested_too_deep(text):
            return [RowError(line, "row", f"is nested deeper than {MOST_NESTED} levels")]
        try:
            given = _DECODER.decode(text.strip())
        except (ValueError, RecursionError) as error:
            return [RowError(line, "row", str(error) if isinstance(error, _Twice) else "is not valid JSON")]
        if not isinstance(given, dict):
            return [RowError(line, "row", "is not a JSON object")]
        if len(given) > _MOST_MEMBERS:
            return [RowError(line, "row", f"has {len(given):,} members, must be at most {_MOST_MEMBERS}")]
        return self._order(line, given)

    def _order(self, line: int, given: dict[str, Any]) -> Order | list[RowError]:
        row: dict[str, Any] = {}
        beside: dict[str, str] = {}
        faults: list[RowError] = []
        taken = [field for name in given if (field := self._columns.field_of(name)) is not None]
        for name, value in given.items():
            if self._columns.passed_over(name):
                if name.startswith("_"):
                    beside[name] = _kept(value)
                continue
            field = self._columns.field_of(name)
            if field is None:
                faults.append(RowError(line, _column(name), self._no_field(name, taken)))
            elif taken.count(field) > 1:
                return [RowError(line, "row", "names a field twice")]
            elif (cell := self._cell(field, value)) is not None:
                row[field] = cell
        return faults or self._converter.order(line, row, beside or None)

    def _no_field(self, name: str, taken: list[str]) -> str:
        meant = self._columns.nearest(name, taken)
        return "is no field of a payout" + (f" (did you mean {meant!r}?)" if meant else "")

    def _cell(self, field: str, value: Any) -> Any:
        """None where the cell holds nothing."""
        if isinstance(value, NumberText):
            if len(value) > MOST_DIGITS:
                return Unusable(f"has more than {MOST_DIGITS} digits")
            return str(value) if field in self._numeric else Unusable('must be a text in quotes: "..."')
        if isinstance(value, str):
            return value.strip(" ") or None
        if value is None or isinstance(value, Unusable):
            return value
        return Unusable("must be a text or a number")


@attrs.frozen
class _Constant(Unusable):
    """NaN or Infinity."""

    name: str


def _kept(value: Any) -> str:
    """A member that is carried along and not sent: a text as it is, null as nothing, all else as its JSON."""
    if value is None:
        return ""
    return str.__str__(value) if isinstance(value, str) else json_text(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, _Constant):
        return NumberText(value.name)
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return value


def _column(name: str) -> str:
    return name if name.isprintable() and len(name) <= 40 else "row"


class _Twice(ValueError):
    """A JSON object names a field twice."""


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Twice("names a field twice")
    return made


_DECODER = json.JSONDecoder(
    parse_float=NumberText,
    parse_int=NumberText,
    parse_constant=lambda name: _Constant(f"{name} is no value", name),
    object_pairs_hook=_no_twins,
)
