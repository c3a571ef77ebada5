"""The fake's unified calls of the Global API: payments, payouts and the checkout of all countries by one path."""

from __future__ import annotations

from typing import Any

import attrs

from ..server.direct_debit import DirectDebitRecords
from ..server.merchant import Merchant, Refusal, handles, takes_payments
from ..server.payments import HOUR, SITE, FakeCheckout
from .payments import CountryPaymentRecords, FakeCountryPayment, channel_type, check_amount, pay_data, settle
from .payouts import CURRENCIES, find_payout, iso, payout_row, take_payout

__all__ = ["FakeUnifiedPayment"]

CHANNELS = {"PH": (("QR", "PH_GCASH_QR"), ("QR", "PH_QRPH_DYNAMIC"), ("EWALLET", "PH_GCASH_URL"))}
"""The published sample; the other countries' lists are not known."""


@attrs.define(kw_only=True)
class FakeUnifiedPayment(FakeCountryPayment):
    """Money that comes in by a unified call. `product` is "unified" or "checkout"."""

    notified_besides: dict[str, Any] = attrs.field(factory=dict)
    """What its notification says besides."""
    closed: float | None = None

    def status_at(self, now: float) -> str:
        return "CLOSED" if self.closed is not None and now >= self.closed else super().status_at(now)

    def shown(self, merchant: Merchant, now: float) -> dict[str, Any]:
        """What inquiry and notification share; no sample of either holds null."""
        return {**self.row(now, iso), "countryCode": self.country, "currency": CURRENCIES[self.country]}

    def notification(self, merchant: Merchant) -> dict[str, Any]:
        return {**super().notification(merchant), **self.notified_besides}


def _payment(merchant: Merchant, fields: dict[str, Any], product: str, **more: Any) -> FakeUnifiedPayment:
    payer = str(fields.get("mobile") or fields.get("payToken") or "")
    records = merchant.of(CountryPaymentRecords)
    return records.new(
        merchant, FakeUnifiedPayment, product, fields, payer=payer, country=fields["countryCode"], **more
    )


# Payments


@handles("global.unified.payment.create")
def create_payment(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    payments = merchant.of(CountryPaymentRecords)
    if merchant.enforce_unique and payments.order("unified", fields["mchOrderId"]):
        raise Refusal(21007, "Duplicate merchant order id")
    debit = fields["channelType"] == "DIRECT_DEBIT"
    if debit:
        agreement = merchant.of(DirectDebitRecords).tokens.get(str(fields.get("payToken")))
        if agreement is None or agreement.ended(merchant.clock.time()) is not None:
            raise Refusal(21024, "Invalid access token")
        if agreement.channel_code != fields["channelCode"]:
            raise Refusal(21005, "Merchant channel is unavailable")
    channel = fields["channelCode"]
    payment = _payment(
        merchant, fields, "unified", channel=channel, pay_data="" if debit else pay_data(merchant, channel)
    )
    if debit:
        settle(merchant, payment)
    return {
        "mchOrderId": payment.order_id,
        "transactionId": payment.transaction_id,
        "payData": payment.pay_data or None,
        "channelType": "DIRECT_DEBIT" if debit else channel_type(channel),
    }


def _known(merchant: Merchant, fields: dict[str, Any]) -> FakeUnifiedPayment:
    payments = merchant.of(CountryPaymentRecords)
    order_id, transaction_id = fields.get("mchOrderId"), fields.get("transactionId")
    found = payments.order("unified", order_id) if order_id else payments.by_id.get(str(transaction_id))
    if (
        not isinstance(found, FakeUnifiedPayment)
        or found.country != fields["countryCode"]
        or transaction_id not in (None, found.transaction_id)
    ):
        raise Refusal(21006, "Merchant transaction not found")
    return found


@handles("global.unified.payment.query")
def query_payment(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    payment = _known(merchant, fields)
    return {**payment.shown(merchant, merchant.clock.time()), "payData": payment.pay_data or None}


@handles("global.unified.payment.close")
def close_payment(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    payment = _known(merchant, fields)
    if payment.settles is not None or payment.closed is not None:
        raise Refusal(21028, "Transaction already paid or closed")
    payment.closed = merchant.clock.time()
    return {
        "mchOrderId": payment.order_id,
        "transactionId": payment.transaction_id,
        "channelCode": payment.channel,
        "status": "CLOSED",
        "closedTime": iso(payment.closed),
    }


@takes_payments
async def pay_unified(merchant: Merchant, reference: str, amount: int) -> dict[str, Any] | None:
    """A customer pays a unified payment, by order id, transaction id or pay data."""
    payment = merchant.of(CountryPaymentRecords).payable("unified", reference)
    if payment is None:
        return None
    check_amount(
        payment.amount,
        amount,
        is_open=payment.status_at(merchant.clock.time()) == "PENDING" and payment.settles is None,
    )
    settle(merchant, payment)
    return payment.shown(merchant, merchant.clock.time())


# Payouts


@handles("global.unified.payout.create")
def create_payout(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    return take_payout(merchant, fields, fields["countryCode"], unified=True)


@handles("global.unified.payout.query")
def query_payout(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    return payout_row(merchant, find_payout(merchant, fields, fields["countryCode"]))


# Checkout


@handles("global.unified.checkout.create")
def create_checkout(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    payments, now = merchant.of(CountryPaymentRecords), merchant.clock.time()
    if merchant.enforce_unique and payments.checkout_of_order(fields["mchOrderId"]):
        raise Refusal(21007, "Duplicate merchant order id")
    checkout = FakeCheckout(
        checkout_id=merchant.new_id("CH"),
        fields=fields,
        created=now,
        expires=now + fields.get("expireSeconds", HOUR),
    )
    payments.open_checkout(checkout)
    return {
        "checkoutId": checkout.checkout_id,
        "checkoutUrl": f"{SITE}checkout/{checkout.checkout_id}",
        "status": "PENDING",
        "expiresTime": iso(checkout.expires),
    }


@handles("global.unified.checkout.channels")
def channels(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    country = fields["countryCode"]
    return {
        "list": [
            {"channelType": kind, "channelCode": code, "countryCode": country, "currency": CURRENCIES[country]}
            for kind, code in CHANNELS.get(country, ())
        ]
    }


@takes_payments
async def pay_checkout(merchant: Merchant, reference: str, amount: int) -> dict[str, Any] | None:
    """A customer pays on a cashier page, by its id or order id."""
    payments, now = merchant.of(CountryPaymentRecords), merchant.clock.time()
    checkout = payments.checkouts.get(reference) or payments.checkout_of_order(reference)
    if checkout is None:
        return None
    fields = checkout.fields
    check_amount(fields["amount"], amount, is_open=checkout.payment is None and checkout.status_at(now) == "PENDING")
    code = (fields.get("channelCodeList") or [CHANNELS["PH"][0][1]])[0]
    notified_besides = {"checkoutId": checkout.checkout_id, "settlementCurrency": fields["settlementCurrency"]}
    payment = _payment(merchant, fields, "checkout", channel=code, notified_besides=notified_besides)
    checkout.payment = payment
    settle(merchant, payment)
    return payment.shown(merchant, now)
