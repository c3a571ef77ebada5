"""What the sandbox has in its books, as rows for people."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from ...countries import COUNTRIES, PHILIPPINES
from ...money import format_major
from ..fake import FakePayCools
from ..global_api.payments import CountryPaymentRecords
from ..global_api.payouts import GlobalPayoutRecords
from ..ph.bank_transfer import TransferRecords
from ..ph.bills import BillRecords
from ..ph.qrcode import QRCodeRecords
from ..server.direct_debit import DirectDebitRecords
from ..server.merchant import Merchant
from ..server.payments import PaymentRecords
from ..server.payouts import FakePayout, PayoutRecords

__all__ = ["Payable", "Waiting", "merchants", "payables", "payouts", "repeated", "waiting"]

_MOST = 50
"""Rows of a table; the newest are shown."""


@attrs.frozen
class Payable:
    """What a customer can pay: a reference, and the amount in minor units where it is fixed."""

    product: str
    reference: str
    amount: int | None


@attrs.frozen
class Waiting:
    """A direct debit that a customer was asked to authorize."""

    request_id: str
    user_id: str
    channel: str


def merchants(fake: FakePayCools) -> list[tuple[str, str, str]]:
    """API, app id and balances of each."""
    return [(_api(each), each.app_id, ", ".join(_balances(each))) for each in fake.merchants.values()]


def _api(merchant: Merchant) -> str:
    return "PH API" if merchant.family == "ph" else "Global API"


def _balances(merchant: Merchant) -> Iterator[str]:
    if merchant.family == "ph":
        left = merchant.balance - merchant.of(PayoutRecords).spent
        yield format_major(left, PHILIPPINES.currency)
        return
    for code, country in COUNTRIES.items():
        yield format_major(merchant.of(GlobalPayoutRecords).left_in(merchant, code), country.currency)


def payouts(fake: FakePayCools) -> list[tuple[str, ...]]:
    """Order id, amount, channel, status and PayCools' id of the newest payouts."""
    found = [(merchant, payout) for merchant in fake.merchants.values() for payout in _records(merchant).paid]
    found.sort(key=lambda pair: pair[1].created, reverse=True)
    return [
        (
            payout.order_id,
            format_major(payout.amount, _currency(payout)),
            payout.channel,
            payout.status_at(merchant.clock.time()),
            payout.transaction_id,
        )
        for merchant, payout in found[:_MOST]
    ]


def _records(merchant: Merchant) -> PayoutRecords:
    return merchant.of(PayoutRecords if merchant.family == "ph" else GlobalPayoutRecords)


def _currency(payout: FakePayout) -> str:
    return COUNTRIES[getattr(payout, "country", PHILIPPINES.code)].currency


def repeated(fake: FakePayCools) -> list[str]:
    """Order ids that were paid more than once."""
    return [order_id for merchant in fake.merchants.values() for order_id in _records(merchant).paid_more_than_once()]


def payables(fake: FakePayCools) -> list[Payable]:
    """The newest of what a customer may pay now."""
    found = [each for merchant in fake.merchants.values() for each in _payables(merchant)]
    return found[::-1][:_MOST]


def _payables(merchant: Merchant) -> Iterator[Payable]:
    now = merchant.clock.time()
    records = merchant.of(PaymentRecords if merchant.family == "ph" else CountryPaymentRecords)
    for payment in records.by_id.values():
        if payment.settles is None and payment.status_at(now) == "PENDING":
            yield Payable(payment.product, payment.order_id, payment.amount)
    for checkout in records.checkouts.values():
        if checkout.payment is None and checkout.status_at(now) == "PENDING":
            yield Payable("checkout", checkout.checkout_id, checkout.fields["amount"])
    if isinstance(records, CountryPaymentRecords):
        for code in records.codes.values():
            if code.cancelled is None:
                yield Payable("static code", code.order_id, None)
        return
    for qr in merchant.of(QRCodeRecords).by_order.values():
        if qr.status == "ACTIVE" and (qr.expires is None or now < qr.expires):
            yield Payable("QR code", qr.qrcode_id, qr.amount)
    for name, kind in (("bill", BillRecords), ("bank transfer", TransferRecords)):
        for owner in merchant.of(kind).by_order.values():
            for account in owner.accounts.values():
                if account.active and not owner.cancelled:
                    yield Payable(name, account.number, None)


def waiting(fake: FakePayCools) -> list[Waiting]:
    """The newest authorizations that no customer has answered."""
    found = [
        Waiting(asked.request_id, asked.user_id, asked.channel_code)
        for merchant in fake.merchants.values()
        for asked in merchant.of(DirectDebitRecords).authorizations.values()
        if asked.pay_token is None
    ]
    return found[::-1][:_MOST]
