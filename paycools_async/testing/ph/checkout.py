"""The fake's checkout (9.1 to 9.5): a cashier page that is open for one payment."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ...times import MANILA
from ..server.merchant import Merchant, Refusal, handles, takes_payments
from ..server.payments import HOUR, FakeCheckout, FakePayment, PaymentRecords
from .payments import check, listed, settle

__all__: list[str] = []

CHANNELS = [
    {"channelType": "EWALLET", "channelCode": "GCASH_URL", "countryCode": "PH", "currency": "PHP"},
    {"channelType": "QR", "channelCode": "QRPH_DYNAMIC_QR", "countryCode": "PH", "currency": "PHP"},
]


@handles("ph.checkout.channels")
def checkout_channels(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    return {"list": [channel for channel in CHANNELS if channel["countryCode"] == fields["countryCode"]]}


@handles("ph.checkout.create")
def create_checkout(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    payments = merchant.of(PaymentRecords)
    if merchant.enforce_unique and payments.checkout_of_order(fields["mchOrderId"]):
        raise Refusal(1012, "merchant order id is repeat")
    now = merchant.clock.time()
    expires = now + fields.get("expireSeconds", HOUR)
    checkout = FakeCheckout(checkout_id=merchant.new_id("CH"), fields=fields, created=now, expires=expires)
    payments.open_checkout(checkout)
    return {
        "checkoutId": checkout.checkout_id,
        "checkoutUrl": f"https://api-uat.paycools.com/cashier/payment/checkout/{checkout.checkout_id}",
        "status": "PENDING",
        "expiresTime": datetime.fromtimestamp(expires, UTC).astimezone(MANILA).isoformat(timespec="milliseconds"),
    }


def _checkout_of(merchant: Merchant, fields: dict[str, Any]) -> FakeCheckout:
    found = merchant.of(PaymentRecords).checkout_of_order(fields["mchOrderId"])
    if found is None or fields.get("checkoutId", found.checkout_id) != found.checkout_id:
        raise Refusal(1008, "Transaction Not Found")
    return found


@handles("ph.checkout.query")
def query_checkout(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    checkout = _checkout_of(merchant, fields)
    now, payment = merchant.clock.time(), checkout.payment
    settled = payment.settled_at(now) if payment is not None else None
    return {
        "mchOrderId": checkout.fields["mchOrderId"],
        "checkoutId": checkout.checkout_id,
        "transactionId": payment.transaction_id if payment is not None else None,
        "amount": checkout.fields["amount"],
        "transactionStatus": checkout.status_at(now),
        "createTime": merchant.when(checkout.created),
        "returnTime": None if settled is None else merchant.when(settled),
        "channelCode": payment.channel if payment is not None else None,
        "remark": checkout.fields.get("remark"),
    }


@handles("ph.checkout.close")
def close_checkout(merchant: Merchant, fields: dict[str, Any]) -> None:
    checkout = _checkout_of(merchant, fields)
    status = checkout.status_at(merchant.clock.time())
    if checkout.payment is not None:
        raise Refusal(1009, f"mchOrderId:is {status}")
    checkout.closed = True


@takes_payments
async def pay_checkout(merchant: Merchant, reference: str, amount: int) -> dict[str, Any] | None:
    """A customer pays on a cashier page, by its id or order id."""
    payments = merchant.of(PaymentRecords)
    checkout = payments.checkouts.get(reference) or payments.checkout_of_order(reference)
    if checkout is None:
        return None
    fields, paid = checkout.fields, checkout.payment
    check(fields["amount"], amount, checkout.status_at(merchant.clock.time()) if paid is None else paid.status)
    channel = (fields.get("channelCodeList") or [CHANNELS[0]["channelCode"]])[0]
    payment = payments.new(merchant, FakePayment, "checkout", fields, channel=channel, payer=fields["mobile"])
    checkout.payment = payment
    settle(merchant, payment)
    return listed(merchant, payment)
