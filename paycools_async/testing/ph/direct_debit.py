"""The fake's direct debit (10.1 to 10.7).

Its paths are unpublished: give the same `paths=` to the fake and to the client. What the fake answers beyond the known
fields, and the codes of its refusals, are this sandbox's own.
"""

from __future__ import annotations

from typing import Any

from ..server import direct_debit
from ..server.direct_debit import DirectDebitRecords, FakeDebit, token_fields, tokens_of
from ..server.merchant import Merchant, Refusal, handles
from ..server.settlement import settles_later

__all__: list[str] = []


@handles("ph.directdebit.authorize")
def authorize(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    return direct_debit.authorize(merchant, fields, code=1009)


@handles("ph.directdebit.authorization_query")
def authorization_query(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    found = [
        # the spelling of the documents' table: all lower case
        {"channelcode": authorization.channel_code, "paytoken": token, **token_fields(merchant, authorization)}
        for token, authorization in tokens_of(merchant, fields)
    ]
    return {"userId": fields["userId"], "tokenList": found}


@handles("ph.directdebit.authorization_cancel")
def authorization_cancel(merchant: Merchant, fields: dict[str, Any]) -> None:
    direct_debit.cancel(merchant, fields, unknown=Refusal(1009, "payToken:is unknown"))


@handles("ph.directdebit.payment_create")
def payment_create(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    records = merchant.of(DirectDebitRecords)
    authorization = records.tokens.get(fields["payToken"])
    if authorization is None or authorization.ended(merchant.clock.time()) is not None:
        raise Refusal(1009, "payToken:is not active")
    if authorization.channel_code != fields["channelCode"]:
        raise Refusal(1011, "merchant channel unavailable")
    if merchant.enforce_unique and fields["mchOrderId"] in records.order_ids:
        raise Refusal(1012, "merchant order id is repeat")
    ending = settles_later(merchant, "C", records.settle_after, records.decide(fields))
    debit = FakeDebit(fields=fields, **ending)
    records.debits[debit.transaction_id] = debit
    records.order_ids.add(fields["mchOrderId"])
    merchant.notify(_debit_callback(merchant, debit), at=debit.settles)
    return {
        "mchOrderId": fields["mchOrderId"],
        "transactionId": debit.transaction_id,
        "transactionStatus": "PENDING",
        "channelType": "DIRECT_DEBIT",
        "channelCode": fields["channelCode"],
    }


def _debit_callback(merchant: Merchant, debit: FakeDebit) -> dict[str, Any]:
    return {
        "amount": debit.fields["amount"],
        "channelCode": debit.fields["channelCode"],
        "createTime": merchant.when(debit.created),
        "eventName": f"directdebit.payment.{'failed' if debit.status == 'FAILED' else 'success'}",
        "failedCode": debit.failed_code,
        "failedMessage": debit.failed_message,
        "mchOrderId": debit.fields["mchOrderId"],
        "remark": debit.fields.get("remark"),
        "returnTime": merchant.when(debit.settles),
        "transactionId": debit.transaction_id,
        "transactionStatus": debit.status,
    }


@handles("ph.directdebit.payment_query")
def payment_query(merchant: Merchant, fields: dict[str, Any]) -> dict[str, Any]:
    debit = merchant.of(DirectDebitRecords).debits.get(fields["transactionId"])
    if debit is None:
        raise Refusal(1008, "Transaction Not Found")
    final = merchant.clock.time() >= debit.settles
    status = "SUCCESS" if debit.status == "COMPLETE" else debit.status  # the sample's word for paid
    asked = ("mchOrderId", "amount", "customerName", "channelCode", "email", "mobile", "remark", "callbackUrl")
    return {
        **{name: debit.fields.get(name) for name in asked},
        "transactionId": debit.transaction_id,
        "transactionStatus": status if final else "PENDING",
        "createTime": merchant.when(debit.created),
        "returnTime": merchant.when(debit.settles) if final else None,
        "appName": merchant.app_name,
    }
