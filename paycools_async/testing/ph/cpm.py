"""The fake's CPM charges (cpm.1 to cpm.3): the customer's code is scanned, and the money is there or not."""

from __future__ import annotations

from typing import Any

from ..server.merchant import Merchant, Refusal, handles
from ..server.payments import FakePayment, PaymentRecords
from .payments import listed, refuse_repeated, settle

__all__: list[str] = []


@handles("ph.cpm.create")
def create_cpm_payment(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    payments = merchant.of(PaymentRecords)
    refuse_repeated(merchant, "cpm", fields["mchOrderId"])
    if fields["authCode"] in payments.spent_codes:
        raise Refusal(1009, "authCode:is used up")
    payments.spent_codes.add(fields["authCode"])
    payment = payments.new(merchant, FakePayment, "cpm", fields, payer=fields["authCode"])
    settle(merchant, payment)
    now = payment.created
    status, settled = payment.status_at(now), payment.settled_at(now)
    return {
        "mchOrderId": payment.order_id,
        "channelCode": payment.channel,
        "createTime": merchant.when(now),
        "paidTime": merchant.when(settled) if settled is not None and status == "COMPLETE" else None,
        "remark": payment.remark,
        "status": "SUCCESS" if status == "COMPLETE" else status,  # PayCools' word here, and here only
    }


@handles("ph.cpm.query")
def query_cpm_payment(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    payment = merchant.of(PaymentRecords).order("cpm", fields["mchOrderId"])
    if payment is None:
        raise Refusal(1008, "Transaction Not Found")
    return listed(merchant, payment)
