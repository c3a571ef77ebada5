"""What the objects of `--json` are made of."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import attrs

from ...money import from_minor

__all__ = ["Amount", "Place", "amount_of", "as_json", "place_of", "said"]


def said(meaning: str, **options: Any) -> Any:
    """A field, and what it means."""
    return attrs.field(metadata={"meaning": meaning}, **options)


@attrs.frozen(kw_only=True)
class Amount:
    """How many payouts, and what they come to."""

    payouts: int = said("how many")
    amount: str = said('their sum in major units, such as "500.10"')
    amount_minor: int = said("the same in minor units, such as 50010")


def amount_of(payouts: int, minor: int, currency: str) -> Amount:
    """So many payouts of so many minor units."""
    return Amount(payouts=payouts, amount=str(from_minor(minor, currency)), amount_minor=minor)


@attrs.frozen(kw_only=True)
class Place:
    """Where the money goes. Each is empty where no run has said it yet."""

    environment: str = said("PRODUCTION, UAT or SANDBOX", default="")
    host: str = said("PayCools' host", default="")
    merchant: str = said("the app id", default="")
    api: str = said("PH API or Global API", default="")
    country: str = said("PH, ID, MY or TH", default="")
    ledger: str = said("the ledger's name, without a password", default="")


def place_of(details: Mapping[str, str]) -> Place:
    """Where the money goes, as a ledger or a destination has it."""
    found = {field.name: details.get(field.name, "") for field in attrs.fields(Place)}
    found["environment"] = found["environment"].partition(" ")[0]  # what people are told beside it is for people
    return Place(**found)


def as_json(found: Any) -> dict[str, Any]:
    """An object's fields, as JSON takes them."""
    return attrs.asdict(found, value_serializer=_plain)


def _plain(_: Any, __: Any, value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    return str(value) if isinstance(value, Decimal) else value
