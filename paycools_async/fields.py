"""Field specifiers: what the documents say about a field, said once.

Each function returns an attrs field whose metadata holds its `Rule`. A request checks all its rules when it is
made and reports every broken one by name (`InvalidRequest`). Personal data is hidden in `repr`.

Every text, of every product and country, obeys the one rule of `texts`: nothing unseen in it, no blank but U+0020, and
none at its ends.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import attrs

from .countries import PH_MOBILE, MobileRule
from .texts import (
    ACCOUNT,
    CODE,
    COMMON_NAME,
    PHONE,
    Form,
    code_fault,
    explained,
    is_clean,
    name_fault,
    order_id_fault,
    text_fault,
)
from .times import wire_date

__all__ = [
    "ACCOUNT",
    "CODE",
    "PERSON_NAME",
    "PHONE",
    "Form",
    "Made",
    "Rule",
    "account",
    "camel",
    "choice",
    "code",
    "codes",
    "day",
    "extra_faults",
    "extra_fields",
    "integer",
    "is_clean",
    "items",
    "minor_units",
    "mobile",
    "mobile_where",
    "order_id",
    "payee",
    "phone",
    "text",
    "text_faults_in",
    "wire_name",
]


def _of(alphabet: str, reason: str) -> Form:
    return Form(re.compile(f"{alphabet}*", re.ASCII), reason, alphabet)


ALPHANUMERIC = _of("[A-Za-z0-9]", "letters and digits only")
PERSON_NAME = _of(r"[A-Za-z '.\-]", "letters, spaces and ' . - only")
APP_NAME = _of("[A-Za-z ]", "letters and spaces only")
EMAIL = Form(re.compile(r"[^@\s]+@[^@\s]+", re.ASCII), "not an e-mail address")
URL = Form(re.compile(r"https?://[^\s/]+\S*"), "not a http(s) URL")

_HIDDEN: Callable[[Any], str] = lambda value: "None" if value is None else "'***'"  # noqa: E731


class Made(str):
    """An id that was made from the order id, because none was given. No other order travels with it."""

    __slots__ = ()


@attrs.frozen(kw_only=True)
class Rule:
    """What one field must satisfy. `broken_by` yields each reason it does not, without the value."""

    type: type
    minimum: int | None = None
    maximum: int | None = None
    pattern: Form | None = None
    values: tuple[Any, ...] | None = None
    known: tuple[str, ...] = ()
    """Codes that PayCools' pages or its integrators show; any other is taken too."""
    is_a_name: bool = False
    """Whether the text is the name of who is paid."""
    is_a_new_order: bool = False
    """Whether the text is the id of an order that is made, not of one that is asked about."""
    is_a_day: bool = False
    """Whether the text is a day as yyyy-MM-dd."""
    form_by: Callable[[Mapping[str, Any]], Form | None] | None = None
    """The form by the request's other fields, where it hangs on them; the request itself checks it."""
    _quick: re.Pattern[str] | None = attrs.field(
        default=attrs.Factory(lambda self: self._of_common_texts(), takes_self=True), init=False, eq=False, repr=False
    )

    def _of_common_texts(self) -> re.Pattern[str] | None:
        """One look at the texts that nearly all are; what it does not match is looked at rule by rule."""
        if self.type is not str or self.values is not None:
            return None
        before = COMMON_NAME if self.is_a_name else _COMMON_ORDER if self.is_a_new_order else ""
        bounds = f"{{{self.minimum or 0},{'' if self.maximum is None else self.maximum}}}"
        alphabet = "[ -~]" if self.pattern is None else self.pattern.alphabet
        if alphabet is not None:
            return re.compile(f"{before}(?! )(?:{alphabet}){bounds}(?<! )", re.ASCII)
        if self.pattern is None or self.pattern.common is None or before:
            return None
        return re.compile(f"(?=.{bounds}\\Z)(?:{self.pattern.common})", re.ASCII)

    def form_among(self, fields: Mapping[str, Any]) -> Form | None:
        """The form that the text must have among these fields of its request; None: any."""
        return self.pattern if self.form_by is None else self.form_by(fields)

    @property
    def quick(self) -> Callable[[Any], object]:
        """For values of exactly its type: true for most that satisfy the rule; where it is not, `broken_by` tells."""
        if self._quick is not None:
            return self._quick.fullmatch
        if self.minimum is None and self.maximum is None:
            return self.holds if self.values is None else self.values.__contains__
        if self.type is int and self.values is None and self.minimum is not None and self.maximum is not None:
            return range(self.minimum, self.maximum + 1).__contains__
        return self.holds

    def holds(self, value: Any) -> bool:
        """Whether the value satisfies the rule."""
        kind = type(value)
        if kind is str:
            if self._quick is not None and self._quick.fullmatch(value) is not None:
                return True
            if self.values is not None and self.type is str:
                return value in self.values
        elif kind is int and self.type is int and self.values is None:
            return (self.minimum is None or value >= self.minimum) and (self.maximum is None or value <= self.maximum)
        return not self.broken_by(value)

    def broken_by(self, value: Any) -> list[str]:
        """Each reason the value is refused, without the value."""
        reasons: list[str] = []
        kind = type(value)
        if kind is not self.type and (kind is bool or not isinstance(value, self.type)):
            reasons.append(f"must be {_NAMES[self.type]}, not {kind.__name__}")
        elif self.type is str:
            self._bound(len(value), "has", " characters", reasons)
            if not is_clean(value):
                reasons.append(text_fault(value) or "")
            elif self.pattern is not None and (value or not self.minimum) and not self.pattern.fits(value):
                reasons.append(self.pattern.why(value))
            elif (fault := self._names_nothing(value)) is not None:
                reasons.append(fault)
        elif self.type is int:
            self._bound(value, "is", "", reasons)
        elif self.type is list:
            self._bound(len(value), "has", " entries", reasons)
            reasons += text_faults_in(value)
        if self.values is not None and value not in self.values:
            reasons.append("must be one of " + ", ".join(map(str, self.values)))
        return reasons

    def _names_nothing(self, value: str) -> str | None:
        if self.is_a_name:
            return name_fault(value) if value else None
        return order_id_fault(value) if self.is_a_new_order else None

    def _bound(self, size: int, verb: str, unit: str, reasons: list[str]) -> None:
        if self.minimum is not None and size < self.minimum:
            reasons.append(f"{verb} {size}{unit}, must be at least {self.minimum}")
        if self.maximum is not None and size > self.maximum:
            reasons.append(f"{verb} {size}{unit}, must be at most {self.maximum}")


