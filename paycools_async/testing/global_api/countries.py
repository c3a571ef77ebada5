"""The fake's country calls of the Global API (2 to 6): payouts, payments, static codes.

Where the documents are silent the fake is plain: an unknown order is 21006, another country's channel 21005, a
customer who pays the wrong amount is refused with 21021, one who pays what is paid or cancelled with 21028.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ..server.merchant import Books, Refusal, plays, takes_payments
from .country_books import (
    CountryPaymentBooks,
    FakeCountryPayment,
    FakeStaticCode,
    channel_type,
    pay_data,
    settle,
    take,
)
from .payouts import find_payout, local, payout_row, take_payout

__all__: list[str] = []

COUNTRIES = {"ph": "PH", "id": "ID", "my": "MY", "th": "TH", "ru": "RU"}

TakesCountry = Callable[[Books, dict[str, Any], str], Any]


def _plays_in(call: str, *countries: str) -> Callable[[TakesCountry], TakesCountry]:
    """Register one player for a call of several countries; it gets the country as its third argument."""

    def register(player: TakesCountry) -> TakesCountry:
        for country in countries:
            plays(f"global.{country}.{call}")(partial(player, country=COUNTRIES[country]))  # type: ignore[call-arg]
        return player

    return register


# Payouts


@_plays_in("payout.create", "ph", "id", "my", "th")
def create_payout(books: Books, fields: dict[str, Any], country: str) -> dict[str, Any]:
    if country == "TH":
        _check_thai_method(fields)
    return take_payout(books, fields, country)


_NEEDS = {
    "BANK": ("transferCode", "accountName", "accountType", "accountTaxId", "mobile"),
    "EWALLET": ("transferCode", "accountName"),
    "PROMPTPAY": ("promptpayAccountType",),
}


def _check_thai_method(fields: dict[str, Any]) -> None:
    for name in _NEEDS[fields["payMethodCode"]]:
        if not fields.get(name):
            raise Refusal(21002, f"{name}:must not be null")


@_plays_in("payout.query", "ph", "id", "my", "th")
def query_payout(books: Books, fields: dict[str, Any], country: str) -> dict[str, Any]:
    return payout_row(books, find_payout(books, fields, country))


# Payments


def _check_channel(channel: str, country: str) -> None:
    head, dash, _ = channel.partition("_")
    if dash and head in COUNTRIES.values() and head != country:
        raise Refusal(21005, "Merchant channel is unavailable")


@_plays_in("payment.create", "ph", "id", "my", "th", "ru")
def create_payment(books: Books, fields: dict[str, Any], country: str) -> dict[str, Any]:
    payments, channel = books.of(CountryPaymentBooks), fields["channelCode"]
    _check_channel(channel, country)
    if books.enforce_unique and payments.order("order", fields["mchOrderId"]):
        raise Refusal(21007, "Duplicate merchant order id")
    payment = FakeCountryPayment(
        product="order",
        order_id=fields["mchOrderId"],
        transaction_id=books.new_id("C"),
        amount=fields["amount"],
        channel=channel,
        remark=fields.get("remark"),
        payer=fields["mobile"],
        created=books.clock.time(),
        details=fields,
        country=country,
        pay_data=pay_data(books, channel),
    )
    payments.enter(payment)
    return {
        "transactionId": payment.transaction_id,
        "payData": payment.pay_data,
        "mchOrderId": payment.order_id,
        "channelType": channel_type(channel),
    }


@_plays_in("payment.query", "ph", "id", "my", "th", "ru")
def query_payment(books: Books, fields: dict[str, Any], country: str) -> dict[str, Any]:
    return books.of(CountryPaymentBooks).known(fields["mchOrderId"], country).row(books)


@takes_payments
async def pay_order(books: Books, reference: str, amount: int) -> dict[str, Any] | None:
    """A customer pays a single payment, by order id, transaction id or pay data."""
    payment = books.of(CountryPaymentBooks).payable("order", reference)
    if payment is None:
        return None
    take(payment.amount, amount, is_open=payment.settles is None)
    settle(books, payment)
    return payment.listed(books)


# Static codes


@_plays_in("static.create", "ph", "id", "th")
def create_code(books: Books, fields: dict[str, Any], country: str) -> dict[str, Any]:
    codes, channel = books.of(CountryPaymentBooks).codes, fields["channelCode"]
    _check_channel(channel, country)
    if fields["mchOrderId"] in codes:
        raise Refusal(21007, "Duplicate merchant order id")
    code = codes[fields["mchOrderId"]] = FakeStaticCode(
        country=country,
        order_id=fields["mchOrderId"],
        channel=channel,
        pay_data=pay_data(books, channel),
        remark=fields.get("remark"),
        created=books.clock.time(),
        details=fields,
    )
    return code.shown(books)


@_plays_in("static.detail", "ph", "id", "th")
def code_detail(books: Books, fields: dict[str, Any], country: str) -> dict[str, Any]:
    return books.of(CountryPaymentBooks).known_code(fields["mchOrderId"], country).shown(books)


@_plays_in("static.payments", "ph", "id", "th")
def code_payments(books: Books, fields: dict[str, Any], country: str) -> list[dict[str, Any]]:
    code = books.of(CountryPaymentBooks).known_code(fields["mchOrderId"], country)
    first, last = fields.get("startDate") or "0000-00-00", fields.get("endDate") or "9999-99-99"
    return [
        payment.listed(books)
        for payment in code.payments
        if first <= local(books, country, payment.created)[:10] <= last
    ]


@_plays_in("static.cancel", "ph")
def cancel_code(books: Books, fields: dict[str, Any], country: str) -> dict[str, Any]:
    code = books.of(CountryPaymentBooks).known_code(fields["mchOrderId"], country)
    if code.channel != fields["channelCode"]:
        raise Refusal(21006, "Merchant transaction not found")
    if code.cancelled is None:
        code.cancelled = books.clock.time()
    return code.shown(books)


@takes_payments
async def pay_code(books: Books, reference: str, amount: int) -> dict[str, Any] | None:
    """A customer pays on a static code, by its order id or pay data."""
    payments = books.of(CountryPaymentBooks)
    for code in payments.codes.values():
        if reference in (code.order_id, code.pay_data):
            break
    else:
        return None
    if code.cancelled is not None:
        raise Refusal(21028, "Transaction already paid or closed")
    if amount < 1:
        raise Refusal(21021, "Transaction Amount Invalid")
    payment = FakeCountryPayment(
        product="static",
        order_id=code.order_id,
        transaction_id=books.new_id("C"),
        amount=amount,
        channel=code.channel,
        remark=code.remark,
        payer=code.details["mobile"],
        created=books.clock.time(),
        details=code.details,
        country=code.country,
    )
    payments.enter(payment)
    code.payments.append(payment)
    settle(books, payment)
    return payment.listed(books)
