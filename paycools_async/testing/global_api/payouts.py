"""The fake's payouts of the Global API, one ledger for all countries: the country calls and the unified ones."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Any, ClassVar

import attrs

from ...times import BANGKOK, JAKARTA, MANILA
from ..server import magic
from ..server.merchant import Merchant, Refusal
from ..server.payouts import FakePayout, PayoutRecords

__all__ = [
    "CURRENCIES",
    "FakeGlobalPayout",
    "GlobalPayoutRecords",
    "find_payout",
    "iso",
    "local",
    "notify_payout",
    "payout_row",
    "take_payout",
]

CURRENCIES = {"PH": "PHP", "ID": "IDR", "MY": "MYR", "TH": "THB", "RU": "RUB"}
_ZONES: dict[str, tzinfo] = {"ID": JAKARTA, "TH": BANGKOK}


@attrs.frozen(kw_only=True)
class FakeGlobalPayout(FakePayout):
    """Money that left, in one country."""

    country: str
    unified: bool = False
    """Whether it was ordered by the unified call; its notification then names country and currency."""


@attrs.define
class GlobalPayoutRecords(PayoutRecords):
    """`PayoutRecords` (`decide`, `settle_after`, `inquiry_lag`, `journal`) with a balance for each country."""

    kind: ClassVar[type[FakePayout]] = FakeGlobalPayout
    balances: dict[str, int] = attrs.field(factory=dict)
    """Minor units by country; where none is set, the merchant's general balance."""
    spent_in: dict[str, int] = attrs.field(factory=dict)

    def _enter(self, payout: FakePayout) -> None:
        super()._enter(payout)
        if isinstance(payout, FakeGlobalPayout) and payout.status != "FAILED":
            self.spend(payout.country, payout.amount)

    def spend(self, country: str, amount: int) -> None:
        """Minor units that leave the country's balance; below zero they come in."""
        self.spent_in[country] = self.spent_in.get(country, 0) + amount

    def left_in(self, merchant: Merchant, country: str) -> int:
        """Minor units left for payouts in a country."""
        return self.balances.get(country, merchant.balance) - self.spent_in.get(country, 0)


def local(merchant: Merchant, country: str, seconds: float) -> str:
    """A moment as the country's calls write it: local time without a zone."""
    return merchant.when(seconds, _ZONES.get(country, MANILA))


def iso(seconds: float) -> str:
    """A moment as the unified calls write it."""
    return datetime.fromtimestamp(int(seconds), UTC).astimezone(MANILA).isoformat()


def take_payout(merchant: Merchant, fields: dict[str, Any], country: str, *, unified: bool = False) -> dict[str, Any]:
    """Book a payout, queue its notification, and give the answer's data. Refuses as the code list says."""
    payouts = merchant.of(GlobalPayoutRecords)
    idempotency_id = str(fields.get("idempotencyId") or fields["mchOrderId"])
    if merchant.enforce_unique:
        if fields["mchOrderId"] in payouts.by_order:
            raise Refusal(21007, "Duplicate merchant order id")
        if idempotency_id in payouts.by_idempotency:
            raise Refusal(21015, "Duplicate idempotencyId")
    if fields["amount"] > payouts.left_in(merchant, country):
        raise Refusal(21014, "Merchant balance insufficient")
    magic.before_booking(fields, "global")
    payout = payouts.order(
        merchant,
        fields,
        idempotency_id=idempotency_id,
        channel=str(fields.get("transferCode") or fields.get("payMethodCode") or ""),
        country=country,
        unified=unified,
    )
    assert isinstance(payout, FakeGlobalPayout)  # noqa: S101 - these records hold no others
    if payout.status != "PENDING":
        notify_payout(merchant, payout)
    magic.after_booking(fields)
    return {
        "mchOrderId": payout.order_id,
        "transactionId": payout.transaction_id,
        "transactionStatus": "PENDING",
        "transactionTime": _time(merchant, payout, payout.created),
    }


def _time(merchant: Merchant, payout: FakeGlobalPayout, seconds: float) -> str:
    return iso(seconds) if payout.unified else local(merchant, payout.country, seconds)


def _status(status: str) -> str:
    """Success has a D in the Global API."""
    return "COMPLETED" if status == "COMPLETE" else status


def notify_payout(merchant: Merchant, payout: FakeGlobalPayout) -> None:
    """Queue the notification of a payout's end."""
    failed = payout.status == "FAILED"
    event = "disbursement.failed" if failed else "disbursement.success"
    merchant.notify({"eventName": event, **payout_row(merchant, payout, payout.settles)}, at=payout.settles)


def find_payout(merchant: Merchant, fields: dict[str, Any], country: str) -> FakeGlobalPayout:
    """The payout an inquiry asks for, by order id or PayCools' id. Refuses with 21006."""
    payouts = merchant.of(GlobalPayoutRecords)
    order_id, transaction_id = fields.get("mchOrderId"), fields.get("transactionId")
    payout = payouts.by_order.get(order_id) if isinstance(order_id, str) else None
    if order_id is None:
        payout = next((each for each in payouts.paid if each.transaction_id == transaction_id), None)
    if (
        not isinstance(payout, FakeGlobalPayout)
        or payout.country != country
        or transaction_id not in (None, payout.transaction_id)
        or merchant.clock.time() < payout.created + payouts.inquiry_lag
    ):
        raise Refusal(21006, "Merchant transaction not found")
    return payout


def payout_row(merchant: Merchant, payout: FakeGlobalPayout, now: float | None = None) -> dict[str, Any]:
    """The payout as an inquiry shows it at a moment (now by default)."""
    moment = merchant.clock.time() if now is None else now
    final = payout.is_final(moment)
    row: dict[str, Any] = {
        "mchOrderId": payout.order_id,
        "transactionId": payout.transaction_id,
        "amount": payout.amount,
        "transactionStatus": _status(payout.status) if final else "PENDING",
        "createTime": _time(merchant, payout, payout.created),
        "returnTime": _time(merchant, payout, payout.settles) if final else None,
        "remark": payout.remark,
        "failedCode": payout.failed_code if final else None,
        "failedMessage": payout.failed_message if final else None,
    }
    if payout.unified:
        row |= {"countryCode": payout.country, "currency": CURRENCIES[payout.country]}
    return row
