"""The unified payouts: money out in four countries by one path. Russia has no payouts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from ..endpoint import Effect, GlobalRequest, Provenance, callback, endpoint
from ..errors import FieldError
from ..fields import choice, extra_fields, minor_units, order_id, text
from ..product import Call
from .common import (
    CURRENCIES,
    PAYOUT_COUNTRIES,
    GlobalPayoutReceipt,
    GlobalPayoutStatus,
    PayoutEvent,
    currency_fits,
    currency_of,
    idempotency_id_for,
    one_of_two,
)
from .payouts import OrderProduct

__all__ = [
    "CreateUnifiedPayout",
    "QueryUnifiedPayout",
    "UnifiedPayoutSettled",
    "UnifiedPayouts",
]


def _default_idempotency_id(request: Any) -> str | None:
    return idempotency_id_for(request.mch_order_id) if isinstance(request.mch_order_id, str) else None


@endpoint(
    "global.unified.payout.create",
    "POST",
    "/open-api/disbursement/transfer",
    nav="u.4.1",
    returns=GlobalPayoutReceipt,
    effect=Effect.MOVES_MONEY,
    provenance=Provenance.INFERRED,
    fills=("timestamp",),
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
    idempotency_id: str = order_id(10, 32, default=attrs.Factory(_default_idempotency_id, takes_self=True))
    amount: int = minor_units(1)
    country_code: str = choice(*PAYOUT_COUNTRIES)
    currency: str = choice(
        *(CURRENCIES[country] for country in PAYOUT_COUNTRIES), default=attrs.Factory(currency_of, takes_self=True)
    )
    pay_method_code: str = text(1)
    account_no: str = text(1, 50, personal=True)
    account_name: str | None = text(1, 128, default=None, personal=True)
    transfer_code: str | None = text(1, default=None)
    mobile: str | None = text(10, 14, default=None, personal=True)
    account_type: str | None = text(1, default=None)
    account_tax_id: str | None = text(1, default=None, personal=True)
    promptpay_account_type: str | None = text(1, default=None)
    remark: str | None = text(1, 256, default=None)
    extra: dict[str, Any] = extra_fields(factory=dict)

    def _cross_checks(self) -> Iterator[FieldError]:
        return currency_fits(self.country_code, self.currency)


@endpoint(
    "global.unified.payout.query",
    "POST",
    "/open-api/disbursement/check",
    nav="u.4.2",
    returns=GlobalPayoutStatus,
    provenance=Provenance.DOCUMENTED,
    fills=("timestamp",),
)
class QueryUnifiedPayout(GlobalRequest[GlobalPayoutStatus]):
    """Check a payout's status by one of its two ids (u.4.2). Documented. Raises NotFound."""

    mch_order_id: str | None = text(1, 32, default=None)
    transaction_id: str | None = text(1, 32, default=None)
    country_code: str = choice(*PAYOUT_COUNTRIES)

    def _cross_checks(self) -> Iterator[FieldError]:
        return one_of_two(self.mch_order_id, self.transaction_id)


@callback(
    "global.unified.payout.notification",
    "disbursement.success",
    "disbursement.failed",
    nav="u.4.3",
    provenance=Provenance.DOCUMENTED,
)
class UnifiedPayoutSettled(PayoutEvent):
    """A payout became final (u.4.3). Documented. `amount` in minor units (whole rupiah in Indonesia).

    Sent to the address set with PayCools: payouts name none.
    """


class UnifiedPayouts(OrderProduct):
    """Money out, to any country."""

    create = Call(CreateUnifiedPayout)
    query = Call(QueryUnifiedPayout)

    async def find(self, mch_order_id: str, *, country_code: str) -> GlobalPayoutStatus | None:
        """The payout's status, or None if PayCools does not know the order."""
        return await self._found(QueryUnifiedPayout(mch_order_id=mch_order_id, country_code=country_code))

    async def resolve(
        self, request: CreateUnifiedPayout, *, absent_after: float = 5.0, resend: bool = True
    ) -> GlobalPayoutStatus | GlobalPayoutReceipt:
        """After OutcomeUnknown: find out, and only if PayCools does not know the order, send the same again.

        Inquires by order id. Found: returns its status. Absent in two inquiries at least `absent_after` seconds
        apart: sends the very same request again, under the same ids (unless `resend` is False: NotFound is raised).
        Raises OrderConflict where PayCools knows the id with another amount, and OutcomeUnknown if the second sending
        is unclear too: then resolve again.
        """
        inquiry = QueryUnifiedPayout(mch_order_id=request.mch_order_id, country_code=request.country_code)
        found: GlobalPayoutStatus | GlobalPayoutReceipt = await self._resolved(
            request, inquiry, absent_after=absent_after, resend=resend
        )
        return found

    async def wait_until_final(
        self,
        mch_order_id: str,
        *,
        country_code: str,
        within: float = 600.0,
        first_pause: float = 1.0,
        longest_pause: float = 30.0,
    ) -> GlobalPayoutStatus:
        """Inquire with growing pauses (seconds) until the payout is COMPLETE, FAILED or CLOSED.

        Raises StillPending after `within` seconds, and NotFound if PayCools never knew the order.
        """
        inquiry = QueryUnifiedPayout(mch_order_id=mch_order_id, country_code=country_code)
        return await self._final(inquiry, within=within, first_pause=first_pause, longest_pause=longest_pause)
