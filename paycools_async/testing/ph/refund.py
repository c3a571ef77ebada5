"""The fake's refunds (8.1 to 8.3). The Global API's share the books; what is refused, and how, is each API's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import attrs

from ..server.merchant import Books, Fate, Refusal, plays
from .payment_books import FakePayment, PaymentBooks

__all__ = ["DAY", "FakeRefund", "RefundBooks", "announce"]

DAY = 86_400


@attrs.define(kw_only=True)
class FakeRefund:
    """Money that goes back."""

    refund_id: str
    transaction_id: str
    payment: FakePayment
    amount: int
    reason: str | None
    created: float
    settles: float
    status: str
    failed_code: int | None = None
    failed_message: str | None = None

    def status_at(self, now: float) -> str:
        """The status at this moment, PayCools' word for it."""
        return self.status if now >= self.settles else "PENDING"

    def row(self, books: Books, now: float) -> dict[str, Any]:
        """The refund as inquiries and notifications of both APIs show it; the PH API adds the reason."""
        final = now >= self.settles
        return {
            "mchRefundOrderId": self.refund_id,
            "originalTransactionId": self.payment.transaction_id,
            "refundTransactionId": self.transaction_id,
            "refundAmount": self.amount,
            "feeRefunded": 0,
            "refundStatus": self.status_at(now),  # COMPLETE without a D in the Global API too, unlike payments
            "refundCreateTime": books.when(self.created),
            "refundReturnTime": books.when(self.settles) if final else None,
            "failedCode": self.failed_code if final else None,
            "failedMessage": self.failed_message if final else None,
        }


@attrs.define
class RefundBooks:
    """Every refund, in order. `decide` chooses how a refund ends; `settle_after` seconds later it does.

    `rules` says what channels allow: "none" (no refund), "once" (one only), "whole" (no part of it). With `allowed`
    off every refund is refused (1505).
    """

    by_id: dict[str, FakeRefund] = attrs.field(factory=dict)
    decide: Callable[[FakeRefund], Fate] = attrs.field(default=lambda refund: ("COMPLETE", None, None))
    settle_after: float = 0.0
    rules: dict[str, Literal["none", "once", "whole"]] = attrs.field(factory=dict)
    allowed: bool = True

    def of_payment(self, transaction_id: str) -> list[FakeRefund]:
        """All refunds of one payment."""
        return [refund for refund in self.by_id.values() if refund.payment.transaction_id == transaction_id]

    def wanted(self, fields: dict[str, Any]) -> list[FakeRefund]:
        """Those that an inquiry asks for, by the payment's id or the refund's."""
        return [
            refund
            for refund in self.by_id.values()
            if fields.get("originalTransactionId") in (None, refund.payment.transaction_id)
            and fields.get("refundTransactionId") in (None, refund.transaction_id)
        ]

    def enter(self, books: Books, fields: dict[str, Any], payment: FakePayment) -> FakeRefund:
        """Book a refund that nothing speaks against."""
        now = books.clock.time()
        refund = FakeRefund(
            refund_id=fields["mchRefundOrderId"],
            transaction_id=books.new_id("R"),
            payment=payment,
            amount=fields["refundAmount"],
            reason=fields.get("refundReason"),
            created=now,
            settles=now + self.settle_after,
            status="PENDING",
        )
        refund.status, refund.failed_code, refund.failed_message = self.decide(refund)
        self.by_id[refund.refund_id] = refund
        return refund


def announce(books: Books, refund: FakeRefund, row: dict[str, Any]) -> dict[str, Any]:
    """Queue a new refund's notification, which holds `row`, and give the answer's data."""
    event = {"COMPLETE": "success", "CANCEL": "cancel"}.get(refund.status, "failed")
    books.notify({"eventName": f"payment.refund.{event}", **row}, at=refund.settles)
    return {
        "mchRefundOrderId": refund.refund_id,
        "refundTransactionId": refund.transaction_id,
        "refundAmount": refund.amount,
        "refundCreateTime": books.when(refund.created),
        "refundStatus": "PENDING",
    }


@plays("ph.refund.create")
def create_refund(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    refunds, now = books.of(RefundBooks), books.clock.time()
    if books.enforce_unique and fields["mchRefundOrderId"] in refunds.by_id:
        raise Refusal(1515, "Merchant refund order id is repeat")
    payment = books.of(PaymentBooks).by_id.get(fields["originalTransactionId"])
    if payment is None:
        raise Refusal(1501, "The original transaction Id not exist")
    _check_refund(refunds, payment, fields["refundAmount"], now)
    refund = refunds.enter(books, fields, payment)
    if refund.status == "COMPLETE":
        books.balance -= refund.amount
    return announce(books, refund, _row(books, refund, refund.settles))


def _check_refund(refunds: RefundBooks, payment: FakePayment, amount: int, now: float) -> None:
    """The documented refusals, 1502 to 1516, as far as these books can tell them."""
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
    earlier = [r for r in refunds.of_payment(payment.transaction_id) if r.status_at(now) in ("PENDING", "COMPLETE")]
    if rule == "once" and earlier:
        raise Refusal(1508, "The original transaction channel only allows one refund to be initiated")
    left = payment.amount - sum(refund.amount for refund in earlier)
    on_their_way = sum(refund.amount for refund in earlier if refund.status_at(now) == "PENDING")
    if left < amount <= left + on_their_way:
        raise Refusal(1502, "Refund is processing")
    if amount > left:
        raise Refusal(1506, "The refund amount is greater than the amount that can be refunded")


def _row(books: Books, refund: FakeRefund, now: float) -> dict[str, Any]:
    return {**refund.row(books, now), "refundReason": refund.reason}


@plays("ph.refund.payments")
def refund_payments(books: Books, fields: dict[str, Any]) -> list[dict[str, Any]]:
    now = books.clock.time()
    return [_row(books, refund, now) for refund in books.of(RefundBooks).wanted(fields)]
