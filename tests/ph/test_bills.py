"""Static virtual accounts: created, asked about, paid, listed, cancelled."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from paycools_async import (
    AlreadyExists,
    EndpointUnpublishedError,
    NotFound,
    OutcomeUnknown,
    PayCoolsPH,
    Provenance,
    TransactionStatus,
    endpoints,
)
from paycools_async.converters import structure
from paycools_async.ph.bills import (
    Bills,
    BillsChannel,
    BillsPaymentReceived,
    BillsPaymentVerification,
    CreateStaticVA,
    VAStatus,
    VerificationCode,
)
from paycools_async.testing import FakePayCools, ManualClock
from paycools_async.testing.server.merchant import Refusal

PHT = timezone(timedelta(hours=8))
TODAY = {"start_date": "2026-01-01", "end_date": "2026-01-01"}  # the manual clock starts at 08:00 Philippine time


def customer(**changes: Any) -> dict[str, Any]:
    fields = {"mch_order_id": "JUAN0001", "customer_name": "Juan Dela Cruz", "email": "juan@example.ph"}
    return {**fields, **changes}


def one_va(**changes: Any) -> CreateStaticVA:
    return CreateStaticVA(**customer(**{"channel_code": BillsChannel.SEVEN_ELEVEN, **changes}))


def answering(answers: list[bytes], asked: list[dict[str, Any]]) -> Callable[[bytes], Awaitable[bytes]]:
    """A merchant's handler that notes each question and gives the next answer."""

    async def handler(body: bytes) -> bytes:
        asked.append(json.loads(body))
        return answers.pop(0)

    return handler


def verdict(code: VerificationCode) -> bytes:
    return json.dumps({"code": code, "msg": code.msg}).encode()


async def test_a_static_va_is_paid_with_the_merchants_consent_and_then_cancelled(
    paycools: PayCoolsPH, fake: FakePayCools, clock: ManualClock
) -> None:
    bills = Bills(paycools)
    va = await bills.create(**customer(), channel_code=BillsChannel.SEVEN_ELEVEN, mobile="+639171234567")
    assert (va.mch_order_id, va.channel_code, va.status) == ("JUAN0001", "7ELEVEN_STATIC_VA", None)

    asked: list[dict[str, Any]] = []
    fake.merchant.ask_merchant = answering(
        [verdict(VerificationCode.ACCEPT), verdict(VerificationCode.REFUSE_AMOUNT)], asked
    )
    paid = await fake.pay(va.reference_number, 50010)
    clock.advance(60)
    with pytest.raises(Refusal) as refused:
        await fake.pay(va.reference_number, 99_999_00)
    assert refused.value.args == (1002, "The amount exceed limit")

    question = structure(asked[0], BillsPaymentVerification)
    assert (question.mch_order_id, question.reference_number) == ("JUAN0001", va.reference_number)
    assert (question.amount, question.mobile) == (50010, "09171234567")
    assert question.create_time == datetime(2026, 1, 1, 8, 0, tzinfo=PHT)

    (body,) = fake.merchant.due_callbacks()
    event = structure(json.loads(body), BillsPaymentReceived)
    assert (event.event_name, event.mch_order_id, event.amount) == ("payment.success", "JUAN0001", 50010)
    assert event.transaction_status is TransactionStatus.COMPLETE
    assert (event.channel_code, event.payment_code) == ("7ELEVEN_STATIC_VA", va.reference_number)
    assert event.transaction_id == paid["transactionId"]

    (payment,) = await bills.payments(mch_order_id="JUAN0001", **TODAY)
    assert (payment.transaction_id, payment.transaction_amount) == (event.transaction_id, 50010)
    assert payment.raw == paid

    cancelled = await bills.cancel(mch_order_id="JUAN0001")
    assert [row.status for row in cancelled.payment_va_list] == [VAStatus.INACTIVE]
    with pytest.raises(Refusal, match="no payments any more"):
        await fake.pay(va.reference_number, 50010)
    assert len(asked) == 2, "a cancelled account does not ask"
    assert fake.merchant.due_callbacks() == []


