"""The fake's QR codes (5.1 to 5.6)."""

from __future__ import annotations

from typing import Any

import attrs

from ..server.merchant import Merchant, Refusal, handles, takes_payments
from ..server.payments import SITE
from .reusable import ReceivedMoney, ReusableRecords, lists_payments

__all__ = ["FakeQR", "QRCodeRecords"]


@attrs.define(kw_only=True)
class FakeQR:
    """A QR code."""

    order_id: str
    qrcode_id: str
    content: str
    channel: str
    amount: int | None
    expires: float | None
    callback_url: str | None
    remark: str | None
    created: float
    updated: float
    status: str = "ACTIVE"
    payments: list[ReceivedMoney] = attrs.field(factory=list)

    def shown(self, merchant: Merchant) -> dict[str, Any]:
        """The code as PayCools' detail call shows it."""
        return {
            "mchOrderId": self.order_id,
            "qrcodeId": self.qrcode_id,
            "qrcodeContent": self.content,
            "channelCode": self.channel,
            "callbackUrl": self.callback_url,
            "createTime": merchant.when(self.created),
            "updateTime": merchant.when(self.updated),
            "remark": self.remark,
            "status": self.status,
            "qrLink": SITE + self.qrcode_id,
        }

    def check(self, now: float, amount: int) -> None:
        """Refuse what may not be paid. That a dynamic code is good for one payment is the fake's reading."""
        used = self.channel == "QRPH_DYNAMIC_QR" and self.payments
        if self.status != "ACTIVE" or used or (self.expires is not None and now >= self.expires):
            raise Refusal(1008, "the QR code takes no payments any more")
        if amount < 1 or self.amount not in (None, amount):
            raise Refusal(1007, "transaction exceed limit")


@attrs.define
class QRCodeRecords(ReusableRecords[FakeQR]):
    """QR codes by `mchOrderId`."""


@handles("ph.qrcode.create")
def create_qr(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    codes = merchant.of(QRCodeRecords).by_order
    channel, amount = fields["channelCode"], fields.get("amount")
    if channel not in ("QRPH_STATIC_QR", "QRPH_DYNAMIC_QR", "QRPH_HYBRID_QR"):
        raise Refusal(1011, "merchant channel unavailable")
    if channel != "QRPH_STATIC_QR" and amount is None:
        raise Refusal(1020, "dynamic qrcode amount is null")
    if fields["mchOrderId"] in codes:
        raise Refusal(1012, "merchant order id is repeat")
    now, qrcode_id = merchant.clock.time(), merchant.new_id("QR")
    made = codes[fields["mchOrderId"]] = FakeQR(
        order_id=fields["mchOrderId"],
        qrcode_id=qrcode_id,
        content=f"SANDBOX QR, NO MONEY {qrcode_id}",
        channel=channel,
        amount=amount,
        expires=None if channel == "QRPH_STATIC_QR" else now + (fields.get("expireSeconds") or 3600),
        callback_url=fields.get("callbackUrl"),
        remark=fields.get("remark"),
        created=now,
        updated=now,
    )
    return made.shown(merchant)


@handles("ph.qrcode.detail")
def qr_detail(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    return merchant.of(QRCodeRecords).known(fields["mchOrderId"]).shown(merchant)


lists_payments("ph.qrcode.payments", QRCodeRecords)


@handles("ph.qrcode.cancel")
def cancel_qr(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    found = merchant.of(QRCodeRecords).known(fields["mchOrderId"])
    found.status, found.updated = "INACTIVE", merchant.clock.time()
    return found.shown(merchant)


@handles("ph.qrcode.update")
def update_qr(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    found = merchant.of(QRCodeRecords).known(fields["mchOrderId"])
    found.callback_url = fields.get("callbackUrl") or found.callback_url
    found.remark = fields.get("remark") or found.remark
    found.updated = merchant.clock.time()
    return found.shown(merchant)


@takes_payments
async def pay_qr(merchant: Merchant, reference: str, amount: int) -> dict[str, Any] | None:
    for qr in merchant.of(QRCodeRecords).by_order.values():
        if reference in (qr.qrcode_id, qr.content):
            break
    else:
        return None
    now = merchant.clock.time()
    qr.check(now, amount)
    payment = ReceivedMoney(
        transaction_id=merchant.new_id("C"), amount=amount, channel=qr.channel, paid=now, remark=qr.remark
    )
    qr.payments.append(payment)
    merchant.notify(payment.callback(merchant, "qrcode.payment.success", qr.order_id))
    return payment.row(merchant)
