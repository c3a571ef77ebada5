"""Answers and callbacks of checkout parse in every form that was documented or seen."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from paycools_async import TransactionStatus
from paycools_async.converters import structure
from paycools_async.ph.checkout import (
    AvailableChannels,
    CheckoutChannelType,
    CheckoutSettled,
    CheckoutStatus,
)
from paycools_async.ph.web_payment import WebPaymentSettled

MANILA = ZoneInfo("Asia/Manila")

CHANNELS = [
    {"channelType": "QR", "channelCode": "PH_GCASH_QR", "countryCode": "PH", "currency": "PHP"},
    {"channelType": "QR", "channelCode": "PH_QRPH_DYNAMIC", "countryCode": "PH", "currency": "PHP"},
    {"channelType": "EWALLET", "channelCode": "PH_GCASH_URL", "countryCode": "PH", "currency": "PHP"},
]


@pytest.mark.parametrize("data", [{"list": CHANNELS}, CHANNELS], ids=["wrapped", "bare"])
def test_the_channel_list_comes_wrapped_or_bare(data: Any) -> None:
    found = structure(data, AvailableChannels)
    assert found.raw == data
    assert [channel.raw for channel in found.channels] == CHANNELS
    assert found.channels[2].channel_type is CheckoutChannelType.EWALLET
    assert (found.channels[2].channel_code, found.channels[2].currency) == ("PH_GCASH_URL", "PHP")


def test_the_older_inquirys_documented_answer_parses() -> None:
    data = {
        "mchOrderId": "TEST123451234500004",
        "checkoutId": "CH1007669370860774953",
        "amount": 5000,
        "transactionStatus": "PENDING",
        "createTime": "2022-11-25 18:07:41",
        "returnTime": "2022-12-15 11:52:35",
        "appName": "PayCools",
        "channelCode": "GCASH_URL",
        "remark": None,
        "callbackUrl": "",
    }
    status = structure(data, CheckoutStatus)
    assert status.raw == data
    assert (status.transaction_status, status.transaction_id, status.amount) == (TransactionStatus.PENDING, None, 5000)
    assert status.create_time == datetime(2022, 11, 25, 18, 7, 41, tzinfo=MANILA)


@pytest.mark.parametrize("name", ["transactionStatus", "status"])
@pytest.mark.parametrize("text", ["COMPLETE", "COMPLETED", "SUCCESS"])
def test_a_paid_checkout_is_complete_in_all_spellings(name: str, text: str) -> None:
    assert structure({name: text}, CheckoutStatus).transaction_status is TransactionStatus.COMPLETE


CALLBACK = {
    "eventName": "checkout.payment.success",
    "amount": 5000,
    "channelCode": "GCASH_URL",
    "mchOrderId": "CCVA1653350151938813",
    "createTime": "2022-05-31 09:38:06",
    "remark": "gcash payment",
    "sign": "xxxxxxxxxxxxx",
    "returnTime": "2022-05-31 09:38:06",
    "transactionId": "C1032653961085706055",
    "transactionStatus": "COMPLETE",
}


@pytest.mark.parametrize(
    ("event_name", "text", "status"),
    [
        ("checkout.payment.success", "COMPLETE", TransactionStatus.COMPLETE),
        ("checkout.payment.failed", "FAILED", TransactionStatus.FAILED),
    ],
)
def test_the_documented_callbacks_parse(event_name: str, text: str, status: TransactionStatus) -> None:
    body = {**CALLBACK, "eventName": event_name, "transactionStatus": text}
    event = structure(body, CheckoutSettled)
    assert event.raw == body
    assert (event.event_name, event.transaction_status, event.amount) == (event_name, status, 5000)
    assert event.return_time == datetime(2022, 5, 31, 9, 38, 6, tzinfo=MANILA)
    assert event.checkout_id is None


def test_undocumented_fields_of_the_callback_are_known_where_they_come() -> None:
    body = {**CALLBACK, "checkoutId": "CH2028445694599102464", "currency": "PHP", "channelType": "EWALLET"}
    event = structure(body, CheckoutSettled)
    assert (event.checkout_id, event.currency) == ("CH2028445694599102464", "PHP")
    assert event.channel_type is CheckoutChannelType.EWALLET
    # the table of 9.5 names web payment's events: under such a name it is a web payment's event that arrives
    assert structure({**body, "eventName": "h5.payment.success"}, WebPaymentSettled).checkout_id == event.checkout_id
    assert CheckoutSettled.__event_names__ == ("checkout.payment.success", "checkout.payment.failed")
