"""What PayCools answers about a payout or a payment, whichever API was asked."""

from __future__ import annotations

from datetime import datetime

from ..endpoint import Result, result
from .failures import FailedCode
from .statuses import TransactionStatus

__all__ = ["OrderReceipt", "OrderStatus"]


@result
class OrderReceipt(Result):
    """PayCools took an order. It is not final. `transaction_id` is PayCools' id."""

    transaction_id: str
    transaction_status: TransactionStatus | None = None
    transaction_time: datetime | None = None
    mch_order_id: str | None = None


@result
class OrderStatus(Result):
    """Where an order stands. `amount` in minor units."""

    mch_order_id: str
    transaction_id: str
    transaction_status: TransactionStatus
    amount: int | None = None
    create_time: datetime | None = None
    return_time: datetime | None = None
    """When it became final."""
    remark: str | None = None
    failed_code: FailedCode | None = None
    failed_message: str | None = None
