"""Payments as both APIs' fakes record them: money that comes in, and cashier pages that wait for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import attrs

from .merchant import Merchant
from .settlement import Settlement

__all__ = ["HOUR", "SITE", "FakeCheckout", "FakePayment", "PaymentRecords"]

HOUR = 3600
SITE = "https://sandbox.invalid/"
"""Where the fake's links lead: nowhere."""

P = TypeVar("P", bound="FakePayment")


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

    def row(self, now: float, when: Callable[[float], str]) -> dict[str, Any]:
        """What inquiries and notifications share; `when` writes a moment as PayCools does."""
        settled = self.settled_at(now)
        return {
            "mchOrderId": self.order_id,
            "transactionId": self.transaction_id,
            "amount": self.amount,
            "transactionStatus": self.status_at(now),
            "createTime": when(self.created),
            "returnTime": None if settled is None else when(settled),
            "channelCode": self.channel,
            "remark": self.remark,
        }

    def listed(self, now: float, when: Callable[[float], str]) -> dict[str, Any]:
        """The payment as lists show it."""
        row = self.row(now, when)
        return {
            "transactionId": self.transaction_id,
            "transactionCreateTime": row["createTime"],
            "transactionReturnTime": row["returnTime"],
            "transactionAmount": self.amount,
            "channelCode": self.channel,
            "transactionStatus": row["transactionStatus"],
            "remark": self.remark,
        }


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


def _fails_at_0000(payment: FakePayment) -> Settlement:
    """Payers whose mobile number or code ends in 0000 fail, as a way to see a failure in the sandbox."""
    if payment.payer.endswith("0000"):
        return "FAILED", -10004, "Transaction Channel Rejected"
    return "COMPLETE", None, None


@attrs.define
class PaymentRecords:
    """Every payment, in order. `decide` chooses how a payment ends; `settle_after` seconds after it is paid it does.

    `enter` takes payments of any product, so that they can be refunded.
    """

    by_id: dict[str, FakePayment] = attrs.field(factory=dict)
    checkouts: dict[str, FakeCheckout] = attrs.field(factory=dict)
    decide: Callable[[FakePayment], Settlement] = _fails_at_0000
    settle_after: float = 0.0
    spent_codes: set[str] = attrs.field(factory=set)
    _by_order: dict[tuple[str, str], FakePayment] = attrs.field(factory=dict, init=False)
    _checkouts_by_order: dict[str, FakeCheckout] = attrs.field(factory=dict, init=False)

    def new(self, merchant: Merchant, kind: type[P], product: str, fields: dict[str, Any], **more: Any) -> P:
        """Record a payment of an order that nobody has paid yet, as its request describes it."""
        described = {"channel": fields.get("channelCode"), "amount": fields.get("amount"), "details": fields}
        payment = kind(
            product=product,
            order_id=fields["mchOrderId"],
            transaction_id=merchant.new_id("C"),
            remark=fields.get("remark"),
            created=merchant.clock.time(),
            **{**described, **more},
        )
        self.enter(payment)
        return payment

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
