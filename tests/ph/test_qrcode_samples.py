"""Published and observed examples of QR codes parse."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from paycools_async import TransactionStatus
from paycools_async.converters import structure
from paycools_async.ph.codes import FailedCode
from paycools_async.ph.qrcode import QRChannel, QRCode, QRPaymentSettled, QRStatus
from paycools_async.ph.static_accounts import ReceivedPayment

PHT = timezone(timedelta(hours=8))

CONTENT = (
    "00020101021228770011ph.ppmi.p2m0111OPDVPHM1XXX0316329481372394639804163294813723946398050300152046016530360854"
    "06500.005802PH5921Paycools John Cyril B6015City Of Mandalu62310010ph.allbank05062110000803***88310012ph.ppmi."
    "qrph0111OPDVPHM1XXX6304E56C"
)

CANCELLED: dict[str, Any] = {
    "mchOrderId": "E34302809202827219113",
    "qrcodeId": "QR1007656756764275140",
    "qrcodeContent": CONTENT,
    "channelCode": "QRPH_STATIC_QR",
    "callbackUrl": "https://www.paycools.com.ph",
    "createTime": "2022-07-02 18:12:46",
    "updateTime": "2022-07-02 18:14:05",
    "remark": "test static qrcode",
    "status": "INACTIVE",
    "qrLink": "https://a.api-dev.paycools.com/1L9zOb5",
}

# the detail page of a white-label edition; its further fields are kept in `raw`
DETAIL: dict[str, Any] = {
    **CANCELLED,
    "channelCode": "QRPH_HYBRID_QR",
    "status": "ACTIVE",
    "amount": 10000,
    "fee": 2000,
    "totalAmount": 12000,
    "businessType": 1,
    "warning": "",
}

PAYMENTS: list[dict[str, Any]] = [
    {
        "transactionId": "QR202207021812441385",
        "transactionCreateTime": "2022-07-02 18:12:47",
        "transactionReturnTime": "2022-07-02 18:12:47",
        "transactionAmount": 50000,
        "channelCode": "QRPH_STATIC_QR",
        "transactionStatus": "COMPLETE",
        "remark": "test static qrcode",
    }
]

SUCCESS: dict[str, Any] = {
    "eventName": "qrcode.payment.success",
    "amount": 503700,
    "channelCode": "QRPH_STATIC_QR",
    "mchOrderId": "CCVA1653350151938813",
    "createTime": "2022-05-31 09:38:06",
    "remark": "qrcode payment",
    "sign": "xxxxxxxxxxxxx",
    "returnTime": "2022-05-31 09:38:06",
    "transactionId": "C1032653961085706055",
    "transactionStatus": "COMPLETE",
}

FAILED: dict[str, Any] = {**SUCCESS, "eventName": "qrcode.payment.failed", "transactionStatus": "FAILED"}

# observed, with variables where 50010, TABLE7 and 17:30:00 stand here
SEEN: dict[str, Any] = {
    "amount": 50010,
    "channelCode": "QRPH_HYBRID_QR",
    "createTime": "2023-02-14 17:29:29",
    "eventName": "qrcode.payment.success",
    "mchOrderId": "TABLE7",
    "remark": "PayCools Qrcode Payment",
    "returnTime": "2023-02-14 17:30:00",
    "sign": "2430e2be9f3fd55a41bf47aa32d83201debbb3fa",
    "transactionId": "C1184676366969324811",
    "transactionStatus": "COMPLETE",
}


@pytest.mark.parametrize(
    ("sent", "status"), [(CANCELLED, QRStatus.INACTIVE), (DETAIL, QRStatus.ACTIVE)], ids=["cancel", "detail"]
)
def test_the_examples_of_a_code(sent: dict[str, Any], status: QRStatus) -> None:
    code = structure(sent, QRCode)
    assert code.raw == sent
    assert (code.qrcode_id, code.qrcode_content, code.status) == ("QR1007656756764275140", CONTENT, status)
    assert code.create_time == datetime(2022, 7, 2, 18, 12, 46, tzinfo=PHT)
    assert code.update_time == datetime(2022, 7, 2, 18, 14, 5, tzinfo=PHT)
    assert code.expires_time is None
    assert code.channel_code in {QRChannel.STATIC, QRChannel.HYBRID}


def test_the_example_of_a_payments_list() -> None:
    (payment,) = structure(PAYMENTS, list[ReceivedPayment])
    assert payment.raw == PAYMENTS[0]
    assert (payment.transaction_amount, payment.remark) == (50000, "test static qrcode")
    assert payment.transaction_status is TransactionStatus.COMPLETE
    assert payment.transaction_return_time == datetime(2022, 7, 2, 18, 12, 47, tzinfo=PHT)


@pytest.mark.parametrize(
    ("sent", "status"),
    [(SUCCESS, TransactionStatus.COMPLETE), (FAILED, TransactionStatus.FAILED), (SEEN, TransactionStatus.COMPLETE)],
    ids=["success", "failed", "observed"],
)
def test_the_examples_of_the_callback(sent: dict[str, Any], status: TransactionStatus) -> None:
    event = structure(sent, QRPaymentSettled)
    assert event.raw == sent
    assert event.event_name in QRPaymentSettled.__event_names__
    assert (event.amount, event.transaction_id, event.transaction_status) == (
        sent["amount"],
        sent["transactionId"],
        status,
    )
    assert event.create_time is not None
    assert event.create_time.utcoffset() == timedelta(hours=8)
    assert event.failed_code is None


def test_trap_empty_strings_in_callbacks_are_no_values() -> None:
    sent = {**SUCCESS, "remark": "", "failedCode": "", "returnTime": "", "failedMessage": ""}
    event = structure(sent, QRPaymentSettled)
    assert (event.remark, event.failed_code, event.return_time, event.failed_message) == ("", None, None, "")
    assert event.raw == sent


def test_trap_numbers_of_a_callback_may_come_as_texts() -> None:
    event = structure({**FAILED, "amount": "503700", "failedCode": "-10001"}, QRPaymentSettled)
    assert (event.amount, event.failed_code) == (503700, FailedCode.EXCEED_LIMIT)
    assert structure({**FAILED, "failedCode": -10001}, QRPaymentSettled).failed_code is FailedCode.EXCEED_LIMIT
