"""The fake's country calls of the Global API (2 to 6): payouts, payments, static codes.

Where the documents are silent the fake is plain: an unknown order is 21006, another country's channel 21005, a
customer who pays the wrong amount is refused with 21021, one who pays what is paid or cancelled with 21028.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ..server.merchant import Merchant, Refusal, handles, takes_payments
from .payments import (
    CountryPaymentRecords,
    FakeCountryPayment,
    FakeStaticCode,
    channel_type,
    check_amount,
    pay_data,
    settle,
)
from .payouts import find_payout, local, payout_row, take_payout

__all__: list[str] = []

COUNTRIES = {"ph": "PH", "id": "ID", "my": "MY", "th": "TH", "ru": "RU"}

TakesCountry = Callable[[Merchant, dict[str, Any], str], Any]


def _handles_in(call: str, *countries: str) -> Callable[[TakesCountry], TakesCountry]:
    """Register one handler for a call of several countries; it gets the country as its third argument."""

    def register(handler: TakesCountry) -> TakesCountry:
        for country in countries:
            handles(f"global.{country}.{call}")(partial(handler, country=COUNTRIES[country]))  # type: ignore[call-arg]
        return handler

    return register


# Payouts


@_handles_in("payout.create", "ph", "id", "my", "th")
def create_payout(merchant: Merchant, fields: dict[str, Any], country: str) -> dict[str, Any]:
    if country == "TH":
        _check_thai_method(fields)
    return take_payout(merchant, fields, country)


_NEEDS = {
    "BANK": ("transferCode", "accountName", "accountType", "accountTaxId", "mobile"),
    "EWALLET": ("transferCode", "accountName"),
    "PROMPTPAY": ("promptpayAccountType",),
}


def _check_thai_method(fields: dict[str, Any]) -> None:
    for name in _NEEDS[fields["payMethodCode"]]:
        if not fields.get(name):
            raise Refusal(21002, f"{name}:must not be null")


@_handles_in("payout.query", "ph", "id", "my", "th")
def query_payout(merchant: Merchant, fields: dict[str, Any], country: str) -> dict[str, Any]:
    return payout_row(merchant, find_payout(merchant, fields, country))


# Payments


def _check_channel(channel: str, country: str) -> None:
    head, dash, _ = channel.partition("_")
    if dash and head in COUNTRIES.values() and head != country:
        raise Refusal(21005, "Merchant channel is unavailable")


@_handles_in("payment.create", "ph", "id", "my", "th", "ru")
def create_payment(merchant: Merchant, fields: dict[str, Any], country: str) -> dict[str, Any]:
    payments, channel = merchant.of(CountryPaymentRecords), fields["channelCode"]
    _check_channel(channel, country)
    if merchant.enforce_unique and payments.order("order", fields["mchOrderId"]):
        raise Refusal(21007, "Duplicate merchant order id")
    payment = payments.new(
        merchant,
        FakeCountryPayment,
        "order",
        fields,
        payer=fields["mobile"],
        country=country,
        pay_data=pay_data(merchant, channel),
    )
    return {
        "transactionId": payment.transaction_id,
        "payData": payment.pay_data,
        "mchOrderId": payment.order_id,
        "channelType": channel_type(channel),
    }


@_handles_in("payment.query", "ph", "id", "my", "th", "ru")
def query_payment(merchant: Merchant, fields: dict[str, Any], country: str) -> dict[str, Any]:
    return merchant.of(CountryPaymentRecords).known(fields["mchOrderId"], country).detail(merchant)


@takes_payments
async def pay_order(merchant: Merchant, reference: str, amount: int) -> dict[str, Any] | None:
    """A customer pays a single payment, by order id, transaction id or pay data."""
    payment = merchant.of(CountryPaymentRecords).payable("order", reference)
    if payment is None:
        return None
    check_amount(payment.amount, amount, is_open=payment.settles is None)
    settle(merchant, payment)
    return payment.listed_now(merchant)


# Static codes


@_handles_in("static.create", "ph", "id", "th")
def create_code(merchant: Merchant, fields: dict[str, Any], country: str) -> dict[str, Any]:
    codes, channel = merchant.of(CountryPaymentRecords).codes, fields["channelCode"]
    _check_channel(channel, country)
    if fields["mchOrderId"] in codes:
        raise Refusal(21007, "Duplicate merchant order id")
    code = codes[fields["mchOrderId"]] = FakeStaticCode(
        country=country,
        order_id=fields["mchOrderId"],
        channel=channel,
        pay_data=pay_data(merchant, channel),
        remark=fields.get("remark"),
        created=merchant.clock.time(),
        details=fields,
    )
    return code.shown(merchant)


@_handles_in("static.detail", "ph", "id", "th")
def code_detail(merchant: Merchant, fields: dict[str, Any], country: str) -> dict[str, Any]:
    return merchant.of(CountryPaymentRecords).known_code(fields["mchOrderId"], country).shown(merchant)


@_handles_in("static.payments", "ph", "id", "th")
def code_payments(merchant: Merchant, fields: dict[str, Any], country: str) -> list[dict[str, Any]]:
    code = merchant.of(CountryPaymentRecords).known_code(fields["mchOrderId"], country)
    first, last = fields.get("startDate") or "0000-00-00", fields.get("endDate") or "9999-99-99"
    return [
        payment.listed_now(merchant)
        for payment in code.payments
        if first <= local(merchant, country, payment.created)[:10] <= last
    ]


@_handles_in("static.cancel", "ph")
def cancel_code(merchant: Merchant, fields: dict[str, Any], country: str) -> dict[str, Any]:
    code = merchant.of(CountryPaymentRecords).known_code(fields["mchOrderId"], country)
    if code.channel != fields["channelCode"]:
        raise Refusal(21006, "Merchant transaction not found")
    if code.cancelled is None:
        code.cancelled = merchant.clock.time()
    return code.shown(merchant)


@takes_payments
async def pay_code(merchant: Merchant, reference: str, amount: int) -> dict[str, Any] | None:
    """A customer pays on a static code, by its order id or pay data."""
    payments = merchant.of(CountryPaymentRecords)
    for code in payments.codes.values():
        if reference in (code.order_id, code.pay_data):
            break
    else:
        return None
    if code.cancelled is not None:
        raise Refusal(21028, "Transaction already paid or closed")
    if amount < 1:
        raise Refusal(21021, "Transaction Amount Invalid")
    payment = payments.new(
        merchant,
        FakeCountryPayment,
        "static",
        code.details,
        amount=amount,
        payer=code.details["mobile"],
        country=code.country,
    )
    code.payments.append(payment)
    settle(merchant, payment)
    return payment.listed_now(merchant)
