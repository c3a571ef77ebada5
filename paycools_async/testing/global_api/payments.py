"""What the fake knows of payments in the Global API, one ledger for all countries: single payments and static codes."""

from __future__ import annotations

from functools import partial
from typing import Any

import attrs

from ..server.merchant import Merchant, Refusal
from ..server.payments import SITE, FakePayment, PaymentRecords
from .payouts import GlobalPayoutRecords, local

__all__ = [
    "CountryPaymentRecords",
    "FakeCountryPayment",
    "FakeStaticCode",
    "channel_type",
    "check_amount",
    "pay_data",
    "settle",
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

    def status_at(self, now: float) -> str:
        """The status at this moment in the Global API's words: success has a D there."""
        status = super().status_at(now)
        return "COMPLETED" if status == "COMPLETE" else status

    def shown(self, merchant: Merchant, now: float) -> dict[str, Any]:
        """What inquiry and notification share."""
        return self.row(now, partial(local, merchant, self.country))

    def notification(self, merchant: Merchant) -> dict[str, Any]:
        """What the merchant is told of its end."""
        return self.shown(merchant, self.settles or 0)

    def detail(self, merchant: Merchant) -> dict[str, Any]:
        """The payment as an inquiry shows it."""
        payer = {"customerName": self.details.get("customerName"), "email": self.details.get("email")}
        return {**self.shown(merchant, merchant.clock.time()), **payer}

    def listed_now(self, merchant: Merchant) -> dict[str, Any]:
        """The payment as the list of a static code shows it."""
        return self.listed(merchant.clock.time(), partial(local, merchant, self.country))


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

    def shown(self, merchant: Merchant) -> dict[str, Any]:
        """The code as PayCools' detail call shows it."""
        return {
            "mchOrderId": self.order_id,
            "payData": self.pay_data,
            "channelCode": self.channel,
            "createTime": local(merchant, self.country, self.created),
            "status": "ACTIVE" if self.cancelled is None else "CANCEL",
            "channelType": channel_type(self.channel),
            "expiresTime": None if self.cancelled is None else local(merchant, self.country, self.cancelled),
        }


@attrs.define
class CountryPaymentRecords(PaymentRecords):
    """Like `PaymentRecords`: `decide`, `settle_after`; and the static codes by order id."""

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


def pay_data(merchant: Merchant, channel: str) -> str:
    """What the customer pays with."""
    kind, fresh = channel_type(channel), merchant.new_id("P")
    return {"URL": SITE + fresh, "VA": fresh[1:]}.get(kind, f"SANDBOX QR, NO MONEY {fresh}")


def check_amount(wanted: int, amount: int, *, is_open: bool) -> None:
    """Refuse what may not be paid: what is closed, or another amount."""
    if not is_open:
        raise Refusal(21028, "Transaction already paid or closed")
    if amount != wanted:
        raise Refusal(21021, "Transaction Amount Invalid")


def settle(merchant: Merchant, payment: FakeCountryPayment) -> None:
    """The payer has paid, or tried to: the payment ends as decided, and the merchant is told."""
    merchant.of(CountryPaymentRecords).end(payment, merchant.clock.time())
    paid = payment.status == "COMPLETE"
    if paid:
        merchant.of(GlobalPayoutRecords).spend(payment.country, -payment.amount)
    fields = {
        "eventName": f"{_EVENTS[payment.product]}.{'success' if paid else 'failed'}",
        **payment.notification(merchant),
        "failedCode": payment.failed_code,
        "failedMessage": payment.failed_message,
    }
    merchant.notify(fields, at=payment.settles)
