"""The objects of `paycools payouts`."""

from __future__ import annotations

import attrs

from .base import said

__all__ = ["ColumnObject", "ColumnsResult", "TemplateResult"]


@attrs.frozen(kw_only=True)
class TemplateResult:
    """`payouts template`"""

    file: str = said("the file that was written")
    method: str = said("the way of paying that it is for")
    columns: tuple[str, ...] = said("its columns, in order")


@attrs.frozen(kw_only=True)
class ColumnObject:
    """One column of a payout file."""

    name: str = said("as it stands in a header")
    wire_name: str = said("PayCools' own name, which is taken too")
    required: bool = said("whether every row must have it")
    required_for: tuple[str, ...] = said("the ways of paying whose rows must have it")
    kind: str = said("text, whole number, amount, day, code or choice")
    length: str = said("how long a text is, or the bounds of a number, for people")
    alphabet: str = said("what a text may hold")
    values: tuple[str, ...] = said("the only ones that are taken; empty: others too")
    known: tuple[str, ...] = said("codes that are known here; any other is taken with a warning")
    unit: str = said("the currency of an amount")
    personal: bool = said("whether it says something of a person")
    about: str = said("what else is known of it")
    example: str = said("one that is taken")


@attrs.frozen(kw_only=True)
class ColumnsResult:
    """`payouts columns`"""

    api: str = said("ph or global")
    country: str = said("PH, ID, MY or TH")
    currency: str = said("such as PHP")
    methods: tuple[str, ...] = said("the ways of paying, the usual one first")
    columns: tuple[ColumnObject, ...] = said("those of every row first")
