"""7. Refunds: of a payment of any country, whole or in part, never twice."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
import support.global_samples as samples

from paycools_async import (
    ApiError,
    DuplicateOrder,
    InvalidRequest,
    NotFound,
    OrderConflict,
    OutcomeUnknown,
    PayCoolsGlobal,
)
from paycools_async.errors import RefundRefused
from paycools_async.global_api import (
    CreateGlobalRefund,
    FailedCode,
    GetGlobalRefunds,
    GlobalRefundReceipt,
    GlobalRefundRecord,
    GlobalRefundSettled,
    RefundStatus,
)
from paycools_async.testing import FakePayCools, ManualClock
from paycools_async.testing.server.refunds import RefundRecords
from paycools_async.times import MANILA

URL = "https://shop.example/refunded"


@pytest.fixture
def rules(fake: FakePayCools) -> RefundRecords:
    return fake.global_merchant.of(RefundRecords)


@pytest.fixture
async def unpaid(paycools: PayCoolsGlobal) -> str:
    """PayCools' id of an Indonesian payment of 100,000 rupiah that nobody has paid yet."""
    created = await paycools.indonesia.payments.create(
        mch_order_id="CART1",
        amount=100_000,
        channel_code="ID_BCA_VA",
        customer_name="Budi",
        email="budi@shop.example",
        mobile="08123456789",
        notify_url=URL,
    )
    return created.transaction_id


@pytest.fixture
async def paid(unpaid: str, fake: FakePayCools) -> str:
    await fake.pay(unpaid, 100_000)
    fake.global_merchant.due_callbacks()
    return unpaid


def refund(transaction_id: str, mch_refund_order_id: str = "REFUND1", **changes: Any) -> CreateGlobalRefund:
    fields: dict[str, Any] = {
        "mch_refund_order_id": mch_refund_order_id,
        "original_transaction_id": transaction_id,
        "refund_amount": 100_000,
        "refund_callback_url": URL,
    }
    return CreateGlobalRefund(**{**fields, **changes})


async def test_a_payment_is_refunded_and_the_merchant_is_told(
    paycools: PayCoolsGlobal, rules: RefundRecords, fake: FakePayCools, clock: ManualClock, paid: str
) -> None:
    rules.settle_after = 60
    before = (await paycools.account.balance(country_code="ID")).balance
    receipt = await paycools.send(refund(paid, refund_amount=40_000, refund_reason="wrong size"))
    assert (receipt.refund_status, receipt.refund_amount) == (RefundStatus.PENDING, 40_000)
    assert receipt.refund_create_time == datetime(2026, 1, 1, 8, tzinfo=MANILA)
    (record,) = await paycools.refunds.payments(original_transaction_id=paid)
    assert record.refund_status is RefundStatus.PENDING
    assert samples.events(fake) == []

    clock.advance(60)

    (record,) = await paycools.refunds.payments(refund_transaction_id=receipt.refund_transaction_id)
    assert (record.refund_status, record.mch_refund_order_id) == (RefundStatus.COMPLETE, "REFUND1")
    assert (await paycools.account.balance(country_code="ID")).balance == before - 40_000
    (told,) = samples.events(fake)
    event = samples.parsed(told, GlobalRefundSettled)
    assert (event.event_name, event.refund_status) == ("payment.refund.success", RefundStatus.COMPLETE)
    assert (event.original_transaction_id, event.refund_amount) == (paid, 40_000)


async def code_of(paycools: PayCoolsGlobal, request: CreateGlobalRefund) -> tuple[type[ApiError], int]:
    with pytest.raises(ApiError) as caught:
        await paycools.send(request)
    return type(caught.value), caught.value.code


async def test_what_is_refused(
    paycools: PayCoolsGlobal, rules: RefundRecords, clock: ManualClock, fake: FakePayCools, unpaid: str
) -> None:
    assert await code_of(paycools, refund("C0")) == (NotFound, 21006)
    assert await code_of(paycools, refund(unpaid)) == (RefundRefused, 21408)
    await fake.pay(unpaid, 100_000)
    assert await code_of(paycools, refund(unpaid, refund_amount=100_001)) == (RefundRefused, 21406)
    rules.rules["ID_BCA_VA"] = "whole"
    assert await code_of(paycools, refund(unpaid, refund_amount=1)) == (RefundRefused, 21405)
    rules.rules["ID_BCA_VA"] = "none"
    assert await code_of(paycools, refund(unpaid)) == (RefundRefused, 21402)
    rules.rules.clear()
    rules.settle_after = 60
    await paycools.send(refund(unpaid, "PART1", refund_amount=1))
    assert await code_of(paycools, refund(unpaid, "PART2", refund_amount=1)) == (RefundRefused, 21409)
    assert await code_of(paycools, refund(unpaid, "PART1", refund_amount=1)) == (DuplicateOrder, 21407)
    clock.advance(60 * 86_400 + 1)
    assert await code_of(paycools, refund(unpaid, "LATE", refund_amount=1)) == (RefundRefused, 21403)


