"""Field specifiers: what the documents say about a field, said once.

Each function returns an attrs field whose metadata holds its `Rule`. A request checks all its rules when it is
made and reports every broken one by name (`InvalidRequest`). Personal data is hidden in `repr`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import attrs

from .times import wire_date

__all__ = [
    "PERSON_NAME",
    "Rule",
    "camel",
    "choice",
    "codes",
    "day",
    "extra_fields",
    "integer",
    "items",
    "minor_units",
    "mobile",
    "order_id",
    "ph_mobile",
    "text",
    "wire_name",
]

ALPHANUMERIC = (re.compile(r"[A-Za-z0-9]*", re.ASCII), "letters and digits only")
PERSON_NAME = (re.compile(r"[A-Za-z '.\-]*", re.ASCII), "letters, spaces and ' . - only")
APP_NAME = (re.compile(r"[A-Za-z ]*", re.ASCII), "letters and spaces only")
EMAIL = (re.compile(r"[^@\s]+@[^@\s]+", re.ASCII), "not an e-mail address")
URL = (re.compile(r"https?://[^\s/]+\S*"), "not a http(s) URL")

_HIDDEN: Callable[[Any], str] = lambda value: "None" if value is None else "'***'"  # noqa: E731


@attrs.frozen(kw_only=True)
class Rule:
    """What one field must satisfy. `broken_by` yields each reason it does not, without the value."""

    type: type
    minimum: int | None = None
    maximum: int | None = None
    pattern: tuple[re.Pattern[str], str] | None = None
    values: tuple[Any, ...] | None = None

    def broken_by(self, value: Any) -> list[str]:
        """Each reason the value is refused, without the value."""
        reasons: list[str] = []
        kind = type(value)
        if kind is not self.type and (kind is bool or not isinstance(value, self.type)):
            reasons.append(f"must be {_NAMES[self.type]}, not {kind.__name__}")
        elif self.type is str:
            self._bound(len(value), "has", " characters", reasons)
            if not value.isascii() and _SURROGATES.search(value):
                reasons.append("holds half a character (a lone surrogate)")
            if value.isspace():
                reasons.append("is blank")
            if self.pattern is not None and self.pattern[0].fullmatch(value) is None:
                reasons.append(self.pattern[1])
        elif self.type is int:
            self._bound(value, "is", "", reasons)
        elif self.type is list:
            self._bound(len(value), "has", " entries", reasons)
        if self.values is not None and value not in self.values:
            reasons.append("must be one of " + ", ".join(map(str, self.values)))
        return reasons

    def _bound(self, size: int, verb: str, unit: str, reasons: list[str]) -> None:
        if self.minimum is not None and size < self.minimum:
            reasons.append(f"{verb} {size}{unit}, must be at least {self.minimum}")
        if self.maximum is not None and size > self.maximum:
            reasons.append(f"{verb} {size}{unit}, must be at most {self.maximum}")


_NAMES = {int: "an integer", str: "a text", list: "a list", dict: "an object"}
_SURROGATES = re.compile("[\ud800-\udfff]")


def camel(name: str) -> str:
    """PayCools' spelling of a snake_case name: `mch_order_id` is `mchOrderId`."""
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


def wire_name(field: attrs.Attribute[Any]) -> str:
    """The field's name on the wire."""
    return str(field.metadata.get("wire") or camel(field.name))


def _field(
    rule: Rule,
    default: Any,
    *,
    personal: bool = False,
    wire: str | None = None,
    converter: Any = None,
    in_path: bool = False,
) -> Any:
    metadata: Mapping[str, Any] = {"rule": rule, "wire": wire, "personal": personal, "in_path": in_path}
    return attrs.field(
        default=default,
        metadata=dict(metadata),
        repr=_HIDDEN if personal else True,
        converter=converter,
        kw_only=True,
    )


