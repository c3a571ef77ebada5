"""The columns of a payout file, told by the request's own class: what each holds, and a row that satisfies them all.

Nothing here is a second list. What a column needs stands in the fields of the class; which columns a way of paying
needs beside them is found out by asking the class itself, which names what is missing.
"""

from __future__ import annotations

import re
from typing import Any

import attrs

from ...countries import COUNTRIES
from ...errors import FieldError, InvalidRequest
from ...fields import CODE, Rule, wire_name
from ...money import format_major, from_minor
from .header import MONEY

__all__ = ["METHOD", "SAMPLE_ID", "Column", "FileColumns", "is_sample_id", "sample_accounts"]

METHOD = "pay_method_code"
"""The column that says how the money arrives, and on which others hang."""
SAMPLE_ID = "SAMPLE000001"
"""The order id of a template's row: whoever meets it has not replaced the row yet."""
_SAMPLE_ID = re.compile(r"sample[0-9]{6}", re.IGNORECASE)
_ACCOUNT = "account_no"
_ORDER_ID, _AMOUNT = "mch_order_id", MONEY[0]
_IDEMPOTENCY_ID = "idempotency_id"
_AMOUNT_SHOWN = 50_010
"""Minor units, where the class takes so much."""
_ATTEMPTS = 12


def is_sample_id(order_id: str) -> bool:
    """A template's order id, or one that was counted on from it."""
    return order_id[:1] in "sS" and _SAMPLE_ID.fullmatch(order_id) is not None


def sample_accounts(request_class: type[Any]) -> frozenset[str]:
    """The accounts that rows of templates pay to: nobody's."""
    examples = [field.metadata.get("example") for field in attrs.fields(request_class) if field.name == _ACCOUNT]
    mobiles = [country.mobile.example for country in COUNTRIES.values() if country.mobile is not None]
    return frozenset(each for each in (*examples, *mobiles) if each)


@attrs.frozen(kw_only=True)
class Column:
    """One column of a file. `required`: in every row; `required_for`: in rows of these ways of paying."""

    name: str
    wire_name: str
    """PayCools' own name, which is taken too."""
    required: bool
    required_for: tuple[str, ...] = ()
    kind: str
    """Text, whole number, amount, day, code, or one of a few values."""
    length: str = ""
    """Of a text, in characters; of an amount or a number, its bounds."""
    alphabet: str = ""
    """What a text may hold, where more than the rule for every text holds."""
    values: tuple[str, ...] = ()
    """The only ones that are taken."""
    known: tuple[str, ...] = ()
    """Codes that are known here; any other is taken, with a warning."""
    unit: str = ""
    personal: bool = False
    """Says something of a person: it stands in no message, log or report."""
    about: str = ""
    """What the class says of it."""
    example: str

    def needed_for(self, method: str) -> bool:
        """Whether a row of this way of paying must have it."""
        return self.required or method in self.required_for


