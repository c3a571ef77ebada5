"""9. Checkout: PayCools' cashier page, where the payer chooses the channel.

Its requests travel as `{appId, param, sign}`, `param` being their JSON text. PayCools' own pages of 9.1 to 9.4 are not
public: paths and fields come from two integrators' code and one captured answer (observed), lengths and listed values
from the same product of the Global API (inferred).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, Literal, TypeVar

import attrs

from ..countries import PAYOUT_COUNTRIES, PAYOUT_CURRENCIES, PH_MOBILE, PayoutCountryCode, PayoutCurrency
from ..endpoint import PHRequest, Result, Wire, callback, endpoint, result, shared
from ..enums import OpenEnum
from ..errors import FieldError
from ..fields import EMAIL, PHONE, URL, choice, integer, items, minor_units, mobile_where, order_id, phone, text
from ..product import Call
from ..resolving import ResolvingProduct
from ..texts import form_fault
from ..traits import CHANGE, CREATES, DOCUMENTED, INFERRED, OBSERVED, PAYMENT
from ..vocabulary import results
from ..vocabulary.checks import paylater_needs
from ..vocabulary.events import PaymentEvent
from ..vocabulary.parts import CheckoutAddress, CheckoutGoods
from ..vocabulary.statuses import TransactionStatus

__all__ = [
    "AvailableChannel",
    "AvailableChannels",
    "Checkout",
    "CheckoutAddress",
    "CheckoutChannelType",
    "CheckoutGoods",
    "CheckoutSession",
    "CheckoutSettled",
    "CheckoutStatus",
    "CloseCheckout",
    "CreateCheckout",
    "GetCheckoutChannels",
    "QueryCheckout",
]

R = TypeVar("R")

SUCCESS = frozenset({1, 1000})  # 1 in the only answer captured; one integrator expects 1000


class CheckoutChannelType(OpenEnum):
    """Kinds of channels, as the Global API's page lists them; other text is taken too."""

    QR = "QR"
    ONLINE_BANKING = "ONLINE_BANKING"
    EWALLET = "EWALLET"
    BANK_TRANSFER = "BANK_TRANSFER"
    CARD = "CARD"
    PAYLATER = "PAYLATER"


@result
class AvailableChannel(results.Channel):
    """One channel of the cashier page. Its fields are inferred from the Global API's page."""

    channel_type: CheckoutChannelType | None = None


@result
class AvailableChannels(Result):
    """The channels that the cashier page offers, in `.channels`."""

    channels: list[AvailableChannel] = attrs.field(metadata={"wire": "list"})

    @staticmethod
    def _shape(value: Any) -> Any:
        # one integrator reads `data` itself as the list, the Global API's page wraps it: both are taken
        return {"list": value} if isinstance(value, list) else value


@endpoint(
    "ph.checkout.channels",
    "POST",
    "/api/v2/checkout/channel",
    nav="9.1",
    provenance=INFERRED,
    wire=Wire.HYBRID,
    client_fields=("timestamp",),
    success_codes=SUCCESS,
)
class GetCheckoutChannels(PHRequest[AvailableChannels]):
    """The channels that the cashier page offers (9.1). Path from an integrator's code, answer inferred.

    The first use gives UnverifiedEndpointWarning.
    """

    # PH was seen; the four stand in the Global API's table
    country_code: PayoutCountryCode = choice(*PAYOUT_COUNTRIES, default="PH")


@result
class CheckoutSession(Result):
    """An open checkout: send the payer's browser to `checkout_url` with a plain redirect.

    `expires_time` comes as ISO 8601 with an offset, unlike every other time of the API.
    """

    checkout_id: str
    checkout_url: str
    status: TransactionStatus | None = attrs.field(default=None, metadata={"aliases": ("transactionStatus",)})
    expires_time: datetime | None = None


def _currency(request: Any) -> Any:
    return request.currency


