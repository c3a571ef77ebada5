"""2. The Philippines over the Global API: payouts, payments and static QR codes, in centavos.

Another system than the PH API (`PayCoolsPH`), with credentials of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import attrs

from ...countries import PH_MOBILE, PHILIPPINES
from ...endpoint import Effect, GlobalRequest, Provenance, Purpose, callback, endpoint
from ...enums import OpenEnum
from ...errors import FieldError
from ...fields import URL, Form, account, choice, code, minor_units, mobile, order_id, text
from ...order_products import PayoutProduct
from ...product import Call, Product, Sender
from ...texts import form_fault
from ..base import (
    GlobalPaymentStatus,
    GlobalPayoutReceipt,
    GlobalPayoutStatus,
    PaymentEvent,
    PayoutEvent,
    default_idempotency_id,
)
from .base import CountryPayment
from .static_codes import PhilippineStaticCodes

__all__ = [
    "CreatePhilippinePayment",
    "CreatePhilippinePayout",
    "PhilippineChannel",
    "PhilippinePaymentSettled",
    "PhilippinePayments",
    "PhilippinePayoutSettled",
    "PhilippinePayouts",
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


def _account_no(value: Any, request: Any) -> Any:
    return PH_MOBILE.national(value) if request.pay_method_code == "EWALLET" else value


@endpoint(
    "global.ph.payout.create",
    "POST",
    "/open-api/philippines/disbursement/transfer",
    nav="2.1.1",
    country=PHILIPPINES,
    effect=Effect.MOVES_MONEY,
    purpose=Purpose.PAYOUT,
    provenance=Provenance.DOCUMENTED,
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
    # the text says letters and spaces, the Indonesian twin letters and digits: a slip of translation
    idempotency_id: str = order_id(10, 30, default=attrs.Factory(default_idempotency_id, takes_self=True))
    amount: int = minor_units(1)
    pay_method_code: str = choice("BANK", "EWALLET")
    transfer_code: str = code()
    account_no: str = account(50, converter=attrs.Converter(_account_no, takes_self=True))
    account_name: str = text(1, 128, pattern=ACCOUNT_NAME, personal=True)
    remark: str | None = text(1, 256, default=None)

    def _cross_checks(self) -> Iterator[FieldError]:
        if self.pay_method_code == "EWALLET":
            yield from form_fault("account_no", self.account_no, PH_MOBILE.form)


@endpoint(
    "global.ph.payout.query",
    "POST",
    "/open-api/philippines/disbursement/check",
    nav="2.1.2",
    country=PHILIPPINES,
    provenance=Provenance.INFERRED,
)
class QueryPhilippinePayout(GlobalRequest[GlobalPayoutStatus]):
    """Check a payout's status by order id (2.1.2). The path is inferred from three twins, as are the fields.

    Raises NotFound.
    """

    mch_order_id: str = order_id()


@callback(
    "global.ph.payout.notification",
    "disbursement.success",
    "disbursement.failed",
    nav="2.1.3",
    country=PHILIPPINES,
    provenance=Provenance.INFERRED,
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
    effect=Effect.CREATES,
    purpose=Purpose.PAYMENT,
    provenance=Provenance.DOCUMENTED,
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
    provenance=Provenance.DOCUMENTED,
)
class QueryPhilippinePayment(GlobalRequest[GlobalPaymentStatus]):
    """Check a payment's status by order id (2.2.2). Documented; the answer by its example only. Raises NotFound."""

    mch_order_id: str = order_id()


@callback(
    "global.ph.payment.notification",
    "order.payment.success",
    "order.payment.failed",
    nav="2.2.3",
    country=PHILIPPINES,
    provenance=Provenance.INFERRED,
)
class PhilippinePaymentSettled(PaymentEvent):
    """A payment in the Philippines became final (2.2.3). Inferred from three siblings that agree. Centavos."""


class PhilippinePayments(Product):
    """Single payments of customers in the Philippines."""

    create: Final = Call(CreatePhilippinePayment)
    query: Final = Call(QueryPhilippinePayment)


class Philippines:
    """The Philippines: `.payouts`, `.payments` and `.static` codes."""

    def __init__(self, client: Sender) -> None:
        self.payouts: PhilippinePayouts = PhilippinePayouts(client)
        self.payments: PhilippinePayments = PhilippinePayments(client)
        self.static: PhilippineStaticCodes = PhilippineStaticCodes(client)
