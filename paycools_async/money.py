"""Money is an `int` of minor units (centavos) or a `Decimal` of major units. Floats are refused.

500.10 pesos are `50010` centavos. The rupiah has no minor unit in this API: 500 rupiah are `500`.
"""

from __future__ import annotations

import re
from decimal import Decimal

from .countries import COUNTRIES

__all__ = ["EXPONENTS", "format_major", "from_minor", "to_minor"]

EXPONENTS = {each.currency: each.exponent for each in COUNTRIES.values()}
"""Decimal places of each currency, as this API counts them."""

_PLAIN = re.compile(r"[0-9]{1,15}(?:\.([0-9]+))?", re.ASCII)


def to_minor(amount: str | int | Decimal, currency: str) -> int:
    """Minor units of an amount written in major units: `to_minor("500.10", "PHP") == 50010`.

    Only plain digits with at most the currency's decimal places are taken. A sign, an exponent, a
    thousands separator, NaN or a float raises `ValueError` (`TypeError` for a float or a bool).
    """
    if isinstance(amount, bool | float):
        raise TypeError("an amount is a string, an int or a Decimal, never a float")
    if isinstance(amount, Decimal) and (not amount.is_finite() or abs(amount.adjusted()) > 30 or _digits(amount) > 40):
        raise ValueError("not a number of money's size")  # written out, 1E+999999999 would fill the memory
    if isinstance(amount, int) and amount.bit_length() > 64:
        raise ValueError("not a number of money's size")
    text = format(amount, "f") if isinstance(amount, Decimal) else str(amount)
    places = _places(currency)
    match = _PLAIN.fullmatch(text)
    if match is None:
        raise ValueError("not a plain decimal number such as 500.10")
    fraction = match[1] or ""
    if len(fraction) > places:
        what = f"more than {places} decimals" if places else "decimals"
        raise ValueError(f"{what}, which {currency} does not have")
    whole = text.partition(".")[0]
    return int(whole + fraction.ljust(places, "0"))


def _digits(amount: Decimal) -> int:
    return len(amount.as_tuple().digits)


def _places(currency: str) -> int:
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise ValueError(f"this API has no currency {currency!r}; it has {', '.join(EXPONENTS)}") from None


def from_minor(minor: int, currency: str) -> Decimal:
    """Major units as an exact Decimal: `from_minor(50010, "PHP") == Decimal("500.10")`."""
    if isinstance(minor, bool) or not isinstance(minor, int):
        raise TypeError("minor units are an int")
    return Decimal(f"{minor}e-{_places(currency)}")  # scaleb would round to 28 digits


def format_major(minor: int, currency: str) -> str:
    """Text for people: `format_major(5001000, "PHP") == "PHP 50,010.00"`."""
    return f"{currency} {from_minor(minor, currency):,f}"
