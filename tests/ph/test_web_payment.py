"""Web payments (7.1 to 7.4): created, paid on the page by a simulated customer, inquired, notified."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import paycools_async.testing.ph.payments  # noqa: F401 - the fake learns to play
from paycools_async import DuplicateOrder, InvalidRequest, NotFound, OutcomeUnknown, PayCoolsPH, TransactionStatus
from paycools_async.converters import structure
from paycools_async.errors import EndpointUnpublishedError
from paycools_async.ph.codes import FailedCode, WebPaymentChannel
from paycools_async.ph.web_payment import (
    CreateWebPayment,
    GetWebPaymentChannels,
    WebPayment,
    WebPayments,
    WebPaymentSettled,
    WebPaymentStatus,
)
from paycools_async.testing import FakePayCools, ManualClock
from paycools_async.testing.server.merchant import HANDLERS, Merchant, Refusal
from paycools_async.testing.server.payments import PaymentRecords
from paycools_async.transports.base import HttpRequest, HttpResponse
from paycools_async.transports.memory import MemoryTransport

MANILA = ZoneInfo("Asia/Manila")


@pytest.fixture
def web(paycools: PayCoolsPH) -> WebPayments:
    return WebPayments(paycools)


def order(mch_order_id: str = "WEB0001", **changes: Any) -> CreateWebPayment:
    fields: dict[str, Any] = {
        "mch_order_id": mch_order_id,
        "amount": 50010,
        "channel_code": "GCASH_URL",
        "email": "juan@example.com",
        "mobile": "+639171234567",
        "callback_url": "https://shop.example/notify",
        "redirect_url": "https://shop.example/thanks",
    }
    return CreateWebPayment(**{**fields, **changes})


async def test_a_web_payment_is_created_paid_and_notified(
    paycools: PayCoolsPH, web: WebPayments, fake: FakePayCools
) -> None:
    before = fake.merchant.balance
    created = await paycools.send(order(customer_name="Juan", remark="two shirts"))
    assert created.redirect_url.startswith("https://")
    assert created.transaction_status is TransactionStatus.PENDING
    assert created.transaction_amount == 50010
    assert created.expires_time == datetime(2026, 1, 1, 9, 0, tzinfo=MANILA), "one hour, Philippine time"
    waiting = await web.query(transaction_id=created.transaction_id)
    assert (waiting.transaction_status, waiting.return_time) == (TransactionStatus.PENDING, None)

    payment = await fake.pay("WEB0001", 50010)

    assert payment["transactionId"] == created.transaction_id
    paid = await web.query(transaction_id=created.transaction_id)
    assert (paid.transaction_status, paid.amount, paid.mch_order_id) == (TransactionStatus.COMPLETE, 50010, "WEB0001")
    assert (paid.customer_name, paid.mobile, paid.remark) == ("Juan", "09171234567", "two shirts")
    assert fake.merchant.balance == before + 50010
    (body,) = fake.merchant.due_callbacks()
    event = structure(json.loads(body), WebPaymentSettled)
    assert (event.event_name, event.mch_order_id, event.amount) == ("h5.payment.success", "WEB0001", 50010)
    assert event.transaction_status is TransactionStatus.COMPLETE
    assert len(event.raw["sign"]) == 40


async def test_a_payment_that_fails_says_why(web: WebPayments, paycools: PayCoolsPH, fake: FakePayCools) -> None:
    created = await paycools.send(order(mobile="09170000000"))
    await fake.pay(created.transaction_id, 50010)
    assert (await web.query(transaction_id=created.transaction_id)).transaction_status is TransactionStatus.FAILED
    event = structure(json.loads(fake.merchant.due_callbacks()[0]), WebPaymentSettled)
    assert event.event_name == "h5.payment.failed"
    assert event.failed_code is FailedCode.CHANNEL_REJECTED


async def test_the_page_takes_the_exact_amount_once_and_for_an_hour(
    paycools: PayCoolsPH, web: WebPayments, fake: FakePayCools, clock: ManualClock
) -> None:
    created = await paycools.send(order())
    with pytest.raises(Refusal, match="must be 50010"):
        await fake.pay("WEB0001", 50000)
    await fake.pay("WEB0001", 50010)
    with pytest.raises(Refusal, match="is COMPLETE"):
        await fake.pay("WEB0001", 50010)

    late = await paycools.send(order("WEB0002"))
    clock.advance(3600)
    with pytest.raises(Refusal, match="is CLOSED"):
        await fake.pay("WEB0002", 50010)
    assert (await web.query(transaction_id=late.transaction_id)).transaction_status is TransactionStatus.CLOSED
    assert (await web.query(transaction_id=created.transaction_id)).transaction_status is TransactionStatus.COMPLETE


async def test_an_unclear_creation_is_not_repeated_and_its_id_is_used_up(
    paycools: PayCoolsPH, fake: FakePayCools
) -> None:
    fake.faults.drop_after(next=1)
    with pytest.raises(OutcomeUnknown):
        await paycools.send(order())
    assert fake.requests["ph.webpayment.create"] == 1
    with pytest.raises(DuplicateOrder):
        await paycools.send(order())
    assert len(fake.merchant.of(PaymentRecords).by_id) == 1


async def test_an_unknown_payment_is_not_found(web: WebPayments) -> None:
    with pytest.raises(NotFound):
        await web.query(transaction_id="C1175676368800878371")


async def test_the_id_stands_in_the_path_and_not_in_the_query(fake: FakePayCools) -> None:
    seen: list[str] = []

    async def handler(request: HttpRequest) -> HttpResponse:
        seen.append(request.url)
        return await fake.handle(request)

    async with PayCoolsPH(fake.ph_credentials, transport=MemoryTransport(handler), clock=fake.clock) as client:
        with pytest.raises(NotFound):
            await WebPayments(client).query(transaction_id="C5N/1 é")
    path, query = seen[0].split("?")
    assert path == "https://api-uat.paycools.com/api/v1/payment/C5N%2F1%20%C3%A9"
    assert [pair.split("=")[0] for pair in query.split("&")] == ["appId", "sign"]


async def test_the_channels_need_a_path_and_give_the_answer_as_it_is(
    key_pem: str, web: WebPayments, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(EndpointUnpublishedError, match=r"ph\.webpayment\.channels"):
        await web.channels()

    def handler(merchant: Merchant, fields: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"asked": fields}]

    monkeypatch.setitem(HANDLERS, "ph.webpayment.channels", handler)
    paths = {"ph.webpayment.channels": "/api/v1/some/list"}
    fake = FakePayCools(clock=ManualClock(), private_key=key_pem, paths=paths)
    async with PayCoolsPH(fake.ph_credentials, transport=fake.transport(), clock=fake.clock, paths=paths) as client:
        answer = await client.send(GetWebPaymentChannels(extra={"currency": "PHP"}))
    assert answer == [{"asked": {"currency": "PHP"}}]


def test_every_broken_rule_is_named_at_once() -> None:
    with pytest.raises(InvalidRequest) as caught:
        order("A_1", amount=5_000_001, email="juan", mobile="08171234567", callback_url="shop.example", channel_code="")
    assert [error.field for error in caught.value.errors] == [
        "mch_order_id",
        "amount",
        "channel_code",
        "email",
        "mobile",
        "callback_url",
    ]


@pytest.mark.parametrize("amount", [100, 5_000_000])
def test_the_documented_limits_belong_to_the_range(amount: int) -> None:
    assert order(amount=amount).amount == amount


@pytest.mark.parametrize("amount", [99, 500.10, True])
def test_other_amounts_are_refused(amount: Any) -> None:
    with pytest.raises(InvalidRequest, match="amount"):
        order(amount=amount)


def test_a_known_channel_is_taken_as_a_constant_too() -> None:
    assert order(channel_code=WebPaymentChannel.PAYMAYA_URL).channel_code == "PAYMAYA_URL"


def test_the_payer_is_hidden() -> None:
    shown = repr(order(customer_name="Juan"))
    assert "WEB0001" in shown
    for personal in ("Juan", "juan@", "0917"):
        assert personal not in shown


CREATED = {
    "redirectUrl": "https://a.api-uat.paycools.com/1L9zPnp",
    "transactionStatus": "PENDING",
    "transactionId": "C1175676368800878371",
}
STATUS = {
    "mchOrderId": "TEST123451234500004",
    "transactionId": "C1007669370860774953",
    "amount": 5000,
    "transactionStatus": "PENDING",
    "createTime": "2022-11-25 18:07:41",
    "returnTime": "2022-12-15 11:52:35",
    "appName": "PayCools",
    "customerName": None,
    "channelCode": "GCASH_URL",
    "email": "",
    "mobile": "",
    "remark": None,
    "callbackUrl": "",
}
CALLBACK = {
    "eventName": "h5.payment.success",
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


def test_the_documented_creation_parses() -> None:
    created = structure(CREATED, WebPayment)
    assert created.raw == CREATED
    assert created == WebPayment(
        transaction_id="C1175676368800878371",
        redirect_url="https://a.api-uat.paycools.com/1L9zPnp",
        transaction_status=TransactionStatus.PENDING,
    )


def test_the_answer_of_2026_has_two_more_fields() -> None:
    answer = {**CREATED, "transactionAmount": 50010, "expiresTime": "2026-03-11 18:13:15"}
    created = structure(answer, WebPayment)
    assert created.raw == answer
    assert created.transaction_amount == 50010
    assert created.expires_time == datetime(2026, 3, 11, 18, 13, 15, tzinfo=MANILA)


def test_the_documented_status_parses_and_its_return_time_does_not_mean_finished() -> None:
    status = structure(STATUS, WebPaymentStatus)
    assert status.raw == STATUS
    assert not status.transaction_status.final
    assert status.create_time == datetime(2022, 11, 25, 18, 7, 41, tzinfo=MANILA)
    assert status.return_time == datetime(2022, 12, 15, 11, 52, 35, tzinfo=MANILA)
    assert (status.amount, status.customer_name, status.email) == (5000, None, "")


@pytest.mark.parametrize(
    ("event_name", "text", "status"),
    [
        ("h5.payment.success", "COMPLETE", TransactionStatus.COMPLETE),
        ("h5.payment.failed", "FAILED", TransactionStatus.FAILED),
    ],
)
def test_the_documented_callbacks_parse(event_name: str, text: str, status: TransactionStatus) -> None:
    body = {**CALLBACK, "eventName": event_name, "transactionStatus": text}
    event = structure(body, WebPaymentSettled)
    assert event.raw == body
    assert (event.event_name, event.transaction_status, event.amount) == (event_name, status, 5000)
    assert event.return_time == datetime(2022, 5, 31, 9, 38, 6, tzinfo=MANILA)
    assert (event.channel_code, event.remark, event.failed_code) == ("GCASH_URL", "gcash payment", None)


@pytest.mark.parametrize("text", ["COMPLETE", "COMPLETED", "SUCCESS", "complete"])
def test_paid_is_one_word_in_all_its_spellings(text: str) -> None:
    status = structure({**STATUS, "transactionStatus": text}, WebPaymentStatus)
    assert status.transaction_status is TransactionStatus.COMPLETE
    assert status.raw["transactionStatus"] == text


@pytest.mark.parametrize("text", ["FAILED", "FAIL"])
def test_failed_is_one_word_in_both_its_spellings(text: str) -> None:
    status = structure({**STATUS, "transactionStatus": text}, WebPaymentStatus)
    assert status.transaction_status is TransactionStatus.FAILED


def test_an_unknown_status_is_kept_and_never_final() -> None:
    status = structure({**STATUS, "transactionStatus": "REVIEW"}, WebPaymentStatus).transaction_status
    assert (str(status), status.known, status.final) == ("REVIEW", False, False)
