"""Checkout (9.1 to 9.5): the cashier page, its hybrid envelope, and what its customers do."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from Crypto.Hash import SHA256
from Crypto.PublicKey import RSA
from Crypto.Signature import pkcs1_15

import paycools_async.testing.ph.payments  # noqa: F401 - the fake learns to play
from paycools_async import DuplicateOrder, InvalidRequest, OutcomeUnknown, PayCoolsPH, TransactionStatus
from paycools_async.converters import structure
from paycools_async.errors import InvalidParameter, UnexpectedAnswer, UnverifiedEndpointWarning
from paycools_async.ph.checkout import Checkout, CheckoutChannelType, CheckoutSession, CheckoutSettled, CreateCheckout
from paycools_async.testing import FakePayCools, ManualClock
from paycools_async.testing.server.merchant import Refusal
from paycools_async.transports.base import HttpRequest, HttpResponse
from paycools_async.transports.memory import MemoryTransport
from paycools_async.vocabulary.parts import CheckoutAddress, CheckoutGoods

pytestmark = pytest.mark.filterwarnings("ignore::paycools_async.errors.UnverifiedEndpointWarning")
MANILA = ZoneInfo("Asia/Manila")


@pytest.fixture
def checkout(paycools: PayCoolsPH) -> Checkout:
    return Checkout(paycools)


def order(mch_order_id: str = "CART0001", **changes: Any) -> CreateCheckout:
    fields: dict[str, Any] = {
        "mch_order_id": mch_order_id,
        "amount": 50010,
        "customer_name": "Juan Peña",
        "email": "juan@example.com",
        "mobile": "639171234567",
        "notify_url": "https://shop.example/notify",
        "redirect_url": "https://shop.example/thanks",
    }
    return CreateCheckout(**{**fields, **changes})


class Wiretap:
    """Answers in PayCools' place and keeps what was sent."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.answer = answer
        self.bodies: list[bytes] = []

    def __call__(self, request: HttpRequest) -> HttpResponse:
        self.bodies.append(request.body or b"")
        return HttpResponse(200, {}, json.dumps(self.answer).encode())


SESSION = {
    "checkoutId": "CH2028445694599102464",
    "checkoutUrl": "https://api-uat.paycools.com/cashier/payment/checkout/abc=",
    "status": "PENDING",
    "expiresTime": "2026-03-11T18:13:15.123+08:00",
}


async def test_a_checkout_is_opened_paid_and_notified(
    paycools: PayCoolsPH, checkout: Checkout, fake: FakePayCools
) -> None:
    session = await paycools.send(order(expire_seconds=900, remark="three books"))
    assert session.checkout_id.startswith("CH")
    assert session.status is TransactionStatus.PENDING
    assert session.expires_time == datetime(2026, 1, 1, 8, 15, tzinfo=MANILA)
    waiting = await checkout.query(mch_order_id="CART0001", checkout_id=session.checkout_id)
    assert (waiting.transaction_status, waiting.transaction_id) == (TransactionStatus.PENDING, None)

    payment = await fake.pay(session.checkout_id, 50010)

    paid = await checkout.query(mch_order_id="CART0001", checkout_id=session.checkout_id)
    assert (paid.transaction_status, paid.transaction_id) == (TransactionStatus.COMPLETE, payment["transactionId"])
    assert (paid.channel_code, paid.amount, paid.remark) == ("GCASH_URL", 50010, "three books")
    event = structure(json.loads(fake.merchant.due_callbacks()[0]), CheckoutSettled)
    assert (event.event_name, event.mch_order_id) == ("checkout.payment.success", "CART0001")
    assert (event.transaction_id, event.amount) == (payment["transactionId"], 50010)


async def test_the_envelope_holds_param_as_text_and_is_signed_by_the_flat_rule(
    fake: FakePayCools, key_pem: str
) -> None:
    tap = Wiretap({"code": 1, "message": "success", "data": SESSION})
    credentials = fake.ph_credentials
    async with PayCoolsPH(credentials, transport=MemoryTransport(tap), clock=fake.clock) as client:
        await client.send(order(remark='a "b" / ñ'))
    body = json.loads(tap.bodies[0])
    assert sorted(body) == ["appId", "param", "sign"], "nothing else stands outside, no appName, no timestamp"
    param = json.loads(body["param"])
    assert param == {
        "countryCode": "PH",
        "mchOrderId": "CART0001",
        "amount": 50010,
        "currency": "PHP",
        "settlementCurrency": "PHP",
        "customerName": "Juan Peña",
        "email": "juan@example.com",
        "mobile": "09171234567",
        "notifyUrl": "https://shop.example/notify",
        "redirectUrl": "https://shop.example/thanks",
        "remark": 'a "b" / ñ',
        "timestamp": 1_767_225_600_000,
    }
    assert type(param["timestamp"]) is int, "milliseconds, as a number"
    signed = f"appId={credentials.app_id}&param={body['param']}".encode()
    pkcs1_15.new(RSA.import_key(key_pem)).verify(SHA256.new(signed), base64.b64decode(body["sign"]))


