"""What the fake knows of payments in the Global API, one ledger for all countries: single payments and static codes."""

from __future__ import annotations

from typing import Any

import attrs

from ..ph.payment_books import FakePayment, PaymentBooks
from ..ph.standing import LINK
from ..server.merchant import Books, Refusal
from .payouts import GlobalPayoutBooks, local

__all__ = [
    "CountryPaymentBooks",
    "FakeCountryPayment",
    "FakeStaticCode",
    "channel_type",
    "pay_data",
    "settle",
    "take",
]

_EVENTS = {
    "order": "order.payment",
    "static": "static.order.payment",
    "unified": "order.payment",
    "checkout": "checkout.payment",
}


@attrs.define(kw_only=True)
class FakeCountryPayment(FakePayment):
    """Money that comes in, in one country. `product` is "order" (a single payment) or "static" (one on a code)."""

    country: str
    pay_data: str = ""

    def word(self, now: float) -> str:
        """Its status in the Global API's words: success has a D there."""
        status = self.status_at(now)
        return "COMPLETED" if status == "COMPLETE" else status

    def shown(self, books: Books, now: float) -> dict[str, Any]:
        """What inquiry and notification share."""
        settled = self.settled_at(now)
        return {
            "mchOrderId": self.order_id,
            "transactionId": self.transaction_id,
            "amount": self.amount,
            "transactionStatus": self.word(now),
            "createTime": local(books, self.country, self.created),
            "returnTime": None if settled is None else local(books, self.country, settled),
            "channelCode": self.channel,
            "remark": self.remark,
        }

    def told(self, books: Books) -> dict[str, Any]:
        """What its notification says."""
        return self.shown(books, self.settles or 0)

    def row(self, books: Books) -> dict[str, Any]:
        """The payment as an inquiry shows it."""
        payer = {"customerName": self.details.get("customerName"), "email": self.details.get("email")}
        return {**self.shown(books, books.clock.time()), **payer}

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
        """The code as PayCools' detail call shows it."""
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

    def payable(self, product: str, reference: str) -> FakeCountryPayment | None:
        """The payment that a customer means by its order id, transaction id or pay data."""
        for payment in self.by_id.values():
            if (
                isinstance(payment, FakeCountryPayment)
                and payment.product == product
                and reference in (payment.order_id, payment.transaction_id, payment.pay_data)
            ):
                return payment
        return None

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


def take(wanted: int, amount: int, *, is_open: bool) -> None:
    """Refuse what may not be paid: what is closed, or another amount."""
    if not is_open:
        raise Refusal(21028, "Transaction already paid or closed")
    if amount != wanted:
        raise Refusal(21021, "Transaction Amount Invalid")


def settle(books: Books, payment: FakeCountryPayment) -> None:
    """The payer has paid, or tried to: the payment ends as decided, and the merchant is told."""
    books.of(CountryPaymentBooks).end(payment, books.clock.time())
    paid = payment.status == "COMPLETE"
    if paid:
        books.of(GlobalPayoutBooks).spend(payment.country, -payment.amount)
    fields = {
        "eventName": f"{_EVENTS[payment.product]}.{'success' if paid else 'failed'}",
        **payment.told(books),
        "failedCode": payment.failed_code,
        "failedMessage": payment.failed_message,
    }
    books.notify(fields, at=payment.settles)
