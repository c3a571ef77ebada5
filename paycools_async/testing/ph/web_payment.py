"""The fake's web payments (7.1 to 7.4)."""

from __future__ import annotations

from typing import Any

from ..server.merchant import Merchant, Refusal, handles, takes_payments
from ..server.payments import HOUR, FakePayment, PaymentRecords
from .checkout import CHANNELS
from .payments import check, listed, refuse_repeated, settle

__all__: list[str] = []


@handles("ph.webpayment.create")
def create_web_payment(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    payments = merchant.of(PaymentRecords)
    refuse_repeated(merchant, "web", fields["mchOrderId"])
    expires = merchant.clock.time() + HOUR
    payment = payments.new(merchant, FakePayment, "web", fields, payer=fields["mobile"], expires=expires)
    return {
        "redirectUrl": f"https://a.api-uat.paycools.com/{payment.transaction_id}",
        "transactionStatus": "PENDING",
        "transactionId": payment.transaction_id,
        "transactionAmount": payment.amount,
        "expiresTime": merchant.when(expires),
    }


@handles("ph.webpayment.query")
def query_web_payment(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    payment = merchant.of(PaymentRecords).by_id.get(fields["transactionId"])
    if payment is None or payment.product != "web":
        raise Refusal(1008, "Transaction Not Found")
    asked = ("customerName", "email", "mobile", "callbackUrl")
    return {
        **payment.row(merchant.clock.time(), merchant.when),
        **{name: payment.details.get(name) for name in asked},
        "appName": merchant.app_name,
    }


@handles("ph.webpayment.channels")
def web_payment_channels(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    """No document says how they are listed; this is the checkout's form."""
    return {"list": CHANNELS}


@takes_payments
async def pay_on_a_page(merchant: Merchant, reference: str, amount: int) -> dict[str, Any] | None:
    """A customer pays a web payment, by its order id or transaction id."""
    payments, now = merchant.of(PaymentRecords), merchant.clock.time()
    payment = payments.by_id.get(reference) or payments.order("web", reference)
    if payment is None or payment.product != "web":
        return None
    check(payment.amount, amount, payment.status_at(now) if payment.settles is None else payment.status)
    settle(merchant, payment)
    return listed(merchant, payment)
