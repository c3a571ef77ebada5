"""The state of the fake's payments: web payments, checkouts and CPM charges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from ..server.merchant import Books, Fate

__all__ = ["HOUR", "FakeCheckout", "FakePayment", "PaymentBooks"]

HOUR = 3600


@attrs.define(kw_only=True)
class FakePayment:
    """Money that comes in, of any product. `payer` is the mobile number or the scanned code."""

    product: str
    order_id: str
    transaction_id: str
    amount: int
    channel: str
    remark: str | None
    payer: str
    created: float
    expires: float | None = None
    settles: float | None = None
    """When `status` holds; None while nobody has paid."""
    status: str = "PENDING"
    failed_code: int | None = None
    failed_message: str | None = None
    details: dict[str, Any] = attrs.field(factory=dict, repr=False)

    def status_at(self, now: float) -> str:
        """The status at this moment, PayCools' word for it."""
        if self.settles is None:
            return "CLOSED" if self.expires is not None and now >= self.expires else "PENDING"
        return self.status if now >= self.settles else "PENDING"

    def settled_at(self, now: float) -> float | None:
        """When it became final; None while it is not."""
        return self.settles if self.settles is not None and now >= self.settles else None


@attrs.define(kw_only=True)
class FakeCheckout:
    """A cashier page, open for one payment."""

    checkout_id: str
    fields: dict[str, Any]
    created: float
    expires: float
    closed: bool = False
    payment: FakePayment | None = None

    def status_at(self, now: float) -> str:
        """The status at this moment: its payment's, once it has one."""
        if self.payment is not None:
            return self.payment.status_at(now)
        return "CLOSED" if self.closed or now >= self.expires else "PENDING"


def _magic(payment: FakePayment) -> Fate:
    """Payers whose mobile number or code ends in 0000 fail, as a way to see a failure in the sandbox."""
    if payment.payer.endswith("0000"):
        return "FAILED", -10004, "Transaction Channel Rejected"
    return "COMPLETE", None, None


@attrs.define
class PaymentBooks:
    """Every payment, in order. `decide` chooses how a payment ends; `settle_after` seconds after it is paid it does.

    `enter` takes payments of other products, so that they can be refunded.
    """

    by_id: dict[str, FakePayment] = attrs.field(factory=dict)
    checkouts: dict[str, FakeCheckout] = attrs.field(factory=dict)
    decide: Callable[[FakePayment], Fate] = _magic
    settle_after: float = 0.0
    spent_codes: set[str] = attrs.field(factory=set)
    _by_order: dict[tuple[str, str], FakePayment] = attrs.field(factory=dict, init=False)
    _checkouts_by_order: dict[str, FakeCheckout] = attrs.field(factory=dict, init=False)

    def enter(self, payment: FakePayment) -> None:
        """Make the payment known by its id and its order."""
        self.by_id[payment.transaction_id] = payment
        self._by_order[payment.product, payment.order_id] = payment

    def order(self, product: str, order_id: str) -> FakePayment | None:
        """The payment of a merchant's order."""
        return self._by_order.get((product, order_id))

    def open_checkout(self, checkout: FakeCheckout) -> None:
        """Make the page known by its id and its order."""
        self.checkouts[checkout.checkout_id] = self._checkouts_by_order[checkout.fields["mchOrderId"]] = checkout

    def checkout_of_order(self, order_id: str) -> FakeCheckout | None:
        """The checkout of a merchant's order."""
        return self._checkouts_by_order.get(order_id)

    def end(self, payment: FakePayment, now: float) -> None:
        """Decide how a payment ends that was paid now."""
        payment.status, payment.failed_code, payment.failed_message = self.decide(payment)
        payment.settles = now + self.settle_after

    def settle(self, books: Books, payment: FakePayment) -> None:
        """The payer has paid, or tried to: the payment ends as decided, and the merchant is told."""
        self.end(payment, books.clock.time())
        if payment.status == "COMPLETE":
            books.balance += payment.amount
        books.notify(_payment_callback(books, payment), at=payment.settles)


_EVENTS = {"web": "h5.payment", "checkout": "checkout.payment", "cpm": "cpm.payment"}


def _payment_callback(books: Books, payment: FakePayment) -> dict[str, Any]:
    outcome = "success" if payment.status == "COMPLETE" else "failed"
    return {
        "eventName": f"{_EVENTS[payment.product]}.{outcome}",
        "mchOrderId": payment.order_id,
        "transactionId": payment.transaction_id,
        "amount": payment.amount,
        "transactionStatus": payment.status,
        "createTime": books.when(payment.created),
        "returnTime": books.when(payment.settles),
        "channelCode": payment.channel,
        "remark": payment.remark,
        "failedCode": payment.failed_code,
        "failedMessage": payment.failed_message,
    }
