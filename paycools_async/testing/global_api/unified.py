"""The fake's unified calls of the Global API: payments, payouts and the checkout of all countries by one path."""

from __future__ import annotations

from typing import Any

import attrs

from ..ph.direct_debit import DirectDebitBooks
from ..ph.payment_books import HOUR, FakeCheckout
from ..server.merchant import Books, Refusal, plays, takes_payments
from .country_books import CountryPaymentBooks, FakeCountryPayment, channel_type, pay_data, settle, take
from .payouts import CURRENCIES, find_payout, iso, payout_row, take_payout

__all__ = ["FakeUnifiedPayment"]

CHANNELS = {"PH": (("QR", "PH_GCASH_QR"), ("QR", "PH_QRPH_DYNAMIC"), ("EWALLET", "PH_GCASH_URL"))}
"""The published sample; the other countries' lists are not known."""


@attrs.define(kw_only=True)
class FakeUnifiedPayment(FakeCountryPayment):
    """Money that comes in by a unified call. `product` is "unified" or "checkout"."""

    told_too: dict[str, Any] = attrs.field(factory=dict)
    """What its notification says besides."""
    closed: float | None = None

    def status_at(self, now: float) -> str:
        return "CLOSED" if self.closed is not None and now >= self.closed else super().status_at(now)

    def shown(self, books: Books, now: float) -> dict[str, Any]:
        """What inquiry and notification share; no sample of either holds null."""
        settled = self.settled_at(now)
        return {
            "mchOrderId": self.order_id,
            "transactionId": self.transaction_id,
            "countryCode": self.country,
            "channelCode": self.channel,
            "amount": self.amount,
            "currency": CURRENCIES[self.country],
            "transactionStatus": self.word(now),
            "createTime": iso(self.created),
            "returnTime": None if settled is None else iso(settled),
            "remark": self.remark,
        }

    def told(self, books: Books) -> dict[str, Any]:
        return {**super().told(books), **self.told_too}


def _payment(books: Books, fields: dict[str, Any], product: str, **more: Any) -> FakeUnifiedPayment:
    payment = FakeUnifiedPayment(
        product=product,
        order_id=fields["mchOrderId"],
        transaction_id=books.new_id("C"),
        amount=fields["amount"],
        remark=fields.get("remark"),
        payer=str(fields.get("mobile") or fields.get("payToken") or ""),
        created=books.clock.time(),
        details=fields,
        country=fields["countryCode"],
        **more,
    )
    books.of(CountryPaymentBooks).enter(payment)
    return payment


# Payments


@plays("global.unified.payment.create")
def create_payment(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    payments = books.of(CountryPaymentBooks)
    if books.enforce_unique and payments.order("unified", fields["mchOrderId"]):
        raise Refusal(21007, "Duplicate merchant order id")
    debit = fields["channelType"] == "DIRECT_DEBIT"
    if debit:
        agreement = books.of(DirectDebitBooks).tokens.get(str(fields.get("payToken")))
        if agreement is None or agreement.ended(books.clock.time()) is not None:
            raise Refusal(21024, "Invalid access token")
        if agreement.channel_code != fields["channelCode"]:
            raise Refusal(21005, "Merchant channel is unavailable")
    channel = fields["channelCode"]
    payment = _payment(books, fields, "unified", channel=channel, pay_data="" if debit else pay_data(books, channel))
    if debit:
        settle(books, payment)
    return {
        "mchOrderId": payment.order_id,
        "transactionId": payment.transaction_id,
        "payData": payment.pay_data or None,
        "channelType": "DIRECT_DEBIT" if debit else channel_type(channel),
    }


def _known(books: Books, fields: dict[str, Any]) -> FakeUnifiedPayment:
    payments = books.of(CountryPaymentBooks)
    order_id, transaction_id = fields.get("mchOrderId"), fields.get("transactionId")
    found = payments.order("unified", order_id) if order_id else payments.by_id.get(str(transaction_id))
    if (
        not isinstance(found, FakeUnifiedPayment)
        or found.country != fields["countryCode"]
        or transaction_id not in (None, found.transaction_id)
    ):
        raise Refusal(21006, "Merchant transaction not found")
    return found


@plays("global.unified.payment.query")
def query_payment(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    payment = _known(books, fields)
    return {**payment.shown(books, books.clock.time()), "payData": payment.pay_data or None}


@plays("global.unified.payment.close")
def close_payment(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    payment = _known(books, fields)
    if payment.settles is not None or payment.closed is not None:
        raise Refusal(21028, "Transaction already paid or closed")
    payment.closed = books.clock.time()
    return {
        "mchOrderId": payment.order_id,
        "transactionId": payment.transaction_id,
        "channelCode": payment.channel,
        "status": "CLOSED",
        "closedTime": iso(payment.closed),
    }


@takes_payments
async def pay_unified(books: Books, reference: str, amount: int) -> dict[str, Any] | None:
    """A customer pays a unified payment, by order id, transaction id or pay data."""
    payment = books.of(CountryPaymentBooks).payable("unified", reference)
    if payment is None:
        return None
    take(payment.amount, amount, is_open=payment.status_at(books.clock.time()) == "PENDING" and payment.settles is None)
    settle(books, payment)
    return payment.shown(books, books.clock.time())


# Payouts


@plays("global.unified.payout.create")
def create_payout(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    return take_payout(books, fields, fields["countryCode"], unified=True)


@plays("global.unified.payout.query")
def query_payout(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    return payout_row(books, find_payout(books, fields, fields["countryCode"]))


# Checkout


@plays("global.unified.checkout.create")
def create_checkout(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    payments, now = books.of(CountryPaymentBooks), books.clock.time()
    if books.enforce_unique and payments.checkout_of_order(fields["mchOrderId"]):
        raise Refusal(21007, "Duplicate merchant order id")
    checkout = FakeCheckout(
        checkout_id=books.new_id("CH"),
        fields=fields,
        created=now,
        expires=now + fields.get("expireSeconds", HOUR),
    )
    payments.open_checkout(checkout)
    return {
        "checkoutId": checkout.checkout_id,
        "checkoutUrl": f"https://sandbox.invalid/checkout/{checkout.checkout_id}",
        "status": "PENDING",
        "expiresTime": iso(checkout.expires),
    }


@plays("global.unified.checkout.channels")
def channels(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    country = fields["countryCode"]
    return {
        "list": [
            {"channelType": kind, "channelCode": code, "countryCode": country, "currency": CURRENCIES[country]}
            for kind, code in CHANNELS.get(country, ())
        ]
    }


@takes_payments
async def pay_checkout(books: Books, reference: str, amount: int) -> dict[str, Any] | None:
    """A customer pays on a cashier page, by its id or order id."""
    payments, now = books.of(CountryPaymentBooks), books.clock.time()
    checkout = payments.checkouts.get(reference) or payments.checkout_of_order(reference)
    if checkout is None:
        return None
    fields = checkout.fields
    take(fields["amount"], amount, is_open=checkout.payment is None and checkout.status_at(now) == "PENDING")
    code = (fields.get("channelCodeList") or [CHANNELS["PH"][0][1]])[0]
    told_too = {"checkoutId": checkout.checkout_id, "settlementCurrency": fields["settlementCurrency"]}
    payment = _payment(books, fields, "checkout", channel=code, told_too=told_too)
    checkout.payment = payment
    settle(books, payment)
    return payment.shown(books, now)
