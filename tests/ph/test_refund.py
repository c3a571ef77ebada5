"""Refunds (8.1 to 8.3): made, refused by the rules, listed, resolved after an unclear outcome."""

from __future__ import annotations

import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import paycools_async.testing.ph.payments
import paycools_async.testing.ph.refund  # noqa: F401 - the fake learns to play
from paycools_async import ApiError, DuplicateOrder, InvalidRequest, NotFound, Outcome, OutcomeUnknown, PayCoolsPH
from paycools_async.converters import structure
from paycools_async.errors import OrderConflict, RefundRefused, TransientError
from paycools_async.ph.codes import FailedCode
from paycools_async.ph.refund import (
    CreateRefund,
    GetRefundPayments,
    RefundReceipt,
    RefundRecord,
    Refunds,
    RefundSettled,
    RefundStatus,
)
from paycools_async.ph.web_payment import WebPayments
from paycools_async.testing import FakePayCools, ManualClock
from paycools_async.testing.server.refunds import RefundRecords

MANILA = ZoneInfo("Asia/Manila")
URL = "https://shop.example/notify"


@pytest.fixture
def refunds(paycools: PayCoolsPH) -> Refunds:
    return Refunds(paycools)


@pytest.fixture
def rules(fake: FakePayCools) -> RefundRecords:
    return fake.merchant.of(RefundRecords)


@pytest.fixture
async def unpaid(paycools: PayCoolsPH) -> str:
    """PayCools' id of a web payment of PHP 100.00 that nobody has paid yet."""
    created = await WebPayments(paycools).create(
        mch_order_id="ORDER1",
        amount=10000,
        channel_code="GCASH_URL",
        email="juan@example.com",
        mobile="09171234567",
        callback_url=URL,
        redirect_url=URL,
    )
    return created.transaction_id


@pytest.fixture
async def paid(unpaid: str, fake: FakePayCools) -> str:
    """PayCools' id of a completed payment of PHP 100.00."""
    await fake.pay(unpaid, 10000)
    fake.merchant.due_callbacks()
    return unpaid


def refund(transaction_id: str, mch_refund_order_id: str = "REFUND1", **changes: Any) -> CreateRefund:
    fields: dict[str, Any] = {
        "mch_refund_order_id": mch_refund_order_id,
        "original_transaction_id": transaction_id,
        "refund_amount": 10000,
        "refund_callback_url": URL,
    }
    return CreateRefund(**{**fields, **changes})


async def test_a_payment_is_refunded_and_the_merchant_is_told(
    paycools: PayCoolsPH, refunds: Refunds, rules: RefundRecords, fake: FakePayCools, clock: ManualClock, paid: str
) -> None:
    rules.settle_after = 60
    balance = fake.merchant.balance
    receipt = await paycools.send(refund(paid, refund_amount=4000, refund_reason="wrong size"))
    assert (receipt.refund_status, receipt.refund_amount) == (RefundStatus.PENDING, 4000)
    (record,) = await refunds.payments(original_transaction_id=paid)
    assert record.refund_status is RefundStatus.PENDING
    assert fake.merchant.due_callbacks() == []

    clock.advance(60)

    (record,) = await refunds.payments(refund_transaction_id=receipt.refund_transaction_id)
    assert (record.refund_status, record.mch_refund_order_id) == (RefundStatus.COMPLETE, "REFUND1")
    assert (record.refund_amount, record.fee_refunded, record.refund_reason) == (4000, 0, "wrong size")
    assert fake.merchant.balance == balance - 4000
    event = structure(json.loads(fake.merchant.due_callbacks()[0]), RefundSettled)
    assert (event.event_name, event.refund_status) == ("payment.refund.success", RefundStatus.COMPLETE)
    assert (event.original_transaction_id, event.refund_amount) == (paid, 4000)


async def code_of(paycools: PayCoolsPH, request: CreateRefund) -> tuple[type[ApiError], int]:
    with pytest.raises(ApiError) as caught:
        await paycools.send(request)
    return type(caught.value), caught.value.code


