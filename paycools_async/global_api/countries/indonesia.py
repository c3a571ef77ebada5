"""3. Indonesia: payouts, payments and static codes, in whole rupiah.

The rupiah has no minor unit in this API: IDR 20,000 is 20000.
"""

from __future__ import annotations

from typing import ClassVar, Final, Literal

from ...countries import ID_MOBILE, INDONESIA
from ...endpoint import callback, endpoint, result
from ...enums import OpenEnum
from ...fields import account, code, minor_units, mobile, payee, text
from ...product import Call, Product, Sender
from ...resolving.products import PayoutProduct
from ...traits import ACCOUNT, CREATES, DOCUMENTED, INFERRED, PAYMENT, PAYOUT, UNPUBLISHED
from ..base import (
    GlobalPaymentStatus,
    GlobalPayoutReceipt,
    GlobalPayoutStatus,
    PaymentEvent,
    PayoutEvent,
)
from .base import CountryPayment, CountryPayout, OrderInquiry
from .static_codes import StaticCode, StaticCodeInquiry, StaticCodeOrder, StaticPayment, StaticPaymentsInquiry

__all__ = [
    "CreateIndonesianPayment",
    "CreateIndonesianPayout",
    "CreateIndonesianStaticCode",
    "GetIndonesianStaticCode",
    "GetIndonesianStaticPayments",
    "Indonesia",
    "IndonesianChannel",
    "IndonesianPaymentSettled",
    "IndonesianPaymentStatus",
    "IndonesianPayments",
    "IndonesianPayoutReceipt",
    "IndonesianPayoutSettled",
    "IndonesianPayoutStatus",
    "IndonesianPayouts",
    "IndonesianStaticCode",
    "IndonesianStaticCodes",
    "IndonesianStaticPayment",
    "IndonesianStaticPaymentSettled",
    "QueryIndonesianPayment",
    "QueryIndonesianPayout",
]


class IndonesianChannel(OpenEnum):
    """The one payment channel seen in examples; the list is not public, so any other code passes through."""

    BCA_VA = "ID_BCA_VA"


# 3.1 Payouts


@result
class IndonesianPayoutReceipt(GlobalPayoutReceipt):
    """PayCools took a payout in Indonesia; it is not final. `transaction_time` is local (UTC+7, inferred)."""

    country: ClassVar[str | None] = INDONESIA.code


@result
class IndonesianPayoutStatus(GlobalPayoutStatus):
    """Where a payout in Indonesia stands. Times are local (UTC+7, inferred)."""

    country: ClassVar[str | None] = INDONESIA.code


@endpoint(
    "global.id.payout.create",
    "POST",
    "/open-api/indonesia/disbursement/transfer",
    nav="3.1.1",
    country=INDONESIA,
    purpose=PAYOUT,
    provenance=DOCUMENTED,
)
class CreateIndonesianPayout(CountryPayout[IndonesianPayoutReceipt]):
    """Create a payout in Indonesia (3.1.1). Documented; the lists of methods, banks and wallets are not public.

    `mch_order_id`: letters and digits, 1 to 32 (10 and more satisfy every page), unique per merchant. `amount`: whole
    rupiah, at least 10000. `mobile`: the payee's, 08.., 628.. or +628.., sent as 08 and 8 to 11 more digits.
    `pay_method_code`: BANK is the one seen. `transfer_code`: the bank's or wallet's code, such as CIMB.
    `idempotency_id`: letters and digits, 10 to 32; made from the order id if not given. The callback goes to the
    address set with PayCools.

    Raises InsufficientBalance, DuplicateOrder, InvalidParameter ... and OutcomeUnknown: then
    `await paycools.indonesia.payouts.resolve(error.request)`.
    """

    amount: int = minor_units(10_000)
    account_no: str = account(50)
    account_name: str = payee(1, 128, example="Budi Santoso")
    mobile: str = mobile(ID_MOBILE)
    pay_method_code: Literal["BANK", "EWALLET"] | str = code("BANK", "EWALLET")
    transfer_code: Literal["CIMB"] | str = code("CIMB")
    remark: str | None = text(1, 256, default=None, example="Wages of November")


@endpoint(
    "global.id.payout.query",
    "POST",
    "/open-api/indonesia/disbursement/check",
    nav="3.1.2",
    country=INDONESIA,
    provenance=INFERRED,
)
class QueryIndonesianPayout(OrderInquiry[IndonesianPayoutStatus]):
    """Check a payout's status by order id (3.1.2). The path is inferred from its siblings, as are the fields.

    Raises NotFound.
    """


@callback(
    "global.id.payout.notification",
    "disbursement.success",
    "disbursement.failed",
    nav="3.1.3",
    country=INDONESIA,
    provenance=INFERRED,
)
class IndonesianPayoutSettled(PayoutEvent):
    """A payout in Indonesia became final (3.1.3). Inferred from the Thai and the unified page. Whole rupiah."""


class IndonesianPayouts(PayoutProduct[CreateIndonesianPayout, IndonesianPayoutStatus, IndonesianPayoutReceipt]):
    """Money out in Indonesia."""

    create: Final = Call(CreateIndonesianPayout)
    query: Final = Call(QueryIndonesianPayout)


