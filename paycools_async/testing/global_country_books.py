"""What the fake knows of payments in the Global API, one ledger for all countries: single payments and static codes."""

from __future__ import annotations

from typing import Any

import attrs

from .books import Books, Refusal
from .global_payouts import GlobalPayoutBooks, local
from .ph_payment_books import FakePayment, PaymentBooks

__all__ = ["CountryPaymentBooks", "FakeCountryPayment", "FakeStaticCode", "channel_type", "pay_data", "settle"]

LINK = "https://sandbox.invalid/"
"""Where the fake's links lead: nowhere."""

_EVENTS = {"order": "order.payment", "static": "static.order.payment"}


@attrs.define(kw_only=True)
class FakeCountryPayment(FakePayment):
    """Money that comes in, in one country. `product` is "order" (a single payment) or "static" (one on a code)."""

    country: str
    pay_data: str = ""

    def word(self, now: float) -> str:
        """Its status in the Global API's words: success has a D there."""
        status = self.status_at(now)
        return "COMPLETED" if status == "COMPLETE" else status

    def row(self, books: Books) -> dict[str, Any]:
        """The payment as an inquiry shows it."""
        now = books.clock.time()
        settled = self.settled_at(now)
        return {
            "mchOrderId": self.order_id,
            "transactionId": self.transaction_id,
            "amount": self.amount,
            "transactionStatus": self.word(now),
            "createTime": local(books, self.country, self.created),
            "returnTime": None if settled is None else local(books, self.country, settled),
            "customerName": self.details.get("customerName"),
            "channelCode": self.channel,
            "email": self.details.get("email"),
            "remark": self.remark,
        }

    def listed(self, books: Books) -> dict[str, Any]:
        """The payment as the list of a static code shows it."""
        row = self.row(books)
        return {
            "transactionId": self.transaction_id,
            "channelCode": self.channel,
            "transactionCreateTime": row["createTime"],
            "transactionReturnTime": row["returnTime"],
            "transactionAmount": self.amount,
            "transactionStatus": row["transactionStatus"],
            "remark": self.remark,
        }


@attrs.define(kw_only=True)
class FakeStaticCode:
    """A code that takes payments until it is cancelled."""

    country: str
    order_id: str
    channel: str
    pay_data: str
    remark: str | None
    created: float
    details: dict[str, Any] = attrs.field(repr=False)
    cancelled: float | None = None
    payments: list[FakeCountryPayment] = attrs.field(factory=list)

    def shown(self, books: Books) -> dict[str, Any]:
        return {
            "mchOrderId": self.order_id,
            "payData": self.pay_data,
            "channelCode": self.channel,
            "createTime": local(books, self.country, self.created),
            "status": "ACTIVE" if self.cancelled is None else "CANCEL",
            "channelType": channel_type(self.channel),
            "expiresTime": None if self.cancelled is None else local(books, self.country, self.cancelled),
        }


@attrs.define
class CountryPaymentBooks(PaymentBooks):
    """Like `PaymentBooks`: `decide`, `settle_after`; and the static codes by order id."""

    codes: dict[str, FakeStaticCode] = attrs.field(factory=dict)

    def known(self, order_id: str, country: str) -> FakeCountryPayment:
        """The single payment of an order, in its own country."""
        found = self.order("order", order_id)
        if not isinstance(found, FakeCountryPayment) or found.country != country:
            raise Refusal(21006, "Merchant transaction not found")
        return found

    def known_code(self, order_id: str, country: str) -> FakeStaticCode:
        """The static code of an order, in its own country."""
        found = self.codes.get(order_id)
        if found is None or found.country != country:
            raise Refusal(21006, "Merchant transaction not found")
        return found


def channel_type(channel: str) -> str:
    """URL, VA or QR, by the channel code's ending."""
    ending = channel.rpartition("_")[2]
    return ending if ending in ("URL", "VA") else "QR"


def pay_data(books: Books, channel: str) -> str:
    """What the customer pays with."""
    kind, fresh = channel_type(channel), books.new_id("P")
    return {"URL": LINK + fresh, "VA": fresh[1:]}.get(kind, f"SANDBOX QR, NO MONEY {fresh}")


def settle(books: Books, payment: FakeCountryPayment) -> None:
    """The payer has paid, or tried to: the payment ends as decided, and the merchant is told."""
    payments = books.of(CountryPaymentBooks)
    payment.status, payment.failed_code, payment.failed_message = payments.decide(payment)
    payment.settles = books.clock.time() + payments.settle_after
    if payment.status == "COMPLETE":
        spent = books.of(GlobalPayoutBooks).spent_in
        spent[payment.country] = spent.get(payment.country, 0) - payment.amount
    outcome = "success" if payment.status == "COMPLETE" else "failed"
    fields = {
        "eventName": f"{_EVENTS[payment.product]}.{outcome}",
        "mchOrderId": payment.order_id,
        "transactionId": payment.transaction_id,
        "amount": payment.amount,
        "transactionStatus": payment.word(payment.settles),
        "createTime": local(books, payment.country, payment.created),
        "returnTime": local(books, payment.country, payment.settles),
        "channelCode": payment.channel,
        "remark": payment.remark,
        "failedCode": payment.failed_code,
        "failedMessage": payment.failed_message,
    }
    books.notify({name: value for name, value in fields.items() if value is not None}, at=payment.settles)