async def test_refunds_stay_within_what_was_paid(paycools: PayCoolsPH, rules: RefundRecords, paid: str) -> None:
    await paycools.send(refund(paid, "PART1", refund_amount=6000))
    assert await code_of(paycools, refund(paid, "PART2", refund_amount=4001)) == (RefundRefused, 1506)
    await paycools.send(refund(paid, "PART3", refund_amount=4000))
    assert await code_of(paycools, refund(paid, "PART4", refund_amount=1)) == (RefundRefused, 1506)


async def test_a_failed_refund_can_be_made_again(paycools: PayCoolsPH, rules: RefundRecords, paid: str) -> None:
    rules.decide = lambda refund: ("FAILED", -10010, "Channel Refund Failed")
    await paycools.send(refund(paid, "FIRST"))
    rules.decide = lambda refund: ("COMPLETE", None, None)
    await paycools.send(refund(paid, "SECOND"))
    records = await Refunds(paycools).payments(original_transaction_id=paid)
    assert [(r.mch_refund_order_id, r.refund_status, r.failed_code) for r in records] == [
        ("FIRST", RefundStatus.FAILED, FailedCode.CHANNEL_REFUND_FAILED),
        ("SECOND", RefundStatus.COMPLETE, None),
    ]


async def test_an_unknown_payment_cannot_be_refunded(paycools: PayCoolsPH) -> None:
    assert await code_of(paycools, refund("C1175676368800878371")) == (NotFound, 1501)


async def test_an_unpaid_payment_cannot_be_refunded(paycools: PayCoolsPH, unpaid: str) -> None:
    assert await code_of(paycools, refund(unpaid)) == (RefundRefused, 1516)


async def test_after_60_days_nothing_is_refunded(paycools: PayCoolsPH, clock: ManualClock, paid: str) -> None:
    clock.advance(60 * 86_400)
    await paycools.send(refund(paid, "LAST", refund_amount=1))
    clock.advance(1)
    assert await code_of(paycools, refund(paid, "LATE", refund_amount=1)) == (RefundRefused, 1509)


@pytest.mark.parametrize(
    ("rule", "amount", "code"), [("none", 10000, 1507), ("whole", 1, 1511), ("whole", 10001, 1512)]
)
async def test_a_channel_has_its_own_rules(
    paycools: PayCoolsPH, rules: RefundRecords, paid: str, rule: Any, amount: int, code: int
) -> None:
    rules.rules["GCASH_URL"] = rule
    assert await code_of(paycools, refund(paid, refund_amount=amount)) == (RefundRefused, code)


async def test_a_channel_may_allow_one_refund_only(paycools: PayCoolsPH, rules: RefundRecords, paid: str) -> None:
    rules.rules["GCASH_URL"] = "once"
    await paycools.send(refund(paid, "FIRST", refund_amount=1))
    assert await code_of(paycools, refund(paid, "SECOND", refund_amount=1)) == (RefundRefused, 1508)


async def test_refunds_can_be_switched_off(paycools: PayCoolsPH, rules: RefundRecords, paid: str) -> None:
    rules.allowed = False
    assert await code_of(paycools, refund(paid)) == (RefundRefused, 1505)


async def test_a_refund_on_its_way_is_said_to_be(paycools: PayCoolsPH, rules: RefundRecords, paid: str) -> None:
    rules.settle_after = 60
    await paycools.send(refund(paid, "FIRST"))
    assert await code_of(paycools, refund(paid, "SECOND")) == (RefundRefused, 1502)


async def test_the_same_refund_id_twice_is_a_duplicate(paycools: PayCoolsPH, rules: RefundRecords, paid: str) -> None:
    await paycools.send(refund(paid, refund_amount=1))
    with pytest.raises(DuplicateOrder) as caught:
        await paycools.send(refund(paid, refund_amount=1))
    assert (caught.value.code, caught.value.outcome) == (1515, Outcome.DUPLICATE)
    assert len(rules.by_id) == 1