@pytest.mark.parametrize("code", [1, 1000, "1"])
async def test_success_is_1_or_1000(fake: FakePayCools, code: int | str) -> None:
    tap = Wiretap({"code": code, "message": "success", "data": SESSION})
    async with PayCoolsPH(fake.ph_credentials, transport=MemoryTransport(tap), clock=fake.clock) as client:
        session = await client.send(order())
    assert session.checkout_id == "CH2028445694599102464"


async def test_the_fake_answers_1_as_uat_did(paycools: PayCoolsPH) -> None:
    assert (await paycools.exchange(order())).raw["code"] == 1


async def test_a_success_without_a_page_is_no_success(fake: FakePayCools) -> None:
    tap = Wiretap({"code": 1, "message": "success", "data": {"checkoutId": "CH1"}})
    async with PayCoolsPH(fake.ph_credentials, transport=MemoryTransport(tap), clock=fake.clock) as client:
        with pytest.raises(OutcomeUnknown) as caught:
            await client.send(order())
    assert isinstance(caught.value.__cause__, UnexpectedAnswer)


async def test_objects_and_lists_travel_in_camel_case_without_nulls(fake: FakePayCools) -> None:
    tap = Wiretap({"code": 1, "message": "success", "data": SESSION})
    request = order(
        channel_type_list=[CheckoutChannelType.PAYLATER, "QR"],
        channel_code_list=["GCASH_URL"],
        goods_details=[CheckoutGoods(name="book", price=16670, quantity=3)],
        billing_address=CheckoutAddress(customer_name="Juan", address_line1="1 Ayala Ave", post_code="1226"),
    )
    async with PayCoolsPH(fake.ph_credentials, transport=MemoryTransport(tap), clock=fake.clock) as client:
        await client.send(request)
    param = json.loads(json.loads(tap.bodies[0])["param"])
    assert param["channelTypeList"] == ["PAYLATER", "QR"]
    assert param["channelCodeList"] == ["GCASH_URL"]
    assert param["goodsDetails"] == [{"name": "book", "price": 16670, "quantity": 3}]
    assert param["billingAddress"] == {"customerName": "Juan", "addressLine1": "1 Ayala Ave", "postCode": "1226"}
    assert "shippingAddress" not in param


async def test_a_closed_checkout_cannot_be_paid(paycools: PayCoolsPH, checkout: Checkout, fake: FakePayCools) -> None:
    session = await paycools.send(order())
    assert await checkout.close(mch_order_id="CART0001", checkout_id=session.checkout_id) is None
    with pytest.raises(Refusal, match="is CLOSED"):
        await fake.pay("CART0001", 50010)
    status = await checkout.query(mch_order_id="CART0001")
    assert status.transaction_status is TransactionStatus.CLOSED


async def test_a_paid_checkout_cannot_be_closed(paycools: PayCoolsPH, checkout: Checkout, fake: FakePayCools) -> None:
    await paycools.send(order())
    await fake.pay("CART0001", 50010)
    with pytest.raises(InvalidParameter):
        await checkout.close(mch_order_id="CART0001")


async def test_an_expired_checkout_cannot_be_paid(
    paycools: PayCoolsPH, checkout: Checkout, fake: FakePayCools, clock: ManualClock
) -> None:
    await paycools.send(order(expire_seconds=60))
    clock.advance(60)
    with pytest.raises(Refusal, match="is CLOSED"):
        await fake.pay("CART0001", 50010)
    assert (await checkout.query(mch_order_id="CART0001")).transaction_status is TransactionStatus.CLOSED


async def test_a_checkout_is_paid_once_and_exactly(paycools: PayCoolsPH, fake: FakePayCools) -> None:
    await paycools.send(order())
    with pytest.raises(Refusal, match="must be 50010"):
        await fake.pay("CART0001", 50011)
    await fake.pay("CART0001", 50010)
    with pytest.raises(Refusal, match="is COMPLETE"):
        await fake.pay("CART0001", 50010)


