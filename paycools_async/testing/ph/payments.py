"""What the fake's web payments (7), checkouts (9) and CPM charges share: how they end, and how they are listed."""

from __future__ import annotations

from typing import Any

from ..server.merchant import Merchant, Refusal
from ..server.payments import FakePayment, PaymentRecords

__all__ = ["check", "listed", "refuse_repeated", "settle"]

_EVENTS = {"web": "h5.payment", "checkout": "checkout.payment", "cpm": "cpm.payment"}


def settle(merchant: Merchant, payment: FakePayment) -> None:
    """The payer has paid, or tried to: the payment ends as decided, and the merchant is told."""
    merchant.of(PaymentRecords).end(payment, merchant.clock.time())
    paid = payment.status == "COMPLETE"
    if paid:
        merchant.balance += payment.amount
    fields = {
        "eventName": f"{_EVENTS[payment.product]}.{'success' if paid else 'failed'}",
        **payment.row(payment.settles or 0, merchant.when),
        "failedCode": payment.failed_code,
        "failedMessage": payment.failed_message,
    }
    merchant.notify(fields, at=payment.settles)


def listed(merchant: Merchant, payment: FakePayment) -> dict[str, Any]:
    """The payment as lists show it now."""
    return payment.listed(merchant.clock.time(), merchant.when)


def refuse_repeated(merchant: Merchant, product: str, order_id: str) -> None:
    """Refuse a second payment of an order."""
    if merchant.enforce_unique and merchant.of(PaymentRecords).order(product, order_id):
        raise Refusal(1012, "merchant order id is repeat")


def check(wanted: int, amount: int, status: str) -> None:
    """Refuse what the page would: anything but the exact amount, once, in time."""
    if status != "PENDING":
        raise Refusal(1009, f"transaction:is {status}")
    if amount != wanted:
        raise Refusal(1009, f"amount:must be {wanted}")