@endpoint(
    "ph.checkout.create",
    "POST",
    "/api/v2/checkout/generate",
    nav="9.2",
    effect=CREATES,
    purpose=PAYMENT,
    provenance=OBSERVED,
    wire=Wire.HYBRID,
    client_fields=("timestamp",),
    success_codes=SUCCESS,
)
class CreateCheckout(PHRequest[CheckoutSession]):
    """Open a checkout (9.2). Path, envelope and answer observed; lengths and listed values inferred.

    `mch_order_id`: letters and digits, 1 to 32, unique. `amount`: minor units of `currency` (PHP 500.10 is 50010; for
    IDR whole rupiah). `settlement_currency` is `currency` unless given. `mobile`: for PH 09.., 639.. or +639.., sent as
    09xxxxxxxxx; else 10 to 14 characters. `channel_type_list` and `channel_code_list` are lists that narrow the choice
    (`CheckoutChannelType`; codes from `channels()`). `notify_url` gets the notification (9.5): here it is not called
    callback_url. `expire_seconds`: how long the page lives. `goods_details` and `billing_address` go with PAYLATER.

    Raises DuplicateOrder, LimitExceeded, InvalidParameter ... and OutcomeUnknown: then
    `await paycools.checkout.find(mch_order_id)`. Nobody holds the page's address, so nobody can pay on it.
    """

    country_code: PayoutCountryCode = choice(*PAYOUT_COUNTRIES, default="PH")
    mch_order_id: str = order_id()
    amount: int = minor_units(1)
    currency: PayoutCurrency = choice(*PAYOUT_CURRENCIES, default="PHP")
    settlement_currency: PayoutCurrency = choice(*PAYOUT_CURRENCIES, default=attrs.Factory(_currency, takes_self=True))
    customer_name: str = text(1, 128, personal=True)
    email: str = text(1, 128, pattern=EMAIL, personal=True)
    mobile: str = phone(10, 14, converter=mobile_where("country_code", "PH"))
    notify_url: str = text(1, 256, pattern=URL)
    redirect_url: str = text(1, 512, pattern=URL)
    merchant_logo: str | None = text(1, pattern=URL, default=None)
    channel_type_list: list[str] | None = items(default=None)
    channel_code_list: list[str] | None = items(default=None)
    expire_seconds: int | None = integer(1, default=None)
    remark: str | None = text(1, 256, default=None)
    user_id: str | None = text(1, default=None, personal=True)
    language: Literal["EN", "IN", "TH"] | None = choice("EN", "IN", "TH", default=None)
    virtual_account_name: str | None = text(1, default=None)
    goods_details: list[CheckoutGoods] | None = items(default=None)
    billing_address: CheckoutAddress | None = attrs.field(default=None)
    shipping_address: CheckoutAddress | None = attrs.field(default=None)

    def _cross_checks(self) -> Iterator[FieldError]:
        if self.country_code == "PH" and isinstance(self.mobile, str) and PHONE.fits(self.mobile):
            yield from form_fault("mobile", self.mobile, PH_MOBILE.form)
        for name, kind in (("channel_type_list", str), ("channel_code_list", str), ("goods_details", CheckoutGoods)):
            listed = getattr(self, name)
            if isinstance(listed, list) and not all(isinstance(each, kind) and each != "" for each in listed):
                yield FieldError(name, "each entry must be a " + ("text" if kind is str else kind.__name__))
        for name in ("billing_address", "shipping_address"):
            if not isinstance(getattr(self, name), CheckoutAddress | None):
                yield FieldError(name, "must be a CheckoutAddress")
        yield from paylater_needs(self)


@shared
class ByBothIds(PHRequest[R]):
    """About a checkout by your id, and by PayCools' where you have it."""

    mch_order_id: str = order_id()
    checkout_id: str | None = text(1, default=None)


@result
class CheckoutStatus(Result):
    """Where a checkout stands. `amount` in minor units; times are Philippine.

    The status, `transaction_id` and `channel_code` are read by an integrator; the other fields are those of the older
    documented inquiry (/api/v1/checkout/state) and may be missing.
    """

    transaction_status: TransactionStatus = attrs.field(metadata={"aliases": ("status",)})
    transaction_id: str | None = None
    """PayCools' id of the payment, by which it is refunded; missing while nobody has paid."""
    channel_code: str | None = None
    mch_order_id: str | None = None
    checkout_id: str | None = None
    amount: int | None = None
    create_time: datetime | None = None
    return_time: datetime | None = None
    app_name: str | None = None
    remark: str | None = None
    callback_url: str | None = None


@endpoint(
    "ph.checkout.query",
    "POST",
    "/api/v2/checkout/query",
    nav="9.3",
    provenance=INFERRED,
    wire=Wire.HYBRID,
    client_fields=("timestamp",),
    success_codes=SUCCESS,
)
class QueryCheckout(ByBothIds[CheckoutStatus]):
    """Check a checkout (9.3). Path and fields from an integrator's code, never seen answering. Raises NotFound.

    Give `checkout_id` where you have it: that integrator always sends both ids. The older documented inquiry takes the
    order id alone. The first use gives UnverifiedEndpointWarning.
    """


@endpoint(
    "ph.checkout.close",
    "POST",
    "/api/v2/checkout/close",
    nav="9.4",
    purpose=CHANGE,
    provenance=INFERRED,
    wire=Wire.HYBRID,
    client_fields=("timestamp",),
    success_codes=SUCCESS,
)
class CloseCheckout(ByBothIds[Any]):
    """Close a checkout, so that nobody can pay it any more (9.4). Path and fields from an integrator's code.

    Give both ids, as that integrator does. Success is that nothing is raised; what `data` holds is not known, and it
    comes back as it is. After OutcomeUnknown, `query`: only CLOSED means closed. The first use gives
    UnverifiedEndpointWarning.
    """


@callback(
    "ph.checkout.callback",
    # the page's table names h5.payment.* instead, which are web payment's (7.4) and are delivered as such
    "checkout.payment.success",
    "checkout.payment.failed",
    nav="9.5",
    provenance=DOCUMENTED,
)
class CheckoutSettled(PaymentEvent):
    """A checkout was paid, or its payment failed (9.5). Sent to `notify_url`. `amount` in minor units.

    Documented for the older checkout; that this one sends the same is inferred. `checkout_id`, `currency` and
    `channel_type` stand in no document (one integrator reads them). The page's table calls the events h5.payment.*;
    under those names they come as `WebPaymentSettled`, so find the order by `mch_order_id` in both.
    """

    checkout_id: str | None = None
    currency: str | None = None
    channel_type: CheckoutChannelType | None = None


class Checkout(ResolvingProduct):
    """PayCools' cashier page."""

    channels: Final = Call(GetCheckoutChannels)
    create: Final = Call(CreateCheckout)
    query: Final = Call(QueryCheckout)
    close: Final = Call(CloseCheckout)

    async def find(self, mch_order_id: str, *, checkout_id: str | None = None) -> CheckoutStatus | None:
        """The checkout's status, or None if PayCools does not know the order."""
        with self._about(CreateCheckout, mch_order_id):
            found = await self._found(QueryCheckout(mch_order_id=mch_order_id, checkout_id=checkout_id))
            if found is not None:
                self._settle(CreateCheckout, mch_order_id, found.amount)
            return found
