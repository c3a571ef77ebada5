"""The fake's refunds of the Global API (7)."""

from __future__ import annotations

from typing import Any

from ..server.merchant import Merchant, Refusal, handles
from ..server.payments import FakePayment
from ..server.refunds import DAY, RefundRecords, announce, create
from .payments import CountryPaymentRecords, FakeCountryPayment
from .payouts import GlobalPayoutRecords

__all__: list[str] = []


@handles("global.refund.create")
def create_refund(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    refund = create(
        merchant,
        fields,
        merchant.of(CountryPaymentRecords).by_id.get(fields["originalTransactionId"]),
        _check_refund,
        repeated=Refusal(21407, "MchRefundOrderId is repeat"),
        missing=Refusal(21006, "Merchant transaction not found"),
    )
    if refund.status == "COMPLETE" and isinstance(refund.payment, FakeCountryPayment):
        merchant.of(GlobalPayoutRecords).spend(refund.payment.country, refund.amount)
    return announce(merchant, refund, refund.row(merchant, refund.settles))


def _check_refund(refunds: RefundRecords, payment: FakePayment, amount: int, now: float) -> None:
    """The documented refusals, 21401 to 21409, as far as these records can tell them."""
    rule = refunds.rules.get(payment.channel)
    if not refunds.allowed or rule == "none":
        raise Refusal(21402, "Not allowed to refund")
    if payment.status_at(now) != "COMPLETED":
        raise Refusal(21408, "The original transaction is not completed")
    if now - payment.created > 60 * DAY:
        raise Refusal(21403, "Transactions 60 days ago cannot initiate refunds")
    if rule == "whole" and amount < payment.amount:
        raise Refusal(21405, "The original transaction channel not support partial refund")
    earlier = refunds.going_back(payment, now)
    if any(refund.status_at(now) == "PENDING" for refund in earlier):
        raise Refusal(21409, "The original transaction already exist pending refund")
    if amount > payment.amount - sum(refund.amount for refund in earlier):
        raise Refusal(21406, "Refund amount invalid")


@handles("global.refund.query")
def refunds_of(merchant: Merchant, fields: dict[str, Any]) -> list[dict[str, Any]]:
    now = merchant.clock.time()
    return [refund.row(merchant, now) for refund in merchant.of(RefundRecords).wanted(fields)]
