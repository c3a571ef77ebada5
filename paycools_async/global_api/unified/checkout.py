"""The unified checkout: PayCools' cashier page, where the customer chooses how to pay."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, Literal

import attrs

from ...countries import PAYOUT_COUNTRIES, PAYOUT_CURRENCIES, PayoutCountryCode, PayoutCurrency
from ...endpoint import GlobalRequest, callback, endpoint, result
from ...errors import FieldError
from ...fields import EMAIL, URL, choice, extra_fields, integer, items, minor_units, order_id, phone, text
from ...product import Call, Product
from ...traits import CREATES, DOCUMENTED, INFERRED, PAYMENT
from ...vocabulary import results
from ...vocabulary.checks import paylater_needs
from ...vocabulary.statuses import TransactionStatus
from ..base import ChannelType, GlobalResult, OrderEvent, own_currency
from .parts import UnifiedAddress, UnifiedGoods

__all__ = [
    "CreateUnifiedCheckout",
    "GetUnifiedChannels",
    "UnifiedChannel",
    "UnifiedChannels",
    "UnifiedCheckout",
    "UnifiedCheckoutFailed",
    "UnifiedCheckoutLink",
    "UnifiedCheckoutPaid",
]


@result
class UnifiedCheckoutLink(GlobalResult):
    """The cashier page: send the customer to `checkout_url`. Fields inferred from the PH API's page."""

    checkout_id: str | None = None
    checkout_url: str | None = attrs.field(default=None, repr=False)
    status: TransactionStatus | None = None
    expires_time: datetime | None = None


@endpoint(
    "global.unified.checkout.create",
    "POST",
    "/open-api/payment/checkout/generate",
    nav="u.2.1",
    effect=CREATES,
    purpose=PAYMENT,
    provenance=DOCUMENTED,
)
class CreateUnifiedCheckout(GlobalRequest[UnifiedCheckoutLink]):
    """Open a cashier page (u.2.1). Documented up to `billing_address`; the rest and the answer are cut off.

    `amount`: minor units of `currency` (whole rupiah when `country_code` is ID). `currency` is the price's,
    `settlement_currency` the merchant's; both are the country's if not given. `expire_seconds`: seconds the page stays
    open. `goods_details` and `billing_address` are required where PAYLATER is among the types.
    `virtual_account_name` is the merchant's if not given. Further fields go into `extra`.
    """

    mch_order_id: str = order_id()
    amount: int = minor_units(1)
    country_code: PayoutCountryCode = choice(*PAYOUT_COUNTRIES)
    currency: PayoutCurrency = choice(*PAYOUT_CURRENCIES, default=attrs.Factory(own_currency, takes_self=True))
    settlement_currency: PayoutCurrency = choice(
        *PAYOUT_CURRENCIES, default=attrs.Factory(own_currency, takes_self=True)
    )
    customer_name: str = text(1, 128, personal=True)
    email: str = text(1, 128, pattern=EMAIL, personal=True)
    mobile: str = phone(10, 14)
    notify_url: str = text(1, 256, pattern=URL)
    redirect_url: str = text(1, 512, pattern=URL)
    merchant_logo: str | None = text(1, default=None)
    language: Literal["EN", "IN", "TH"] | None = choice("EN", "IN", "TH", default=None)
    channel_type_list: list[str] | None = items(default=None)
    channel_code_list: list[str] | None = items(default=None)
    expire_seconds: int | None = integer(1, default=None)
    remark: str | None = text(1, 256, default=None)
    virtual_account_name: str | None = text(1, default=None)
    goods_details: list[UnifiedGoods] | None = items(default=None)
    billing_address: UnifiedAddress | None = attrs.field(default=None, kw_only=True)
    extra: dict[str, Any] = extra_fields(factory=dict)

    def _cross_checks(self) -> Iterator[FieldError]:
        return paylater_needs(self)  # the page says "with PAYLATER": also where it is one type of several


@result
class UnifiedChannel(GlobalResult, results.Channel):
    """A channel that the cashier page can offer."""

    channel_type: ChannelType | None = None


@result
class UnifiedChannels(GlobalResult):
    """The merchant's channels in one country."""

    channels: list[UnifiedChannel] = attrs.field(factory=list, metadata={"wire": "list"})


@endpoint(
    "global.unified.checkout.channels", "POST", "/open-api/payment/checkout/channel", nav="u.2.3", provenance=DOCUMENTED
)
class GetUnifiedChannels(GlobalRequest[UnifiedChannels]):
    """The channels open to this merchant in a country (u.2.3). Documented; the only list that PayCools answers."""

    country_code: PayoutCountryCode = choice(*PAYOUT_COUNTRIES)


@callback("global.unified.checkout.notification", "checkout.payment.success", nav="u.2.5", provenance=DOCUMENTED)
class UnifiedCheckoutPaid(OrderEvent):
    """A checkout was paid (u.2.5). Documented. `amount` in minor units of `currency` (whole rupiah in Indonesia)."""

    checkout_id: str
    settlement_currency: str | None = None
    channel_code: str | None = None


@callback("global.unified.checkout.failed", "checkout.payment.failed", nav="u.2.5", provenance=INFERRED)
class UnifiedCheckoutFailed(OrderEvent):
    """A checkout's payment failed (u.2.5): nothing was paid. Inferred: the PH API's page shows this event name.

    The fields are those of the documented success. `amount` in minor units of `currency` (whole rupiah in Indonesia).
    """

    checkout_id: str | None = None
    settlement_currency: str | None = None
    channel_code: str | None = None


class UnifiedCheckout(Product):
    """Cashier pages."""

    create: Final = Call(CreateUnifiedCheckout)
    channels: Final = Call(GetUnifiedChannels)
