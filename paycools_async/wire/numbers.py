"""JSON from outside: numbers are exact, and none is so large that working with it hurts.

`1e99999999999999999999` cannot be held, and `1e1000000` as an integer is a million digits long.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

__all__ = [
    "MOST_BYTES",
    "MOST_DIGITS",
    "MOST_NESTED",
    "OutOfBounds",
    "RepeatedName",
    "decoded",
    "exact_decimal",
    "is_nested_too_deep",
    "parse_json",
]

MOST_DIGITS = 40
LARGEST_EXPONENT = 30
MOST_BYTES = 16 * 1024**2
"""Of an answer."""
MOST_NESTED = 32
"""Levels of objects and lists inside each other."""


class OutOfBounds(ValueError):
    """JSON that may be right and is too much to work with; its text names the bound."""


class RepeatedName(ValueError):
    """Two members of one object have the same name."""


_NUMBER = re.compile(r"[+-]?([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,5}))?")


def exact_decimal(text: str) -> Decimal:
    """The number in the text. Raises ValueError if it is none, or is out of all bounds."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise ValueError("not a decimal number")
    whole, fraction, exponent = found[1], found[2] or "", int(found[3] or 0)
    digits = len(whole) + len(fraction)
    if not 0 < digits <= MOST_DIGITS or abs(exponent) > LARGEST_EXPONENT:
        raise OutOfBounds(f"a number of more than {MOST_DIGITS} digits or beyond an exponent of {LARGEST_EXPONENT}")
    return Decimal(text)


def _bounded_int(text: str) -> int:
    if len(text.lstrip("-")) > MOST_DIGITS:
        raise OutOfBounds(f"a number of more than {MOST_DIGITS} digits")
    return int(text)


def _refuse(name: str) -> None:
    raise ValueError(name)


_DECODER = json.JSONDecoder(parse_float=exact_decimal, parse_int=_bounded_int, parse_constant=_refuse)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise RepeatedName("it has two members of one name")
    return found


_STRICT = json.JSONDecoder(
    parse_float=exact_decimal, parse_int=_bounded_int, parse_constant=_refuse, object_pairs_hook=_each_once
)

_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)


def is_nested_too_deep(text: str) -> bool:
    """Whether a JSON text has more levels than any document of ours; told before it is parsed."""
    if text.count("{") + text.count("[") <= MOST_NESTED:
        return False
    depth = 0
    for sign in re.findall(r"[{}\[\]]", _TEXT.sub("", text)):
        depth += 1 if sign in "{[" else -1
        if depth > MOST_NESTED:
            return True
    return False


def parse_json(text: str, *, names_once: bool = False) -> Any:
    """The value of a JSON text; numbers with a point or an exponent are Decimals. Raises ValueError.

    `names_once`: RepeatedName where an object has two members of one name, however they are spelled. Which of them
    counts is everybody's own choice, so there is no telling what was meant.
    """
    if is_nested_too_deep(text):
        raise OutOfBounds(f"nested deeper than {MOST_NESTED} levels")
    try:
        return decoded(text, _STRICT if names_once else _DECODER)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def decoded(text: str, decoder: json.JSONDecoder) -> Any:
    """`decoder.decode(text)`, without its two searches for blanks by regular expression. Raises ValueError."""
    text = text.strip(" \t\n\r")
    value, end = decoder.raw_decode(text)
    if end != len(text):
        raise ValueError("something stands behind the JSON")
    return value
