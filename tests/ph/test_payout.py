"""Payouts: created, inquired, resolved after an unclear outcome, waited for."""

from __future__ import annotations

import copy
import json
from typing import Any

import attrs
import pytest

from paycools_async import (
    CreatePayout,
    DuplicateOrder,
    InvalidRequest,
    NotFound,
    OrderConflict,
    Outcome,
    OutcomeUnknown,
    PayCoolsPH,
    PayoutReceipt,
    PayoutStatus,
    StillPending,
    TransactionStatus,
)
from paycools_async.batch.ledger.payload import body_of, own_idempotency_id
from paycools_async.converters import unstructure
from paycools_async.ph.payout import idempotency_id_for
from paycools_async.testing import FakePayCools


def order(mch_order_id: str = "ORDER0000001", **changes: Any) -> CreatePayout:
    fields: dict[str, Any] = {
        "mch_order_id": mch_order_id,
        "amount": 50010,
        "pay_method_code": "EWALLET",
        "ewallet_code": "GCASH",
        "account_no": "09171234567",
        "account_name": "Juan Dela Cruz",
    }
    return CreatePayout(**{**fields, **changes})


async def test_a_payout_is_created_and_becomes_final(paycools: PayCoolsPH, fake: FakePayCools) -> None:
    fake.payouts.settle_after = 30
    receipt = await paycools.send(order())
    assert receipt.transaction_status is TransactionStatus.PENDING
    status = await paycools.payouts.query(mch_order_id="ORDER0000001")
    assert (status.transaction_status, status.amount) == (TransactionStatus.PENDING, 50010)
    final = await paycools.payouts.wait_until_final("ORDER0000001")
    assert final.transaction_status is TransactionStatus.COMPLETE
    assert final.transaction_id == receipt.transaction_id
    assert final.return_time is not None
    assert final.return_time.utcoffset() is not None


async def test_waiting_ends_with_still_pending(paycools: PayCoolsPH, fake: FakePayCools) -> None:
    fake.payouts.settle_after = 1000
    await paycools.send(order())
    with pytest.raises(StillPending) as caught:
        await paycools.payouts.wait_until_final("ORDER0000001", within=60)
    assert caught.value.outcome is Outcome.ACCEPTED


async def test_the_same_order_twice_is_a_duplicate(paycools: PayCoolsPH, fake: FakePayCools) -> None:
    await paycools.send(order())
    with pytest.raises(DuplicateOrder) as caught:
        await paycools.send(order())
    assert caught.value.outcome is Outcome.DUPLICATE
    assert len(fake.payouts.paid) == 1


@pytest.mark.parametrize("fault", ["drop_after", "garbage"])
async def test_an_unclear_payout_that_got_through_is_found_and_not_sent_again(
    paycools: PayCoolsPH, fake: FakePayCools, fault: str
) -> None:
    getattr(fake.faults, fault)(next=1)
    with pytest.raises(OutcomeUnknown) as caught:
        await paycools.send(order())
    assert fake.requests["ph.payout.create"] == 1
    found = await paycools.payouts.resolve(caught.value.request)
    assert isinstance(found, PayoutStatus)
    assert fake.requests["ph.payout.create"] == 1
    assert [payout.order_id for payout in fake.payouts.paid] == ["ORDER0000001"]


@pytest.mark.parametrize("fault", ["drop_before", "http_status", "busy"])
async def test_an_unclear_payout_that_did_not_get_through_is_sent_again_under_the_same_ids(
    paycools: PayCoolsPH, fake: FakePayCools, fault: str
) -> None:
    getattr(fake.faults, fault)(next=1)
    with pytest.raises(OutcomeUnknown) as caught:
        await paycools.send(order())
    found = await paycools.payouts.resolve(caught.value.request, absent_after=5, resend=True)
    assert isinstance(found, PayoutReceipt)
    assert fake.clock.monotonic() == 35.0, "the call's 30 seconds and the 5 after which it counts as absent"
    assert fake.requests["ph.payout.query"] >= 2, "absent only after two inquiries"
    assert [(p.order_id, p.idempotency_id) for p in fake.payouts.paid] == [("ORDER0000001", "ORDER0000001")]


