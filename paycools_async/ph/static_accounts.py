"""Static accounts and codes, paid to again and again: what bills (4), QR codes (5) and bank transfer (6) share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TypeVar

from ..endpoint import PHRequest, Result, result, shared
from ..errors import FieldError
from ..fields import codes, day, minor_units, mobile, order_id, text
from ..vocabulary import results
from ..vocabulary.checks import days_in_order
from ..vocabulary.statuses import TransactionStatus
from .base import AppRequest

__all__ = ["AccountsOrder", "ReceivedPayment", "days_in_order"]

R = TypeVar("R")


@result
class ReceivedPayment(results.Transaction):
    """One payment that a static account or code received: a VA, a QR code or a transfer account.

    `transaction_id` is the key of a payment: one account receives many. `transaction_amount` is in centavos (inferred:
    no page gives the unit). Times are Philippine; in published examples the completion may precede the creation.
    """

    transaction_amount: int
    transaction_status: TransactionStatus


@result
class StaticAccount(Result):
    """One account of a `mch_order_id`, on one channel. `guide_url` is PayCools' page with instructions for it."""

    mch_order_id: str | None = None
    channel_code: str | None = None
    guide_url: str | None = None


@shared
class AccountsOrder(AppRequest[R]):
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


@shared
class ChannelsUpdate(PHRequest[R]):
    """Which channels a set of accounts has from now on; a list, or codes joined by commas."""

    mch_order_id: str = order_id(in_path=True)
    channel_code: str | Sequence[str] = codes()


@shared
class PaymentsOfDays(PHRequest[list[ReceivedPayment]]):
    """Which payments came in from one Philippine day to another, yyyy-MM-dd."""

    mch_order_id: str = order_id(in_path=True)
    start_date: str | date = day()
    end_date: str | date = day()

    def _cross_checks(self) -> Iterator[FieldError]:
        return days_in_order(self.start_date, self.end_date)
