"""QR codes: created, shown, paid, changed, cancelled."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from paycools_async import (
    ChannelUnavailable,
    DuplicateOrder,
    InvalidParameter,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    PayCoolsPH,
    Provenance,
    Purpose,
    TransactionStatus,
    UnverifiedEndpointWarning,
    endpoints,
)
from paycools_async.converters import structure, unstructure
from paycools_async.ph.qrcode import QR, CreateQR, QRChannel, QRCode, QRPaymentSettled, QRStatus, UpdateQR
from paycools_async.testing import FakePayCools, ManualClock
from paycools_async.testing.server.merchant import Refusal

PHT = timezone(timedelta(hours=8))
TODAY = {"start_date": "2026-01-01", "end_date": "2026-01-01"}


def a_code(channel: Any = QRChannel.STATIC, **changes: Any) -> CreateQR:
    fields = {"mch_order_id": "TABLE7", "channel_code": channel, "customer_name": "Juan Dela Cruz"}
    return CreateQR(**{**fields, **changes})


async def test_a_static_code_is_paid_twice_and_then_cancelled(
    paycools: PayCoolsPH, fake: FakePayCools, clock: ManualClock
) -> None:
    qr = QR(paycools)
    code = await qr.create(
        mch_order_id="TABLE7", channel_code=QRChannel.STATIC, customer_name="Juan Dela Cruz", remark="table 7"
    )
    assert (code.status, code.channel_code, code.remark) == (QRStatus.ACTIVE, "QRPH_STATIC_QR", "table 7")
    assert code.create_time == datetime(2026, 1, 1, 8, 0, tzinfo=PHT)
    assert code.qrcode_content is not None

    await fake.pay(code.qrcode_id, 50010)
    clock.advance(5)
    await fake.pay(code.qrcode_content, 700)
    first, second = (structure(json.loads(body), QRPaymentSettled) for body in fake.merchant.due_callbacks())
    assert (first.event_name, first.mch_order_id, first.amount) == ("qrcode.payment.success", "TABLE7", 50010)
    assert (second.amount, second.return_time) == (700, datetime(2026, 1, 1, 8, 0, 5, tzinfo=PHT))
    assert first.transaction_id != second.transaction_id
    assert first.transaction_status is TransactionStatus.COMPLETE
    assert (first.channel_code, first.remark, first.failed_code) == ("QRPH_STATIC_QR", "table 7", None)

    payments = await qr.payments(mch_order_id="TABLE7", **TODAY)
    assert [(p.transaction_id, p.transaction_amount) for p in payments] == [
        (first.transaction_id, 50010),
        (second.transaction_id, 700),
    ]
    assert await qr.payments(mch_order_id="TABLE7", start_date="2026-01-02", end_date="2026-01-02") == []

    assert (await qr.cancel(mch_order_id="TABLE7")).status is QRStatus.INACTIVE
    with pytest.raises(Refusal, match="no payments any more"):
        await fake.pay(code.qrcode_id, 50010)
    assert fake.merchant.due_callbacks() == []


async def test_a_dynamic_code_takes_its_amount_once(paycools: PayCoolsPH, fake: FakePayCools) -> None:
    code = await paycools.send(a_code(QRChannel.DYNAMIC, amount=50010))
    with pytest.raises(Refusal) as refused:
        await fake.pay(code.qrcode_id, 50000)
    assert refused.value.code == 1007
    await fake.pay(code.qrcode_id, 50010)
    with pytest.raises(Refusal, match="no payments any more"):
        await fake.pay(code.qrcode_id, 50010)


@pytest.mark.parametrize(("given", "lives"), [({"expire_seconds": 60}, 60), ({}, 3600)])
async def test_a_dynamic_code_expires(
    paycools: PayCoolsPH, fake: FakePayCools, clock: ManualClock, given: dict[str, int], lives: int
) -> None:
    code = await paycools.send(a_code(QRChannel.DYNAMIC, amount=50010, **given))
    clock.advance(lives)
    with pytest.raises(Refusal, match="no payments any more"):
        await fake.pay(code.qrcode_id, 50010)


async def test_the_detail_is_found_at_an_inferred_path_and_says_so(paycools: PayCoolsPH) -> None:
    qr = QR(paycools)
    made = await paycools.send(a_code())
    with pytest.warns(UnverifiedEndpointWarning, match="/api/v1/qrcode/detail is inferred"):
        shown = await qr.detail(mch_order_id="TABLE7")
    assert shown == made


@pytest.mark.filterwarnings("ignore::paycools_async.UnverifiedEndpointWarning")
async def test_an_unclear_creation_is_found_by_its_detail(paycools: PayCoolsPH, fake: FakePayCools) -> None:
    fake.faults.drop_after(next=1)
    with pytest.raises(OutcomeUnknown) as caught:
        await paycools.send(a_code())
    found = await QR(paycools).detail(mch_order_id=caught.value.request.mch_order_id)
    assert found.status is QRStatus.ACTIVE


async def test_customer_data_is_changed_and_the_rest_stays(
    paycools: PayCoolsPH, fake: FakePayCools, clock: ManualClock
) -> None:
    made = await paycools.send(a_code(callback_url="https://shop.example/one", remark="old"))
    clock.advance(60)
    changed = await QR(paycools).update(mch_order_id="TABLE7", customer_name="Ana Cruz", remark="new")
    assert (changed.qrcode_id, changed.callback_url, changed.remark) == (
        made.qrcode_id,
        "https://shop.example/one",
        "new",
    )
    assert changed.update_time == datetime(2026, 1, 1, 8, 1, tzinfo=PHT)
    await fake.pay(changed.qrcode_id, 50010)


async def test_an_order_id_makes_one_code_only(paycools: PayCoolsPH) -> None:
    await paycools.send(a_code())
    with pytest.raises(DuplicateOrder) as caught:
        await paycools.send(a_code())
    assert caught.value.code == 1012


async def test_an_unknown_channel_is_1011(paycools: PayCoolsPH) -> None:
    with pytest.raises(ChannelUnavailable):
        await paycools.send(CreateQR(mch_order_id="A1", channel_code="GCASH_CPM", customer_name="Juan"))


async def test_a_dynamic_code_without_amount_is_1020(paycools: PayCoolsPH) -> None:
    fields = {"mchOrderId": "TABLE7", "channelCode": "QRPH_DYNAMIC_QR", "customerName": "Juan Dela Cruz"}
    with pytest.raises(InvalidParameter) as caught:
        await paycools.call("POST", "/api/v1/qrcode", fields, purpose=Purpose.CODE)
    assert caught.value.code == 1020


@pytest.mark.parametrize("channel", [QRChannel.DYNAMIC, "QRPH_HYBRID_QR"])
def test_a_code_that_bears_an_amount_is_not_sent_without_it(channel: Any) -> None:
    with pytest.raises(InvalidRequest, match="amount: is required for dynamic and hybrid codes"):
        a_code(channel)


@pytest.mark.filterwarnings("ignore::paycools_async.UnverifiedEndpointWarning")
async def test_an_unknown_order_id_is_not_found(paycools: PayCoolsPH) -> None:
    qr = QR(paycools)
    with pytest.raises(NotFound):
        await qr.detail(mch_order_id="NOBODY")
    with pytest.raises(NotFound):
        await qr.cancel(mch_order_id="NOBODY")
    with pytest.raises(NotFound):
        await qr.update(mch_order_id="NOBODY", customer_name="Juan")
    with pytest.raises(NotFound):
        await qr.payments(mch_order_id="NOBODY", **TODAY)


# Traps


@pytest.mark.parametrize("name", ["qrcodeId", "qrCodeId"])
def test_trap_the_id_is_spelled_qrcode_id_or_qr_code_id(name: str) -> None:
    assert structure({name: "QR1007656756764275140"}, QRCode).qrcode_id == "QR1007656756764275140"


# Rules


def test_the_longer_of_two_documented_lengths_is_taken() -> None:
    widest = {"customer_name": "J" * 128, "email": "j" * 121 + "@x.test", "remark": "r" * 256}
    assert unstructure(a_code(**widest))["customerName"] == "J" * 128
    assert UpdateQR(mch_order_id="TABLE7", **widest).customer_name == "J" * 128
    with pytest.raises(InvalidRequest) as caught:
        a_code(**{name: value + "x" for name, value in widest.items()})
    assert [error.field for error in caught.value.errors] == ["customer_name", "email", "remark"]


@pytest.mark.parametrize("broken", [{"amount": 1999}, {"expire_seconds": 59}, {"expire_seconds": 3601}])
def test_amounts_and_lives_out_of_bounds_are_refused(broken: dict[str, int]) -> None:
    with pytest.raises(InvalidRequest, match=next(iter(broken))):
        a_code(**broken)


def test_personal_data_is_hidden() -> None:
    shown = repr(a_code(email="juan@example.ph"))
    assert "Juan" not in shown
    assert "juan@" not in shown


def test_the_endpoints_are_those_of_the_navigation() -> None:
    found = {e.id: (e.nav, e.kind, e.provenance) for e in endpoints() if e.id.startswith("ph.qrcode.")}
    assert found == {
        "ph.qrcode.create": ("5.1", "request", Provenance.DOCUMENTED),
        "ph.qrcode.detail": ("5.2", "request", Provenance.INFERRED),
        "ph.qrcode.payments": ("5.3", "request", Provenance.DOCUMENTED),
        "ph.qrcode.cancel": ("5.4", "request", Provenance.DOCUMENTED),
        "ph.qrcode.callback": ("5.5", "callback", Provenance.DOCUMENTED),
        "ph.qrcode.update": ("5.6", "request", Provenance.DOCUMENTED),
    }
