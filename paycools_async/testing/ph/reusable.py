"""What the fake's reusable codes and accounts (4 to 6) share: what they received, and accounts by channel.

Where the documents are silent the fake is plain: an unknown `mchOrderId` is 1008, a code that was cancelled, has
expired or takes no such amount refuses the customer with 1008 or 1007, and an update of a cancelled set is 1008.
"""

from __future__ import annotations

from typing import Any, Generic, Protocol, TypeVar

import attrs

from ..server.merchant import Merchant, Refusal, handles
from ..server.payments import FakePayment

__all__ = ["AccountRecords", "AccountSet", "FakeAccount", "ReceivedMoney", "ReusableRecords", "lists_payments"]


@attrs.frozen(kw_only=True)
class ReceivedMoney:
    """Money a customer paid, in centavos."""

    transaction_id: str
    amount: int
    channel: str
    paid: float
    remark: str | None = None

    def row(self, merchant: Merchant) -> dict[str, Any]:
        """The payment as the lists of 4.5, 5.3 and 6.3 show it."""
        return {
            "transactionId": self.transaction_id,
            "transactionCreateTime": merchant.when(self.paid),
            "transactionReturnTime": merchant.when(self.paid),
            "transactionAmount": self.amount,
            "channelCode": self.channel,
            "transactionStatus": "COMPLETE",
            "remark": self.remark,
        }

    def as_payment(self, product: str, order_id: str) -> FakePayment:
        """As refunds know it."""
        return FakePayment(
            product=product,
            order_id=order_id,
            transaction_id=self.transaction_id,
            amount=self.amount,
            channel=self.channel,
            remark=self.remark,
            payer="",
            created=self.paid,
            settles=self.paid,
            status="COMPLETE",
        )

    def callback(self, merchant: Merchant, event: str, order_id: str) -> dict[str, Any]:
        """What the callbacks of 4.8, 5.5 and 6.4 have in common."""
        return {
            "eventName": event,
            "mchOrderId": order_id,
            "transactionId": self.transaction_id,
            "amount": self.amount,
            "channelCode": self.channel,
            "transactionStatus": "COMPLETE",
            "createTime": merchant.when(self.paid),
            "returnTime": merchant.when(self.paid),
            "remark": self.remark,
        }


class Reusable(Protocol):
    """What takes payments again and again."""

    payments: list[ReceivedMoney]


R = TypeVar("R", bound=Reusable)


@attrs.define
class ReusableRecords(Generic[R]):
    """What a product has open, by `mchOrderId`."""

    by_order: dict[str, R] = attrs.field(factory=dict)

    def known(self, order_id: str) -> R:
        """What is open for this order. Raises Refusal 1008 if there is nothing."""
        found = self.by_order.get(order_id)
        if found is None:
            raise Refusal(1008, "transaction not found")
        return found


def lists_payments(endpoint_id: str, records: type[ReusableRecords[Any]]) -> None:
    """Handle the endpoint that lists an order's payments, within the dates and channels that are asked for."""

    @handles(endpoint_id)
    def listed(merchant: Merchant, fields: dict[str, Any]) -> list[dict[str, Any]]:
        wanted = fields["channelCode"].split(",") if fields.get("channelCode") else None
        return [
            payment.row(merchant)
            for payment in merchant.of(records).known(fields["mchOrderId"]).payments
            if fields["startDate"] <= merchant.when(payment.paid)[:10] <= fields["endDate"]
            and (wanted is None or payment.channel in wanted)
        ]


@attrs.define(kw_only=True)
class FakeAccount:
    """A VA or a transfer account: one channel of one customer, and the number he pays to."""

    number: str
    channel: str
    active: bool = True


@attrs.define(kw_only=True)
class AccountSet:
    """All accounts of one `mchOrderId`, under the rules it was made with, and what they received."""

    order_id: str
    lowest: int | None
    highest: int | None
    last_day: str | None
    mobile: str
    cancelled: bool = False
    accounts: dict[str, FakeAccount] = attrs.field(factory=dict)
    payments: list[ReceivedMoney] = attrs.field(factory=list)

    def check(self, merchant: Merchant, account: FakeAccount, amount: int) -> None:
        """Refuse what may not be paid. That the last day still counts is the fake's choice."""
        expired = self.last_day is not None and merchant.when()[:10] > self.last_day
        if not account.active or expired:
            raise Refusal(1008, "the account takes no payments any more")
        if amount < (self.lowest or 1) or (self.highest is not None and amount > self.highest):
            raise Refusal(1007, "transaction exceed limit")


@attrs.define
class AccountRecords(ReusableRecords[AccountSet]):
    """Account sets by `mchOrderId`."""

    def owner(self, number: str) -> tuple[AccountSet, FakeAccount] | None:
        """The account with this number, and the order it belongs to."""
        for owner in self.by_order.values():
            for account in owner.accounts.values():
                if account.number == number:
                    return owner, account
        return None

    def open(self, merchant: Merchant, fields: dict[str, Any], taken: Refusal, prefix: str) -> AccountSet:
        """Accounts for new channels; `taken` is raised if a channel has one already."""
        found = self.by_order.get(fields["mchOrderId"]) or AccountSet(
            order_id=fields["mchOrderId"],
            lowest=fields.get("minAmount"),
            highest=fields.get("maxAmount"),
            last_day=fields.get("expireTime") or None,
            mobile=fields.get("mobile") or "",
        )
        channels = fields["channelCode"].split(",")
        if found.cancelled or any(channel in found.accounts for channel in channels):
            raise taken
        self.by_order[found.order_id] = found
        for channel in channels:
            found.accounts[channel] = FakeAccount(number=merchant.new_id(prefix), channel=channel)
        return found

    def switch(self, merchant: Merchant, fields: dict[str, Any], prefix: str) -> AccountSet:
        """The listed channels take payments from now on, the others do not."""
        found = self.known(fields["mchOrderId"])
        if found.cancelled:
            raise Refusal(1008, "transaction not found")
        channels = fields["channelCode"].split(",")
        for channel in channels:
            found.accounts.setdefault(channel, FakeAccount(number=merchant.new_id(prefix), channel=channel))
        for account in found.accounts.values():
            account.active = account.channel in channels
        return found

    def receive(self, merchant: Merchant, owner: AccountSet, account: FakeAccount, amount: int) -> ReceivedMoney:
        """A customer has paid to one of the accounts."""
        owner.check(merchant, account, amount)
        payment = ReceivedMoney(
            transaction_id=merchant.new_id("C"), amount=amount, channel=account.channel, paid=merchant.clock.time()
        )
        owner.payments.append(payment)
        return payment
