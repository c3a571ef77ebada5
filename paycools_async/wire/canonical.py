"""The text the PH API signs: `name=value` pairs, sorted by name, joined by `&`.

Left out: `sign`, null, the empty string, and byte values. Kept: 0 and false. A value stands in the text exactly as
it stands on the wire, so both come from `literal` below. (PayCools, "API Signature Process"; that lists and objects
enter as their compact JSON text is inferred.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any

__all__ = ["NumberText", "json_text", "literal", "ph_signing_text"]


class NumberText(str):
    """A number as it stood in JSON, kept as text: 100.00 stays 100.00."""

    __slots__ = ()


def json_text(value: Any) -> str:
    """Compact JSON, non-ASCII letters as themselves. Floats are refused: their text is not certain."""
    return _WRITERS.get(type(value), _of_subclass)(value)


def _object(value: Mapping[Any, Any]) -> str:
    try:
        members = [
            f"{_quoted_name(name)}:{_WRITERS.get(type(item), _of_subclass)(item)}" for name, item in value.items()
        ]
    except TypeError:
        for name in value:
            if not isinstance(name, str):
                raise TypeError(f"JSON names are texts, not {type(name).__name__}") from None
        raise
    return "{" + ",".join(members) + "}"


_quoted_name = lru_cache(maxsize=1024)(encode_basestring)
"""The names are the same few in every call."""


def _array(value: Iterable[Any]) -> str:
    return "[" + ",".join(map(json_text, value)) + "]"


def _decimal(value: Decimal) -> str:
    if not value.is_finite():
        raise ValueError("NaN and infinity are no JSON numbers")
    return format(value, "f")


_WRITERS: dict[type, Callable[[Any], str]] = {
    str: encode_basestring,
    int: int.__repr__,
    bool: lambda value: "true" if value else "false",
    type(None): lambda _: "null",
    NumberText: str.__str__,
    Decimal: _decimal,
    dict: _object,
    list: _array,
    tuple: _array,
}
"""By exact type, for speed; what is not here is a subclass of one, or refused."""


def _of_subclass(value: Any) -> str:
    if isinstance(value, str):  # a text enum: its value, not its name
        return encode_basestring(value)
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, Mapping):
        return _object(value)
    if isinstance(value, list | tuple):
        return _array(value)
    if isinstance(value, float):
        raise TypeError("a float has no certain text; use a Decimal or an int of minor units")
    raise TypeError(f"{type(value).__name__} is no JSON value")


def literal(value: Any) -> str:
    """The value as it stands in the signed text: a text as itself, everything else as its JSON."""
    # str() would give a text enum's name where the wire has its value
    return str.__str__(value) if isinstance(value, str) else json_text(value)


def ph_signing_text(fields: Mapping[str, Any]) -> str:
    """The PH API's text to sign.

    >>> from decimal import Decimal
    >>> ph_signing_text({"version": "1.0", "amount": Decimal("100.00"), "sign": "x", "note": ""})
    'amount=100.00&version=1.0'

    Raises TypeError for a float (its text is not certain) or a value JSON does not know.
    """
    pairs = []
    for name in sorted(fields):
        value = fields[name]
        if name == "sign":
            continue
        if type(value) is str:  # nearly all are
            if value:
                pairs.append(f"{name}={value}")
        elif value not in _NOT_SIGNED and not isinstance(value, _BYTES):
            pairs.append(f"{name}={literal(value)}")
    return "&".join(pairs)


_NOT_SIGNED = (None, "")
_BYTES = (bytes, bytearray)
