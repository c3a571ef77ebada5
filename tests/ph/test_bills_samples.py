"""Published and observed examples of bills payment parse."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from paycools_async import TransactionStatus
from paycools_async.converters import structure
from paycools_async.ph.bills import BillsPaymentReceived, BillsPaymentVerification, StaticVA, StaticVASet, VAStatus
from paycools_async.ph.static_accounts import ReceivedPayment

PHT = timezone(timedelta(hours=8))

GUIDE = (
    "https://api-dev.paycools.com/repayment/static/guide/R2VtMG5GejRtYmZFZkZlK0V2SnBzeXJjYTZUanZydHgyWXM4dUptakgrUT0="
)

UPDATED: dict[str, Any] = {
    "shortLink": "https://a.api-dev.paycools.com/1L9zOOL",
    "paymentVaList": [
        {
            "mchOrderId": "CCP2022111405068111",
            "channelCode": "GCASH_STATIC_VA",
            "guideUrl": GUIDE,
            "referenceNumber": "PC0000710000024",
            "biller": "PAYCOOLS LOAN",
        }
    ],
}

CANCELLED: dict[str, Any] = {
    "paymentVaList": [
        {
            "mchOrderId": "CCP2023020602068111",
            "channelCode": channel,
            "referenceNumber": number,
            "biller": biller,
            "status": "INACTIVE",
        }
        for channel, number, biller in [
            ("RDP_STATIC_VA", "PC00F571", "Dragon Loans"),
            ("MLH_STATIC_VA", "PC00F571", "Dragonpay"),
            ("7ELEVEN_STATIC_VA", "PC0000710000067", "PAYCOOLS LOAN"),
            ("PAYMAYA_STATIC_VA", "PC00F571", "Dragon Loans"),
        ]
    ]
}

PAYMENTS: list[dict[str, Any]] = [
    {
        "transactionId": "C1012656903220387370",
        "transactionCreateTime": "2022-07-04 10:53:40",
        "transactionReturnTime": "2022-07-01 00:30:00",
        "transactionAmount": 1000,
        "channelCode": "INSTA_TRANSFER_ACC",
        "transactionStatus": "COMPLETE",
        "remark": None,
    }
]

VERIFICATION: dict[str, Any] = {
    "eventName": "payment.verification",
    "mchOrderId": "CCVA1653350151938813",
    "referenceNumber": "PCLAC1000000001",
    "amount": 503700,
    "mobile": "0912345678",
    "createTime": "2022-05-31 09:38:06",
    "sign": "xxxxxxxxxxxxx",
}

# the two that were observed had variables where CCVA1653350151938813, 50010 and 17:13:05 stand here
VERIFICATION_SEEN: dict[str, Any] = {
    "amount": 50010,
    "createTime": "2023-02-14 17:13:05",
    "eventName": "payment.verification",
    "mchOrderId": "CCVA1653350151938813",
    "mobile": "",
    "referenceNumber": "PC0005O10000003",
    "sign": "62a002c4bbc2aeaf83448a03d87c834fa5937b82",
}

RECEIVED: dict[str, Any] = {
    "amount": 50010,
    "channelCode": "7ELEVEN_STATIC_VA",
    "codeMchOrderId": "PCP000000100000802",
    "createTime": "2023-02-14 17:12:33",
    "eventName": "payment.success",
    "mchOrderId": "CCVA1653350151938813",
    "paymentCode": "PC0005O10000165",
    "returnTime": "2023-02-14 17:13:05",
    "sign": "a8b934877cb12d3747baf406cda4d586d4b7fae1",
    "transactionId": "C1184676365953162412",
    "transactionStatus": "COMPLETE",
}


def test_the_example_of_an_update() -> None:
    found = structure(UPDATED, StaticVASet)
    assert found.raw == UPDATED
    (va,) = found.payment_va_list
    assert (va.reference_number, va.biller, va.guide_url) == ("PC0000710000024", "PAYCOOLS LOAN", GUIDE)


def test_the_example_of_a_cancellation() -> None:
    found = structure(CANCELLED, StaticVASet)
    assert found.raw == CANCELLED
    assert found.short_link is None
    assert {row.status for row in found.payment_va_list} == {VAStatus.INACTIVE}
    assert [row.reference_number for row in found.payment_va_list].count("PC00F571") == 3


def test_the_example_of_a_payments_list() -> None:
    (payment,) = structure(PAYMENTS, list[ReceivedPayment])
    assert payment.raw == PAYMENTS[0]
    assert payment.transaction_amount == 1000
    assert payment.transaction_status is TransactionStatus.COMPLETE
    assert payment.transaction_create_time == datetime(2022, 7, 4, 10, 53, 40, tzinfo=PHT)
    assert payment.transaction_return_time == datetime(2022, 7, 1, 0, 30, tzinfo=PHT)


@pytest.mark.parametrize("sent", [VERIFICATION, VERIFICATION_SEEN], ids=["documented", "observed"])
def test_the_examples_of_a_verification(sent: dict[str, Any]) -> None:
    event = structure(sent, BillsPaymentVerification)
    assert event.raw == sent
    assert (event.event_name, event.reference_number) == ("payment.verification", sent["referenceNumber"])
    assert (event.amount, event.mobile) == (sent["amount"], sent["mobile"])
    assert event.create_time is not None
    assert event.create_time.tzinfo is not None


def test_the_observed_payment_callback() -> None:
    event = structure(RECEIVED, BillsPaymentReceived)
    assert event.raw == RECEIVED
    assert (event.amount, event.transaction_id) == (50010, "C1184676365953162412")
    assert event.transaction_status is TransactionStatus.COMPLETE
    assert (event.payment_code, event.code_mch_order_id) == ("PC0005O10000165", "PCP000000100000802")
    assert event.create_time == datetime(2023, 2, 14, 17, 12, 33, tzinfo=PHT)
    assert event.remark is None


def test_a_relatives_callback_calls_the_code_reference_number() -> None:
    sent = {**{name: value for name, value in RECEIVED.items() if name != "paymentCode"}, "referenceNumber": "PC1"}
    assert structure(sent, BillsPaymentReceived).payment_code == "PC1"


@pytest.mark.parametrize(
    ("answer", "number"),
    [
        ({"referenceNumber": "PC0000710000024"}, "PC0000710000024"),
        ({"referenceNumber2": "PC0005O10000165"}, "PC0005O10000165"),
        ({"referenceNumber": "PC1", "referenceNumber2": "PC2"}, "PC1"),
    ],
)
def test_trap_the_number_is_called_reference_number_or_reference_number_2(answer: dict[str, str], number: str) -> None:
    assert structure(answer, StaticVA).reference_number == number


def test_trap_empty_strings_in_callbacks_are_no_values() -> None:
    sent = {**VERIFICATION, "mobile": "", "createTime": ""}
    question = structure(sent, BillsPaymentVerification)
    assert (question.mobile, question.create_time) == ("", None)
    assert question.raw == sent


def test_the_payers_number_is_hidden() -> None:
    assert "0912345678" not in repr(structure(VERIFICATION, BillsPaymentVerification))
