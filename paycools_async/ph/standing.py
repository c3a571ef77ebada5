"""What the standing codes share: bills (4), QR codes (5) and bank transfer (6) receive payments in the same form."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from ..endpoint import Result, result
from ..enums import TransactionStatus
from ..errors import FieldError

__all__ = ["ReceivedPayment", "days_in_order", "limits_in_order"]


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


def limits_in_order(lowest: Any, highest: Any) -> Iterator[FieldError]:
    """A code whose least payment is above its greatest could never be paid."""
    if isinstance(lowest, int) and isinstance(highest, int) and lowest > highest:
        yield FieldError("max_amount", "is below min_amount")


def days_in_order(start: Any, end: Any) -> Iterator[FieldError]:
    """Days are compared as the texts that travel."""
    if isinstance(start, str) and isinstance(end, str) and start > end:
        yield FieldError("end_date", "is before start_date")