async def test_resolve_does_not_send_again_unless_asked_and_says_what_to_do(
    paycools: PayCoolsPH, fake: FakePayCools
) -> None:
    with pytest.raises(NotFound, match="never pay it under another id; resolve") as caught:
        await paycools.payouts.resolve(order())
    assert caught.value.outcome is Outcome.UNKNOWN
    assert str(caught.value).startswith("ph.payout.create ORDER0000001: 1008 absent in two inquiries, the last 90 ")
    assert fake.clock.monotonic() == 90.0
    assert "ph.payout.create" not in fake.requests


async def test_a_lagging_inquiry_never_leads_to_a_second_payment(paycools: PayCoolsPH, fake: FakePayCools) -> None:
    fake.payouts.inquiry_lag = 60
    fake.faults.drop_after(next=1)
    with pytest.raises(OutcomeUnknown) as caught:
        await paycools.send(order())
    with pytest.raises(DuplicateOrder):
        await paycools.payouts.resolve(caught.value.request, absent_after=5, resend=True)
    assert len(fake.payouts.paid) == 1


async def test_another_amount_under_the_same_order_id_is_a_conflict(paycools: PayCoolsPH, fake: FakePayCools) -> None:
    await paycools.send(order())
    with pytest.raises(OrderConflict):
        await paycools.payouts.resolve(order(amount=50011))
    assert len(fake.payouts.paid) == 1


def test_every_broken_rule_is_named_at_once() -> None:
    with pytest.raises(InvalidRequest) as caught:
        order("A_1", amount=99, account_no="0917123456", account_name="Juan 2nd", ewallet_code=None)
    assert [error.field for error in caught.value.errors] == [
        "mch_order_id",
        "amount",
        "account_name",
        "ewallet_code",
        "account_no",
    ]


@pytest.mark.parametrize("given", ["09171234567", "639171234567", "+639171234567"])
def test_mobile_numbers_take_the_documented_form(given: str) -> None:
    assert order(account_no=given).account_no == "09171234567"


@pytest.mark.parametrize("given", ["9171234567", "+63917123456", "0917123456789", "0917 1234567", "+6591234567"])
def test_mobile_numbers_are_never_padded_or_cut(given: str) -> None:
    with pytest.raises(InvalidRequest, match="account_no"):
        order(account_no=given)


def test_the_idempotency_id_follows_from_the_order_id() -> None:
    assert order("ORDER0000001").idempotency_id == "ORDER0000001"
    short = order("A1").idempotency_id
    assert short == order("A1").idempotency_id
    assert len(short) == 30
    assert short != order("A2").idempotency_id


def test_no_other_order_travels_with_the_idempotency_id_that_was_made_for_the_first() -> None:
    first: Any = order("ORDER0000001")
    past_the_constructor = copy.copy(first)
    object.__setattr__(past_the_constructor, "mch_order_id", "A2")  # as attrs.assoc does it
    whole = {**attrs.asdict(first), "mch_order_id": "A2"}
    for request in (attrs.evolve(first, mch_order_id="A2"), CreatePayout(**whole), past_the_constructor):
        assert unstructure(request)["idempotencyId"] == idempotency_id_for("A2")
        assert json.loads(body_of(request))["idempotency_id"] == idempotency_id_for("A2")
        assert own_idempotency_id(request) == idempotency_id_for("A2")


def test_one_that_is_handed_on_alone_is_refused_for_nobody_knows_what_is_meant() -> None:
    first: Any = order("ORDER0000001")
    given = attrs.asdict(first, filter=lambda field, value: value is not None and field.name != "mch_order_id")
    for fields in (given, {"idempotency_id": first.idempotency_id}):
        with pytest.raises(InvalidRequest, match="idempotency_id: was made for another order: leave it out"):
            order("ORDER0000002", **fields)
        assert order("ORDER0000001", **fields) == first
    shared = order("ORDER0000002", idempotency_id=str(first.idempotency_id))
    assert shared.idempotency_id == "ORDER0000001", "only one of the two is paid, as was asked for"


def test_an_id_that_was_made_is_checked_where_it_is_used_as_another() -> None:
    made: Any = type(order("ORDER0000001").idempotency_id)
    with pytest.raises(InvalidRequest, match="mch_order_id: letters and digits only"):
        order(made("bad id!!"))
    with pytest.raises(InvalidRequest, match="idempotency_id: was made for another order"):
        order("A1", idempotency_id=made("bad id!!"))
