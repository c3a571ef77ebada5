"""The fake's balance and payouts (2.1 to 3.3)."""

from __future__ import annotations

from typing import Any

from ..server.merchant import Merchant, Refusal, handles
from ..server.payouts import FakePayout, PayoutRecords

__all__: list[str] = []

PAGE = 50


@handles("ph.account.balance")
def balance(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    return {"balance": merchant.balance - merchant.of(PayoutRecords).spent}


@handles("ph.payout.create")
def create(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    payouts = merchant.of(PayoutRecords)
    if fields.get("payMethodCode") == "BANK" and not fields.get("bankCode"):
        raise Refusal(1010, "request bank name invalid")
    if fields.get("payMethodCode") == "EWALLET" and not fields.get("ewalletCode"):
        raise Refusal(1016, "request ewallet name invalid")
    if merchant.enforce_unique:
        if fields["mchOrderId"] in payouts.by_order:
            raise Refusal(1012, "merchant order id is repeat")
        if fields["idempotencyId"] in payouts.by_idempotency:
            raise Refusal(1014, "merchant payout idempoteny repeat")
    if fields["amount"] > merchant.balance - payouts.spent:
        raise Refusal(1006, "merchant balance insufficient")
    channel = str(fields.get("bankCode") or fields.get("ewalletCode") or "SCANQR")
    payout = payouts.order(merchant, fields, idempotency_id=fields["idempotencyId"], channel=channel)
    merchant.notify(_callback(merchant, payout), at=payout.settles)
    return {
        "transactionId": payout.transaction_id,
        "transactionStatus": "PENDING",
        "transactionTime": merchant.when(payout.created),
    }


def _callback(merchant: Merchant, payout: FakePayout) -> dict[str, Any]:
    failed = payout.status == "FAILED"
    return {
        "amount": payout.amount,
        "createTime": merchant.when(payout.created),
        "eventName": "disbursement.failed" if failed else "disbursement.success",
        "failedCode": payout.failed_code,
        "failedMessage": payout.failed_message,
        "mchOrderId": payout.order_id,
        "remark": payout.remark,
        "returnTime": merchant.when(payout.settles),
        "transactionId": payout.transaction_id,
        "transactionStatus": payout.status,
    }


@handles("ph.payout.query")
def query(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    payouts = merchant.of(PayoutRecords)
    payout = payouts.by_order.get(fields["mchOrderId"])
    now = merchant.clock.time()
    if payout is None or now < payout.created + payouts.inquiry_lag:
        raise Refusal(1008, "Transaction Not Found")
    final = now >= payout.settles
    return {
        "mchOrderId": payout.order_id,
        "transactionId": payout.transaction_id,
        "amount": payout.amount,
        "transactionStatus": payout.status_at(now),
        "createTime": merchant.when(payout.created),
        "returnTime": merchant.when(payout.settles) if final else None,
        "remark": payout.remark,
        "failedCode": str(payout.failed_code) if final and payout.failed_code is not None else None,
        "failedMessage": payout.failed_message if final else None,
    }


@handles("ph.account.payout_statement")
def payout_statement(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    now = merchant.clock.time()
    rows = []
    for payout in merchant.of(PayoutRecords).paid:
        final = now >= payout.settles
        status = payout.status_at(now)
        created, completed = merchant.when(payout.created), merchant.when(payout.settles) if final else None
        if fields.get("createDate") and not created.startswith(fields["createDate"]):
            continue
        if fields.get("completeDate") and not (completed or "").startswith(fields["completeDate"]):
            continue
        if fields.get("status") not in (None, status):
            continue
        rows.append(
            {
                "merchantOrderId": payout.order_id,
                "transactionId": payout.transaction_id,
                "amount": payout.amount / 100,
                "fee": 0.0,
                "remittingBank": "Union Bank",
                "remittingAccount": "915****5678",
                "recipientName": "J*** C***",
                "recipientAccount": "091****6789",
                "receivingChannel": payout.channel,
                "status": status,
                "createTime": created,
                "completeTime": completed,
            }
        )
    page = int(fields["page"])
    return {"records": rows[(page - 1) * PAGE : page * PAGE] if page > 0 else []}


@handles("ph.account.payment_statement")
def payment_statement(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    return {"records": []}