@pytest.mark.parametrize("answer", [b"", b"[]", b'{"code": "no"}', b'{"code": 1, "msg": "success"}', b'{"code": 1000}'])
async def test_the_merchant_accepts_with_2000_and_nothing_else(
    paycools: PayCoolsPH, fake: FakePayCools, answer: bytes
) -> None:
    va = await paycools.send(one_va())
    fake.merchant.ask_merchant = answering([answer], [])
    with pytest.raises(Refusal):
        await fake.pay(va.reference_number, 50010)
    assert await Bills(paycools).payments(mch_order_id="JUAN0001", **TODAY) == []
    assert fake.merchant.due_callbacks() == []


def test_the_verification_answers_are_the_documented_ones() -> None:
    assert {code.value: code.msg for code in VerificationCode} == {
        2000: "Success",
        1000: "Failed",
        1001: "The reference number do not exist",
        1002: "The amount exceed limit",
    }


async def test_limits_and_the_last_day_bind_the_customer(
    paycools: PayCoolsPH, fake: FakePayCools, clock: ManualClock
) -> None:
    va = await paycools.send(one_va(min_amount=20000, max_amount=5000000, expire_time=date(2026, 1, 2)))
    for amount in (19999, 5000001):
        with pytest.raises(Refusal) as refused:
            await fake.pay(va.reference_number, amount)
        assert refused.value.code == 1007
    clock.advance(86400)
    await fake.pay(va.reference_number, 20000)
    clock.advance(86400)
    with pytest.raises(Refusal, match="no payments any more"):
        await fake.pay(va.reference_number, 20000)


async def test_payments_are_listed_by_day_and_channel(
    paycools: PayCoolsPH, fake: FakePayCools, clock: ManualClock
) -> None:
    bills = Bills(paycools)
    made = await bills.batch_create(**customer(), channel_code=[BillsChannel.GCASH, BillsChannel.RDP])
    gcash, rdp = made.payment_va_list
    await fake.pay(gcash.reference_number, 100)
    clock.advance(86400)
    await fake.pay(rdp.reference_number, 200)

    async def amounts(**wanted: Any) -> list[int]:
        found = await bills.payments(mch_order_id="JUAN0001", **wanted)
        return [payment.transaction_amount for payment in found]

    assert await amounts(**TODAY) == [100]
    assert await amounts(start_date=date(2026, 1, 1), end_date=date(2026, 1, 2)) == [100, 200]
    assert await amounts(start_date="2026-01-01", end_date="2026-01-02", channel_code=[BillsChannel.RDP]) == [200]
    assert await amounts(start_date="2026-01-03", end_date="2026-01-03") == []


async def test_the_channels_of_a_set_are_replaced(paycools: PayCoolsPH, fake: FakePayCools) -> None:
    bills = Bills(paycools)
    made = await bills.batch_create(**customer(), channel_code="GCASH_STATIC_VA,PAYMAYA_STATIC_VA")
    changed = await bills.update(mch_order_id="JUAN0001", channel_code=["PAYMAYA_STATIC_VA", "MLH_STATIC_VA"])
    assert [row.channel_code for row in changed.payment_va_list] == ["PAYMAYA_STATIC_VA", "MLH_STATIC_VA"]
    assert changed.payment_va_list[0].reference_number == made.payment_va_list[1].reference_number
    assert changed.short_link == made.short_link
    with pytest.raises(Refusal):
        await fake.pay(made.payment_va_list[0].reference_number, 50010)


async def test_an_existing_channel_is_1017_and_a_further_one_is_not(paycools: PayCoolsPH) -> None:
    await paycools.send(one_va())
    with pytest.raises(AlreadyExists) as caught:
        await paycools.send(one_va())
    assert caught.value.code == 1017
    await paycools.send(one_va(channel_code=BillsChannel.GCASH))


