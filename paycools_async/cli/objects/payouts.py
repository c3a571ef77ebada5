"""The objects of `paycools payouts`."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from .base import Amount, Place, said

__all__ = [
    "ColumnObject",
    "ColumnsResult",
    "FindingObject",
    "ReconcileResult",
    "TemplateResult",
]


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


@attrs.frozen(kw_only=True)
class FindingObject:
    """One payout that the two sides do not have alike."""

    mch_order_id: str = said("your order id")
    verdict: str = said("what is wrong; see docs/payouts.md")
    our_amount: str | None = said("as the ledger, or --known, has it, in major units; null: it does not")
    their_amount: str | None = said("as PayCools has it, in major units; null: it does not")
    our_state: str | None = said("the ledger's state; null: no ledger has it")
    their_status: str | None = said("PayCools' status")
    transaction_id: str | None = said("PayCools' id")


@attrs.frozen(kw_only=True)
class ReconcileResult:
    """`payouts reconcile`"""

    day: str = said("yyyy-MM-dd")
    currency: str = said("such as PHP")
    destination: Place = said("whose statement it is, and the ledgers")
    alarm: bool = said("whether PayCools has what no ledger knows of")
    verdicts: Mapping[str, Amount] = said("payouts by verdict")
    findings: tuple[FindingObject, ...] = said("the first twenty of each verdict that is not in order")
    report: str | None = said("reconciliation.csv with every payout, where --report was given")