_COMMON_ORDER = r"(?![nuNU])"
_NAMES = {int: "an integer", str: "a text", list: "a list", dict: "an object"}
_DEEPEST = 32
_MOST_DIGITS = 40
"""As many as are taken of a number in an answer."""


def text_faults_in(value: Any, depth: int = 0) -> list[str]:
    """Why what is inside a list or an object, names included, may not travel; at most one reason for each part."""
    if isinstance(value, str):
        fault = text_fault(value) if value else None
        return [f"holds a text that {_as_clause(fault)}"] if fault is not None else []
    if (refused := _no_json(value)) is not None:
        return [refused]
    if depth > _DEEPEST:
        return [f"is nested deeper than {_DEEPEST} levels"]
    inner: Any = ()
    if isinstance(value, Mapping):
        if not all(isinstance(name, str) for name in value):
            return ["holds an object with a name that is no text"]
        inner = (*value, *value.values())
    elif isinstance(value, list | tuple):
        inner = value
    return [reason for each in inner for reason in text_faults_in(each, depth + 1)]


def _no_json(value: Any) -> str | None:
    """Why a single value cannot travel as JSON, or not exactly."""
    if isinstance(value, float):
        return "holds a float, whose text is not certain; write a Decimal, or a whole number"
    if isinstance(value, Decimal) and not value.is_finite():
        return "holds a Decimal that is no number"
    if isinstance(value, Decimal) and (
        len(value.as_tuple().digits) > _MOST_DIGITS or abs(value.adjusted()) > _MOST_DIGITS
    ):
        return f"holds a number of more than {_MOST_DIGITS} digits"
    if isinstance(value, int) and abs(value) >= 10**_MOST_DIGITS:
        return f"holds a number of more than {_MOST_DIGITS} digits"
    if isinstance(value, bytes | bytearray | memoryview | set | frozenset | complex):
        return f"holds a value of the type {type(value).__name__}, which is no JSON"
    return None


def extra_faults(extra: Any, taken: Collection[str]) -> list[str]:
    """What is wrong with `extra`: further wire fields, none of them `taken` in whatever spelling, that are JSON."""
    if not isinstance(extra, Mapping):
        return [f"must be an object, not {type(extra).__name__}"]
    faults = text_faults_in(extra)
    names = [name for name in extra if isinstance(name, str)]
    folded = {_folded(name) for name in taken}
    faults += [f"sets {name}, which the request or the client sets itself" for name in names if _folded(name) in folded]
    return [*faults, "has a field without a name"] if "" in names else faults


def _folded(name: str) -> str:
    return name.replace("_", "").casefold()


def _as_clause(fault: str) -> str:
    return f"cannot travel: its {fault}" if fault.startswith("character") else fault


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
    example: str = "",
) -> Any:
    metadata: Mapping[str, Any] = {
        "rule": rule,
        "wire": wire,
        "personal": personal,
        "in_path": in_path,
        "example": example,
    }
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
    pattern: Form | None = None,
    personal: bool = False,
    wire: str | None = None,
    converter: Any = None,
    in_path: bool = False,
    form_by: Callable[[Mapping[str, Any]], Form | None] | None = None,
    example: str = "",
) -> Any:
    """A text of `minimum` to `maximum` characters. `form_by`: its form where that hangs on other fields.

    `example`: what templates of files show.
    """
    rule = Rule(type=str, minimum=minimum, maximum=maximum, pattern=pattern, form_by=form_by)
    return _field(rule, default, personal=personal, wire=wire, converter=converter, in_path=in_path, example=example)


