"""The text the PH API signs: `name=value` pairs, sorted by name, joined by `&`.

Left out: `sign`, null, the empty string, and byte values. Kept: 0 and false. A value stands in the text exactly as
it stands on the wire, so both come from `literal` below. (PayCools, "API Signature Process"; that lists and objects
enter as their compact JSON text is inferred.)
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any

__all__ = ["NumberText", "json_text", "literal", "ph_signing_text"]


class NumberText(str):
    """A number as it stood in JSON, kept as text: 100.00 stays 100.00."""

    __slots__ = ()


def json_text(value: Any) -> str:
    """Compact JSON, non-ASCII letters as themselves. Floats are refused: their text is not certain."""
    if isinstance(value, NumberText):
        return str(value)
    if isinstance(value, str):
        return encode_basestring(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError("NaN and infinity are no JSON numbers")
        return format(value, "f")
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_key(name)}:{json_text(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(json_text, value)) + "]"
    if isinstance(value, float):
        raise TypeError("a float has no certain text; use a Decimal or an int of minor units")
    raise TypeError(f"{type(value).__name__} is no JSON value")


def _key(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"JSON names are texts, not {type(name).__name__}")
    return encode_basestring(name)


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
    return "&".join(
        f"{name}={literal(value)}"
        for name, value in sorted(fields.items())
        if name != "sign" and value is not None and value != "" and not isinstance(value, bytes | bytearray)
    )
