"""The columns of a file: which field each of them is, by letters and digits alone."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import attrs

from ...fields import Rule, wire_name
from .results import FileError

__all__ = ["MONEY", "MOST_COLUMNS", "Columns", "Header", "folded", "shown"]

MONEY = ("amount", "amount_minor")
MOST_COLUMNS = 1_000
_SHOWN = 20
"""Faults of a header, or of a row, that are shown one by one."""
_ALIKE = 0.8
"""How alike two names must be for one to be offered in place of the other."""


def folded(name: str) -> str:
    """A column's name without what people write differently: case, blanks, underscores, marks."""
    return "".join(char for char in name.casefold() if char.isalnum())


def shown(name: str) -> str:
    """A name out of a file, fit to be printed."""
    return repr(name if len(name) <= 40 else name[:37] + "...")


@attrs.frozen
class Header:
    """Where the fields stand. `places`: field and place; `nameless` must hold nothing; `beside` is passed over."""

    line: int
    width: int
    places: tuple[tuple[str, int], ...]
    nameless: tuple[int, ...]
    beside: tuple[tuple[str, int], ...]


class Columns:
    """The columns that a request class has, by every name they go by."""

    def __init__(self, request_class: type[Any], ignored: Collection[str] = ()) -> None:
        fields = attrs.fields(request_class)
        self.rules: dict[str, Rule] = {
            field.name: field.metadata["rule"] for field in fields if "rule" in field.metadata
        }
        self.required: set[str] = {
            field.name for field in fields if field.default is attrs.NOTHING and field.name != "amount"
        }
        self.personal: set[str] = {field.name for field in fields if field.metadata.get("personal")}
        self._names = {folded(name): name for name in (*self.rules, *MONEY)}
        self._names |= {folded(wire_name(field)): field.name for field in fields if field.name in self.rules}
        self._ignored = {folded(name): name for name in ignored}

    def field_of(self, name: str) -> str | None:
        """The field that a column is; None where it is none."""
        return self._names.get(folded(name))

    def passed_over(self, name: str) -> bool:
        """Whether a column is not to be paid by: `_note`, or one that was named with --ignore-column."""
        return name.startswith("_") or folded(name) in self._ignored

    def recognised(self, names: Iterable[str]) -> int:
        """How many of the names are columns."""
        return sum(self.field_of(name) is not None for name in names)

    def nearest(self, name: str, taken: Collection[str]) -> str | None:
        """The column that was meant, if that is plain."""
        free = {fold: field for fold, field in self._names.items() if field not in taken}
        close = difflib.get_close_matches(folded(name), free, 1, _ALIKE)
        return free[close[0]] if close else None

    def unknown(self, name: str, taken: Collection[str]) -> str:
        """What to say of a column that is none."""
        meant = self.nearest(name, taken)
        return f"{shown(name)}" + (f" (did you mean {meant!r}?)" if meant else "")

    def header(self, cells: Sequence[str], file: str, line: int) -> Header:
        """The header that these cells are. Raises FileError with everything that is wrong with it."""
        if len(cells) > MOST_COLUMNS:
            raise FileError(f"{file}: line {line} has {len(cells):,} cells; a header has at most {MOST_COLUMNS:,}")
        names = [cell.strip() for cell in cells]
        known = {place: field for place, name in enumerate(names) if (field := self._meant(name)) is not None}
        if not known:
            raise FileError(
                f"{file}: line {line} is no header: none of its cells names a field of a payout; the first line names "
                f"the columns, such as {', '.join(sorted(self.required))} and amount"
            )
        faults = self._faults(names, known)
        if faults:
            raise FileError(f"{file}: line {line}: " + "; ".join(faults))
        return Header(
            line=line,
            width=len(names),
            places=tuple((field, place) for place, field in known.items()),
            nameless=tuple(place for place, name in enumerate(names) if not folded(name) and not name.startswith("_")),
            beside=tuple((name, place) for place, name in enumerate(names) if name.startswith("_")),
        )

    def _meant(self, name: str) -> str | None:
        return None if self.passed_over(name) else self.field_of(name)

    def _faults(self, names: Sequence[str], known: dict[int, str]) -> list[str]:
        fields = list(known.values())
        faults = [f"column {field!r} stands there twice" for field in sorted(set(fields)) if fields.count(field) > 1]
        strange = [
            name
            for place, name in enumerate(names)
            if place not in known and folded(name) and not self.passed_over(name)
        ]
        faults += [f"unknown column {self.unknown(name, fields)}" for name in strange[:_SHOWN]]
        if strange[_SHOWN:]:
            faults.append(f"and {len(strange) - _SHOWN:,} more unknown columns")
        here = {folded(name) for name in names}
        faults += [f"--ignore-column {name}: there is none" for fold, name in self._ignored.items() if fold not in here]
        faults += [f"column {field!r} is missing" for field in sorted(self.required - set(fields))]
        if sum(field in fields for field in MONEY) != 1:
            faults.append("give one of the columns 'amount' (such as 500.10) and 'amount_minor' (such as 50010)")
        return faults
