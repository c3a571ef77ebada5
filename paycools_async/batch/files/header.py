"""The columns of a file: which field each of them is, by letters and digits alone."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import attrs

from ...fields import Rule, wire_name
from ...texts import CURRENCIES, name_of
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


_MINUS = re.compile(r"[\W_]*[-\u2010-\u2015\u2212\ufe63\uff0d].*|.*[-\u2010-\u2015\u2212\ufe63\uff0d][\W_]*", re.DOTALL)
_PARTS = "%\u2030\u2031\u066a\ufe6a\uff05"
_SIGNS = {"PHP": "\u20b1", "THB": "\u0e3f", "RUB": "\u20bd"}
_WORDS = {"IDR": ("rp",), "MYR": ("rm",)}


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

    def __init__(self, request_class: type[Any], ignored: Collection[str] = (), currency: str = "") -> None:
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
        if currency:
            self._names |= {f"amount{word}": "amount" for word in (currency.casefold(), *_WORDS.get(currency, ()))}
        self._own_sign = _SIGNS.get(currency, "")
        self._ignored = {self._key(name): name for name in ignored}

    def field_of(self, name: str) -> str | None:
        """The field that a column is; None where it is none."""
        return self._names.get(folded(name)) if self._sign_in(name) is None else None

    def passed_over(self, name: str) -> bool:
        """Whether a column is not to be paid by: `_note`, or one that was named with --ignore-column."""
        return name.startswith("_") or (bool(self._ignored) and self._key(name) in self._ignored)

    def _key(self, name: str) -> str:
        """What the spellings of a column have in common; a name with a sign that means something is one of its own."""
        fold = folded(name)
        return fold if fold and self._sign_in(name) is None else name.strip().casefold()

    def _sign_in(self, name: str) -> str | None:
        """The sign in a name that makes it another column: another currency's, a percent sign, a minus."""
        for char in name:
            if char in _PARTS or (unicodedata.category(char) == "Sc" and char != self._own_sign):
                return char
        return "-" if _MINUS.fullmatch(name.strip()) and folded(name) else None

    def recognised(self, names: Iterable[str]) -> int:
        """How many of the names are columns."""
        return sum(self.field_of(name) is not None for name in names)

    def nearest(self, name: str, taken: Collection[str]) -> str | None:
        """The column that was meant, if that is plain."""
        free = {fold: field for fold, field in self._names.items() if field not in taken}
        fold = folded(name)
        if self._sign_in(name) is not None or any(fold == f"amount{each.casefold()}" for each in CURRENCIES):
            return None
        close = difflib.get_close_matches(fold, free, 1, _ALIKE)
        return free[close[0]] if close else None

    def unknown(self, name: str, taken: Collection[str]) -> str:
        """What to say of a column that is none."""
        sign = self._sign_in(name)
        if sign is not None and folded(name) in self._names:
            return f"{shown(name)} ({name_of(sign)} makes it another column than {self._names[folded(name)]!r})"
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
            nameless=tuple(
                place for place, name in enumerate(names) if not folded(name) and not self.passed_over(name)
            ),
            beside=tuple((name, place) for place, name in enumerate(names) if name.startswith("_")),
        )

    def _meant(self, name: str) -> str | None:
        return None if self.passed_over(name) else self.field_of(name)

    def _faults(self, names: Sequence[str], known: dict[int, str]) -> list[str]:
        fields = list(known.values())
        beside = [name for name in names if name.startswith("_")]
        faults = [f"column {field!r} stands there twice" for field in sorted(set(fields)) if fields.count(field) > 1]
        faults += [f"column {shown(each)} stands there twice" for each in sorted(set(beside)) if beside.count(each) > 1]
        strange = [
            name
            for place, name in enumerate(names)
            if place not in known and folded(name) and not self.passed_over(name)
        ]
        faults += [f"unknown column {self.unknown(name, fields)}" for name in strange[:_SHOWN]]
        if strange[_SHOWN:]:
            faults.append(f"and {len(strange) - _SHOWN:,} more unknown columns")
        here = {self._key(name) for name in names}
        faults += [f"--ignore-column {name}: there is none" for key, name in self._ignored.items() if key not in here]
        faults += [f"column {field!r} is missing" for field in sorted(self.required - set(fields))]
        if sum(field in fields for field in MONEY) != 1:
            faults.append("give one of the columns 'amount' (such as 500.10) and 'amount_minor' (such as 50010)")
        return faults