# 3.2 Payments


@result
class IndonesianPaymentStatus(GlobalPaymentStatus):
    """Where a payment in Indonesia stands. Times are local (UTC+7, inferred)."""

    country: ClassVar[str | None] = INDONESIA.code


@endpoint(
    "global.id.payment.create",
    "POST",
    "/open-api/indonesia/payment/generate",
    nav="3.2.1",
    country=INDONESIA,
    effect=CREATES,
    purpose=PAYMENT,
    provenance=DOCUMENTED,
)
class CreateIndonesianPayment(CountryPayment):
    """Ask a customer in Indonesia for one payment (3.2.1). Documented; the list of channels is not public.

    `mch_order_id`: letters and digits, 1 to 32, unique per payment. `amount`: whole rupiah. `channel_code`: see
    `IndonesianChannel`. `mobile`: 08.., 628.. or +628.., sent as 08 and 8 to 11 more digits. `notify_url` gets the
    callback. `redirect_url`: where the customer returns to; required for channels of the kind URL. Show the customer
    the answer's `pay_data`: a VA number, a link or a QR text.
    """

    mobile: str = mobile(ID_MOBILE)


@endpoint(
    "global.id.payment.query",
    "POST",
    "/open-api/indonesia/payment/query",
    nav="3.2.2",
    country=INDONESIA,
    provenance=INFERRED,
)
class QueryIndonesianPayment(OrderInquiry[IndonesianPaymentStatus]):
    """Check a payment's status by order id (3.2.2). The path is inferred from the Philippine one. Raises NotFound."""


@callback(
    "global.id.payment.notification",
    "order.payment.success",
    "order.payment.failed",
    nav="3.2.3",
    country=INDONESIA,
    provenance=DOCUMENTED,
)
class IndonesianPaymentSettled(PaymentEvent):
    """A payment in Indonesia became final (3.2.3). Documented. Whole rupiah."""


class IndonesianPayments(Product):
    """Single payments of customers in Indonesia."""

    create: Final = Call(CreateIndonesianPayment)
    query: Final = Call(QueryIndonesianPayment)


# 3.3 Static codes; creation is inferred, the rest is unpublished


@result
class IndonesianStaticCode(StaticCode):
    """A static code in Indonesia. Times are local (UTC+7, inferred)."""

    country: ClassVar[str | None] = INDONESIA.code


@result
class IndonesianStaticPayment(StaticPayment):
    """A payment on a static code in Indonesia. Times are local (UTC+7, inferred)."""

    country: ClassVar[str | None] = INDONESIA.code


@endpoint(
    "global.id.static.create",
    "POST",
    "/open-api/indonesia/static/payment/generate",
    nav="3.3.1",
    country=INDONESIA,
    purpose=ACCOUNT,
    provenance=INFERRED,
)
class CreateIndonesianStaticCode(StaticCodeOrder[IndonesianStaticCode]):
    """Create a static code that takes many payments (3.3.1). Path and fields are inferred from the Philippine one.

    `channel_code`: no static channel of Indonesia was seen. `notify_url` gets a callback for every payment. `mobile`:
    08.., 628.. or +628.., sent as 08 and 8 to 11 more digits. `pay_mode` stands in that example alone ("WEB").
    """

    mobile: str = mobile(ID_MOBILE)


@endpoint("global.id.static.detail", "POST", None, nav="3.3.2", country=INDONESIA, provenance=UNPUBLISHED)
class GetIndonesianStaticCode(StaticCodeInquiry[IndonesianStaticCode]):
    """Get a static code (3.3.2). Unpublished: pass paths={"global.id.static.detail": "/..."}.

    Its fields are inferred from creation; `extra` adds others.
    """


@endpoint("global.id.static.payments", "POST", None, nav="3.3.3", country=INDONESIA, provenance=UNPUBLISHED)
class GetIndonesianStaticPayments(StaticPaymentsInquiry[list[IndonesianStaticPayment]]):
    """The payments that a static code received (3.3.3). Unpublished: pass paths={"global.id.static.payments": "/..."}.

    Its fields are those of relatives, which require both days (yyyy-MM-dd); `extra` adds others.
    """


@callback(
    "global.id.static.notification",
    "static.order.payment.success",
    "static.order.payment.failed",
    nav="3.3.4",
    country=INDONESIA,
    provenance=INFERRED,
)
class IndonesianStaticPaymentSettled(PaymentEvent):
    """A payment on a static code in Indonesia became final (3.3.4). Inferred from the Philippine one. Rupiah."""


class IndonesianStaticCodes(Product):
    """Static codes in Indonesia; no call to cancel one is in the navigation."""

    create: Final = Call(CreateIndonesianStaticCode)
    detail: Final = Call(GetIndonesianStaticCode)
    payments: Final = Call(GetIndonesianStaticPayments)


class Indonesia:
    """Indonesia: `.payouts`, `.payments` and `.static` codes. All amounts are whole rupiah."""

    def __init__(self, client: Sender) -> None:
        self.payouts: IndonesianPayouts = IndonesianPayouts(client)
        self.payments: IndonesianPayments = IndonesianPayments(client)
        self.static: IndonesianStaticCodes = IndonesianStaticCodes(client)
