"""The fake's balance and payouts (2.1 to 3.3)."""

from __future__ import annotations

from typing import Any

from ..server import magic
from ..server.direct_debit import DirectDebitRecords, FakeDebit
from ..server.merchant import Merchant, Refusal, handles
from ..server.payments import FakePayment, PaymentRecords
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
    magic.before_booking(fields, "ph")
    payout = payouts.order(merchant, fields, idempotency_id=fields["idempotencyId"], channel=channel)
    if payout.status != "PENDING":
        merchant.notify(_callback(merchant, payout), at=payout.settles)
    magic.after_booking(fields)
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
    final = payout.is_final(now)
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
    rows = [
        row
        for payout in merchant.of(PayoutRecords).paid
        if _asked_for(row := _payout_row(merchant, payout, now), fields)
    ]
    return _page(rows, fields)


def _payout_row(merchant: Merchant, payout: FakePayout, now: float) -> dict[str, Any]:
    return {
        "merchantOrderId": payout.order_id,
        "transactionId": payout.transaction_id,
        "amount": payout.amount / 100,
        "fee": 0.0,
        "remittingBank": "Union Bank",
        "remittingAccount": "915****5678",
        "recipientName": "J*** C***",
        "recipientAccount": "091****6789",
        "receivingChannel": payout.channel,
        "status": payout.status_at(now),
        "createTime": merchant.when(payout.created),
        "completeTime": merchant.when(payout.settles) if payout.is_final(now) else None,
    }


@handles("ph.account.payment_statement")
def payment_statement(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    now = merchant.clock.time()
    payments, debits = merchant.of(PaymentRecords).by_id.values(), merchant.of(DirectDebitRecords).debits.values()
    rows = [
        *(_payment_row(merchant, payment, now) for payment in payments),
        *(_debit_row(merchant, debit, now) for debit in debits),
    ]
    return _page([row for row in rows if _asked_for(row, fields)], fields)


def _payment_row(merchant: Merchant, payment: FakePayment, now: float) -> dict[str, Any]:
    settled = payment.settled_at(now)
    return {
        "merchantOrderId": payment.order_id,
        "transactionId": payment.transaction_id,
        "amount": payment.amount / 100,
        "paymentMethod": payment.product.upper(),
        "paymentChannel": payment.channel,
        "status": payment.status_at(now),
        "createTime": merchant.when(payment.created),
        "completeTime": None if settled is None else merchant.when(settled),
        **_of_every_payment(merchant),
    }


def _debit_row(merchant: Merchant, debit: FakeDebit, now: float) -> dict[str, Any]:
    return {
        "merchantOrderId": debit.fields["mchOrderId"],
        "transactionId": debit.transaction_id,
        "amount": debit.fields["amount"] / 100,
        "paymentMethod": "DIRECT_DEBIT",
        "paymentChannel": debit.fields["channelCode"],
        "status": debit.status_at(now),
        "createTime": merchant.when(debit.created),
        "completeTime": merchant.when(debit.settles) if debit.is_final(now) else None,
        **_of_every_payment(merchant),
    }


def _of_every_payment(merchant: Merchant) -> dict[str, Any]:
    return {"fee": 0.0, "name": "J*** C***", "mobile": "091****6789", "appName": merchant.app_name}


def _asked_for(row: dict[str, Any], fields: dict[str, Any]) -> bool:
    return (
        row["createTime"].startswith(fields.get("createDate") or "")
        and (row["completeTime"] or "").startswith(fields.get("completeDate") or "")
        and fields.get("status") in (None, row["status"])
    )


def _page(rows: list[dict[str, Any]], fields: dict[str, Any]) -> dict[str, Any]:
    page = int(fields["page"])
    return {"records": rows[(page - 1) * PAGE : page * PAGE] if page > 0 else []}