def payee(
    minimum: int,
    maximum: int,
    *,
    default: Any = attrs.NOTHING,
    pattern: Form | None = None,
    form_by: Callable[[Mapping[str, Any]], Form | None] | None = None,
    example: str = "Juan Dela Cruz",
) -> Any:
    """The name of who is paid: not the error, the formula or the `nan` of a program."""
    rule = Rule(type=str, minimum=minimum, maximum=maximum, pattern=pattern, form_by=form_by, is_a_name=True)
    return _field(rule, default, personal=True, example=example)


def account(
    maximum: int | None = None,
    *,
    default: Any = attrs.NOTHING,
    converter: Any = None,
    example: str = "001234567890",
) -> Any:
    """The number of an account; no page gives its alphabet.

    Letters, digits, single blanks and hyphens are taken, and a mobile number with its country's +. What spreadsheets
    make of a number is refused.
    """
    return text(1, maximum, pattern=ACCOUNT, personal=True, default=default, converter=converter, example=example)


def phone(minimum: int = 1, maximum: int | None = None, *, default: Any = attrs.NOTHING, converter: Any = None) -> Any:
    """A mobile number for which no page says more than its length."""
    return text(minimum, maximum, pattern=PHONE, personal=True, default=default, converter=converter)


def code(*known: str, default: Any = attrs.NOTHING, wire: str | None = None, example: str = "CODE") -> Any:
    """A code of a bank, a wallet or a channel. No list is complete: `known` are those seen, any other is taken too.

    `example`: what templates show where none is known.
    """
    rule = Rule(type=str, minimum=1, pattern=CODE, known=known)
    return _field(rule, default, wire=wire, example=known[0] if known else example)


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


def choice(*values: str, default: Any = attrs.NOTHING, wire: str | None = None, example: str = "") -> Any:
    """One of the documented values, and nothing else."""
    return _field(Rule(type=str, values=values), default, wire=wire, example=example or values[0])


def day(*, default: Any = attrs.NOTHING, personal: bool = False) -> Any:
    """A day as "yyyy-MM-dd"; a `datetime.date` is taken too."""
    rule = Rule(type=str, pattern=_DAY, is_a_day=True)
    return _field(rule, default, converter=_day, personal=personal, example="2030-12-31")


def items(minimum: int = 1, maximum: int | None = None, *, default: Any = attrs.NOTHING) -> Any:
    """A list that travels as JSON; its exact JSON text is what is signed."""
    return _field(Rule(type=list, minimum=minimum, maximum=maximum), default)


def codes(maximum: int | None = None, *, default: Any = attrs.NOTHING, wire: str | None = None) -> Any:
    """One code, or several that travel joined by commas; a list is joined."""
    return _field(Rule(type=str, minimum=1, maximum=maximum, pattern=_CODES), default, wire=wire, converter=_joined)


def _codes_fault(value: str) -> str | None:
    return next((fault for part in value.split(",") if (fault := code_fault(part)) is not None), None)


_CODES = explained(_codes_fault, CODE.reason)


def _joined(value: Any) -> Any:
    if isinstance(value, list | tuple) and value and all(isinstance(code, str) and code for code in value):
        return ",".join(value)
    return value


def mobile(rule: MobileRule = PH_MOBILE, *, default: Any = attrs.NOTHING, wire: str | None = None) -> Any:
    """A mobile number of a country, the Philippines by default: 09.., 639.. or +639.., sent as 09xxxxxxxxx.

    Everything else is refused.
    """
    return text(
        rule.shortest,
        rule.longest,
        pattern=rule.form,
        personal=True,
        default=default,
        wire=wire,
        converter=rule.national,
        example=rule.example,
    )


def mobile_where(name: str, value: str, rule: MobileRule = PH_MOBILE) -> Any:
    """A converter: what a field holds is a mobile number where another one, which stands before it, has this value."""

    def convert(given: Any, request: Any) -> Any:
        return rule.national(given) if getattr(request, name) == value else given

    return attrs.Converter(convert, takes_self=True)


def extra_fields(*, factory: Callable[[], dict[str, Any]] = dict) -> Any:
    """`extra={...}`: further wire fields of an endpoint whose fields are not published; signed like the rest.

    It sets nothing that the request has a field for, or that the client fills in (`appId`, `sign` ...).

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


_DAY = Form(_Day(), "is no day as yyyy-MM-dd")


def _day(value: date | str | None) -> Any:
    return wire_date(value) if type(value) is date else value
