"""A row becomes a request, or a list of all that is wrong with it."""

from __future__ import annotations

import re
from typing import Any

import attrs

from ...errors import InvalidRequest
from ...money import format_major, to_minor
from ...texts import name_of, plain_spelling
from .codes import CODE_COLUMNS, Codes
from .described import is_sample_id, sample_accounts
from .header import MONEY, Columns
from .results import Order, RowError

__all__ = ["RowConverter", "Unusable"]

_MOST_SHOWN = 20
_MOST_CHARACTERS = 1000
"""Of a cell whose field has no documented length."""
_WHOLE = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_MINOR = re.compile(r"[0-9]{1,15}", re.ASCII)
_LIKE_A_NUMBER = re.compile(r"[0-9.,eE+\-]{1,24}", re.ASCII)
_TOTALS = re.compile(r"\W*(?:(?:grand|sub)\W*)?(?:total|sum|summe|jumlah|kabuuan)\w*\W*", re.IGNORECASE)
_NAME = "account_name"


@attrs.frozen
class Unusable:
    """A cell that cannot be taken, and why."""

    reason: str


class RowConverter:
    """Makes requests of one class of the cells of rows."""

    def __init__(
        self, request_class: type[Any], currency: str, columns: Columns, codes: Codes, *, plain_names: bool = False
    ) -> None:
        self._class = request_class
        self._currency = currency
        self._rules = columns.rules
        self._required = columns.required
        self._whole = {name for name, rule in columns.rules.items() if rule.type is int}
        self._unbounded = [name for name, rule in columns.rules.items() if rule.type is str and rule.maximum is None]
        self._codes = codes
        self._plain_names = plain_names
        self.spelled: list[str] = []
        """The names that were sent in plain spelling: where, and what became of which letter."""
        self.more_spelled: int = 0
        self.sample: int | None = None
        """The line that still is the row of a template."""
        self.sample_payee: int | None = None
        """The first line that has an order id of its own, and still the account of a template's row."""
        self._sample_accounts = sample_accounts(request_class)

    def order(self, line: int, row: dict[str, Any], beside: dict[str, str] | None = None) -> Order | list[RowError]:
        """The row's order, or every error in it. `row`: fields and their cells, without those that hold nothing.

        Texts come without blanks at their ends.
        """
        request = self._request(row)
        if request is None or (self._codes.strict and self._code_faults(line, row)):
            request = self._explained(line, row)
        if isinstance(request, list):
            return request
        if is_sample_id(request.mch_order_id):
            self.sample = line
        elif self.sample_payee is None and getattr(request, "account_no", None) in self._sample_accounts:
            self.sample_payee = line
        self._codes.note(line, request)
        return Order(line, request, beside)

    def _request(self, row: dict[str, Any]) -> Any:
        """The request of a row in which nothing is wrong; None says that something is, and not what."""
        fields = dict(row)
        try:
            if "amount" in fields:
                amount = to_minor(fields.pop("amount"), self._currency)
            else:
                amount = _minor(fields.pop("amount_minor"))
            for name in self._whole:
                if name in fields:
                    fields[name] = _whole(fields[name])
            for name in self._unbounded:
                if name in fields and len(fields[name]) > _MOST_CHARACTERS:
                    return None
            return self._class(**fields, amount=amount)
        except (KeyError, TypeError, ValueError, InvalidRequest):  # no amount, another column missing, a bad cell
            return None

    # -- what is wrong with a row ---------------------------------------------------------------------------------

    def _explained(self, line: int, row: dict[str, Any]) -> Any:
        """The request after all, with its name in plain spelling; or every error of the row."""
        missing = self._required - row.keys()
        if len(missing) > 1 and (strange := _not_a_row(row)):
            return [RowError(line, "row", strange)]
        errors: list[RowError] = []
        fields = self._fields(line, row, errors)
        amount, column = self._amount(line, row, errors)
        errors += [RowError(line, name, "is empty") for name in sorted(missing)]
        spelled = self._in_plain_spelling(fields) if self._plain_names else None
        if spelled is not None:
            fields[_NAME] = spelled[0]
        # an amount that could not be read must not hide the faults of the other columns
        placeholder = self._rules["amount"].minimum or 1
        request: Any = None
        if {error.column for error in errors} <= {column}:
            try:
                request = self._class(**fields, amount=placeholder if amount is None else amount)
            except InvalidRequest as error:
                for fault in error.errors:
                    errors.append(
                        RowError(line, *self._column_and_reason(fault.field, fault.reason, column, amount, fields))
                    )
        errors += self._code_faults(line, fields)
        if errors:
            return errors
        if spelled is not None:
            self._note_spelling(line, spelled[1])
        return request

    def _fields(self, line: int, row: dict[str, Any], errors: list[RowError]) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for column, value in row.items():
            if column in MONEY:
                continue
            try:
                if isinstance(value, Unusable):
                    raise ValueError(value.reason)
                if column in self._unbounded and len(value) > _MOST_CHARACTERS:
                    raise ValueError(f"has {len(value):,} characters, must be at most {_MOST_CHARACTERS:,}")
                fields[column] = _whole(value) if column in self._whole else value
            except ValueError as error:
                errors.append(RowError(line, column, str(error)))
        return fields

    def _amount(self, line: int, row: dict[str, Any], errors: list[RowError]) -> tuple[int | None, str]:
        given = [column for column in MONEY if column in row]
        if len(given) != 1:
            why = "is empty" if not given else "give amount or amount_minor, not both"
            errors.append(RowError(line, "amount", why))
            return None, "amount"
        column, cell = given[0], row[given[0]]
        if not isinstance(cell, str):
            errors.append(RowError(line, column, cell.reason if isinstance(cell, Unusable) else "must be a number"))
            return None, column
        try:
            return to_minor(cell, self._currency) if column == "amount" else _minor(cell), column
        except ValueError as error:
            shown = f"{str(cell)!r}: " if _LIKE_A_NUMBER.fullmatch(cell) else ""
            errors.append(RowError(line, column, f"{shown}{error}"))
            return None, column

    def _column_and_reason(
        self, field: str, reason: str, column: str, amount: int | None, fields: dict[str, Any]
    ) -> tuple[str, str]:
        if field == _NAME and (spelled := self._in_plain_spelling(fields)) is not None:
            return field, f"{reason}; --plain-names would send {_spelling(spelled[1])}"
        if field != "amount" or amount is None:
            return column if field == "amount" else field, reason
        rule = self._rules["amount"]
        if rule.minimum is not None and amount < rule.minimum:
            bound = f"at least {format_major(rule.minimum, self._currency)}"
        else:
            bound = f"at most {format_major(rule.maximum or 0, self._currency)}"
        return column, f"is {format_major(amount, self._currency)}, must be {bound}"

    def _code_faults(self, line: int, fields: dict[str, Any]) -> list[RowError]:
        return [
            RowError(line, column, reason)
            for column, code in fields.items()
            if column in CODE_COLUMNS and (reason := self._codes.fault(column, code)) is not None
        ]

    # -- names in plain spelling ----------------------------------------------------------------------------------

    def _in_plain_spelling(self, fields: dict[str, Any]) -> tuple[str, list[tuple[str, str]]] | None:
        name = fields.get(_NAME)
        found = plain_spelling(name, self._rules[_NAME].form_among(fields)) if isinstance(name, str) else None
        return None if found is None or found[0] == name else found

    def _note_spelling(self, line: int, changes: list[tuple[str, str]]) -> None:
        if len(self.spelled) < _MOST_SHOWN:
            self.spelled.append(f"line {line}, {_NAME}: {_spelling(changes)}")
        else:
            self.more_spelled += 1


def _spelling(changes: list[tuple[str, str]]) -> str:
    named = {"": "nothing", " ": "a blank"}
    changed = [f"{named.get(plain, plain)} for {name_of(char)}" for char, plain in changes]
    return ", ".join(changed) or "each letter and its mark as one character"


def _whole(value: Any) -> int:
    if not isinstance(value, str) or _WHOLE.fullmatch(value) is None:
        raise ValueError("must be a whole number of at most 18 digits")
    return int(value)


def _minor(value: Any) -> int:
    if not isinstance(value, str) or _MINOR.fullmatch(value) is None:
        raise ValueError("not a whole number of minor units such as 50010")
    return int(value)


def _not_a_row(row: dict[str, Any]) -> str | None:
    """What a row that lacks nearly everything looks like."""
    texts = [value for column, value in row.items() if column not in MONEY and isinstance(value, str)]
    amount_only = row.keys() <= set(MONEY) and all(isinstance(value, str) for value in row.values())
    if any(_TOTALS.fullmatch(text) for text in texts) or (row and amount_only):
        return "looks like a line of totals; take it out"
    return None
