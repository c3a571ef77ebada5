"""The unified calls: payments, payouts and the checkout of every country by one path."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import global_samples as samples
import pytest

from paycools_async import (
    ApiError,
    DuplicateOrder,
    InsufficientBalance,
    InvalidRequest,
    NotFound,
    OrderConflict,
    OutcomeUnknown,
    PayCoolsGlobal,
    StillPending,
    TransactionStatus,
    UnverifiedEndpointWarning,
)
from paycools_async.converters import unstructure
from paycools_async.global_api import (
    ChannelType,
    ClosedUnifiedPayment,
    CloseUnifiedPayment,
    CreateUnifiedCheckout,
    CreateUnifiedPayment,
    CreateUnifiedPayout,
    FailedCode,
    GetUnifiedChannels,
    GlobalPaymentStatus,
    GlobalPayoutReceipt,
    GlobalPayoutStatus,
    QueryUnifiedPayment,
    QueryUnifiedPayout,
    UnifiedAddress,
    UnifiedChannels,
    UnifiedCheckoutPaid,
    UnifiedGoods,
    UnifiedPaymentReceipt,
    UnifiedPaymentSettled,
    UnifiedPayoutSettled,
)
from paycools_async.testing import FakePayCools, ManualClock
from paycools_async.testing.global_payouts import GlobalPayoutBooks

inferred = pytest.mark.filterwarnings("ignore::paycools_async.UnverifiedEndpointWarning")

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
PAYOUT: dict[str, Any] = {
    "mch_order_id": "ORDER0000001",
    "amount": 20_000,
    "country_code": "ID",
    "pay_method_code": "BANK",
    "transfer_code": "CIMB",
    "account_no": "109594480004",
    "account_name": "Budi",
    "mobile": "0822111111",
}
CHECKOUT: dict[str, Any] = {
    "mch_order_id": "CART2",
    "amount": 50_010,
    "country_code": "PH",
    "customer_name": "Juan",
    "email": "juan@shop.example",
    "mobile": "09171234567",
    "notify_url": "https://shop.example/paid",
    "redirect_url": "https://shop.example/back",
}


def wrong(request: Any, **fields: Any) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as caught:
        request(**fields)
    return {error.field: error.reason for error in caught.value.errors}


# --- payments ---------------------------------------------------------------------------------------------------------


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
    found = await paycools.unified.payments.resolve(caught.value.request)
    assert isinstance(found, GlobalPaymentStatus if sent == 1 else UnifiedPaymentReceipt)
    assert fake.requests["global.unified.payment.create"] == sent


def test_the_currency_is_the_countrys() -> None:
    assert CreateUnifiedPayment(**PAYMENT).currency == "PHP"
    assert CreateUnifiedPayment(**{**PAYMENT, "country_code": "RU"}).currency == "RUB"
    assert CreateUnifiedPayout(**PAYOUT).currency == "IDR"
    # 50010 are 500.10 pesos and 50,010 rupiah
    assert wrong(CreateUnifiedPayment, **PAYMENT, currency="IDR") == {"currency": "is PHP when country_code is PH"}
    assert wrong(CreateUnifiedPayout, **PAYOUT, currency="PHP") == {"currency": "is IDR when country_code is ID"}
    assert "country_code" in wrong(CreateUnifiedPayout, **{**PAYOUT, "country_code": "RU"})


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
    found = wrong(CreateUnifiedPayment, **{**fields, "channel_type": kind})
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


# --- payouts ----------------------------------------------------------------------------------------------------------


@inferred
async def test_a_payout_is_created_and_becomes_final(paycools: PayCoolsGlobal, fake: FakePayCools) -> None:
    fake.global_payouts.settle_after = 30
    receipt = await paycools.unified.payouts.create(**PAYOUT, remark="June")
    assert receipt.transaction_status is TransactionStatus.PENDING
    assert receipt.transaction_time == START
    final = await paycools.unified.payouts.wait_until_final("ORDER0000001", country_code="ID")
    assert (final.transaction_status, final.amount, final.currency) == (TransactionStatus.COMPLETE, 20_000, "IDR")
    (told,) = samples.events(fake)
    event = samples.parsed(told, UnifiedPayoutSettled)
    assert (event.event_name, event.amount, event.remark) == ("disbursement.success", 20_000, "June")
    assert (event.country_code, event.raw["returnTime"]) == ("ID", "2026-01-01T08:00:30+08:00")


async def test_the_inferred_path_says_so_once(paycools: PayCoolsGlobal) -> None:
    with pytest.warns(UnverifiedEndpointWarning, match="global.unified.payout.create: the path .* is inferred"):
        await paycools.unified.payouts.create(**PAYOUT)


@inferred
async def test_a_payout_that_fails_says_why(paycools: PayCoolsGlobal, fake: FakePayCools) -> None:
    await paycools.unified.payouts.create(**{**PAYOUT, "account_no": "10000"})
    status = await paycools.unified.payouts.query(mch_order_id="ORDER0000001", country_code="ID")
    assert status.transaction_status is TransactionStatus.FAILED
    assert status.failed_code is FailedCode.DESTINATION_ACCOUNT_ERROR
    (told,) = samples.events(fake)
    assert samples.parsed(told, UnifiedPayoutSettled).event_name == "disbursement.failed"


@inferred
async def test_country_and_unified_payouts_share_ids_and_balances(paycools: PayCoolsGlobal, fake: FakePayCools) -> None:
    books = fake.global_payouts
    books.balances["ID"] = 30_000
    await paycools.unified.payouts.create(**PAYOUT)
    with pytest.raises(DuplicateOrder) as caught:
        await paycools.indonesia.payouts.create(
            **{name: value for name, value in PAYOUT.items() if name != "country_code"}
        )
    assert caught.value.code == 21007
    with pytest.raises(DuplicateOrder) as caught:
        await paycools.unified.payouts.create(
            **{**PAYOUT, "mch_order_id": "ORDER0000002", "idempotency_id": "ORDER0000001"}
        )
    assert caught.value.code == 21015
    with pytest.raises(InsufficientBalance):
        await paycools.unified.payouts.create(**{**PAYOUT, "mch_order_id": "ORDER0000002"})
    assert [payout.order_id for payout in books.paid] == ["ORDER0000001"]
    assert books.paid_more_than_once() == []


@inferred
@pytest.mark.parametrize(("fault", "sent"), [("garbage", 1), ("http_status", 2)])
async def test_an_unclear_payout_is_resolved(
    paycools: PayCoolsGlobal, fake: FakePayCools, fault: str, sent: int
) -> None:
    fake.global_books.enforce_unique = False  # only the sender's care counts
    getattr(fake.faults, fault)(next=1)
    with pytest.raises(OutcomeUnknown) as caught:
        await paycools.unified.payouts.create(**PAYOUT)
    found = await paycools.unified.payouts.resolve(caught.value.request)
    assert isinstance(found, GlobalPayoutStatus if sent == 1 else GlobalPayoutReceipt)
    assert fake.requests["global.unified.payout.create"] == sent
    assert len(fake.global_payouts.paid) == 1


@inferred
async def test_a_lagging_inquiry_does_not_pay_twice(paycools: PayCoolsGlobal, fake: FakePayCools) -> None:
    """PayCools has the order but does not show it: the same ids are refused, and it is inquired once more."""
    fake.global_payouts.inquiry_lag = 6
    fake.faults.drop_after(next=1)
    with pytest.raises(OutcomeUnknown) as caught:
        await paycools.unified.payouts.create(**PAYOUT)
    with pytest.raises(DuplicateOrder):
        await paycools.unified.payouts.resolve(caught.value.request)
    found = await paycools.unified.payouts.resolve(caught.value.request)
    assert isinstance(found, GlobalPayoutStatus)
    assert fake.global_payouts.paid_more_than_once() == []


@inferred
async def test_another_amount_under_the_same_id_is_a_conflict(paycools: PayCoolsGlobal) -> None:
    await paycools.unified.payouts.create(**PAYOUT)
    with pytest.raises(OrderConflict, match="amount 20000, ours is 20001"):
        await paycools.unified.payouts.resolve(CreateUnifiedPayout(**{**PAYOUT, "amount": 20_001}))
    with pytest.raises(NotFound, match="21006 absent in two inquiries"):
        await paycools.unified.payouts.resolve(
            CreateUnifiedPayout(**{**PAYOUT, "mch_order_id": "ORDER0000009"}), resend=False
        )
    with pytest.raises(NotFound):
        await paycools.unified.payouts.wait_until_final("ORDER0000009", country_code="ID", within=3)


@inferred
async def test_the_books_survive_a_restart(paycools: PayCoolsGlobal, fake: FakePayCools, tmp_path: Path) -> None:
    fake.global_payouts.open_journal(tmp_path / "journal")
    await paycools.unified.payouts.create(**PAYOUT)
    again = GlobalPayoutBooks()
    again.open_journal(tmp_path / "journal")
    assert again.paid == fake.global_payouts.paid
    assert (again.spent_in, again.by_order) == ({"ID": 20_000}, fake.global_payouts.by_order)


# --- checkout ---------------------------------------------------------------------------------------------------------


async def test_a_checkout_is_paid_and_told(paycools: PayCoolsGlobal, fake: FakePayCools) -> None:
    link = await paycools.unified.checkout.create(**CHECKOUT, expire_seconds=600, channel_type_list=["QR"])
    assert link.checkout_url is not None
    assert link.expires_time == datetime(2026, 1, 1, 0, 10, tzinfo=UTC)
    await fake.pay("CART2", 50_010)
    (told,) = samples.events(fake)
    event = samples.parsed(told, UnifiedCheckoutPaid)
    assert (event.checkout_id, event.mch_order_id, event.amount) == (link.checkout_id, "CART2", 50_010)
    assert (event.transaction_status, event.settlement_currency) == (TransactionStatus.COMPLETE, "PHP")
    with pytest.raises(Exception, match="already paid"):
        await fake.pay("CART2", 50_010)


async def test_a_checkout_closes_by_itself(paycools: PayCoolsGlobal, fake: FakePayCools, clock: ManualClock) -> None:
    await paycools.unified.checkout.create(**CHECKOUT, expire_seconds=600)
    with pytest.raises(DuplicateOrder):
        await paycools.unified.checkout.create(**CHECKOUT)
    clock.advance(600)
    with pytest.raises(Exception, match="already paid or closed"):
        await fake.pay("CART2", 50_010)


async def test_a_checkouts_payment_can_be_refunded(paycools: PayCoolsGlobal, fake: FakePayCools) -> None:
    await paycools.unified.checkout.create(**CHECKOUT)
    paid = await fake.pay("CART2", 50_010)
    receipt = await paycools.refunds.create(
        mch_refund_order_id="R1",
        original_transaction_id=paid["transactionId"],
        refund_amount=50_010,
        refund_callback_url="https://shop.example/refunded",
    )
    assert receipt.refund_amount == 50_010


async def test_the_channels_of_a_country(paycools: PayCoolsGlobal) -> None:
    found = await paycools.unified.checkout.channels(country_code="PH")
    assert [(each.channel_code, each.channel_type) for each in found.channels] == [
        ("PH_GCASH_QR", ChannelType.QR),
        ("PH_QRPH_DYNAMIC", ChannelType.QR),
        ("PH_GCASH_URL", ChannelType.EWALLET),
    ]


def test_pay_later_needs_goods_and_an_address() -> None:
    assert wrong(CreateUnifiedCheckout, **CHECKOUT, channel_type_list=["PAYLATER"]) == {
        "goods_details": "is required for PAYLATER",
        "billing_address": "is required for PAYLATER",
    }
    request = CreateUnifiedCheckout(
        **CHECKOUT,
        channel_type_list=["PAYLATER"],
        goods_details=[UnifiedGoods(name="Shoes")],
        billing_address=UnifiedAddress(city="Cebu", post_code="6000"),
    )
    sent = unstructure(request)
    assert sent["billingAddress"] == {"city": "Cebu", "postCode": "6000"}
    assert (sent["channelTypeList"], sent["settlementCurrency"]) == (["PAYLATER"], "PHP")
    assert "Cebu" not in repr(request)


# --- the documented samples -------------------------------------------------------------------------------------------

PAYMENT_QUERY = '{"mchOrderId":"10e051066810618100","countryCode":"PH","timestamp":1677133173758}'
PAYMENT_CLOSE = '{"mchOrderId": "10e051066810618100","countryCode":"PH","timestamp":"1677133173758"}'
PAYOUT_QUERY = '{"mchOrderId":"Platform0001","countryCode":"PH","timestamp":"1677133173758"}'
CHANNELS = '{"timestamp":1715595802,"countryCode":"PH"}'


@pytest.mark.parametrize(
    ("param", "request_class"),
    [
        (PAYMENT_QUERY, QueryUnifiedPayment),
        (PAYMENT_CLOSE, CloseUnifiedPayment),
        (PAYOUT_QUERY, QueryUnifiedPayout),
        (CHANNELS, GetUnifiedChannels),
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


def test_the_documented_payout_parses() -> None:
    status = samples.parsed(samples.PAYOUT_FAILED, GlobalPayoutStatus)
    assert (status.amount, status.failed_code) == (3000, FailedCode.CHANNEL_REJECTED)


def test_the_documented_payout_notification_parses() -> None:
    event = samples.parsed(
        json.loads(
            '{"amount":100,"countryCode":"PH","createTime":"2024-07-19T14:14:47+08:00","currency":"PHP",'
            '"eventName":"disbursement.failed","failedCode":-10004,"failedMessage":"Transaction Channel Rejected",'
            '"mchOrderId":"10e1369686110330100","returnTime":"2024-07-19T14:15:01+08:00",'
            '"transactionId":"DU514182073259261952","transactionStatus":"FAILED"}'
        ),
        UnifiedPayoutSettled,
    )
    assert (event.transaction_status, event.failed_code) == (TransactionStatus.FAILED, FailedCode.CHANNEL_REJECTED)
    assert event.return_time == datetime(2024, 7, 19, 6, 15, 1, tzinfo=UTC)


def test_the_documented_channels_parse() -> None:
    listed = [
        {"channelType": kind, "channelCode": code, "countryCode": "PH", "currency": "PHP"}
        for kind, code in (("QR", "PH_GCASH_QR"), ("QR", "PH_QRPH_DYNAMIC"), ("EWALLET", "PH_GCASH_URL"))
    ]
    found = samples.parsed({"list": listed}, UnifiedChannels)
    assert [each.raw for each in found.channels] == listed
