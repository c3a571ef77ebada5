"""What PayCools says of a refund, whichever API it was ordered by. Amounts are minor units."""

from __future__ import annotations

from datetime import datetime

from ..endpoint import Event, Result, result
from .failures import FailedCode
from .statuses import RefundStatus

__all__ = ["RefundEvent", "RefundReceipt", "RefundRecord"]


@result
class RefundReceipt(Result):
    """PayCools took a refund. It is not final. `refund_transaction_id` is PayCools' id."""

    refund_transaction_id: str
    mch_refund_order_id: str | None = None
    refund_amount: int | None = None
    refund_status: RefundStatus | None = None
    refund_create_time: datetime | None = None


@result
class RefundRecord(Result):
    """One refund of a payment. Only `refund_status` decides."""

    refund_transaction_id: str
    refund_status: RefundStatus
    mch_refund_order_id: str | None = None
    original_transaction_id: str | None = None
    refund_amount: int | None = None
    fee_refunded: int | None = None
    """The fee that PayCools gave back."""
    refund_create_time: datetime | None = None
    refund_return_time: datetime | None = None
    refund_reason: str | None = None
    failed_code: FailedCode | None = None
    failed_message: str | None = None


@result
class RefundEvent(Event):
    """A refund became final. Only `refund_status` decides, not the event's name."""

    event_name: str
    mch_refund_order_id: str
    refund_transaction_id: str
    original_transaction_id: str
    refund_amount: int
    refund_status: RefundStatus
    fee_refunded: int | None = None  # the sites differ in whether it is required
    refund_create_time: datetime | None = None
    refund_return_time: datetime | None = None
    refund_reason: str | None = None  # required in one table whose sample has none
    failed_code: FailedCode | None = None
    failed_message: str | None = None
