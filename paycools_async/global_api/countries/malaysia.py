"""4. Malaysia: payouts and payments, in sen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from ...countries import MALAYSIA, MY_MOBILE
from ...endpoint import callback, endpoint
from ...enums import OpenEnum
from ...errors import FieldError
from ...fields import account, choice, code, mobile, mobile_where, payee, text
from ...product import Call, Product, Sender
from ...resolving.products import PayoutProduct
from ...texts import form_fault
from ...traits import CREATES, DOCUMENTED, INFERRED, PAYMENT, PAYOUT
from ..base import (
    GlobalPaymentStatus,
    GlobalPayoutReceipt,
    GlobalPayoutStatus,
    PaymentEvent,
    PayoutEvent,
)
from .base import CountryPayment, CountryPayout, OrderInquiry

__all__ = [
    "CreateMalaysianPayment",
    "CreateMalaysianPayout",
    "Malaysia",
    "MalaysianChannel",
    "MalaysianPaymentSettled",
    "MalaysianPayments",
    "MalaysianPayoutSettled",
    "MalaysianPayouts",
    "QueryMalaysianPayment",
    "QueryMalaysianPayout",
]


class MalaysianChannel(OpenEnum):
    """The one payment channel seen in examples; the list is not public, so any other code passes through."""

    TNG_URL = "MY_TNG_URL"


# the Malaysian payout pages print success as 1000, all other pages of this API as 10000: both mean it was taken
SUCCESS = frozenset({1000, 10000})


# 4.1 Payouts


@endpoint(
    "global.my.payout.create",
    "POST",
    "/open-api/malaysia/disbursement/transfer",
    nav="4.1.1",
    country=MALAYSIA,
    purpose=PAYOUT,
    provenance=INFERRED,
    success_codes=SUCCESS,
)
class CreateMalaysianPayout(CountryPayout[GlobalPayoutReceipt]):
    """Create a payout in Malaysia (4.1.1). The fields are documented, the path is inferred from two other countries.

    `mch_order_id`: letters and digits, 1 to 32, unique per merchant. `amount`: sen (MYR 500.10 is 50010); no limits
    are published. `account_type` says what `account_no` holds: BANK_ACCOUNT, or MOBILE_NUMBER (01.., 601.. or +601..,
    sent as 01 and 8 or 9 more digits). `pay_method_code`: BANK is the one seen. `transfer_code`: the bank's code, such
    as RHBB; no list is public. `idempotency_id`: letters and digits, 10 to 32; made from the order id if not given.
    The callback goes to the address set with PayCools.

    Raises InsufficientBalance, DuplicateOrder, InvalidParameter ... and OutcomeUnknown: then
    `await paycools.malaysia.payouts.resolve(error.request)`.
    """

    pay_method_code: Literal["BANK"] | str = code("BANK")
    transfer_code: Literal["RHBB"] | str = code("RHBB")
    account_type: Literal["MOBILE_NUMBER", "BANK_ACCOUNT"] = choice(
        "MOBILE_NUMBER", "BANK_ACCOUNT", example="BANK_ACCOUNT"
    )
    account_no: str = account(50, converter=mobile_where("account_type", "MOBILE_NUMBER", MY_MOBILE))
    account_name: str = payee(1, 128, example="Ahmad Bin Ali")
    remark: str | None = text(1, 256, default=None, example="Wages of November")

    def _cross_checks(self) -> Iterator[FieldError]:
        if self.account_type == "MOBILE_NUMBER":
            yield from form_fault("account_no", self.account_no, MY_MOBILE.form)


@endpoint(
    "global.my.payout.query",
    "POST",
    "/open-api/malaysia/disbursement/check",
    nav="4.1.2",
    country=MALAYSIA,
    provenance=INFERRED,
    success_codes=SUCCESS,
)
class QueryMalaysianPayout(OrderInquiry[GlobalPayoutStatus]):
    """Check a payout's status by order id (4.1.2). The fields are documented, the path is inferred. Raises NotFound."""


@callback(
    "global.my.payout.notification",
    "disbursement.success",
    "disbursement.failed",
    nav="4.1.3",
    country=MALAYSIA,
    provenance=INFERRED,
)
class MalaysianPayoutSettled(PayoutEvent):
    """A payout in Malaysia became final (4.1.3). Inferred from the Thai and the unified page. Sen."""


class MalaysianPayouts(PayoutProduct[CreateMalaysianPayout, GlobalPayoutStatus, GlobalPayoutReceipt]):
    """Money out in Malaysia."""

    create: Final = Call(CreateMalaysianPayout)
    query: Final = Call(QueryMalaysianPayout)


# 4.2 Payments


@endpoint(
    "global.my.payment.create",
    "POST",
    "/open-api/malaysia/payment/generate",
    nav="4.2.1",
    country=MALAYSIA,
    effect=CREATES,
    purpose=PAYMENT,
    provenance=DOCUMENTED,
)
class CreateMalaysianPayment(CountryPayment):
    """Ask a customer in Malaysia for one payment (4.2.1). Documented; the list of channels is not public.

    `mch_order_id`: letters and digits, 1 to 32, unique per payment. `amount`: sen (MYR 500.10 is 50010).
    `channel_code`: see `MalaysianChannel`. `mobile`: 01.., 601.. or +601.., sent as 01 and 8 or 9 more digits (the
    page's own example breaks its rule). `notify_url` gets the callback. `redirect_url`: where the customer returns to;
    required for channels of the kind URL. Show the customer the answer's `pay_data`.
    """

    mobile: str = mobile(MY_MOBILE)


@endpoint(
    "global.my.payment.query",
    "POST",
    "/open-api/malaysia/payment/query",
    nav="4.2.2",
    country=MALAYSIA,
    provenance=INFERRED,
)
class QueryMalaysianPayment(OrderInquiry[GlobalPaymentStatus]):
    """Check a payment's status by order id (4.2.2). The path is inferred from the Philippine one. Raises NotFound."""


@callback(
    "global.my.payment.notification",
    "order.payment.success",
    "order.payment.failed",
    nav="4.2.3",
    country=MALAYSIA,
    provenance=INFERRED,
)
class MalaysianPaymentSettled(PaymentEvent):
    """A payment in Malaysia became final (4.2.3). Inferred from the Indonesian page and the Thai one. Sen."""


class MalaysianPayments(Product):
    """Single payments of customers in Malaysia."""

    create: Final = Call(CreateMalaysianPayment)
    query: Final = Call(QueryMalaysianPayment)


class Malaysia:
    """Malaysia: `.payouts` and `.payments`."""

    def __init__(self, client: Sender) -> None:
        self.payouts: MalaysianPayouts = MalaysianPayouts(client)
        self.payments: MalaysianPayments = MalaysianPayments(client)
