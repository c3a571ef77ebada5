"""The unified payouts: money out in four countries by one path. Russia has no payouts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Literal

import attrs

from ...countries import PAYOUT_COUNTRIES, PAYOUT_CURRENCIES, PayoutCountryCode, PayoutCurrency, promptpay_doubt
from ...endpoint import GlobalRequest, callback, endpoint
from ...errors import FieldError
from ...fields import account, choice, code, extra_fields, minor_units, order_id, payee, phone, text
from ...product import Call
from ...traits import DOCUMENTED, INFERRED, PAYOUT
from ..base import (
    EitherId,
    GlobalPayoutReceipt,
    GlobalPayoutStatus,
    PayoutEvent,
    currency_fits,
    default_idempotency_id,
    own_currency,
)
from .base import UnifiedOrders

__all__ = [
    "CreateUnifiedPayout",
    "QueryUnifiedPayout",
    "UnifiedPayoutSettled",
    "UnifiedPayouts",
]


@endpoint(
    "global.unified.payout.create",
    "POST",
    "/open-api/disbursement/transfer",
    nav="u.4.1",
    purpose=PAYOUT,
    provenance=INFERRED,
)
class CreateUnifiedPayout(GlobalRequest[GlobalPayoutReceipt]):
    """Create a payout in any country (u.4.1). Inferred, path and fields: the first use warns; confirm with PayCools.

    The path is the sibling of the documented inquiry (u.4.2); the fields are those of the country pages with
    `country_code` and `currency`. Where it does not work, the country calls (`paycools.philippines.payouts` ...) are
    the better known way.

    `mch_order_id`: letters and digits, 1 to 32, unique per merchant. `amount`: minor units (whole rupiah when
    `country_code` is ID). `currency` is the country's, and made from it if not given. `transfer_code` is the bank or
    wallet. Indonesia's page requires `mobile`, Malaysia's `account_type`, and Thailand's, for BANK, `account_type`,
    `account_tax_id` and `mobile`, for PROMPTPAY `promptpay_account_type`; no unified page says so, so none is demanded
    here. `idempotency_id`: letters and digits, 10 to 32; made from the order id if not given.

    Raises InsufficientBalance, DuplicateOrder, InvalidParameter ... and OutcomeUnknown: then
    `await paycools.unified.payouts.resolve(error.request)`.
    """

    mch_order_id: str = order_id()
    idempotency_id: str = order_id(10, 32, default=attrs.Factory(default_idempotency_id, takes_self=True))
    amount: int = minor_units(1)
    country_code: PayoutCountryCode = choice(*PAYOUT_COUNTRIES)
    currency: PayoutCurrency = choice(*PAYOUT_CURRENCIES, default=attrs.Factory(own_currency, takes_self=True))
    pay_method_code: Literal["BANK", "EWALLET", "PROMPTPAY"] | str = code("BANK", "EWALLET", "PROMPTPAY")
    account_no: str = account(50)
    account_name: str | None = payee(1, 128, default=None)
    transfer_code: Literal["CIMB", "RHBB"] | str | None = code("CIMB", "RHBB", default=None)
    mobile: str | None = phone(10, 14, default=None)
    account_type: str | None = code(default=None)
    account_tax_id: str | None = account(default=None)
    promptpay_account_type: str | None = code(default=None)
    remark: str | None = text(1, 256, default=None)
    extra: dict[str, Any] = extra_fields(factory=dict)

    def _doubts(self) -> Iterator[FieldError]:
        doubt = promptpay_doubt(self.promptpay_account_type, self.account_no)
        if doubt is not None and self.pay_method_code == "PROMPTPAY":
            yield FieldError("account_no", doubt)

    def _cross_checks(self) -> Iterator[FieldError]:
        return currency_fits(self.country_code, self.currency)


@endpoint("global.unified.payout.query", "POST", "/open-api/disbursement/check", nav="u.4.2", provenance=DOCUMENTED)
class QueryUnifiedPayout(EitherId[GlobalPayoutStatus]):
    """Check a payout's status by one of its two ids (u.4.2). Documented. Raises NotFound."""

    country_code: PayoutCountryCode = choice(*PAYOUT_COUNTRIES)


@callback(
    "global.unified.payout.notification",
    "disbursement.success",
    "disbursement.failed",
    nav="u.4.3",
    provenance=DOCUMENTED,
)
class UnifiedPayoutSettled(PayoutEvent):
    """A payout became final (u.4.3). Documented. `amount` in minor units (whole rupiah in Indonesia).

    Sent to the address set with PayCools: payouts name none.
    """


class UnifiedPayouts(UnifiedOrders[CreateUnifiedPayout, GlobalPayoutStatus, GlobalPayoutReceipt]):
    """Money out, to any country."""

    create: Final = Call(CreateUnifiedPayout)
    query: Final = Call(QueryUnifiedPayout)
