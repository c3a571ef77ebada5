"""3. Indonesia: payouts, payments and static codes, in whole rupiah.

The rupiah has no minor unit in this API: IDR 20,000 is 20000.
"""

from __future__ import annotations

from typing import ClassVar, Final

import attrs

from ...countries import ID_MOBILE, INDONESIA
from ...endpoint import Effect, GlobalRequest, Provenance, Purpose, callback, endpoint, result
from ...enums import OpenEnum
from ...fields import account, code, minor_units, mobile, order_id, text
from ...order_products import PayoutProduct
from ...product import Call, Product, Sender
from ..base import (
    GlobalPaymentStatus,
    GlobalPayoutReceipt,
    GlobalPayoutStatus,
    PaymentEvent,
    PayoutEvent,
    default_idempotency_id,
)
from .base import CountryPayment
from .static_twins import IndonesianStaticCodes

__all__ = [
    "CreateIndonesianPayment",
    "CreateIndonesianPayout",
    "Indonesia",
    "IndonesianChannel",
    "IndonesianPaymentSettled",
    "IndonesianPaymentStatus",
    "IndonesianPayments",
    "IndonesianPayoutReceipt",
    "IndonesianPayoutSettled",
    "IndonesianPayoutStatus",
    "IndonesianPayouts",
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
    effect=Effect.MOVES_MONEY,
    purpose=Purpose.PAYOUT,
    provenance=Provenance.DOCUMENTED,
)
class CreateIndonesianPayout(GlobalRequest[IndonesianPayoutReceipt]):
    """Create a payout in Indonesia (3.1.1). Documented; the lists of methods, banks and wallets are not public.

    `mch_order_id`: letters and digits, 1 to 32 (10 and more satisfy every page), unique per merchant. `amount`: whole
    rupiah, at least 10000. `mobile`: the payee's, 08.., 628.. or +628.., sent as 08 and 8 to 11 more digits.
    `pay_method_code`: BANK is the one seen. `transfer_code`: the bank's or wallet's code, such as CIMB.
    `idempotency_id`: letters and digits, 10 to 32; made from the order id if not given. The callback goes to the
    address set with PayCools.

    Raises InsufficientBalance, DuplicateOrder, InvalidParameter ... and OutcomeUnknown: then
    `await paycools.indonesia.payouts.resolve(error.request)`.
    """

    # the table says 10 to 32, the sentence beside it 1 to 32
    mch_order_id: str = order_id()
    idempotency_id: str = order_id(10, 32, default=attrs.Factory(default_idempotency_id, takes_self=True))
    amount: int = minor_units(10_000)
    account_no: str = account(50)
    account_name: str = text(1, 128, personal=True)
    mobile: str = mobile(ID_MOBILE)
    pay_method_code: str = code("BANK", "EWALLET")
    transfer_code: str = code("CIMB")
    remark: str | None = text(1, 256, default=None)


@endpoint(
    "global.id.payout.query",
    "POST",
    "/open-api/indonesia/disbursement/check",
    nav="3.1.2",
    country=INDONESIA,
    provenance=Provenance.INFERRED,
)
class QueryIndonesianPayout(GlobalRequest[IndonesianPayoutStatus]):
    """Check a payout's status by order id (3.1.2). The path is inferred from its twins, as are the fields.

    Raises NotFound.
    """

    mch_order_id: str = order_id()


@callback(
    "global.id.payout.notification",
    "disbursement.success",
    "disbursement.failed",
    nav="3.1.3",
    country=INDONESIA,
    provenance=Provenance.INFERRED,
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
    effect=Effect.CREATES,
    purpose=Purpose.PAYMENT,
    provenance=Provenance.DOCUMENTED,
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
    provenance=Provenance.INFERRED,
)
class QueryIndonesianPayment(GlobalRequest[IndonesianPaymentStatus]):
    """Check a payment's status by order id (3.2.2). The path is inferred from the Philippine twin. Raises NotFound."""

    mch_order_id: str = order_id()


@callback(
    "global.id.payment.notification",
    "order.payment.success",
    "order.payment.failed",
    nav="3.2.3",
    country=INDONESIA,
    provenance=Provenance.DOCUMENTED,
)
class IndonesianPaymentSettled(PaymentEvent):
    """A payment in Indonesia became final (3.2.3). Documented. Whole rupiah."""


class IndonesianPayments(Product):
    """Single payments of customers in Indonesia."""

    create: Final = Call(CreateIndonesianPayment)
    query: Final = Call(QueryIndonesianPayment)


class Indonesia:
    """Indonesia: `.payouts`, `.payments` and `.static` codes. All amounts are whole rupiah."""

    def __init__(self, client: Sender) -> None:
        self.payouts: IndonesianPayouts = IndonesianPayouts(client)
        self.payments: IndonesianPayments = IndonesianPayments(client)
        self.static: IndonesianStaticCodes = IndonesianStaticCodes(client)
