"""What callbacks about money tell, whichever API they come from."""

from __future__ import annotations

from datetime import datetime

from ..endpoint import Event, result
from .failures import FailedCode
from .statuses import TransactionStatus

__all__ = ["MoneyEvent", "OrderEvent", "PaymentEvent"]


@result
class MoneyEvent(Event):
    """Money moved. `amount` in minor units."""

    event_name: str
    mch_order_id: str
    transaction_id: str
    amount: int
    transaction_status: TransactionStatus
    create_time: datetime | None = None
    return_time: datetime | None = None
    remark: str | None = None


@result
class OrderEvent(MoneyEvent):
    """A payout or payment became final; it may have failed."""

    failed_code: FailedCode | None = None
    failed_message: str | None = None


@result
class PaymentEvent(OrderEvent):
    """A payment became final."""

    channel_code: str | None = None
