"""The fake's web payments, checkouts and CPM charges (7.1 to 7.4, 9.1 to 9.5, cpm.1 to cpm.3)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ...times import MANILA
from ..server.merchant import Books, Refusal, plays, takes_payments
from .payment_books import HOUR, FakeCheckout, FakePayment, PaymentBooks

__all__: list[str] = []


def _listed(books: Books, payment: FakePayment) -> dict[str, Any]:
    now = books.clock.time()
    settled = payment.settled_at(now)
    return {
        "transactionId": payment.transaction_id,
        "transactionCreateTime": books.when(payment.created),
        "transactionReturnTime": None if settled is None else books.when(settled),
        "transactionAmount": payment.amount,
        "channelCode": payment.channel,
        "transactionStatus": payment.status_at(now),
        "remark": payment.remark,
    }


# 7. Web payments


@plays("ph.webpayment.create")
def create_web_payment(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    payments = books.of(PaymentBooks)
    if books.enforce_unique and payments.order("web", fields["mchOrderId"]):
        raise Refusal(1012, "merchant order id is repeat")
    now = books.clock.time()
    payment = FakePayment(
        product="web",
        order_id=fields["mchOrderId"],
        transaction_id=books.new_id("C"),
        amount=fields["amount"],
        channel=fields["channelCode"],
        remark=fields.get("remark"),
        payer=fields["mobile"],
        created=now,
        expires=now + HOUR,
        details=fields,
    )
    payments.enter(payment)
    return {
        "redirectUrl": f"https://a.api-uat.paycools.com/{payment.transaction_id}",
        "transactionStatus": "PENDING",
        "transactionId": payment.transaction_id,
        "transactionAmount": payment.amount,
        "expiresTime": books.when(now + HOUR),
    }


@plays("ph.webpayment.query")
def query_web_payment(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    payment = books.of(PaymentBooks).by_id.get(fields["transactionId"])
    if payment is None or payment.product != "web":
        raise Refusal(1008, "Transaction Not Found")
    now = books.clock.time()
    settled = payment.settled_at(now)
    return {
        "mchOrderId": payment.order_id,
        "transactionId": payment.transaction_id,
        "amount": payment.amount,
        "transactionStatus": payment.status_at(now),
        "createTime": books.when(payment.created),
        "returnTime": None if settled is None else books.when(settled),
        "appName": books.app_name,
        "customerName": payment.details.get("customerName"),
        "channelCode": payment.channel,
        "email": payment.details["email"],
        "mobile": payment.details["mobile"],
        "remark": payment.remark,
        "callbackUrl": payment.details["callbackUrl"],
    }


@takes_payments
async def pay_on_a_page(books: Books, reference: str, amount: int) -> dict[str, Any] | None:
    """A customer pays a web payment (by order or transaction id) or a checkout (by its id or order id)."""
    payments, now = books.of(PaymentBooks), books.clock.time()
    payment = payments.by_id.get(reference) or payments.order("web", reference)
    if payment is not None and payment.product == "web":
        _take(payment.amount, amount, payment.status_at(now) if payment.settles is None else payment.status)
        payments.settle(books, payment)
        return _listed(books, payment)
    checkout = payments.checkouts.get(reference) or payments.checkout_of_order(reference)
    if checkout is None:
        return None
    status = checkout.status_at(now) if checkout.payment is None else checkout.payment.status
    _take(checkout.fields["amount"], amount, status)
    codes = checkout.fields.get("channelCodeList")
    payment = checkout.payment = FakePayment(
        product="checkout",
        order_id=checkout.fields["mchOrderId"],
        transaction_id=books.new_id("C"),
        amount=amount,
        channel=codes[0] if codes else CHANNELS[0]["channelCode"],
        remark=checkout.fields.get("remark"),
        payer=checkout.fields["mobile"],
        created=now,
    )
    payments.enter(payment)
    payments.settle(books, payment)
    return _listed(books, payment)


def _take(wanted: int, amount: int, status: str) -> None:
    """Refuse what the page would: anything but the exact amount, once, in time."""
    if status != "PENDING":
        raise Refusal(1009, f"transaction:is {status}")
    if amount != wanted:
        raise Refusal(1009, f"amount:must be {wanted}")


# 9. Checkout

CHANNELS = [
    {"channelType": "EWALLET", "channelCode": "GCASH_URL", "countryCode": "PH", "currency": "PHP"},
    {"channelType": "QR", "channelCode": "QRPH_DYNAMIC_QR", "countryCode": "PH", "currency": "PHP"},
]


@plays("ph.checkout.channels")
def checkout_channels(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    return {"list": [channel for channel in CHANNELS if channel["countryCode"] == fields["countryCode"]]}


@plays("ph.checkout.create")
def create_checkout(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    payments = books.of(PaymentBooks)
    if books.enforce_unique and payments.checkout_of_order(fields["mchOrderId"]):
        raise Refusal(1012, "merchant order id is repeat")
    now = books.clock.time()
    expires = now + fields.get("expireSeconds", HOUR)
    checkout = FakeCheckout(checkout_id=books.new_id("CH"), fields=fields, created=now, expires=expires)
    payments.open_checkout(checkout)
    return {
        "checkoutId": checkout.checkout_id,
        "checkoutUrl": f"https://api-uat.paycools.com/cashier/payment/checkout/{checkout.checkout_id}",
        "status": "PENDING",
        "expiresTime": datetime.fromtimestamp(expires, UTC).astimezone(MANILA).isoformat(timespec="milliseconds"),
    }


def _checkout_of(books: Books, fields: dict[str, Any]) -> FakeCheckout:
    found = books.of(PaymentBooks).checkout_of_order(fields["mchOrderId"])
    if found is None or fields.get("checkoutId", found.checkout_id) != found.checkout_id:
        raise Refusal(1008, "Transaction Not Found")
    return found


@plays("ph.checkout.query")
def query_checkout(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    checkout = _checkout_of(books, fields)
    now, payment = books.clock.time(), checkout.payment
    settled = payment.settled_at(now) if payment is not None else None
    return {
        "mchOrderId": checkout.fields["mchOrderId"],
        "checkoutId": checkout.checkout_id,
        "transactionId": payment.transaction_id if payment is not None else None,
        "amount": checkout.fields["amount"],
        "transactionStatus": checkout.status_at(now),
        "createTime": books.when(checkout.created),
        "returnTime": None if settled is None else books.when(settled),
        "channelCode": payment.channel if payment is not None else None,
        "remark": checkout.fields.get("remark"),
    }


@plays("ph.checkout.close")
def close_checkout(books: Books, fields: dict[str, Any]) -> None:
    checkout = _checkout_of(books, fields)
    status = checkout.status_at(books.clock.time())
    if checkout.payment is not None:
        raise Refusal(1009, f"mchOrderId:is {status}")
    checkout.closed = True


# CPM


@plays("ph.cpm.create")
def create_cpm_payment(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    payments = books.of(PaymentBooks)
    if books.enforce_unique and payments.order("cpm", fields["mchOrderId"]):
        raise Refusal(1012, "merchant order id is repeat")
    if fields["authCode"] in payments.spent_codes:
        raise Refusal(1009, "authCode:is used up")
    payments.spent_codes.add(fields["authCode"])
    now = books.clock.time()
    payment = FakePayment(
        product="cpm",
        order_id=fields["mchOrderId"],
        transaction_id=books.new_id("C"),
        amount=fields["amount"],
        channel=fields["channelCode"],
        remark=fields.get("remark"),
        payer=fields["authCode"],
        created=now,
    )
    payments.enter(payment)
    payments.settle(books, payment)
    status, settled = payment.status_at(now), payment.settled_at(now)
    return {
        "mchOrderId": payment.order_id,
        "channelCode": payment.channel,
        "createTime": books.when(now),
        "paidTime": books.when(settled) if settled is not None and status == "COMPLETE" else None,
        "remark": payment.remark,
        "status": "SUCCESS" if status == "COMPLETE" else status,  # PayCools' word here, and here only
    }


@plays("ph.cpm.query")
def query_cpm_payment(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    payment = books.of(PaymentBooks).order("cpm", fields["mchOrderId"])
    if payment is None:
        raise Refusal(1008, "Transaction Not Found")
    return _listed(books, payment)
