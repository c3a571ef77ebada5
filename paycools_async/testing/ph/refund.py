"""The fake's refunds (8.1 to 8.3)."""

from __future__ import annotations

from typing import Any

from ..server.merchant import Merchant, Refusal, handles
from ..server.payments import FakePayment, PaymentRecords
from ..server.refunds import DAY, FakeRefund, RefundRecords, announce, create
from .qrcode import QRCodeRecords

__all__: list[str] = []


@handles("ph.refund.create")
def create_refund(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    refund = create(
        merchant,
        fields,
        _payment(merchant, fields["originalTransactionId"]),
        _check_refund,
        repeated=Refusal(1515, "Merchant refund order id is repeat"),
        missing=Refusal(1501, "The original transaction Id not exist"),
    )
    if refund.status == "COMPLETE":
        merchant.balance -= refund.amount
    return announce(merchant, refund, _row(merchant, refund, refund.settles))


def _payment(merchant: Merchant, transaction_id: str) -> FakePayment | None:
    """What may go back: web payments and the like, and what was paid to a QR code."""
    for qr in merchant.of(QRCodeRecords).by_order.values():
        for received in qr.payments:
            if received.transaction_id == transaction_id:
                return received.as_payment("qr", qr.order_id)
    return merchant.of(PaymentRecords).by_id.get(transaction_id)


def _check_refund(refunds: RefundRecords, payment: FakePayment, amount: int, now: float) -> None:
    """The documented refusals, 1502 to 1516, as far as these records can tell them."""
    if not refunds.allowed:
        raise Refusal(1505, "Refund is not allow")
    if payment.status_at(now) != "COMPLETE":
        raise Refusal(1516, "The original transaction is not completed")
    if now - payment.created > 60 * DAY:
        raise Refusal(1509, "Transactions 60 days ago cannot initiate refunds")
    rule = refunds.rules.get(payment.channel)
    if rule == "none":
        raise Refusal(1507, "The original transaction channel does not support refunds")
    if rule == "whole" and amount < payment.amount:
        raise Refusal(1511, "The original transaction channel not support partial refund")
    if rule == "whole" and amount > payment.amount:
        raise Refusal(1512, "The full refund transaction amount must be the same as the original transaction")
    earlier = refunds.going_back(payment, now)
    if rule == "once" and earlier:
        raise Refusal(1508, "The original transaction channel only allows one refund to be initiated")
    left = payment.amount - sum(refund.amount for refund in earlier)
    on_their_way = sum(refund.amount for refund in earlier if refund.status_at(now) == "PENDING")
    if left < amount <= left + on_their_way:
        raise Refusal(1502, "Refund is processing")
    if amount > left:
        raise Refusal(1506, "The refund amount is greater than the amount that can be refunded")


def _row(merchant: Merchant, refund: FakeRefund, now: float) -> dict[str, Any]:
    return {**refund.row(merchant, now), "refundReason": refund.reason}


@handles("ph.refund.payments")
def refund_payments(merchant: Merchant, fields: dict[str, Any]) -> list[dict[str, Any]]:
    now = merchant.clock.time()
    return [_row(merchant, refund, now) for refund in merchant.of(RefundRecords).wanted(fields)]