class FileColumns:
    """The columns of a file of one class of payouts, in `currency`."""

    def __init__(self, request_class: type[Any], currency: str) -> None:
        self._class = request_class
        self._currency = currency
        self._fields: dict[str, attrs.Attribute[Any]] = {
            field.name: field for field in attrs.fields(request_class) if "rule" in field.metadata
        }
        self._required = [name for name, field in self._fields.items() if field.default is attrs.NOTHING]
        self.methods: tuple[str, ...] = self._methods()
        """The ways of paying that are known, the usual one first."""
        self._requests = {method: self._request(method) for method in self.methods}

    def _methods(self) -> tuple[str, ...]:
        rule: Rule = self._fields[METHOD].metadata["rule"]
        return rule.known if rule.values is None else rule.values

    @property
    def columns(self) -> list[Column]:
        """Every column, those of every row first."""
        found = [self._column(name) for name in self._fields]
        return sorted(found, key=lambda column: (not column.required, not column.required_for))

    def named(self, method: str, *, optional: bool = False) -> list[Column]:
        """The columns that a file of this way of paying has; `optional`: those that may be left out, too."""
        return [column for column in self.columns if optional or column.needed_for(method)]

    def sample(self, method: str) -> dict[str, str]:
        """Cells of a row that this way of paying takes, by column: those that it must have."""
        cells = {name: str(value) for name, value in self._requests[method].items()}
        cells[_AMOUNT] = str(from_minor(self._requests[method][_AMOUNT], self._currency))
        return cells

    # -- a row that the class takes -----------------------------------------------------------------------------------

    def _request(self, method: str) -> dict[str, Any]:
        """The fields of a request that the class takes, with no more than it wants."""
        fields = {name: self._example(name) for name in self._required}
        fields |= {METHOD: method, _ORDER_ID: SAMPLE_ID}
        others = {name: self._candidates(name) for name in self._fields}
        faults: list[FieldError] = []
        for _ in range(_ATTEMPTS):
            faults = self._faults(fields)
            if not faults:
                return {name: fields[name] for name in self._fields if name in fields}
            for name in dict.fromkeys(fault.field for fault in faults):
                fields[name] = others[name].pop(0) if name in fields else self._example(name)
        raise AssertionError(f"no example of {self._class.__name__} by {method} is taken: {faults}")

    def _faults(self, fields: dict[str, Any]) -> list[FieldError]:
        try:
            request = self._class(**fields)
        except InvalidRequest as error:
            return list(error.errors)
        return list(request._doubts())

    def _example(self, name: str) -> Any:
        field = self._fields[name]
        rule: Rule = field.metadata["rule"]
        if name == _AMOUNT:
            return min(max(_AMOUNT_SHOWN, rule.minimum or 0), rule.maximum or _AMOUNT_SHOWN)
        if rule.type is int:
            return (rule.values or (rule.minimum or 0,))[0]
        return field.metadata.get("example") or ""

    def _candidates(self, name: str) -> list[Any]:
        """What a field may want in place of its usual example: an account may be a mobile number."""
        mobiles = [country.mobile.example for country in COUNTRIES.values() if country.mobile is not None]
        return [each for each in mobiles if each != self._example(name)] + [self._example(name)]

    # -- what is told of a column -------------------------------------------------------------------------------------

    def _column(self, name: str) -> Column:
        field = self._fields[name]
        rule: Rule = field.metadata["rule"]
        required = name in self._required
        wanted_by = tuple(method for method, fields in self._requests.items() if name in fields)
        example = str(from_minor(self._example(name), self._currency)) if name == _AMOUNT else str(self._example(name))
        if name == _IDEMPOTENCY_ID:
            example = ""  # it is made of the order id
        return Column(
            name=name,
            wire_name=wire_name(field),
            required=required,
            required_for=() if required else wanted_by,
            kind=_kind(name, rule),
            length=self._length(name, rule),
            alphabet=_alphabet(rule),
            values=tuple(map(str, rule.values or ())),
            known=rule.known,
            unit=self._currency if name == _AMOUNT else "",
            personal=bool(field.metadata.get("personal")),
            about=_POINT if name == _AMOUNT else _about(self._class, name),
            example=SAMPLE_ID if name == _ORDER_ID else example,
        )

    def _length(self, name: str, rule: Rule) -> str:
        if rule.is_a_day or rule.values is not None:
            return ""
        if name == _AMOUNT:
            return _between(rule, lambda bound: format_major(bound, self._currency))
        if rule.type is int:
            return _between(rule, str)
        return f"{_between(rule, str)} character{'' if rule.maximum is None and rule.minimum == 1 else 's'}"


def _between(rule: Rule, text: Any) -> str:
    if rule.minimum == rule.maximum:
        return str(text(rule.minimum))
    if rule.maximum is None:
        return f"at least {text(rule.minimum or 0)}"
    return f"{text(rule.minimum or 0)} to {text(rule.maximum)}"


def _kind(name: str, rule: Rule) -> str:
    if name == _AMOUNT:
        return "amount"
    if rule.values is not None:
        return "choice"
    if rule.is_a_day:
        return "day"
    if rule.known or name.endswith("_code"):
        return "code"
    return "whole number" if rule.type is int else "text"


_POINT = "with a point before the decimals; a column amount_minor in its place counts minor units: 50010"
_NO = re.compile(r"^(?:is no|not an?) ")


def _alphabet(rule: Rule) -> str:
    if rule.pattern is None or rule.is_a_day or rule.pattern is CODE:
        return ""
    return _NO.sub("", rule.pattern.reason)


_SAID = re.compile(r"`(?P<names>\w+)`: (?P<text>[^`]*(?:`(?!\w+`:)[^`]*)*)")
"""What the class's text says of a field: from its name to the next one's."""


_IN_CODE = re.compile(r" \(`[^)]*`\)")
_SENTENCE = re.compile(r"\.\s+(?=[A-Z`])")


def _about(request_class: type[Any], name: str) -> str:
    text = " ".join((request_class.__doc__ or "").split("\n\n", 1)[-1].split("\n\n")[0].split())
    found = [match["text"] for match in _SAID.finditer(text) if match["names"] == name]
    return _IN_CODE.sub("", _SENTENCE.split(found[0])[0]).strip().rstrip(".") if found else ""
