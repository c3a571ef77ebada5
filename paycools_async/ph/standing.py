"""What the standing codes share: bills (4), QR codes (5) and bank transfer (6) receive payments in the same form."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import TypeVar

from ..endpoint import PHRequest, Result, result, shared
from ..errors import FieldError
from ..fields import day, minor_units, mobile, order_id, text
from ..vocabulary.checks import days_in_order
from ..vocabulary.statuses import TransactionStatus

__all__ = ["AccountsOrder", "ReceivedPayment", "days_in_order"]

R = TypeVar("R")


@result
class ReceivedPayment(Result):
    """One payment that a standing code received: a VA, a QR code or a transfer account.

    `transaction_id` is the key of a payment: one code receives many. `transaction_amount` is in centavos (inferred: no
    page gives the unit). Times are Philippine; in published examples the completion may precede the creation.
    """

    transaction_id: str
    transaction_amount: int
    transaction_status: TransactionStatus
    transaction_create_time: datetime | None = None
    transaction_return_time: datetime | None = None
    """When it was completed."""
    channel_code: str | None = None
    remark: str | None = None


@shared
class AccountsOrder(PHRequest[R]):
    """What new accounts for a customer or bill need; virtual accounts (4.1, 4.2) and transfer accounts (6.1)."""

    mch_order_id: str = order_id()  # the page of 4.1 gives no alphabet; those of 4.2 and 4.7 do
    customer_name: str = text(1, 100, personal=True)
    min_amount: int | None = minor_units(0, default=None)
    max_amount: int | None = minor_units(0, default=None)
    # documented as 11 to 14 characters; the pages' own example, 0912345678, is a digit short and is refused
    mobile: str | None = mobile(default=None)
    expire_time: str | date | None = day(default=None)
    description: str | None = text(1, default=None)

    def _cross_checks(self) -> Iterator[FieldError]:
        if isinstance(self.min_amount, int) and isinstance(self.max_amount, int) and self.min_amount > self.max_amount:
            yield FieldError("max_amount", "is below min_amount")