async def test_a_failed_payment_is_notified(paycools: PayCoolsPH, fake: FakePayCools) -> None:
    await paycools.send(order(mobile="09170000000"))
    await fake.pay("CART0001", 50010)
    event = structure(json.loads(fake.merchant.due_callbacks()[0]), CheckoutSettled)
    assert (event.event_name, event.transaction_status) == ("checkout.payment.failed", TransactionStatus.FAILED)


async def test_after_an_unclear_creation_the_order_id_tells(
    paycools: PayCoolsPH, checkout: Checkout, fake: FakePayCools
) -> None:
    assert await checkout.find("CART0001") is None
    fake.faults.drop_after(next=1)
    with pytest.raises(OutcomeUnknown):
        await paycools.send(order())
    found = await checkout.find("CART0001")
    assert found is not None
    assert found.transaction_status is TransactionStatus.PENDING
    with pytest.raises(DuplicateOrder):
        await paycools.send(order())


async def test_the_channels_are_listed(checkout: Checkout) -> None:
    found = await checkout.channels()
    assert [(channel.channel_type, channel.channel_code) for channel in found.channels] == [
        (CheckoutChannelType.EWALLET, "GCASH_URL"),
        (CheckoutChannelType.QR, "QRPH_DYNAMIC_QR"),
    ]
    assert (await checkout.channels(country_code="TH")).channels == []


async def test_inferred_paths_warn_once(checkout: Checkout) -> None:
    with pytest.warns(UnverifiedEndpointWarning, match="ph.checkout.channels"):
        await checkout.channels()


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-11T18:13:15.123+08:00", datetime(2026, 3, 11, 18, 13, 15, 123000, tzinfo=MANILA)),
        ("2026-03-11T10:13:15.123+0000", datetime(2026, 3, 11, 18, 13, 15, 123000, tzinfo=MANILA)),
        ("2026-03-11T10:13:15.123Z", datetime(2026, 3, 11, 18, 13, 15, 123000, tzinfo=MANILA)),
        ("2026-03-11 18:13:15", datetime(2026, 3, 11, 18, 13, 15, tzinfo=MANILA)),
    ],
)
def test_the_expiry_comes_with_an_offset_or_in_philippine_time(text: str, moment: datetime) -> None:
    answer = {**SESSION, "expiresTime": text}
    session = structure(answer, CheckoutSession)
    assert session.raw == answer
    assert session.expires_time == moment


def test_every_broken_rule_is_named_at_once() -> None:
    changes: dict[str, Any] = {
        "amount": 500.10,
        "mobile": "0917123456",
        "channel_type_list": "QR,CARD",
        "channel_code_list": ["GCASH_URL", ""],
        "goods_details": [{"name": "book"}],
        "billing_address": "1 Ayala Ave",
    }
    with pytest.raises(InvalidRequest) as caught:
        order(**changes)
    assert [error.field for error in caught.value.errors] == [
        "amount",
        "channel_type_list",
        "mobile",
        "channel_code_list",
        "goods_details",
        "billing_address",
    ]


def test_paylater_needs_goods_and_a_billing_address() -> None:
    with pytest.raises(InvalidRequest) as caught:
        order(channel_type_list=["PAYLATER"])
    assert [error.field for error in caught.value.errors] == ["goods_details", "billing_address"]


def test_the_parts_have_rules_too() -> None:
    with pytest.raises(InvalidRequest, match="CheckoutGoods: price"):
        CheckoutGoods(name="book", price=-1)
    with pytest.raises(InvalidRequest, match="CheckoutAddress: email"):
        CheckoutAddress(email="juan")


def test_the_settlement_currency_follows_the_currency() -> None:
    assert order().settlement_currency == "PHP"
    assert order(currency="THB", country_code="TH", mobile="66812345678").settlement_currency == "THB"
    assert order(currency="THB", settlement_currency="PHP").settlement_currency == "PHP"


def test_outside_the_philippines_a_mobile_number_is_sent_as_it_is() -> None:
    assert order(country_code="MY", mobile="+60123456789").mobile == "+60123456789"
    with pytest.raises(InvalidRequest, match="mobile"):
        order(country_code="MY", mobile="60123")


def test_the_payer_is_hidden() -> None:
    shown = repr(order(user_id="customer-7", billing_address=CheckoutAddress(address_line1="1 Ayala Ave")))
    for personal in ("Juan", "juan@", "0917", "customer-7", "Ayala"):
        assert personal not in shown
