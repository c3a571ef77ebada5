"""2. Account: balance and statements.

The statements are the API's exception: money there is decimal pesos, and the order id is `merchantOrderId`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Literal, TypeVar

import attrs

from ..endpoint import PHRequest, Result, endpoint, result, shared
from ..errors import FieldError
from ..fields import choice, day, integer
from ..product import Call, Product
from ..traits import DOCUMENTED
from ..vocabulary.checks import one_given
from ..vocabulary.statuses import TransactionStatus

__all__ = [
    "Account",
    "Balance",
    "GetBalance",
    "GetPaymentStatement",
    "GetPayoutStatement",
    "PaymentRecord",
    "PaymentStatement",
    "PayoutRecord",
    "PayoutStatement",
]

R = TypeVar("R")


@result
class Balance(Result):
    """The merchant's balance in centavos: 50010 is PHP 500.10."""

    balance: int


@endpoint("ph.account.balance", "GET", "/api/v1/account/checkBalance", nav="2.1", provenance=DOCUMENTED)
class GetBalance(PHRequest[Balance]):
    """Check the account balance (2.1). Documented."""


@result
class _Record(Result):
    merchant_order_id: str
    transaction_id: str | None = None
    amount: Decimal | None = None
    fee: Decimal | None = None
    status: TransactionStatus | None = None
    create_time: datetime | None = None
    complete_time: datetime | None = None


@shared
class StatementPage(PHRequest[R]):
    """One page of what was created, or completed, on a Philippine day."""

    create_date: str | None = day(default=None)
    complete_date: str | None = day(default=None)
    page: int = integer(0, default=1)
    status: Literal["PENDING", "COMPLETE", "FAILED"] | None = choice("PENDING", "COMPLETE", "FAILED", default=None)

    def _cross_checks(self) -> Iterator[FieldError]:
        return one_given(self, "create_date", "complete_date")


@result
class PaymentRecord(_Record):
    """One collection in the payment statement. `amount` and `fee` are Decimal **pesos**; times are Philippine."""

    payment_method: str | None = None
    payment_channel: str | None = None
    name: str | None = attrs.field(default=None, repr=False)
    mobile: str | None = attrs.field(default=None, repr=False)
    app_name: str | None = None


@result
class PaymentStatement(Result):
    """One page of the payment statement; an empty page is the end."""

    records: list[PaymentRecord]


@endpoint(
    "ph.account.payment_statement",
    "POST",
    "/api/v1/record/paymentList",
    nav="2.2",
    provenance=DOCUMENTED,
    client_fields=("timestamp",),
)
class GetPaymentStatement(StatementPage[PaymentStatement]):
    """One page of the collections of a day (2.2). Documented.

    Give the day of creation or of completion, Philippine time. The first page's number and the page size are not
    documented; `paycools.account.payments(...)` walks all pages from 1.
    """


@result
class PayoutRecord(_Record):
    """One payout in the payout statement. `amount` and `fee` are Decimal **pesos**; accounts come masked."""

    remitting_bank: str | None = None
    remitting_account: str | None = attrs.field(default=None, repr=False)
    recipient_name: str | None = attrs.field(default=None, repr=False)
    recipient_account: str | None = attrs.field(default=None, repr=False)
    receiving_channel: str | None = None


@result
class PayoutStatement(Result):
    """One page of the payout statement; an empty page is the end."""

    records: list[PayoutRecord]


@endpoint(
    "ph.account.payout_statement",
    "POST",
    "/api/v1/record/payoutList",
    nav="2.3",
    provenance=DOCUMENTED,
    client_fields=("timestamp",),
)
class GetPayoutStatement(StatementPage[PayoutStatement]):
    """One page of the payouts of a day (2.3). Documented; days and pages as in 2.2."""


class Account(Product):
    """Balance and statements."""

    balance: Final = Call(GetBalance)
    payment_statement: Final = Call(GetPaymentStatement)
    payout_statement: Final = Call(GetPayoutStatement)

    def payments(
        self,
        *,
        create_date: date | str | None = None,
        complete_date: date | str | None = None,
        status: str | None = None,
    ) -> AsyncIterator[PaymentRecord]:
        """Every collection of a day, over all pages: `async for record in paycools.account.payments(...)`."""
        return self._walk(GetPaymentStatement, create_date, complete_date, status)

    def payouts(
        self,
        *,
        create_date: date | str | None = None,
        complete_date: date | str | None = None,
        status: str | None = None,
    ) -> AsyncIterator[PayoutRecord]:
        """Every payout of a day, over all pages."""
        return self._walk(GetPayoutStatement, create_date, complete_date, status)

    async def _walk(self, request: Callable[..., Any], created: Any, completed: Any, status: Any) -> AsyncIterator[Any]:
        # no total is documented: go on until a page is empty, or is the page before once more
        page, before = 1, None
        while True:
            wanted = request(create_date=created, complete_date=completed, page=page, status=status)
            found = await self._client.send(wanted)
            if not found.records or found.raw["records"] == before:
                return
            for record in found.records:
                yield record
            page, before = page + 1, found.raw["records"]
