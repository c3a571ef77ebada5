"""2. The Philippines over the Global API: payouts, payments and static QR codes, in centavos.

Another system than the PH API (`PayCoolsPH`), with credentials of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal

import attrs

from ...countries import PH_MOBILE, PHILIPPINES
from ...endpoint import GlobalRequest, callback, endpoint
from ...enums import OpenEnum
from ...errors import FieldError
from ...fields import URL, Form, account, choice, code, minor_units, mobile, mobile_where, order_id, payee, text
from ...product import Call, Product, Sender
from ...resolving.products import PayoutProduct
from ...texts import form_fault
from ...traits import ACCOUNT, CHANGE, CREATES, DOCUMENTED, INFERRED, PAYMENT, PAYOUT, UNPUBLISHED
from ..base import (
    GlobalPaymentStatus,
    GlobalPayoutReceipt,
    GlobalPayoutStatus,
    PaymentEvent,
    PayoutEvent,
    default_idempotency_id,
)
from .base import CountryPayment, OrderInquiry
from .static_codes import StaticCode, StaticCodeInquiry, StaticCodeOrder, StaticPayment, StaticPaymentsInquiry

__all__ = [
    "CancelPhilippineStaticCode",
    "CreatePhilippinePayment",
    "CreatePhilippinePayout",
    "CreatePhilippineStaticCode",
    "GetPhilippineStaticCode",
    "GetPhilippineStaticPayments",
    "PhilippineChannel",
    "PhilippinePaymentSettled",
    "PhilippinePayments",
    "PhilippinePayoutSettled",
    "PhilippinePayouts",
    "PhilippineStaticCodes",
    "PhilippineStaticPaymentSettled",
    "Philippines",
    "QueryPhilippinePayment",
    "QueryPhilippinePayout",
]


class PhilippineChannel(OpenEnum):
    """Payment channels seen in examples; the list is not public, so any other code passes through."""

    GCASH_URL = "PH_GCASH_URL"
    GCASH_QR = "PH_GCASH_QR"
    QRPH_DYNAMIC = "PH_QRPH_DYNAMIC"
    QRPH_STATIC = "PH_QRPH_STATIC"
    """For static codes."""


_NAME_CHARACTERS = r"[A-Za-z0-9 '.\-]"


def _in_a_name(char: str) -> bool:
    return char.isalpha() or re.fullmatch(_NAME_CHARACTERS, char) is not None


class _Name:
    """Looks like a pattern: letters of every script, for which there is none."""

    def fullmatch(self, value: str) -> bool | None:
        return True if all(map(_in_a_name, value)) else None


ACCOUNT_NAME = Form(_Name(), "letters, digits, spaces and ' . - only", _NAME_CHARACTERS, letter=_in_a_name)
"""The page bans special characters other than ' . - and nothing else."""


# 2.1 Payouts


@endpoint(
    "global.ph.payout.create",
    "POST",
    "/open-api/philippines/disbursement/transfer",
    nav="2.1.1",
    country=PHILIPPINES,
    purpose=PAYOUT,
    provenance=DOCUMENTED,
)
class CreatePhilippinePayout(GlobalRequest[GlobalPayoutReceipt]):
    """Create a payout in the Philippines (2.1.1). Documented; the lists of banks and wallets are not public.

    `mch_order_id`: letters and digits, 1 to 32, unique per merchant. `amount`: centavos (PHP 500.10 is 50010); no
    limits are published. `account_no`: for EWALLET a mobile number, 09.., 639.. or +639.., sent as 09xxxxxxxxx.
    `account_name`: first, middle (optional) and last name, 1 to 128, no special characters but ' . -
    `transfer_code`: the bank's or wallet's code. `idempotency_id`: letters and digits, 10 to 30; made from the order
    id if not given. The callback goes to the address set with PayCools.

    Raises InsufficientBalance, DuplicateOrder, InvalidParameter ... and OutcomeUnknown: then
    `await paycools.philippines.payouts.resolve(error.request)`.
    """

    mch_order_id: str = order_id()
    # the text says letters and spaces, the Indonesian page letters and digits: a slip of translation
    idempotency_id: str = order_id(10, 30, default=attrs.Factory(default_idempotency_id, takes_self=True))
    amount: int = minor_units(1)
    pay_method_code: Literal["BANK", "EWALLET"] = choice("BANK", "EWALLET")
    transfer_code: str = code()
    account_no: str = account(50, converter=mobile_where("pay_method_code", "EWALLET"))
    account_name: str = payee(1, 128, pattern=ACCOUNT_NAME)
    remark: str | None = text(1, 256, default=None, example="Wages of November")

    def _cross_checks(self) -> Iterator[FieldError]:
        if self.pay_method_code == "EWALLET":
            yield from form_fault("account_no", self.account_no, PH_MOBILE.form)


@endpoint(
    "global.ph.payout.query",
    "POST",
    "/open-api/philippines/disbursement/check",
    nav="2.1.2",
    country=PHILIPPINES,
    provenance=INFERRED,
)
class QueryPhilippinePayout(OrderInquiry[GlobalPayoutStatus]):
    """Check a payout's status by order id (2.1.2). The path is inferred from three siblings, as are the fields.

    Raises NotFound.
    """


@callback(
    "global.ph.payout.notification",
    "disbursement.success",
    "disbursement.failed",
    nav="2.1.3",
    country=PHILIPPINES,
    provenance=INFERRED,
)
class PhilippinePayoutSettled(PayoutEvent):
    """A payout in the Philippines became final (2.1.3). Inferred from the Thai and the unified page. Centavos."""


