"""3. Payouts (disbursements): money to a bank account or an e-wallet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

import attrs

from ..countries import PH_MOBILE
from ..endpoint import PHRequest, callback, endpoint, result
from ..errors import FieldError
from ..fields import (
    ACCOUNT,
    EMAIL,
    PERSON_NAME,
    choice,
    code,
    day,
    integer,
    minor_units,
    mobile_where,
    order_id,
    payee,
    text,
)
from ..product import Call
from ..resolving.products import PayoutProduct
from ..texts import Form, explained, form_fault, name_fault, spoiled
from ..traits import DOCUMENTED, PAYOUT
from ..vocabulary import results
from ..vocabulary.events import OrderEvent
from ..vocabulary.idempotency import default_idempotency_id, idempotency_id_for
from .base import AppRequest
from .codes import EWalletCode

__all__ = [
    "CreatePayout",
    "PayoutReceipt",
    "PayoutSettled",
    "PayoutStatus",
    "Payouts",
    "QueryPayout",
    "idempotency_id_for",
]


@result
class PayoutReceipt(results.PayoutReceipt):
    """PayCools took the payout. It is not final: inquire or wait for the callback.

    `transaction_id` is PayCools' id. The other fields are inferred from its sibling pages and may be missing.
    """


QR_CONTENT = explained(spoiled, "is no content of a QR code")
_ACCOUNTS = {"BANK": ACCOUNT, "EWALLET": PH_MOBILE.form, "SCANQR": QR_CONTENT}


def _form_of_the_name(fields: Mapping[str, Any]) -> Form | None:
    # for SCANQR it is a merchant's name, in which digits and & occur
    return None if fields.get("pay_method_code") == "SCANQR" else PERSON_NAME


@endpoint("ph.payout.create", "POST", "/api/v1/payout", nav="3.1", purpose=PAYOUT, provenance=DOCUMENTED)
class CreatePayout(AppRequest[PayoutReceipt]):
    """Create a payout (3.1). The request is documented, the fields of its answer are inferred.

    `mch_order_id`: letters and digits, 1 to 32, unique per merchant. `amount`: centavos, 100 to 500,000,000 (PHP
    500.10 is 50010). `account_no`: for EWALLET a mobile number, 09.., 639.. or +639.., sent as 09xxxxxxxxx; for
    SCANQR the QR content. `account_name`: letters, spaces and ' . -, 1 to 30; for SCANQR the merchant's name, of any
    characters. `bank_code` goes with BANK, `ewallet_code` with EWALLET; no list of either is published.
    `idempotency_id`: letters and digits, 10 to 30; made from the order id if not given, and made anew for a copy under
    another order id (`attrs.evolve`). `gender`: 0 female, 1 male, 2 other.

    Raises InsufficientBalance, LimitExceeded, DuplicateOrder, InvalidParameter ... and OutcomeUnknown: then
    `await paycools.payouts.resolve(error.request)`.
    """

    mch_order_id: str = order_id()
    amount: int = minor_units(100, 500_000_000)
    # SCANQR stands on the "DisbursementV2" page only; the wider list is taken
    pay_method_code: Literal["BANK", "EWALLET", "SCANQR"] = choice("BANK", "EWALLET", "SCANQR")
    account_no: str = text(
        1, personal=True, converter=mobile_where("pay_method_code", "EWALLET"), example="001234567890"
    )
    account_name: str = payee(1, 30, form_by=_form_of_the_name)
    bank_code: str | None = code(default=None)
    ewallet_code: str | None = code(*(each.value for each in EWalletCode), default=None)
    idempotency_id: str = order_id(10, 30, default=attrs.Factory(default_idempotency_id, takes_self=True))
    remark: str | None = text(1, 200, default=None, example="Wages of November")
    id_card_pic_url: str | None = text(1, 200, default=None, personal=True, example="https://example.com/card.jpg")
    id_card_expiry_date: str | None = day(default=None, personal=True)
    birth_place: str | None = text(1, 200, default=None, personal=True, example="Manila")
    gender: Literal[0, 1, 2] | None = integer(values=(0, 1, 2), default=None)
    email: str | None = text(1, 50, pattern=EMAIL, default=None, personal=True, example="juan@example.com")

    def _cross_checks(self) -> Iterator[FieldError]:
        method = self.pay_method_code
        form = _form_of_the_name({"pay_method_code": method})
        if form is not None:
            for fault in form_fault("account_name", self.account_name, form):
                if name_fault(self.account_name) is None:
                    yield fault
        if method == "BANK" and self.bank_code is None:
            yield FieldError("bank_code", "is required when pay_method_code is BANK")
        if method == "EWALLET" and self.ewallet_code is None:
            yield FieldError("ewallet_code", "is required when pay_method_code is EWALLET")
        yield from form_fault("account_no", self.account_no, _ACCOUNTS.get(method, ACCOUNT))


@result
class PayoutStatus(results.OrderStatus):
    """Where a payout stands. `amount` in centavos; times are Philippine."""


@endpoint("ph.payout.query", "GET", "/api/v1/payout/check", nav="3.2", provenance=DOCUMENTED)
class QueryPayout(PHRequest[PayoutStatus]):
    """Check a payout's status by order id (3.2). Documented. Raises NotFound."""

    mch_order_id: str = order_id()  # the page says length 20; creation allows 1 to 32, so does this


@callback("ph.payout.callback", "disbursement.success", "disbursement.failed", nav="3.3", provenance=DOCUMENTED)
class PayoutSettled(OrderEvent):
    """A payout became final (3.3). Sent to the address set in the merchant portal. `amount` in centavos."""


class Payouts(PayoutProduct[CreatePayout, PayoutStatus, PayoutReceipt]):
    """Money out."""

    create: Final = Call(CreatePayout)
    query: Final = Call(QueryPayout)
