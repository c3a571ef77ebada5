"""Refunds, which both APIs' fakes record alike; what is refused, and with which code, is each API's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import attrs

from .merchant import Merchant, Refusal
from .payments import FakePayment
from .settlement import Settlement, Settles, completes, settles_later

__all__ = ["DAY", "FakeRefund", "RefundRecords", "announce", "create"]

DAY = 86_400


@attrs.frozen(kw_only=True)
class FakeRefund(Settles):
    """Money that goes back."""

    refund_id: str
    payment: FakePayment
    amount: int
    reason: str | None

    def row(self, merchant: Merchant, now: float) -> dict[str, Any]:
        """The refund as inquiries and notifications of both APIs show it; the PH API adds the reason."""
        final = now >= self.settles
        return {
            "mchRefundOrderId": self.refund_id,
            "originalTransactionId": self.payment.transaction_id,
            "refundTransactionId": self.transaction_id,
            "refundAmount": self.amount,
            "feeRefunded": 0,
            "refundStatus": self.status_at(now),  # COMPLETE without a D in the Global API too, unlike payments
            "refundCreateTime": merchant.when(self.created),
            "refundReturnTime": merchant.when(self.settles) if final else None,
            "failedCode": self.failed_code if final else None,
            "failedMessage": self.failed_message if final else None,
        }


@attrs.define
class RefundRecords:
    """Every refund, in order. `decide` chooses how a refund ends, by its fields; `settle_after` seconds later it does.

    `rules` says what channels allow: "none" (no refund), "once" (one only), "whole" (no part of it). With `allowed`
    off every refund is refused (1505).
    """

    by_id: dict[str, FakeRefund] = attrs.field(factory=dict)
    decide: Callable[[dict[str, Any]], Settlement] = completes
    settle_after: float = 0.0
    rules: dict[str, Literal["none", "once", "whole"]] = attrs.field(factory=dict)
    allowed: bool = True

    def going_back(self, payment: FakePayment, now: float) -> list[FakeRefund]:
        """The refunds of a payment that have not failed."""
        return [
            refund
            for refund in self.by_id.values()
            if refund.payment.transaction_id == payment.transaction_id
            and refund.status_at(now) in ("PENDING", "COMPLETE")
        ]

    def wanted(self, fields: dict[str, Any]) -> list[FakeRefund]:
        """Those that an inquiry asks for, by the payment's id or the refund's."""
        return [
            refund
            for refund in self.by_id.values()
            if fields.get("originalTransactionId") in (None, refund.payment.transaction_id)
            and fields.get("refundTransactionId") in (None, refund.transaction_id)
        ]


Check = Callable[[RefundRecords, FakePayment, int, float], None]
"""(records, payment, amount, now): raises Refusal where the payment may not go back."""


def create(
    merchant: Merchant,
    fields: dict[str, Any],
    payment: FakePayment | None,
    check: Check,
    *,
    repeated: Refusal,
    missing: Refusal,
) -> FakeRefund:
    """Record a refund of this payment, if nothing speaks against it. `repeated` and `missing`: the API's refusals."""
    refunds = merchant.of(RefundRecords)
    if merchant.enforce_unique and fields["mchRefundOrderId"] in refunds.by_id:
        raise repeated
    if payment is None:
        raise missing
    check(refunds, payment, fields["refundAmount"], merchant.clock.time())
    refund = refunds.by_id[fields["mchRefundOrderId"]] = FakeRefund(
        refund_id=fields["mchRefundOrderId"],
        payment=payment,
        amount=fields["refundAmount"],
        reason=fields.get("refundReason"),
        **settles_later(merchant, "R", refunds.settle_after, refunds.decide(fields)),
    )
    return refund


def announce(merchant: Merchant, refund: FakeRefund, row: dict[str, Any]) -> dict[str, Any]:
    """Queue a new refund's notification, which holds `row`, and give the answer's data."""
    event = {"COMPLETE": "success", "CANCEL": "cancel"}.get(refund.status, "failed")
    merchant.notify({"eventName": f"payment.refund.{event}", **row}, at=refund.settles)
    return {
        "mchRefundOrderId": refund.refund_id,
        "refundTransactionId": refund.transaction_id,
        "refundAmount": refund.amount,
        "refundCreateTime": merchant.when(refund.created),
        "refundStatus": "PENDING",
    }