async def test_an_unclear_creation_is_sent_again_and_the_account_found(
    paycools: PayCoolsPH, fake: FakePayCools
) -> None:
    bills = Bills(paycools)
    fake.faults.drop_after(next=1)
    with pytest.raises(OutcomeUnknown) as caught:
        await paycools.send(one_va())
    with pytest.raises(AlreadyExists):
        await paycools.send(caught.value.request)
    found = await bills.update(mch_order_id="JUAN0001", channel_code=BillsChannel.SEVEN_ELEVEN)
    assert [row.channel_code for row in found.payment_va_list] == ["7ELEVEN_STATIC_VA"]


async def test_an_unknown_order_id_is_not_found(paycools: PayCoolsPH) -> None:
    bills = Bills(paycools)
    with pytest.raises(NotFound):
        await bills.cancel(mch_order_id="NOBODY")
    with pytest.raises(NotFound):
        await bills.update(mch_order_id="NOBODY", channel_code=BillsChannel.GCASH)
    with pytest.raises(NotFound):
        await bills.payments(mch_order_id="NOBODY", **TODAY)


async def test_the_short_url_has_no_published_path(paycools: PayCoolsPH) -> None:
    with pytest.raises(EndpointUnpublishedError, match=r"ph\.bills\.cashier_short_url"):
        await Bills(paycools).cashier_short_url(mch_order_id="JUAN0001")


async def test_the_short_url_works_with_a_path_from_the_account_manager(key_pem: str, clock: ManualClock) -> None:
    paths = {"ph.bills.cashier_short_url": "/given/by/paycools"}
    fake = FakePayCools(clock=clock, private_key=key_pem, paths=paths)
    async with PayCoolsPH(fake.ph_credentials, transport=fake.transport(), clock=clock, paths=paths) as paycools:
        bills = Bills(paycools)
        made = await bills.batch_create(**customer(), channel_code=[BillsChannel.GCASH])
        link = await bills.cashier_short_url(mch_order_id="JUAN0001", extra={"someField": "x"})
    assert link.short_link == made.short_link


# Traps


async def test_trap_the_empty_mobile_of_a_verification_is_not_signed(paycools: PayCoolsPH, fake: FakePayCools) -> None:
    asked: list[dict[str, Any]] = []
    fake.merchant.ask_merchant = answering([verdict(VerificationCode.ACCEPT)], asked)
    va = await paycools.send(one_va())
    await fake.pay(va.reference_number, 50010)
    assert asked[0]["mobile"] == ""
    text = (
        "amount=50010&createTime=2026-01-01 08:00:00&eventName=payment.verification&mchOrderId=JUAN0001"
        f"&referenceNumber={va.reference_number}&secret={fake.merchant.secret}"
    )
    assert asked[0]["sign"] == hashlib.sha1(text.encode()).hexdigest()


def test_the_endpoints_are_those_of_the_navigation() -> None:
    bills = {e.id: (e.nav, e.kind, e.provenance) for e in endpoints() if e.id.startswith("ph.bills.")}
    assert bills == {
        "ph.bills.create": ("4.1", "request", Provenance.DOCUMENTED),
        "ph.bills.batch_create": ("4.2", "request", Provenance.DOCUMENTED),
        "ph.bills.update": ("4.3", "request", Provenance.DOCUMENTED),
        "ph.bills.cashier_short_url": ("4.4", "request", Provenance.UNPUBLISHED),
        "ph.bills.payments": ("4.5", "request", Provenance.OBSERVED),
        "ph.bills.verification": ("4.6", "callback", Provenance.DOCUMENTED),
        "ph.bills.cancel": ("4.7", "request", Provenance.DOCUMENTED),
        "ph.bills.callback": ("4.8", "callback", Provenance.OBSERVED),
    }
