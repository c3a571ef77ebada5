"""CPM (cpm.1 to cpm.3): the customer's shown code is charged, inquired and notified."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import paycools_async.testing.ph.payments  # noqa: F401 - the fake learns to play
from paycools_async import InvalidRequest, NotFound, Outcome, OutcomeUnknown, PayCoolsPH, TransactionStatus
from paycools_async.converters import structure
from paycools_async.errors import InvalidParameter, OrderConflict, UnverifiedEndpointWarning
from paycools_async.ph.cpm import CPM, CPMPayment, CPMReceipt, CPMSettled, CreateCPMPayment
from paycools_async.testing import FakePayCools, ManualClock
from paycools_async.testing.server.payments import PaymentRecords

pytestmark = pytest.mark.filterwarnings("ignore::paycools_async.errors.UnverifiedEndpointWarning")
MANILA = ZoneInfo("Asia/Manila")


@pytest.fixture
def cpm(paycools: PayCoolsPH) -> CPM:
    return CPM(paycools)


def charge(mch_order_id: str = "TILL0001", **changes: Any) -> CreateCPMPayment:
    fields: dict[str, Any] = {
        "mch_order_id": mch_order_id,
        "amount": 12345,
        "auth_code": "281234567890123456",
        "callback_url": "https://shop.example/notify",
    }
    return CreateCPMPayment(**{**fields, **changes})


async def test_a_shown_code_is_charged_at_once(paycools: PayCoolsPH, cpm: CPM, fake: FakePayCools) -> None:
    receipt = await paycools.send(charge(remark="till 7"))
    assert receipt.raw["status"] == "SUCCESS", "the word of this product"
    assert receipt.status is TransactionStatus.COMPLETE
    assert receipt.paid_time == datetime(2026, 1, 1, 8, 0, tzinfo=MANILA)
    payment = await cpm.query(mch_order_id="TILL0001")
    assert (payment.transaction_status, payment.transaction_amount) == (TransactionStatus.COMPLETE, 12345)
    event = structure(json.loads(fake.merchant.due_callbacks()[0]), CPMSettled)
    assert (event.event_name, event.transaction_id, event.remark) == (
        "cpm.payment.success",
        payment.transaction_id,
        "till 7",
    )


async def test_a_refused_code_fails(paycools: PayCoolsPH, fake: FakePayCools) -> None:
    receipt = await paycools.send(charge(auth_code="281234567890120000"))
    assert (receipt.status, receipt.paid_time) == (TransactionStatus.FAILED, None)
    event = structure(json.loads(fake.merchant.due_callbacks()[0]), CPMSettled)
    assert (event.event_name, event.failed_code) == ("cpm.payment.failed", -10004)


async def test_a_slow_charge_is_pending_first(
    paycools: PayCoolsPH, cpm: CPM, fake: FakePayCools, clock: ManualClock
) -> None:
    fake.merchant.of(PaymentRecords).settle_after = 10
    assert (await paycools.send(charge())).status is TransactionStatus.PENDING
    clock.advance(10)
    assert (await cpm.query(mch_order_id="TILL0001")).transaction_status is TransactionStatus.COMPLETE


async def test_a_code_is_good_for_one_charge(paycools: PayCoolsPH) -> None:
    await paycools.send(charge())
    with pytest.raises(InvalidParameter) as caught:
        await paycools.send(charge("TILL0002"))
    assert caught.value.field == "authCode"


async def test_an_unclear_charge_that_got_through_is_found(paycools: PayCoolsPH, cpm: CPM, fake: FakePayCools) -> None:
    fake.faults.drop_after(next=1)
    with pytest.raises(OutcomeUnknown) as caught:
        await paycools.send(charge())
    found = await cpm.resolve(caught.value.request)
    assert (found.transaction_status, found.transaction_amount) == (TransactionStatus.COMPLETE, 12345)
    assert fake.requests["ph.cpm.create"] == 1


async def test_an_unclear_charge_that_did_not_get_through_is_not_found_and_not_repeated(
    paycools: PayCoolsPH, cpm: CPM, fake: FakePayCools
) -> None:
    fake.faults.drop_before(next=1)
    with pytest.raises(OutcomeUnknown) as caught:
        await paycools.send(charge())
    with pytest.raises(NotFound, match="never pay it under another id; look again later") as absent:
        await cpm.resolve(caught.value.request)
    assert absent.value.outcome is Outcome.UNKNOWN
    assert fake.requests["ph.cpm.create"] == 1
    assert fake.requests["ph.cpm.query"] >= 2


async def test_another_amount_under_the_same_order_id_is_a_conflict(paycools: PayCoolsPH, cpm: CPM) -> None:
    await paycools.send(charge())
    with pytest.raises(OrderConflict):
        await cpm.resolve(charge(amount=12346))


async def test_the_inquirys_method_is_inferred_and_warns_once(paycools: PayCoolsPH, cpm: CPM) -> None:
    await paycools.send(charge())
    with pytest.warns(UnverifiedEndpointWarning, match="ph.cpm.query"):
        await cpm.query(mch_order_id="TILL0001")


@pytest.mark.parametrize("given", ["09171234567", "639171234567", "+639171234567"])
def test_mobile_numbers_take_the_documented_form(given: str) -> None:
    assert charge(mobile=given).mobile == "09171234567"


@pytest.mark.parametrize("given", ["0917123456", "+6591234567", "091712345678901", "0917-1234567"])
def test_other_mobile_numbers_are_refused(given: str) -> None:
    with pytest.raises(InvalidRequest, match="mobile"):
        charge(mobile=given)


def test_the_shown_code_is_hidden() -> None:
    assert "281234567890123456" not in repr(charge())


RECEIPT = {
    "mchOrderId": "ABAC2023060512457",
    "channelCode": "GCASH_CPM",
    "createTime": "2023-06-05 16:11:29",
    "paidTime": "2023-06-05 16:11:57",
    "remark": None,
    "status": "SUCCESS",
}
CALLBACK = {
    "eventName": "cpm.payment.success",
    "amount": 503700,
    "channelCode": "GCASH_CPM",
    "mchOrderId": "CCVA1653350151938813",
    "createTime": "2022-05-31 09:38:06",
    "remark": "cpm payment",
    "sign": "xxxxxxxxxxxxx",
    "returnTime": "2022-05-31 09:38:06",
    "transactionId": "C1032653961085706055",
    "transactionStatus": "COMPLETE",
}


def test_the_documented_receipt_parses() -> None:
    receipt = structure(RECEIPT, CPMReceipt)
    assert receipt.raw == RECEIPT
    assert receipt == CPMReceipt(
        mch_order_id="ABAC2023060512457",
        status=TransactionStatus.COMPLETE,
        channel_code="GCASH_CPM",
        create_time=datetime(2023, 6, 5, 16, 11, 29, tzinfo=MANILA),
        paid_time=datetime(2023, 6, 5, 16, 11, 57, tzinfo=MANILA),
    )


def test_the_documented_fields_of_an_inquiry_parse() -> None:
    data = {
        "transactionId": "C1007654524064590031",
        "channelCode": "GCASH_CPM",
        "transactionCreateTime": "2023-06-05 16:11:29",
        "transactionReturnTime": "2023-06-05 16:11:57",
        "transactionAmount": 100000,
        "transactionStatus": "COMPLETE",
        "remark": None,
    }
    payment = structure(data, CPMPayment)
    assert payment.raw == data
    assert (payment.transaction_id, payment.transaction_amount) == ("C1007654524064590031", 100000)
    assert payment.transaction_return_time == datetime(2023, 6, 5, 16, 11, 57, tzinfo=MANILA)


def test_the_documented_callback_parses() -> None:
    event = structure(CALLBACK, CPMSettled)
    assert event.raw == CALLBACK
    assert (event.amount, event.transaction_status) == (503700, TransactionStatus.COMPLETE)
    assert (event.mch_order_id, event.transaction_id) == ("CCVA1653350151938813", "C1032653961085706055")
