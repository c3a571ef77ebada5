"""The fake's calls of the Global API that are the same for all countries: account (1), refunds (7), direct debit."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import attrs

from ...money import from_minor
from ..ph import direct_debit as agreements
from ..ph.direct_debit import DirectDebitBooks
from ..ph.payment_books import FakePayment
from ..ph.refund import DAY, RefundBooks, announce
from ..server.merchant import Books, Refusal, plays
from .country_books import CountryPaymentBooks, FakeCountryPayment
from .payouts import CURRENCIES, GlobalPayoutBooks

__all__ = ["ReportBooks"]


@attrs.define
class ReportBooks:
    """Where the links to reports lead: `link(fields)` says it; else to `site`, which a `Sandbox` sets to itself."""

    site: str = "https://sandbox.invalid"
    link: Callable[[dict[str, Any]], str] | None = None


# 1. Account


@plays("global.account.balance")
def balance(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    country = fields["countryCode"]
    left = books.of(GlobalPayoutBooks).left_in(books, country)
    # two decimals everywhere, as in the sample
    return {"balance": str(from_minor(left, CURRENCIES[country]).quantize(Decimal("0.01")))}


@plays("global.account.report_download")
def report(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    reports = books.of(ReportBooks)
    if reports.link is not None:
        return {"downloadUrl": reports.link(fields)}
    named = {"app": books.app_id, "country": fields["countryCode"], "day": fields["transDate"], "Signature": "0"}
    return {"downloadUrl": f"{reports.site}/_sandbox/report.xlsx?{urlencode(named)}"}


# 7. Refunds


@plays("global.refund.create")
def create_refund(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    refunds, now = books.of(RefundBooks), books.clock.time()
    if books.enforce_unique and fields["mchRefundOrderId"] in refunds.by_id:
        raise Refusal(21407, "MchRefundOrderId is repeat")
    payment = books.of(CountryPaymentBooks).by_id.get(fields["originalTransactionId"])
    if payment is None:
        raise Refusal(21006, "Merchant transaction not found")
    _check_refund(refunds, payment, fields["refundAmount"], now)
    refund = refunds.enter(books, fields, payment)
    if refund.status == "COMPLETE" and isinstance(payment, FakeCountryPayment):
        books.of(GlobalPayoutBooks).spend(payment.country, refund.amount)
    return announce(books, refund, refund.row(books, refund.settles))


def _check_refund(refunds: RefundBooks, payment: FakePayment, amount: int, now: float) -> None:
    """The documented refusals, 21401 to 21409, as far as these books can tell them."""
    rule = refunds.rules.get(payment.channel)
    if not refunds.allowed or rule == "none":
        raise Refusal(21402, "Not allowed to refund")
    if payment.status_at(now) != "COMPLETE":
        raise Refusal(21408, "The original transaction is not completed")
    if now - payment.created > 60 * DAY:
        raise Refusal(21403, "Transactions 60 days ago cannot initiate refunds")
    if rule == "whole" and amount < payment.amount:
        raise Refusal(21405, "The original transaction channel not support partial refund")
    earlier = [r for r in refunds.of_payment(payment.transaction_id) if r.status_at(now) in ("PENDING", "COMPLETE")]
    if any(refund.status_at(now) == "PENDING" for refund in earlier):
        raise Refusal(21409, "The original transaction already exist pending refund")
    if amount > payment.amount - sum(refund.amount for refund in earlier):
        raise Refusal(21406, "Refund amount invalid")


@plays("global.refund.query")
def refunds_of(books: Books, fields: dict[str, Any]) -> list[dict[str, Any]]:
    now = books.clock.time()
    return [refund.row(books, now) for refund in books.of(RefundBooks).wanted(fields)]


# Direct debit: agreements and tokens are those of the PH API's books; `customer_authorizes` and the like work here too


@plays("global.directdebit.authorize")
def authorize(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = agreements.authorize(books, fields)
    except Refusal as refusal:
        raise Refusal(21002, refusal.message) from None
    return answer


@plays("global.directdebit.authorization_query")
def authorization_query(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    found = [
        {"channelCode": agreement.channel_code, "payToken": token, **agreements._token(books, agreement)}
        for token, agreement in books.of(DirectDebitBooks).tokens.items()
        if agreement.user_id == fields["userId"]
        and agreement.country_code == fields["countryCode"]
        and fields.get("payToken") in (None, token)
    ]
    return {"userId": fields["userId"], "tokenList": found}


@plays("global.directdebit.authorization_cancel")
def authorization_cancel(books: Books, fields: dict[str, Any]) -> None:
    try:
        agreements.authorization_cancel(books, fields)
    except Refusal:
        raise Refusal(21024, "Invalid access token") from None