async def test_1503_leaves_the_outcome_unknown_and_is_not_repeated(
    paycools: PayCoolsPH, refunds: Refunds, rules: RefundRecords, fake: FakePayCools, paid: str
) -> None:
    """ "System error, please contact PayCools": the refund may have been made all the same."""
    fake.faults.busy(1503, next=1, only="ph.refund.create", processed=True)
    with pytest.raises(OutcomeUnknown) as caught:
        await paycools.send(refund(paid))
    assert isinstance(caught.value.__cause__, TransientError)
    assert caught.value.__cause__.code == 1503
    assert fake.requests["ph.refund.create"] == 1
    found = await refunds.resolve(caught.value.request)
    assert isinstance(found, RefundRecord)
    assert found.mch_refund_order_id == "REFUND1"
    assert fake.requests["ph.refund.create"] == 1
    assert list(rules.by_id) == ["REFUND1"]


@pytest.mark.parametrize("fault", ["drop_before", "http_status", "busy"])
async def test_an_unclear_refund_that_did_not_get_through_is_sent_again_under_the_same_id(
    paycools: PayCoolsPH, refunds: Refunds, rules: RefundRecords, fake: FakePayCools, paid: str, fault: str
) -> None:
    getattr(fake.faults, fault)(next=1, only="ph.refund.create")
    with pytest.raises(OutcomeUnknown) as caught:
        await paycools.send(refund(paid))
    found = await refunds.resolve(caught.value.request, resend=True)
    assert isinstance(found, RefundReceipt)
    assert fake.requests["ph.refund.payments"] >= 2, "absent only after two inquiries"
    assert list(rules.by_id) == ["REFUND1"]


async def test_resolve_finds_its_own_refund_among_others(paycools: PayCoolsPH, refunds: Refunds, paid: str) -> None:
    await paycools.send(refund(paid, "OTHER", refund_amount=4000))
    with pytest.raises(NotFound):
        await refunds.resolve(refund(paid, "MINE", refund_amount=4000), resend=False)
    await paycools.send(refund(paid, "MINE", refund_amount=4000))
    found = await refunds.resolve(refund(paid, "MINE", refund_amount=4000), resend=False)
    assert isinstance(found, RefundRecord)
    assert found.mch_refund_order_id == "MINE"


async def test_another_amount_under_the_same_refund_id_is_a_conflict(
    paycools: PayCoolsPH, refunds: Refunds, paid: str
) -> None:
    await paycools.send(refund(paid, refund_amount=4000))
    with pytest.raises(OrderConflict, match="amount 4000, ours is 4001"):
        await refunds.resolve(refund(paid, refund_amount=4001))


async def test_what_was_paid_to_a_qr_code_goes_back_too(
    paycools: PayCoolsPH, refunds: Refunds, fake: FakePayCools
) -> None:
    code = await paycools.qr.create(
        mch_order_id="QR1", channel_code="QRPH_DYNAMIC_QR", customer_name="Juan Dela Cruz", amount=10000
    )
    assert code.qrcode_content is not None
    received = await fake.pay(code.qrcode_content, 10000)
    await paycools.send(refund(received["transactionId"], refund_amount=4000))
    with pytest.raises(RefundRefused):
        await paycools.send(refund(received["transactionId"], "REFUND2", refund_amount=6001))
    [record] = await refunds.payments(original_transaction_id=received["transactionId"])
    assert (record.refund_amount, record.refund_status) == (4000, RefundStatus.COMPLETE)


async def test_a_payment_without_refunds_has_none(refunds: Refunds, fake: FakePayCools, paid: str) -> None:
    assert await refunds.payments(original_transaction_id=paid) == []
    fake.faults.busy(1008, next=1)
    assert await refunds.find("REFUND1", original_transaction_id=paid) is None


def test_a_listing_needs_one_of_the_two_ids() -> None:
    with pytest.raises(InvalidRequest, match="give original_transaction_id or refund_transaction_id"):
        GetRefundPayments()


def test_every_broken_rule_is_named_at_once() -> None:
    with pytest.raises(InvalidRequest) as caught:
        refund("", "R-1", refund_amount=0, refund_callback_url="shop")
    assert [error.field for error in caught.value.errors] == [
        "mch_refund_order_id",
        "original_transaction_id",
        "refund_amount",
        "refund_callback_url",
    ]
