"""The unified payments: one path for all countries, the country among the fields."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, Literal

import attrs

from ...countries import COUNTRIES, CountryCode, Currency
from ...endpoint import GlobalRequest, callback, endpoint, result
from ...errors import FieldError
from ...fields import EMAIL, URL, choice, code, extra_fields, items, minor_units, order_id, phone, text
from ...money import EXPONENTS
from ...product import Call
from ...traits import CHANGE, DOCUMENTED, INFERRED, PAYMENT
from ...vocabulary.statuses import TransactionStatus
from ..base import (
    ChannelType,
    EitherId,
    GlobalPaymentStatus,
    GlobalResult,
    PaymentEvent,
    currency_fits,
    own_currency,
)
from .base import UnifiedOrders
from .parts import UnifiedGoods

__all__ = [
    "CloseUnifiedPayment",
    "ClosedUnifiedPayment",
    "CreateUnifiedPayment",
    "OrderedPayments",
    "QueryUnifiedPayment",
    "UnifiedPaymentReceipt",
    "UnifiedPaymentSettled",
    "UnifiedPayments",
]

PaymentChannel = Literal["QR", "ONLINE_BANKING", "EWALLET", "BANK_TRANSFER", "CARD", "DIRECT_DEBIT", "PAYLATER"]
_TYPES = ("QR", "ONLINE_BANKING", "EWALLET", "BANK_TRANSFER", "CARD", "DIRECT_DEBIT", "PAYLATER")
_WITH_PAGE = ("ONLINE_BANKING", "EWALLET", "CARD", "PAYLATER")
"""Channel types where the customer leaves the shop and has to find back."""


@result
class UnifiedPaymentReceipt(GlobalResult):
    """A payment to be made. The published copy of its answer is cut off: the fields are inferred from its relatives.

    So none is certain to come; `query` by your order id has `transaction_id` and `pay_data` too. `pay_data` is a
    virtual account's number, a URL or a QR text.
    """

    transaction_id: str | None = None
    pay_data: str | None = None
    mch_order_id: str | None = None
    channel_type: ChannelType | None = None
    channel_code: str | None = None
    country_code: str | None = None
    currency: str | None = None
    amount: int | None = None
    transaction_status: TransactionStatus | None = None
    create_time: datetime | None = None


@endpoint(
    "global.unified.payment.create",
    "POST",
    "/open-api/payment/generate",
    nav="u.3.1",
    purpose=PAYMENT,  # with a token it takes the money at once
    provenance=DOCUMENTED,
)
class CreateUnifiedPayment(GlobalRequest[UnifiedPaymentReceipt]):
    """Ask a customer in any country for one payment (u.3.1). Documented as far as the copy goes.

    `mch_order_id`: letters and digits, 1 to 32. `amount`: minor units (whole rupiah when `country_code` is ID).
    `currency` is the country's, and made from it if not given. `customer_name`, `email`, `mobile` (10 to 14) and
    `terminal_type` are required unless `channel_type` is DIRECT_DEBIT, which requires `pay_token`; `redirect_url` for
    ONLINE_BANKING, EWALLET, CARD and PAYLATER; `goods_details` for PAYLATER. The page's table is cut off after
    `goods_details`: whatever else PayCools tells you of goes into `extra`.

    Raises OutcomeUnknown: then `await paycools.unified.payments.resolve(error.request)`.
    """

    mch_order_id: str = order_id()
    amount: int = minor_units(1)
    country_code: CountryCode = choice(*COUNTRIES)
    currency: Currency = choice(*EXPONENTS, default=attrs.Factory(own_currency, takes_self=True))
    channel_type: PaymentChannel = choice(*_TYPES)
    channel_code: str = code()
    pay_token: str | None = text(1, default=None, personal=True)
    customer_name: str | None = text(1, 128, default=None, personal=True)
    email: str | None = text(1, 128, pattern=EMAIL, default=None, personal=True)
    mobile: str | None = phone(10, 14, default=None)
    terminal_type: Literal["WEB", "WAP", "APP"] | None = choice("WEB", "WAP", "APP", default=None)
    os_type: Literal["IOS", "ANDROID", "OTHER"] | None = choice("IOS", "ANDROID", "OTHER", default=None)
    notify_url: str = text(1, 256, pattern=URL)
    redirect_url: str | None = text(1, 512, pattern=URL, default=None)
    remark: str | None = text(1, 256, default=None)
    wechatpay: dict[str, Any] | None = attrs.field(default=None, kw_only=True, repr=False)
    """Parameters of WeChat Pay; none of its fields is published."""
    goods_details: list[UnifiedGoods] | None = items(default=None)
    extra: dict[str, Any] = extra_fields(factory=dict)

    def _cross_checks(self) -> Iterator[FieldError]:
        kind = self.channel_type
        yield from currency_fits(self.country_code, self.currency)
        if kind not in _TYPES:
            return
        if kind == "DIRECT_DEBIT":
            wanted: tuple[str, ...] = ("pay_token",)
        else:
            wanted = ("customer_name", "email", "mobile", "terminal_type")
        if kind in _WITH_PAGE:
            wanted += ("redirect_url",)
        if kind == "PAYLATER":
            wanted += ("goods_details",)
        for name in wanted:
            if getattr(self, name) is None:
                yield FieldError(name, f"is required when channel_type is {kind}")


@endpoint("global.unified.payment.query", "POST", "/open-api/payment/query", nav="u.3.2", provenance=DOCUMENTED)
class QueryUnifiedPayment(EitherId[GlobalPaymentStatus]):
    """Check a payment's status by one of its two ids (u.3.2). Documented. Raises NotFound."""

    country_code: CountryCode = choice(*COUNTRIES)


@result
class ClosedUnifiedPayment(GlobalResult):
    """A payment that can no longer be paid."""

    mch_order_id: str | None = None
    transaction_id: str | None = None
    channel_code: str | None = None
    status: TransactionStatus | None = None
    closed_time: datetime | None = None


@endpoint(
    "global.unified.payment.close",
    "POST",
    "/open-api/payment/close",
    nav="u.3.3",
    purpose=CHANGE,
    provenance=DOCUMENTED,
)
class CloseUnifiedPayment(EitherId[ClosedUnifiedPayment]):
    """Close an unpaid payment by one of its two ids (u.3.3). Documented.

    Code 21028 says that it was paid or closed before: inquire which. Raises NotFound.
    """

    country_code: CountryCode = choice(*COUNTRIES)


@callback(
    "global.unified.payment.notification",
    "order.payment.success",
    "order.payment.failed",
    nav="u.3.4",
    provenance=INFERRED,
)
class UnifiedPaymentSettled(PaymentEvent):
    """A payment became final (u.3.4). Inferred: the country notifications plus `country_code` and `currency`."""


class OrderedPayments(UnifiedOrders[CreateUnifiedPayment, GlobalPaymentStatus, UnifiedPaymentReceipt]):
    """Payments found by their order id and country."""

    query: Final = Call(QueryUnifiedPayment)

    @property
    def _creation(self) -> type[CreateUnifiedPayment]:
        return CreateUnifiedPayment


class UnifiedPayments(OrderedPayments):
    """Money in, from any country."""

    create: Final = Call(CreateUnifiedPayment)
    close: Final = Call(CloseUnifiedPayment)
