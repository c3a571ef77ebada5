"""The unified payments: every country by one path."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import support.global_samples as samples

from paycools_async import (
    ApiError,
    DuplicateOrder,
    NotFound,
    OutcomeUnknown,
    PayCoolsGlobal,
    StillPending,
    TransactionStatus,
)
from paycools_async.converters import unstructure
from paycools_async.global_api import (
    ChannelType,
    ClosedUnifiedPayment,
    CloseUnifiedPayment,
    CreateUnifiedPayment,
    GlobalPaymentStatus,
    QueryUnifiedPayment,
    UnifiedGoods,
    UnifiedPaymentReceipt,
    UnifiedPaymentSettled,
)
from paycools_async.testing import FakePayCools, ManualClock

START = datetime(2026, 1, 1, tzinfo=UTC)
PAYMENT: dict[str, Any] = {
    "mch_order_id": "CART1",
    "amount": 50_010,
    "country_code": "PH",
    "channel_type": "QR",
    "channel_code": "PH_QRPH_DYNAMIC",
    "customer_name": "Juan",
    "email": "juan@shop.example",
    "mobile": "09171234567",
    "terminal_type": "WEB",
    "notify_url": "https://shop.example/paid",
}


async def test_a_payment_is_made_and_told(paycools: PayCoolsGlobal, fake: FakePayCools, clock: ManualClock) -> None:
    payments = paycools.unified.payments
    receipt = await payments.create(**PAYMENT)
    assert receipt.channel_type is ChannelType.QR
    clock.advance(30)
    await fake.pay(receipt.pay_data or "", 50_010)
    status = await payments.wait_until_final("CART1", country_code="PH")
    assert (status.transaction_status, status.amount, status.currency) == (TransactionStatus.COMPLETE, 50_010, "PHP")
    assert status.raw["transactionStatus"] == "COMPLETED"
    assert (await payments.query(transaction_id=receipt.transaction_id, country_code="PH")).mch_order_id == "CART1"
    (told,) = samples.events(fake)
    event = samples.parsed(told, UnifiedPaymentSettled)
    assert (event.event_name, event.transaction_id) == ("order.payment.success", receipt.transaction_id)
    assert event.raw["createTime"] == "2026-01-01T08:00:00+08:00"
    assert event.create_time == START
    with pytest.raises(ApiError, match="21028 Transaction already paid or closed"):
        await payments.close(mch_order_id="CART1", country_code="PH")


async def test_a_payment_is_closed_unpaid(paycools: PayCoolsGlobal, fake: FakePayCools) -> None:
    await paycools.unified.payments.create(**PAYMENT)
    closed = await paycools.unified.payments.close(mch_order_id="CART1", country_code="PH")
    assert (closed.status, closed.closed_time) == (TransactionStatus.CLOSED, START)
    status = await paycools.unified.payments.find("CART1", country_code="PH")
    assert status is not None
    assert status.transaction_status is TransactionStatus.CLOSED
    with pytest.raises(Exception, match="already paid or closed"):
        await fake.pay("CART1", 50_010)


async def test_a_payment_is_known_in_its_country_only(paycools: PayCoolsGlobal) -> None:
    await paycools.unified.payments.create(**PAYMENT)
    assert await paycools.unified.payments.find("CART1", country_code="TH") is None
    with pytest.raises(NotFound):
        await paycools.unified.payments.close(mch_order_id="CART1", country_code="TH")
    with pytest.raises(DuplicateOrder):
        await paycools.unified.payments.create(**PAYMENT)
    with pytest.raises(StillPending, match="order CART1 is still PENDING after 5 seconds"):
        await paycools.unified.payments.wait_until_final("CART1", country_code="PH", within=5)


@pytest.mark.parametrize(("fault", "sent"), [("drop_after", 1), ("drop_before", 2)])
async def test_an_unclear_payment_is_resolved(
    paycools: PayCoolsGlobal, fake: FakePayCools, fault: str, sent: int
) -> None:
    getattr(fake.faults, fault)(next=1)
    with pytest.raises(OutcomeUnknown) as caught:
        await paycools.unified.payments.create(**PAYMENT)
    found = await paycools.unified.payments.resolve(caught.value.request, resend=True)
    assert isinstance(found, GlobalPaymentStatus if sent == 1 else UnifiedPaymentReceipt)
    assert fake.requests["global.unified.payment.create"] == sent


async def test_an_order_of_another_country_settles_no_doubt(paycools: PayCoolsGlobal, fake: FakePayCools) -> None:
    fake.faults.drop_after(next=1)
    with pytest.raises(OutcomeUnknown):
        await paycools.unified.payments.create(**PAYMENT)
    assert await paycools.unified.payments.find("CART1", country_code="TH") is None
    assert len(paycools.in_doubt) == 1
    assert await paycools.unified.payments.find("CART1", country_code="PH") is not None
    assert not paycools.in_doubt


def test_the_currency_is_the_countrys() -> None:
    assert CreateUnifiedPayment(**PAYMENT).currency == "PHP"
    assert CreateUnifiedPayment(**{**PAYMENT, "country_code": "RU"}).currency == "RUB"
    # 50010 are 500.10 pesos and 50,010 rupiah
    assert samples.reasons(CreateUnifiedPayment, **PAYMENT, currency="IDR") == {
        "currency": "is PHP when country_code is PH"
    }


NAMED = ("customer_name", "email", "mobile", "terminal_type")


@pytest.mark.parametrize(
    ("kind", "missing"),
    [
        ("QR", NAMED),
        ("BANK_TRANSFER", NAMED),
        ("ONLINE_BANKING", (*NAMED, "redirect_url")),
        ("EWALLET", (*NAMED, "redirect_url")),
        ("CARD", (*NAMED, "redirect_url")),
        ("PAYLATER", (*NAMED, "redirect_url", "goods_details")),
        ("DIRECT_DEBIT", ("pay_token",)),
    ],
)
def test_what_each_channel_type_requires(kind: str, missing: tuple[str, ...]) -> None:
    fields = {name: value for name, value in PAYMENT.items() if name not in NAMED}
    found = samples.reasons(CreateUnifiedPayment, **{**fields, "channel_type": kind})
    assert found == dict.fromkeys(missing, f"is required when channel_type is {kind}")


def test_goods_and_wechats_parameters_travel_as_objects() -> None:
    request = CreateUnifiedPayment(
        **{**PAYMENT, "channel_type": "PAYLATER"},
        redirect_url="https://shop.example/back",
        goods_details=[UnifiedGoods(name="Shoes", price=50_010, quantity=1)],
        wechatpay={"payerClientIp": "127.0.0.1"},
        extra={"shippingAddress": {"city": "Cebu"}},
    )
    sent = unstructure(request)
    assert sent["goodsDetails"] == [{"name": "Shoes", "price": 50_010, "quantity": 1}]
    assert sent["wechatpay"] == {"payerClientIp": "127.0.0.1"}
    assert sent["shippingAddress"] == {"city": "Cebu"}


@pytest.mark.parametrize(
    ("param", "request_class"),
    [
        ('{"mchOrderId":"10e051066810618100","countryCode":"PH","timestamp":1677133173758}', QueryUnifiedPayment),
        ('{"mchOrderId": "10e051066810618100","countryCode":"PH","timestamp":"1677133173758"}', CloseUnifiedPayment),
    ],
)
def test_the_documented_requests_are_made_again(param: str, request_class: type[Any]) -> None:
    samples.recreated(json.loads(param), request_class)


def test_the_documented_closing_parses() -> None:
    closed = samples.parsed(
        {
            "mchOrderId": "10e051066810618100",
            "transactionId": "CU510579106014826496",
            "channelCode": "PH_QRPH_DYNAMIC",
            "status": "CLOSED",
            "closedTime": "2024-07-09T15:37:52+08:00",
        },
        ClosedUnifiedPayment,
    )
    assert (closed.status, closed.closed_time) == (
        TransactionStatus.CLOSED,
        datetime(2024, 7, 9, 7, 37, 52, tzinfo=UTC),
    )


def test_the_documented_payment_parses() -> None:
    """The sample is cut off after payData; its status comes from the table."""
    status = samples.parsed(
        {
            "mchOrderId": "10e051066810618100",
            "transactionId": "CU510579106014826496",
            "countryCode": "PH",
            "channelCode": "PH_QRPH_DYNAMIC",
            "amount": 10000,
            "currency": "PHP",
            "payData": "00020101021128760011ph.ppmi.p2m0111OPDVPHM1XXX0315777148000000017041652",
            "transactionStatus": "PENDING",
        },
        GlobalPaymentStatus,
    )
    assert (status.amount, status.currency) == (10000, "PHP")