class PhilippinePayouts(PayoutProduct[CreatePhilippinePayout, GlobalPayoutStatus, GlobalPayoutReceipt]):
    """Money out in the Philippines."""

    create: Final = Call(CreatePhilippinePayout)
    query: Final = Call(QueryPhilippinePayout)


# 2.2 Payments


@endpoint(
    "global.ph.payment.create",
    "POST",
    "/open-api/philippines/payment/generate",
    nav="2.2.1",
    country=PHILIPPINES,
    effect=CREATES,
    purpose=PAYMENT,
    provenance=DOCUMENTED,
)
class CreatePhilippinePayment(CountryPayment):
    """Ask a customer in the Philippines for one payment (2.2.1). Documented; the list of channels is not public.

    `mch_order_id`: letters and digits, 1 to 32, unique per payment. `amount`: centavos (PHP 500.10 is 50010).
    `channel_code`: see `PhilippineChannel`. `notify_url` gets the callback, `redirect_url` the customer afterwards.
    `mobile`: 09.., 639.. or +639.., sent as 09xxxxxxxxx (the page's own example breaks its rule). Show the customer
    the answer's `pay_data`.
    """

    redirect_url: str = text(1, 512, pattern=URL)
    mobile: str = mobile()  # the table says 11 to 14 and a leading 09, which only 09xxxxxxxxx satisfies


@endpoint(
    "global.ph.payment.query",
    "POST",
    "/open-api/philippines/payment/query",
    nav="2.2.2",
    country=PHILIPPINES,
    provenance=DOCUMENTED,
)
class QueryPhilippinePayment(OrderInquiry[GlobalPaymentStatus]):
    """Check a payment's status by order id (2.2.2). Documented; the answer by its example only. Raises NotFound."""


@callback(
    "global.ph.payment.notification",
    "order.payment.success",
    "order.payment.failed",
    nav="2.2.3",
    country=PHILIPPINES,
    provenance=INFERRED,
)
class PhilippinePaymentSettled(PaymentEvent):
    """A payment in the Philippines became final (2.2.3). Inferred from three siblings that agree. Centavos."""


class PhilippinePayments(Product):
    """Single payments of customers in the Philippines."""

    create: Final = Call(CreatePhilippinePayment)
    query: Final = Call(QueryPhilippinePayment)


# 2.3 Static codes


@endpoint(
    "global.ph.static.create",
    "POST",
    "/open-api/philippines/static/payment/generate",
    nav="2.3.1",
    country=PHILIPPINES,
    purpose=ACCOUNT,
    provenance=DOCUMENTED,
)
class CreatePhilippineStaticCode(StaticCodeOrder[StaticCode]):
    """Create a static QR code that takes many payments of any amount (2.3.1). Documented.

    `channel_code`: `PhilippineChannel.QRPH_STATIC` is the only one seen. `notify_url` gets a callback for every
    payment. `mobile`: 09.., 639.. or +639.., sent as 09xxxxxxxxx. `pay_mode` stands in the page's example alone
    ("WEB"), without a word on its meaning.
    """

    mobile: str = mobile()


@endpoint("global.ph.static.detail", "POST", None, nav="2.3.2", country=PHILIPPINES, provenance=UNPUBLISHED)
class GetPhilippineStaticCode(StaticCodeInquiry[StaticCode]):
    """Get a static code (2.3.2). Unpublished: pass paths={"global.ph.static.detail": "/..."}.

    Its fields are inferred from creation and cancellation; `extra` adds others.
    """


@endpoint("global.ph.static.payments", "POST", None, nav="2.3.3", country=PHILIPPINES, provenance=UNPUBLISHED)
class GetPhilippineStaticPayments(StaticPaymentsInquiry[list[StaticPayment]]):
    """The payments that a static code received (2.3.3). Unpublished: pass paths={"global.ph.static.payments": "/..."}.

    Its fields are those of the Thai and Indonesian relatives, which require both days (yyyy-MM-dd); `extra` adds
    others.
    """


@callback(
    "global.ph.static.notification",
    "static.order.payment.success",
    "static.order.payment.failed",
    nav="2.3.4",
    country=PHILIPPINES,
    provenance=DOCUMENTED,
)
class PhilippineStaticPaymentSettled(PaymentEvent):
    """A payment on a static code in the Philippines became final (2.3.4). Documented. Centavos."""


@endpoint(
    "global.ph.static.cancel",
    "POST",
    "/open-api/philippines/static/code/cancel",
    nav="2.3.5",
    country=PHILIPPINES,
    purpose=CHANGE,
    provenance=DOCUMENTED,
)
class CancelPhilippineStaticCode(GlobalRequest[StaticCode]):
    """Cancel a static code (2.3.5); its status is CANCEL then. Documented. Raises NotFound."""

    mch_order_id: str = order_id()
    channel_code: str = code()


class PhilippineStaticCodes(Product):
    """Static QR codes in the Philippines."""

    create: Final = Call(CreatePhilippineStaticCode)
    detail: Final = Call(GetPhilippineStaticCode)
    payments: Final = Call(GetPhilippineStaticPayments)
    cancel: Final = Call(CancelPhilippineStaticCode)


class Philippines:
    """The Philippines: `.payouts`, `.payments` and `.static` codes."""

    def __init__(self, client: Sender) -> None:
        self.payouts: PhilippinePayouts = PhilippinePayouts(client)
        self.payments: PhilippinePayments = PhilippinePayments(client)
        self.static: PhilippineStaticCodes = PhilippineStaticCodes(client)