@pytest.mark.parametrize("fault", ["drop_after", "garbage"])
async def test_an_unclear_refund_is_found_and_not_made_again(
    paycools: PayCoolsGlobal, rules: RefundRecords, fake: FakePayCools, paid: str, fault: str
) -> None:
    getattr(fake.faults, fault)(next=1, only="global.refund.create")
    with pytest.raises(OutcomeUnknown) as caught:
        await paycools.send(refund(paid))
    found = await paycools.refunds.resolve(caught.value.request)
    assert isinstance(found, GlobalRefundRecord)
    assert found.mch_refund_order_id == "REFUND1"
    assert fake.requests["global.refund.create"] == 1


@pytest.mark.parametrize("fault", ["drop_before", "http_status", "busy"])
async def test_an_unclear_refund_that_did_not_get_through_is_sent_again_under_the_same_id(
    paycools: PayCoolsGlobal, rules: RefundRecords, fake: FakePayCools, paid: str, fault: str
) -> None:
    getattr(fake.faults, fault)(next=1, only="global.refund.create")
    with pytest.raises(OutcomeUnknown) as caught:
        await paycools.send(refund(paid))
    found = await paycools.refunds.resolve(caught.value.request, resend=True)
    assert isinstance(found, GlobalRefundReceipt)
    assert fake.requests["global.refund.query"] >= 2, "absent only after two inquiries"
    assert list(rules.by_id) == ["REFUND1"]


async def test_another_amount_under_the_same_refund_id_is_a_conflict(paycools: PayCoolsGlobal, paid: str) -> None:
    await paycools.send(refund(paid, refund_amount=40_000))
    with pytest.raises(OrderConflict, match="amount 40000, ours is 40001"):
        await paycools.refunds.resolve(refund(paid, refund_amount=40_001))


async def test_a_refund_that_is_not_there(paycools: PayCoolsGlobal, fake: FakePayCools, paid: str) -> None:
    with pytest.raises(NotFound) as caught:
        await paycools.refunds.resolve(refund(paid), resend=False)
    assert caught.value.code == 21006
    fake.faults.busy(21006, next=1)
    assert await paycools.refunds.find("REFUND1", original_transaction_id=paid) is None


def test_every_broken_rule_is_named_at_once() -> None:
    with pytest.raises(InvalidRequest) as caught:
        refund("x" * 33, "R-1", refund_amount=0, refund_callback_url="shop", refund_reason="x" * 201)
    assert [error.field for error in caught.value.errors] == [
        "mch_refund_order_id",
        "original_transaction_id",
        "refund_amount",
        "refund_callback_url",
        "refund_reason",
    ]
    with pytest.raises(InvalidRequest, match="give original_transaction_id or refund_transaction_id"):
        GetGlobalRefunds()


# --- the documented samples -------------------------------------------------------------------------------------------


def test_the_documented_requests_are_made_again() -> None:
    samples.recreated(
        json.loads(
            '{"originalTransactionId":"CU518563189147832780","mchRefundOrderId":"refund488455057142",'
            '"refundAmount":10000,"refundReason":"testRefund","refundCallbackUrl":"http://www.test.com",'
            '"timestamp":1722415059}'
        ),
        CreateGlobalRefund,
    )
    samples.recreated(
        json.loads('{"originalTransactionId":"CU518563189147832320","timestamp":1722416882}'), GetGlobalRefunds
    )


def test_the_twins_answers_parse() -> None:
    receipt = samples.parsed(
        {
            "mchRefundOrderId": "CCP20220428011068111",
            "refundTransactionId": "R420220428004148975",
            "refundAmount": 10000,
            "refundCreateTime": "2024-04-17 18:12:46",
            "refundStatus": "PENDING",
        },
        GlobalRefundReceipt,
    )
    assert receipt.refund_create_time == datetime(2024, 4, 17, 18, 12, 46, tzinfo=MANILA)
    record = samples.parsed(
        {
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
        },
        GlobalRefundRecord,
    )
    assert (record.refund_status, record.failed_code) == (RefundStatus.FAILED, FailedCode.RECIPIENT_ACCOUNT_BLOCKED)


def test_the_documented_notification_parses() -> None:
    """Its status is COMPLETE, without the D of payments; its id holds the moment 03:38:54 UTC."""
    event = samples.parsed(
        json.loads(
            '{"eventName":"payment.refund.success","mchRefundOrderId":"18184914989277184",'
            '"originalTransactionId":"CU508022434763373688","refundAmount":10000,"feeRefunded":1000,'
            '"refundCreateTime":"2024-07-31 11:38:54","refundReturnTime":"2024-07-31 11:38:55",'
            '"refundStatus":"COMPLETE","refundTransactionId":"1818491499290169344"}'
        ),
        GlobalRefundSettled,
    )
    assert (event.refund_status, event.refund_amount, event.fee_refunded) == (RefundStatus.COMPLETE, 10000, 1000)
    assert event.refund_create_time == datetime(2024, 7, 31, 11, 38, 54, tzinfo=MANILA)
