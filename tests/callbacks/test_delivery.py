"""The sandbox delivers signed callbacks to the merchant's URL until the documented acknowledgement comes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from support.callbacks import PAYOUT, SECRET, signed
from support.waiting import until

from paycools_async import PayCoolsPH
from paycools_async.callbacks import CallbackRouter, PHCallbacks, accept, refuse
from paycools_async.callbacks.aiohttp import aiohttp_handler
from paycools_async.endpoint import Event
from paycools_async.ph import BillsPaymentReceived, BillsPaymentVerification, PayoutSettled, VerificationCode
from paycools_async.testing import FakePayCools, Sandbox
from paycools_async.testing.delivery import Delivery, acknowledges
from paycools_async.testing.server.merchant import Refusal


class Shop:
    """A merchant with a URL."""

    def __init__(self, secret: str) -> None:
        self.seen: list[Event] = []
        self.broken = 0
        self.router = CallbackRouter(PHCallbacks(secret))
        self.router.on_any(self.take)
        self.url = ""

    async def take(self, event: Event) -> None:
        if self.broken:
            self.broken -= 1
            raise RuntimeError
        self.seen.append(event)


@pytest.fixture
def fake(key_pem: str) -> FakePayCools:
    return FakePayCools(private_key=key_pem)


@pytest.fixture
async def shop(fake: FakePayCools) -> AsyncIterator[Shop]:
    found = Shop(fake.ph_credentials.callback_secret or "")
    app = web.Application()
    app.router.add_route("*", "/callbacks", aiohttp_handler(found.router))
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}/callbacks"
    yield found
    await runner.cleanup()


def order(number: int) -> dict[str, Any]:
    return {
        "mch_order_id": f"PAY{number:09}",
        "amount": 150000,
        "pay_method_code": "EWALLET",
        "ewallet_code": "GCASH",
        "account_no": "09170000001",
        "account_name": "Juan Dela Cruz",
    }


async def test_a_payout_and_its_callback_over_http(fake: FakePayCools, shop: Shop) -> None:
    async with (
        Sandbox(fake, callback_url=shop.url) as box,
        PayCoolsPH(fake.ph_credentials, base_url=box.base_url) as paycools,
    ):
        await paycools.payouts.create(**order(1))
        await until(lambda: shop.seen)
    (event,) = shop.seen
    assert isinstance(event, PayoutSettled)
    assert event.mch_order_id == "PAY000000001"


async def test_it_is_delivered_again_until_it_is_acknowledged(fake: FakePayCools, shop: Shop) -> None:
    shop.broken = 2
    delivery = Delivery(url=shop.url, pauses=(0.01,))
    async with Sandbox(fake, delivery=delivery):
        delivery.take([fake.merchant.signed(PAYOUT)])
        await delivery.idle()
    assert (delivery.sent, delivery.acknowledged, len(shop.seen)) == (3, 1, 1)


async def test_it_gives_up_in_the_end(fake: FakePayCools, shop: Shop) -> None:
    delivery = Delivery(url=shop.url, pauses=(0.0,), attempts=3)
    async with Sandbox(fake, delivery=delivery):
        delivery.take([signed(PAYOUT, "another secret")])
        await delivery.idle()
    assert (delivery.sent, delivery.given_up, shop.seen) == (3, 1, [])


async def test_duplicates_and_disorder_on_demand(fake: FakePayCools, shop: Shop) -> None:
    delivery = Delivery(url=shop.url, duplicates=0.5, reordered=0.5, longest_hold=0.05, seed=3)
    async with Sandbox(fake, delivery=delivery):
        delivery.take([fake.merchant.signed({**PAYOUT, "amount": amount}) for amount in range(20)])
        await delivery.idle()
    amounts = [event.raw["amount"] for event in shop.seen]
    assert set(amounts) == set(range(20))
    assert len(amounts) > 25
    assert list(dict.fromkeys(amounts)) != list(range(20))


async def test_the_question_of_a_bill_goes_to_the_merchant(fake: FakePayCools, shop: Shop) -> None:
    verdicts = iter([refuse(VerificationCode.REFUSE_AMOUNT), accept()])
    shop.router.on(BillsPaymentVerification)(lambda event: next(verdicts))
    async with (
        Sandbox(fake, callback_url=shop.url) as box,
        PayCoolsPH(fake.ph_credentials, base_url=box.base_url) as paycools,
    ):
        account = await paycools.bills.create(
            mch_order_id="VA1", channel_code="GCASH_STATIC_VA", customer_name="Juan Dela Cruz", email="a@example.com"
        )
        await until(lambda: fake.merchant.ask_merchant)
        with pytest.raises(Refusal, match="1002"):
            await fake.pay(account.reference_number, 50000)
        async with aiohttp.ClientSession() as http:
            asked = {"reference": account.reference_number, "amount": 50000}
            async with http.post(f"{box.base_url}/_sandbox/pay", json=asked) as answer:
                assert answer.status == 200
            async with http.post(f"{box.base_url}/_sandbox/pay", json={"reference": "x", "amount": 1}) as answer:
                assert answer.status == 404
        await until(lambda: shop.seen)
    (event,) = shop.seen
    assert isinstance(event, BillsPaymentReceived)
    assert event.amount == 50000


@pytest.mark.parametrize(
    ("sent", "status", "answer", "enough"),
    [
        (signed(PAYOUT, SECRET), 200, b'{"code":1,"msg":"success","data":{}}', True),
        (signed(PAYOUT, SECRET), 200, b'{"code":1000,"message":"success"}', False),
        (signed(PAYOUT, SECRET), 200, b"ok", False),
        (signed(PAYOUT, SECRET), 500, b'{"code":1}', False),
        (b'{"param":"{}","sign":"x"}', 200, b'{"code":10000,"message":"Success"}', True),
        (b'{"param":"{}","sign":"x"}', 200, b'{"code":1}', False),
    ],
)
def test_only_the_documented_answer_is_one(sent: bytes, status: int, answer: bytes, enough: bool) -> None:
    assert acknowledges(sent, status, answer) is enough
