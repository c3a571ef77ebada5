"""What the products of the Global API share: results, times, and the fields of notifications.

Amounts are ints of minor units: centavos, sen, satang, kopecks; the rupiah has none, so Indonesia counts whole rupiah.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import tzinfo
from typing import Any, ClassVar, TypeVar

import attrs

from ..countries import currency_of, zone_of
from ..endpoint import Event, GlobalRequest, Result, result, shared
from ..enums import OpenEnum
from ..errors import FieldError
from ..fields import text
from ..vocabulary import events, results
from ..vocabulary.checks import one_given
from ..vocabulary.failures import FailedCode
from ..vocabulary.idempotency import default_idempotency_id
from ..vocabulary.statuses import TransactionStatus

__all__ = [
    "ChannelType",
    "EitherId",
    "FailedCode",
    "GlobalEvent",
    "GlobalPaymentReceipt",
    "GlobalPaymentStatus",
    "GlobalPayoutReceipt",
    "GlobalPayoutStatus",
    "GlobalResult",
    "OrderEvent",
    "PaymentEvent",
    "PayoutEvent",
    "TransactionStatus",
    "currency_fits",
    "default_idempotency_id",
    "own_currency",
]

R = TypeVar("R")


@shared
class EitherId(GlobalRequest[R]):
    """A request about an order by one of its two ids."""

    mch_order_id: str | None = text(1, 32, default=None)
    transaction_id: str | None = text(1, 32, default=None)

    def _cross_checks(self) -> Iterator[FieldError]:
        return one_given(self, "mch_order_id", "transaction_id")


def own_currency(request: Any) -> str | None:
    """The currency of a request's country."""
    return currency_of(request.country_code)


def currency_fits(country: Any, currency: Any) -> Iterator[FieldError]:
    """An amount's unit hangs on the country, so another country's currency would be another amount of money."""
    own = currency_of(country)
    if own is not None and isinstance(currency, str) and currency != own:
        yield FieldError("currency", f"is {own} when country_code is {country}")


class ChannelType(OpenEnum):
    """What a channel is. The country calls answer URL, VA or QR; the unified calls take the longer words."""

    URL = "URL"
    VA = "VA"
    QR = "QR"
    ONLINE_BANKING = "ONLINE_BANKING"
    EWALLET = "EWALLET"
    BANK_TRANSFER = "BANK_TRANSFER"
    CARD = "CARD"
    DIRECT_DEBIT = "DIRECT_DEBIT"
    PAYLATER = "PAYLATER"


def _country_in(cls: Any, raw: Any) -> tzinfo:
    named = raw.get("countryCode") if isinstance(raw, Mapping) else None
    return zone_of(cls.country or (named if isinstance(named, str) else None))


@result
class GlobalResult(Result):
    """Base of the Global API's results. Times without an offset are local to `country`, or to the answer's own."""

    country: ClassVar[str | None] = None

    @classmethod
    def _zone(cls, raw: Any) -> tzinfo | None:
        return _country_in(cls, raw)


@result
class GlobalEvent(Event):
    """Base of the Global API's notifications; times as in `GlobalResult`."""

    @classmethod
    def _zone(cls, raw: Any) -> tzinfo | None:
        return _country_in(cls, raw)


@result
class GlobalPayoutReceipt(GlobalResult, results.PayoutReceipt):
    """PayCools took the payout. It is not final: inquire or wait for the notification."""


@result
class _OrderStatus(GlobalResult, results.OrderStatus):
    country_code: str | None = None
    """In unified answers only."""
    currency: str | None = None
    """In unified answers only."""


@result
class GlobalPayoutStatus(_OrderStatus):
    """Where a payout stands. `amount` in minor units (whole rupiah in Indonesia)."""


@result
class GlobalPaymentStatus(_OrderStatus):
    """Where a payment stands. `amount` in minor units (whole rupiah in Indonesia)."""

    channel_code: str | None = None
    pay_data: str | None = None
    customer_name: str | None = attrs.field(default=None, repr=False)
    email: str | None = attrs.field(default=None, repr=False)


@result
class GlobalPaymentReceipt(GlobalResult, results.Receipt):
    """A payment to be made. `pay_data` is a virtual account's number, a URL or a QR text, as `channel_type` says."""

    pay_data: str | None = None
    channel_type: ChannelType | None = None


@result
class OrderEvent(GlobalEvent, events.OrderEvent):
    """The fields of every notification about money. `amount` in minor units (whole rupiah in Indonesia)."""

    country_code: str | None = None
    """In unified notifications only."""
    currency: str | None = None
    """In unified notifications only."""


@result
class PayoutEvent(OrderEvent):
    """The fields of every payout notification. `amount` in minor units (whole rupiah in Indonesia)."""


@result
class PaymentEvent(OrderEvent):
    """The fields of every payment notification. `amount` in minor units (whole rupiah in Indonesia)."""

    channel_code: str | None = None