def text(
    minimum: int = 1,
    maximum: int | None = None,
    *,
    default: Any = attrs.NOTHING,
    pattern: tuple[re.Pattern[str], str] | None = None,
    personal: bool = False,
    wire: str | None = None,
    converter: Any = None,
    in_path: bool = False,
) -> Any:
    """A text of `minimum` to `maximum` characters."""
    rule = Rule(type=str, minimum=minimum, maximum=maximum, pattern=pattern)
    return _field(rule, default, personal=personal, wire=wire, converter=converter, in_path=in_path)


def order_id(
    minimum: int = 1,
    maximum: int = 32,
    *,
    default: Any = attrs.NOTHING,
    wire: str | None = None,
    in_path: bool = False,
) -> Any:
    """A merchant's order id: letters and digits, 1 to 32, unique per merchant."""
    return text(minimum, maximum, pattern=ALPHANUMERIC, default=default, wire=wire, in_path=in_path)


def minor_units(minimum: int, maximum: int | None = None, *, default: Any = attrs.NOTHING) -> Any:
    """An amount as an int of minor units (centavos). Floats, Decimals and strings are refused."""
    return _field(Rule(type=int, minimum=minimum, maximum=maximum), default)


def integer(
    minimum: int | None = None,
    maximum: int | None = None,
    *,
    values: tuple[int, ...] | None = None,
    default: Any = attrs.NOTHING,
) -> Any:
    """A whole number."""
    return _field(Rule(type=int, minimum=minimum, maximum=maximum, values=values), default)


def choice(*values: str, default: Any = attrs.NOTHING, wire: str | None = None) -> Any:
    """One of the documented values, and nothing else."""
    return _field(Rule(type=str, values=values), default, wire=wire)


def day(*, default: Any = attrs.NOTHING, personal: bool = False) -> Any:
    """A day as "yyyy-MM-dd"; a `datetime.date` is taken too."""
    return _field(Rule(type=str, pattern=_DAY), default, converter=_day, personal=personal)


def items(minimum: int = 1, maximum: int | None = None, *, default: Any = attrs.NOTHING) -> Any:
    """A list that travels as JSON; its exact JSON text is what is signed."""
    return _field(Rule(type=list, minimum=minimum, maximum=maximum), default)


def codes(maximum: int | None = None, *, default: Any = attrs.NOTHING, wire: str | None = None) -> Any:
    """One code, or several that travel joined by commas; a list is joined."""
    return _field(Rule(type=str, minimum=1, maximum=maximum), default, wire=wire, converter=_joined)


def _joined(value: Any) -> Any:
    if isinstance(value, list | tuple) and value and all(isinstance(code, str) and code for code in value):
        return ",".join(value)
    return value


def mobile(*, default: Any = attrs.NOTHING, wire: str | None = None) -> Any:
    """A Philippine mobile number: 09.., 639.. or +639.., sent as 09xxxxxxxxx; everything else is refused."""
    return text(11, 11, pattern=PH_MOBILE, personal=True, default=default, wire=wire, converter=ph_mobile)


def extra_fields(*, factory: Callable[[], dict[str, Any]] = dict) -> Any:
    """`extra={...}`: further wire fields of an endpoint whose fields are not published; signed like the rest.

    Write `extra_fields(factory=dict)`: type checkers see a default only where it stands in the call.
    """
    return attrs.field(factory=factory, kw_only=True, repr=False)


class _Day:
    """Looks like a pattern; knows the calendar."""

    def fullmatch(self, value: str) -> bool | None:
        try:
            wire_date(value)
        except ValueError:
            return None
        return True


_DAY: Any = (_Day(), "is no day as yyyy-MM-dd")


def _day(value: date | str | None) -> Any:
    return wire_date(value) if type(value) is date else value


_MOBILE = re.compile(r"(?:\+?63|0)(9[0-9]{9})", re.ASCII)
PH_MOBILE = (re.compile(r"09[0-9]{9}", re.ASCII), "is no Philippine mobile number (09 and nine more digits)")


def ph_mobile(value: Any) -> Any:
    """The documented form 09xxxxxxxxx of a number given as 09.., 639.. or +639..

    Anything else comes back as it is and is refused by the rule: a number is never padded and never cut.
    """
    match = _MOBILE.fullmatch(value) if isinstance(value, str) else None
    return "0" + match[1] if match else value
