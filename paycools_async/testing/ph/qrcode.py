"""The fake's QR codes (5.1 to 5.6)."""

from __future__ import annotations

from typing import Any

import attrs

from ..server.merchant import Books, Refusal, plays, takes_payments
from .standing import LINK, ReceivedMoney, listed

__all__ = ["FakeQR", "QRBooks"]


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

    def shown(self, books: Books) -> dict[str, Any]:
        """The code as PayCools' detail call shows it."""
        return {
            "mchOrderId": self.order_id,
            "qrcodeId": self.qrcode_id,
            "qrcodeContent": self.content,
            "channelCode": self.channel,
            "callbackUrl": self.callback_url,
            "createTime": books.when(self.created),
            "updateTime": books.when(self.updated),
            "remark": self.remark,
            "status": self.status,
            "qrLink": LINK + self.qrcode_id,
        }

    def check(self, now: float, amount: int) -> None:
        """Refuse what may not be paid. That a dynamic code is good for one payment is the fake's reading."""
        used = self.channel == "QRPH_DYNAMIC_QR" and self.payments
        if self.status != "ACTIVE" or used or (self.expires is not None and now >= self.expires):
            raise Refusal(1008, "the QR code takes no payments any more")
        if amount < 1 or self.amount not in (None, amount):
            raise Refusal(1007, "transaction exceed limit")


@attrs.define
class QRBooks:
    """QR codes by `mchOrderId`."""

    codes: dict[str, FakeQR] = attrs.field(factory=dict)

    def known(self, order_id: str) -> FakeQR:
        """The code of this order. Raises Refusal 1008 if there is none."""
        found = self.codes.get(order_id)
        if found is None:
            raise Refusal(1008, "transaction not found")
        return found


@plays("ph.qrcode.create")
def create_qr(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    codes = books.of(QRBooks).codes
    channel, amount = fields["channelCode"], fields.get("amount")
    if channel not in ("QRPH_STATIC_QR", "QRPH_DYNAMIC_QR", "QRPH_HYBRID_QR"):
        raise Refusal(1011, "merchant channel unavailable")
    if channel != "QRPH_STATIC_QR" and amount is None:
        raise Refusal(1020, "dynamic qrcode amount is null")
    if fields["mchOrderId"] in codes:
        raise Refusal(1012, "merchant order id is repeat")
    now, qrcode_id = books.clock.time(), books.new_id("QR")
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
    return made.shown(books)


@plays("ph.qrcode.detail")
def qr_detail(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    return books.of(QRBooks).known(fields["mchOrderId"]).shown(books)


@plays("ph.qrcode.payments")
def qr_payments(books: Books, fields: dict[str, Any]) -> list[dict[str, Any]]:
    return listed(books, books.of(QRBooks).known(fields["mchOrderId"]).payments, fields)


@plays("ph.qrcode.cancel")
def cancel_qr(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    found = books.of(QRBooks).known(fields["mchOrderId"])
    found.status, found.updated = "INACTIVE", books.clock.time()
    return found.shown(books)


@plays("ph.qrcode.update")
def update_qr(books: Books, fields: dict[str, Any]) -> dict[str, Any]:
    found = books.of(QRBooks).known(fields["mchOrderId"])
    found.callback_url = fields.get("callbackUrl") or found.callback_url
    found.remark = fields.get("remark") or found.remark
    found.updated = books.clock.time()
    return found.shown(books)


@takes_payments
async def pay_qr(books: Books, reference: str, amount: int) -> dict[str, Any] | None:
    for qr in books.of(QRBooks).codes.values():
        if reference in (qr.qrcode_id, qr.content):
            break
    else:
        return None
    now = books.clock.time()
    qr.check(now, amount)
    payment = ReceivedMoney(
        transaction_id=books.new_id("C"), amount=amount, channel=qr.channel, paid=now, remark=qr.remark
    )
    qr.payments.append(payment)
    books.notify(payment.callback(books, "qrcode.payment.success", qr.order_id))
    return payment.row(books)
