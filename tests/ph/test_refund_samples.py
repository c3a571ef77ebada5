"""The documented examples of refunds parse."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from paycools_async.converters import structure
from paycools_async.ph.codes import FailedCode
from paycools_async.ph.refund import RefundReceipt, RefundRecord, RefundSettled, RefundStatus

MANILA = ZoneInfo("Asia/Manila")

CREATED = {
    "mchRefundOrderId": "CCP20220428011068111",
    "refundTransactionId": "R420220428004148975",
    "refundAmount": 10000,
    "refundCreateTime": "2024-04-17 18:12:46",
    "refundStatus": "PENDING",
}
LISTED = {
    "mchRefundOrderId": "CCP20220428011068111",
    "originalTransactionId": "C4X20220428011068485",
    "refundTransactionId": "R2022042801106815674",
    "refundAmount": 10000,
    "feeRefunded": 1000,
    "refundStatus": "FAILED",
    "refundCreateTime": "2024-04-17 18:12:46",
    "refundReturnTime": "2024-04-17 18:14:05",
    "refundReason": "refund reson",
    "failedCode": -10009,
    "failedMessage": "Channel Refund Failed",
}
CALLBACK = {
    "eventName": "payment.refund.success",
    "mchRefundOrderId": "CCP20220428011068111",
    "refundTransactionId": "C4X20220428011068485",
    "originalTransactionId": "R2022042801106815674",
    "refundAmount": 10000,
    "feeRefunded": 1000,
    "refundStatus": "COMPLETE",
    "refundCreateTime": "2022-05-31 09:38:06",
    "refundReturnTime": "2022-05-31 09:38:06",
    "refundReason": "refund reson",
    "sign": "xxxxxxxxxxxxx",
}


def test_the_documented_creation_parses() -> None:
    receipt = structure(CREATED, RefundReceipt)
    assert receipt.raw == CREATED
    assert receipt == RefundReceipt(
        refund_transaction_id="R420220428004148975",
        mch_refund_order_id="CCP20220428011068111",
        refund_amount=10000,
        refund_status=RefundStatus.PENDING,
        refund_create_time=datetime(2024, 4, 17, 18, 12, 46, tzinfo=MANILA),
    )


def test_the_documented_list_parses_with_code_and_words_as_received() -> None:
    (record,) = structure([LISTED], list[RefundRecord])
    assert record.raw == LISTED
    assert (record.refund_status, record.refund_amount, record.fee_refunded) == (RefundStatus.FAILED, 10000, 1000)
    assert record.refund_return_time == datetime(2024, 4, 17, 18, 14, 5, tzinfo=MANILA)
    assert (record.failed_code, record.failed_message) == (-10009, "Channel Refund Failed")


@pytest.mark.parametrize("given", [-10009, "-10009", 10009, "10009"])
def test_a_failed_code_comes_with_or_without_minus_as_number_or_text(given: int | str) -> None:
    row = {**LISTED, "failedCode": given}
    (record,) = structure([row], list[RefundRecord])
    assert record.failed_code is FailedCode.RECIPIENT_ACCOUNT_BLOCKED
    assert record.raw["failedCode"] == given


def test_the_documented_callback_of_a_success_parses() -> None:
    event = structure(CALLBACK, RefundSettled)
    assert event.raw == CALLBACK
    assert (event.refund_status, event.refund_amount, event.fee_refunded) == (RefundStatus.COMPLETE, 10000, 1000)
    assert event.refund_create_time == datetime(2022, 5, 31, 9, 38, 6, tzinfo=MANILA)


def test_the_documented_callback_of_a_failure_is_told_by_its_status() -> None:
    """PayCools' sample of a failure is named payment.refund.success."""
    failure = {"refundStatus": "FAILED", "failedCode": -10009, "failedMessage": "Channel Refund Failed"}
    body = {**CALLBACK, **failure}
    event = structure(body, RefundSettled)
    assert event.raw == body
    assert event.event_name == "payment.refund.success"
    assert event.refund_status is RefundStatus.FAILED


def test_the_refunded_fee_may_be_missing() -> None:
    body = {name: value for name, value in CALLBACK.items() if name != "feeRefunded"}
    assert structure(body, RefundSettled).fee_refunded is None


@pytest.mark.parametrize(
    ("text", "status", "final"),
    [
        ("PENDING", RefundStatus.PENDING, False),
        ("PROCESS", RefundStatus.PROCESS, False),
        ("COMPLETE", RefundStatus.COMPLETE, True),
        ("COMPLETED", RefundStatus.COMPLETE, True),
        ("FAILED", RefundStatus.FAILED, True),
        ("FAIL", RefundStatus.FAILED, True),
        ("CANCEL", RefundStatus.CANCEL, True),
        ("REVIEW", "REVIEW", False),
    ],
)
def test_refund_statuses(text: str, status: str, final: bool) -> None:
    found = RefundStatus(text)
    assert (found, found.final) == (status, final)
